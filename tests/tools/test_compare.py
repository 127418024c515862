"""Two pipelines on the same texts: labels of texts, beside entities or alone."""

import json
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_xner.tools.compare import compare
from spacy_xner.tools.evaluate import evaluate

from ..pipeline.test_xcat import ONE, TEXTS, make_examples, make_nlp, train
from ..test_cli import invoke
from .test_report import make_rules

PARCELS = {"DHL parcel": ["parcel"], "no more": []}


@pytest.fixture
def old(tiny: Path, tmp_path: Path) -> Path:
    """A classifier that knows one of the labels."""
    nlp = make_nlp(tiny, "MultiLabelHead")
    train(nlp, PARCELS, 2)
    nlp.to_disk(tmp_path / "old")
    return tmp_path / "old"


@pytest.fixture
def new(tiny: Path, tmp_path: Path) -> Path:
    nlp = make_nlp(tiny, "MultiLabelHead")
    train(nlp, TEXTS)
    nlp.to_disk(tmp_path / "new")
    return tmp_path / "new"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    docs = [eg.reference for eg in make_examples(spacy.blank("xx"), TEXTS)]
    DocBin(docs=docs).to_disk(tmp_path / "gold.spacy")
    return tmp_path / "gold.spacy"


def test_labels_of_texts_are_compared(old: Path, new: Path, corpus: Path) -> None:
    scores = compare(new, old, corpus, device="cpu", details=True)
    assert "change" not in scores
    assert "test" not in scores
    before, after = (evaluate(path, corpus, device="cpu")["cats"]["xcat"] for path in (old, new))
    assert scores["before"]["cats"]["xcat"]["cats_f_per_type"] == before["cats_f_per_type"]
    found = scores["cats"]["xcat"]
    assert found["change"]["parcel"]["before"] == before["cats_f_per_type"]["parcel"]["f"]
    assert found["change"]["english"] == {"before": None, "after": 1.0, "loss": None}
    assert found["accuracy"]["after"] == after["cats_acc"] == 1.0
    assert found["test"]["accuracy"]["f"] == pytest.approx(1.0 - found["accuracy"]["before"])
    assert compare(new, old, corpus, device="cpu")["cats"]["xcat"] == {
        key: found[key] for key in ("change", "accuracy")
    }


def test_command_shows_changes_of_text_labels(old: Path, new: Path, corpus: Path, tmp_path: Path) -> None:
    arguments = ("evaluate", new, corpus, "--before", old, "--device", "cpu")
    code, out, _ = invoke(*arguments)
    assert code == 0
    rows = {line.split("  ")[0]: line.split() for line in out.splitlines()}
    assert rows["xcat"] == ["xcat", "before", "after", "loss"]
    assert rows["english"][1:] == ["new", "100.00", "new"]
    assert rows["accuracy of texts"][-2] == "100.00"
    page, scores = tmp_path / "page.html", tmp_path / "scores.json"
    code, out, _ = invoke(*arguments, "--html", page, "--output", scores)
    assert code == 0
    assert "accuracy changed by +" in out
    assert {"change", "accuracy", "test"} == json.loads(scores.read_text("utf-8"))["cats"]["xcat"].keys()
    html = page.read_text("utf-8")
    assert f"<h2>xcat, compared with {old}</h2>" in html
    assert '<td>english</td><td data-value="-1">new</td>' in html


def test_a_classifier_of_another_name_is_the_older_one_if_it_is_the_only_one(
    tiny: Path, old: Path, corpus: Path, tmp_path: Path
) -> None:
    nlp = make_nlp(tiny, "MultiLabelHead")
    train(nlp, TEXTS, 2)
    nlp.rename_pipe("xcat", "topics")
    nlp.to_disk(tmp_path / "renamed")
    assert [*compare(tmp_path / "renamed", old, corpus, device="cpu")["cats"]] == ["topics"]


def test_nothing_to_compare_is_an_error(new: Path, corpus: Path, tmp_path: Path) -> None:
    rules = make_rules(tmp_path / "rules", DHL="COURIER")
    with pytest.raises(ValueError, match=r"both pipelines must predict with an xcat; found none in .*rules"):
        compare(new, rules, corpus, device="cpu")
    code, out, err = invoke("evaluate", new, corpus, "--before", rules, "--device", "cpu")
    assert (code, out) == (1, "")
    assert len(err.strip().splitlines()) == 1


def test_exclusive_labels_beside_entities(tiny: Path, tmp_path: Path) -> None:
    nlp = make_nlp(tiny)
    train(nlp, ONE)
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "COURIER", "pattern": "DHL"}])  # type: ignore[attr-defined]
    nlp.to_disk(tmp_path / "both")
    docs = [nlp(text) for text in ONE]
    for doc, eg in zip(docs, make_examples(nlp, ONE), strict=True):
        doc.cats = eg.reference.cats
    DocBin(docs=docs).to_disk(tmp_path / "gold.spacy")
    scores = compare(
        tmp_path / "both", tmp_path / "both", tmp_path / "gold.spacy", device="cpu", details=True
    )
    assert scores["change"]["COURIER"] == {"before": 1.0, "after": 1.0, "loss": 0.0}
    assert scores["test"]["micro"]["p"] == 1.0
    assert scores["cats"]["xcat"]["accuracy"] == {"before": 1.0, "after": 1.0, "loss": 0.0}
