"""Labels of texts from a table to scores, on the command line."""

import json
from pathlib import Path

import pytest
import spacy

from .test_cli import ROOT, invoke

ROWS = [
    "顺丰速运 收件人李娜\tparcel",
    "Send to Anna, DHL\tparcel",
    "nothing here\tother",
    "北京\tother",
]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of texts and labels."""
    path = tmp_path / "texts.tsv"
    path.write_text("\n".join(["text\tlabel", *ROWS]) + "\n", encoding="utf-8")
    return path


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_table_to_scores(tmp_path: Path, table: Path, tiny: Path) -> None:
    corpus = tmp_path / "texts.spacy"
    assert invoke("convert", table, corpus)[0] == 0
    code, _, err = invoke(
        "train", ROOT / "configs" / "textcat.cfg", "--output", tmp_path / "out", "--device", "cpu",
        "--paths.train", corpus, "--paths.dev", corpus, "--paths.encoder", tiny,
        "--vars.max_steps", 30, "--vars.warmup_steps", 3, "--vars.eval_frequency", 10,
        "--vars.learn_rate", 0.005, "--training.optimizer.head_factor", 2.0,
    )  # fmt: skip
    assert code == 0, err
    code, out, err = invoke("evaluate", tmp_path / "out" / "model-best", corpus, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert list(found) == ["cats"]
    assert found["cats"]["xcat"]["cats_acc"] == 1.0
    code, out, _ = invoke("evaluate", tmp_path / "out" / "model-best", corpus)
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["xcat", "P", "R", "F1", "AUC"]
    assert ["parcel", "100.00", "100.00", "100.00", "100.00"] in lines
    assert lines[-1] == ["accuracy", "of", "texts:", "100.00"]
    nlp = spacy.load(tmp_path / "out" / "model-best")
    assert nlp("北京").cats["other"] > 0.5


def test_corpus_without_labels(tmp_path: Path, table: Path, tiny: Path) -> None:
    bare = tmp_path / "bare.spacy"
    spacy.tokens.DocBin(docs=[spacy.blank("xx")("text")]).to_disk(bare)
    code, _, err = invoke(
        "train", ROOT / "configs" / "textcat.cfg",
        "--paths.train", bare, "--paths.dev", bare, "--paths.encoder", tiny,
    )  # fmt: skip
    assert code == 1
    assert "paths.train must hold entities or labels of texts, found none in" in err
