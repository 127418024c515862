"""A teacher's soft targets: computed once, separate from those of other teachers."""

from pathlib import Path

import numpy as np
import pytest
from spacy.language import Language

from spacy_xner.distillation.teacher_model import TeacherModel, tokenized
from spacy_xner.loading import load

from ..conftest import SLIPS, make_examples, train_nlp
from .conftest import NEW


def test_each_text_is_computed_once(
    base: Path, nlp: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = make_examples(nlp, NEW)
    texts = [tokenized(eg.predicted) for eg in examples]
    memory = TeacherModel(str(base), device="cpu")
    assert memory.precompute([*texts, *texts]) == 4
    assert memory.precompute(texts) == 0
    first = TeacherModel(str(base), device="cpu", cache=tmp_path / "cache")
    expected = first.soft_targets(texts)
    second = TeacherModel(str(base), device="cpu", cache=tmp_path / "cache")
    monkeypatch.setattr(second, "_compute", None)
    for soft, other in zip(second.soft_targets(texts), expected, strict=True):
        assert (soft.tags, soft.entities) == (other.tags, other.entities)
        np.testing.assert_array_equal(soft.log_probs, other.log_probs)
    exact = load(str(base)).get_pipe("xner").soft_targets([eg.predicted for eg in examples])
    for soft, truth in zip(expected, exact, strict=True):
        np.testing.assert_allclose(np.exp(soft.log_probs.astype(float)), np.exp(truth.log_probs), atol=2e-3)


def test_teachers_are_separate_in_one_cache_file(base: Path, tiny: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    train_nlp(tiny, n_steps=1).to_disk(other)
    text = tokenized(load(str(base)).make_doc(SLIPS[0][0]))
    for name in (base, other):
        assert TeacherModel(str(name), device="cpu", cache=tmp_path / "cache").precompute([text]) == 1
