"""A teacher of labels of texts: old labels are kept while new ones are learned."""

import logging
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from spacy_xner.distillation.teacher_model import TeacherModel, tokenized
from spacy_xner.distillation.text_teacher import build_text_teacher_v1
from spacy_xner.nn.heads.text import ExclusiveHead, MultiLabelHead
from spacy_xner.training.optimizer import build_adamw_v1
from spacy_xner.types import TextDistillTarget, TextSoftTargets

from ..conftest import train_nlp
from ..pipeline.test_xcat import ONE, TEXTS, make_examples, make_nlp, train

HEADS = {"ExclusiveHead": ONE, "MultiLabelHead": TEXTS}


@pytest.fixture(scope="module", params=HEADS)
def base(
    request: pytest.FixtureRequest, tiny: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """A pipeline that knows the toy texts, and its head."""
    head = request.param
    nlp = make_nlp(tiny, head)
    train(nlp, HEADS[head])
    folder = tmp_path_factory.mktemp("base") / head
    nlp.to_disk(folder)
    return head, folder


def write_texts(folder: Path) -> str:
    """Write the toy texts without labels."""
    path = folder / "texts.txt"
    path.write_text("\n".join(TEXTS), encoding="utf-8")
    return str(path)


def extend(base: tuple[str, Path], tiny: Path, **teacher: Any) -> tuple[Language, list[Example]]:
    """Train a model that goes on from another on a new label alone, with a teacher or without."""
    torch.manual_seed(0)
    head, folder = base
    nlp = make_nlp(tiny, head)
    init: dict[str, Any] = {"init_from": str(folder)}
    if teacher:
        init["teacher"] = {"@misc": "spacy_xner.TextTeacher.v1", "name": str(folder), **teacher}
    nlp.config["initialize"]["components"]["xcat"] = init
    examples = make_examples(nlp, {"圆通 call me": ["new"], "UPS now": ["new"]})
    nlp.initialize(lambda: examples)
    sgd = build_adamw_v1(learn_rate=5e-3, head_factor=2.0)
    for _ in range(30):
        nlp.update(examples, sgd=sgd)
    return nlp, examples


def n_kept(nlp: Language, base: tuple[str, Path]) -> int:
    """Count the toy texts whose old labels are as they were."""
    old = spacy.load(base[1])
    labels = old.get_pipe("xcat").labels
    pairs = [(nlp(text).cats, old(text).cats) for text in TEXTS]
    return sum(all((a[x] > 0.5) == (b[x] > 0.5) for x in labels) for a, b in pairs)


def test_old_labels_are_kept(base: tuple[str, Path], tiny: Path, tmp_path: Path) -> None:
    taught, examples = extend(base, tiny, texts=write_texts(tmp_path), texts_share=2.0)
    assert n_kept(taught, base) == len(TEXTS)
    assert all(taught(eg.reference.text).cats["new"] > 0.5 for eg in examples)
    plain, _ = extend(base, tiny)
    assert n_kept(plain, base) < len(TEXTS) or base[0] == "MultiLabelHead"


def test_saved_pipeline_has_no_teacher(base: tuple[str, Path], tiny: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copied"
    shutil.copytree(base[1], copied)
    nlp, _ = extend((base[0], copied), tiny)
    assert pickle.loads(pickle.dumps(nlp)).get_pipe("xcat").teacher is None
    nlp.to_disk(tmp_path / "new")
    shutil.rmtree(copied)
    assert spacy.load(tmp_path / "new")("DHL").cats == pytest.approx(nlp("DHL").cats, abs=1e-5)


def test_each_text_is_computed_once(
    base: tuple[str, Path], tiny: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spacy.util.logger.propagate = True
    with caplog.at_level(logging.INFO, logger="spacy"):
        for n_new in (6, 0):
            caplog.clear()
            extend(base, tiny, texts=write_texts(tmp_path), cache=str(tmp_path / "cache"))
            assert f"6 texts, {n_new} computed now" in caplog.text


def test_spacys_own_textcat_can_teach(tiny: Path, tmp_path: Path) -> None:
    spacy.util.fix_random_seed(0)
    other = spacy.blank("xx")
    other.add_pipe("textcat")
    examples = make_examples(other, ONE)
    other.initialize(lambda: examples)
    for _ in range(30):
        other.update(examples)
    other.to_disk(tmp_path)
    torch.manual_seed(0)
    nlp = make_nlp(tiny)
    teacher = {"@misc": "spacy_xner.TextTeacher.v1", "name": str(tmp_path), "alpha": 0.0}
    nlp.config["initialize"]["components"]["xcat"] = {"teacher": teacher}
    examples = make_examples(nlp, ONE)
    nlp.initialize(lambda: examples)
    sgd = build_adamw_v1(learn_rate=5e-3)
    losses = [nlp.update(examples, sgd=sgd)["xcat"] for _ in range(60)]
    assert losses[-1] < 0.1 * losses[0]
    for text in ONE:
        # The teacher saw the student's tokens.
        tokens = [(token.text, bool(token.whitespace_)) for token in nlp.make_doc(text)]
        words, spaces = map(list, zip(*tokens, strict=True))
        assert nlp(text).cats == pytest.approx(
            other(Doc(other.vocab, words=words, spaces=spaces)).cats, abs=0.1
        )


def target(labels: tuple[str, ...], probs: list[float], *, partial: bool = False) -> TextDistillTarget:
    """Make a teacher's output on a text."""
    return TextDistillTarget(TextSoftTargets(labels, np.log(np.array(probs, dtype=np.float32))), partial)


def test_divergence_of_exclusive_labels() -> None:
    head = ExclusiveHead(2, ["a", "b", "new"])
    scores = torch.tensor([[1.0, 2.0, 3.0]])
    p = scores.softmax(dim=1)[0]
    full = head.distill_loss(scores, [target(("a", "b"), [0.25, 0.75])], 1.0)
    assert full.item() == pytest.approx(
        float(0.25 * (np.log(0.25) - p[0].log()) + 0.75 * (np.log(0.75) - p[1].log())), rel=1e-4
    )
    q = scores[0, :2].softmax(dim=0)
    part = head.distill_loss(scores, [target(("a", "b"), [0.25, 0.75], partial=True)], 1.0)
    assert part.item() == pytest.approx(
        float(0.25 * (np.log(0.25) - q[0].log()) + 0.75 * (np.log(0.75) - q[1].log())), rel=1e-4
    )
    same = head.distill_loss(scores, [target(("b", "a"), [q[1].item(), q[0].item()], partial=True)], 3.0)
    assert same.item() == pytest.approx(0.0, abs=1e-5)


def test_divergence_of_several_labels() -> None:
    head = MultiLabelHead(2, ["a", "new"])
    scores = torch.tensor([[1.0, 9.0]])
    q = torch.tensor(1.0).sigmoid().item()
    wanted = 0.25 * np.log(0.25 / q) + 0.75 * np.log(0.75 / (1 - q))
    loss = head.distill_loss(scores, [target(("a", "x"), [0.25, 0.5])], 1.0)
    assert loss.item() == pytest.approx(wanted / 2, rel=1e-4)
    assert head.distill_loss(scores, [target(("a",), [q])], 2.0).item() == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": 1.5}, "alpha must be from 0 to 1, or a schedule, found 1.5"),
        ({"temperature": 0.0}, "temperature must be above 0, found 0.0"),
    ],
)
def test_bad_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_text_teacher_v1("any", **settings)


def test_bad_teachers(tiny: Path, tmp_path: Path) -> None:
    bare = spacy.blank("xx")
    bare.add_pipe("sentencizer")
    bare.to_disk(tmp_path / "bare")
    stranger = make_nlp(tiny)
    train(stranger, {"a": ["x"], "b": ["y"]}, n_steps=0)
    stranger.to_disk(tmp_path / "stranger")
    for name, message in (
        ("bare", "A teacher must classify texts, found sentencizer in .*Name a pipeline with xcat"),
        ("stranger", "The teacher must share labels with the student"),
    ):
        nlp = make_nlp(tiny)
        teacher = {"@misc": "spacy_xner.TextTeacher.v1", "name": str(tmp_path / name)}
        nlp.config["initialize"]["components"]["xcat"] = {"teacher": teacher}
        examples = make_examples(nlp, ONE)
        with pytest.raises(ValueError, match=message):
            nlp.initialize(lambda examples=examples: examples)


def test_one_cache_file_for_both_tasks(tiny: Path, tmp_path: Path) -> None:
    both = train_nlp(tiny, n_steps=1)
    both.add_pipe("xcat", source=extendable(tiny), name="xcat")
    both.to_disk(tmp_path / "both")
    cache = tmp_path / "cache"
    text = tokenized(both.make_doc("DHL Express"))
    entities = TeacherModel(str(tmp_path / "both"), cache=cache).soft_targets([text])[0]
    cats = TeacherModel(str(tmp_path / "both"), cache=cache, task="cats").soft_targets([text])[0]
    assert len(entities.log_probs) == 2
    assert cats.tags == ("english", "other", "parcel")
    assert len(cats.log_probs) == 1


def extendable(tiny: Path) -> Language:
    """A pipeline with an xcat of its own encoder."""
    nlp = make_nlp(tiny)
    train(nlp, ONE, n_steps=0)
    return nlp
