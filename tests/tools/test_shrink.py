"""Shrunk pipelines make the same predictions."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
import torch
from spacy.language import Language

from spacy_xner.models.execution import get_execution
from spacy_xner.tools.shrink import shrink
from spacy_xner.training.optimizer import build_adamw_v1

from ..conftest import SLIPS, make_examples, make_nlp, train_nlp, write_checkpoint
from ..models.test_adopted_entity import BIO, adopt
from ..test_cli import invoke

TEXTS = [text for text, _ in SLIPS]


def entity_rows(nlp: Language, texts: list[str] = TEXTS) -> list[list[tuple[str, str, float]]]:
    return [[(s.text, s.label_, s._.xner_score) for s in doc.spans["xner"]] for doc in nlp.pipe(texts)]


@pytest.mark.parametrize("head", ["SoftmaxHead", "CRFHead", "GlobalPointerHead"])
def test_pruned_pipelines_predict_the_same(tiny: Path, tmp_path: Path, head: str) -> None:
    nlp = train_nlp(tiny, head)
    nlp.to_disk(tmp_path / "large")
    some = TEXTS[:2]
    report = shrink(str(tmp_path / "large"), tmp_path / "small", some, storage="float32")
    assert report.rows_after < report.rows_before
    small = spacy.load(tmp_path / "small")
    for shrunk, original in zip(entity_rows(small, some), entity_rows(nlp, some), strict=True):
        assert [row[:2] for row in shrunk] == [row[:2] for row in original]
        assert [row[2] for row in shrunk] == pytest.approx([row[2] for row in original], abs=1e-5)


def test_half_precision_is_half_the_size(tiny: Path, tmp_path: Path) -> None:
    nlp = train_nlp(tiny)
    nlp.to_disk(tmp_path / "large")
    shrink(str(tmp_path / "large"), tmp_path / "small")
    large, small = (
        next((tmp_path / name).rglob("weights.safetensors")).stat().st_size for name in ("large", "small")
    )
    assert small == pytest.approx(large / 2, rel=0.05)
    copy = spacy.load(tmp_path / "small")
    module = get_execution(copy.get_pipe("xner").model).network
    assert {parameter.dtype for parameter in module.parameters()} == {torch.float32}
    for shrunk, original in zip(entity_rows(copy), entity_rows(nlp), strict=True):
        assert [row[:2] for row in shrunk] == [row[:2] for row in original]
        assert [row[2] for row in shrunk] == pytest.approx([row[2] for row in original], abs=1e-2)
    # Saving it again changes nothing.
    copy.to_disk(tmp_path / "again")
    assert next((tmp_path / "again").rglob("weights.safetensors")).stat().st_size == small
    assert entity_rows(spacy.load(tmp_path / "again")) == entity_rows(copy)


def test_a_shrunk_pipeline_can_be_trained_further(tiny: Path, tmp_path: Path) -> None:
    train_nlp(tiny, slips=SLIPS[:1]).to_disk(tmp_path / "large")
    shrink(str(tmp_path / "large"), tmp_path / "small", TEXTS)
    nlp = spacy.load(tmp_path / "small")
    known = nlp.get_pipe("xner").labels
    slips = [(text, [ent for ent in ents if ent[1] in known]) for text, ents in SLIPS]
    examples = make_examples(nlp, slips)
    sgd = build_adamw_v1(learn_rate=5e-3)
    losses = [nlp.update(examples, sgd=sgd)["xner"] for _ in range(30)]
    assert losses[-1] < 0.1 * losses[0]


@pytest.mark.parametrize("arch", ["xlm-roberta", "bert"])
def test_adopted_checkpoints_can_be_shrunk(
    tiny_encoders: Callable[..., Path], tmp_path: Path, arch: str
) -> None:
    nlp = adopt(write_checkpoint(tmp_path / "ckpt", tiny_encoders(arch), BIO))
    nlp.to_disk(tmp_path / "large")
    report = shrink(str(tmp_path / "large"), tmp_path / "small", TEXTS, storage="float32")
    assert report.rows_after < report.rows_before
    for shrunk, original in zip(entity_rows(spacy.load(tmp_path / "small")), entity_rows(nlp), strict=True):
        assert [row[:2] for row in shrunk] == [row[:2] for row in original]
        assert [row[2] for row in shrunk] == pytest.approx([row[2] for row in original], abs=1e-5)


def test_shrink_errors(tiny: Path, tmp_path: Path) -> None:
    spacy.blank("xx").to_disk(tmp_path / "blank")
    with pytest.raises(ValueError, match="must have a component with its own encoder to be shrunk"):
        shrink(str(tmp_path / "blank"), tmp_path / "small")
    train_nlp(tiny).to_disk(tmp_path / "large")
    with pytest.raises(FileExistsError, match="must be empty or new"):
        shrink(str(tmp_path / "large"), tmp_path / "blank")
    nlp = make_nlp(tiny)
    nlp.initialize(lambda: make_examples(nlp))
    module = get_execution(nlp.get_pipe("xner").model).network
    with torch.no_grad():
        module.head.output.bias[0] = 1e6
    nlp.to_disk(tmp_path / "overflowing")
    with pytest.raises(ValueError, match="must be within the range of float16"):
        shrink(str(tmp_path / "overflowing"), tmp_path / "small")
    assert not (tmp_path / "small").exists()


def test_shrink(trained: Language, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("\n".join(text for text, _ in SLIPS[:2]), encoding="utf-8")
    out, folder = tmp_path / "small", tmp_path / "large"
    trained.to_disk(folder)
    code, stdout, _ = invoke("shrink", folder, out, "--corpus", tmp_path / "texts.txt", "--json")
    assert code == 0
    report = json.loads(stdout)
    assert report["rows_after"] < report["rows_before"]
    assert report["megabytes_after"] < report["megabytes_before"]
    assert spacy.load(out)(SLIPS[0][0]).ents
    code, _, err = invoke("shrink", folder, out)
    assert code == 1
    assert "must be empty or new" in err
