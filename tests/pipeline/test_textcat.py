"""Text classification on the command line, from a table of labels to scores."""

import json
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Example

from spacy_xner.scoring.calibration import choose_threshold
from spacy_xner.scoring.judged import judge_texts
from spacy_xner.scoring.texts import score_texts

from ..test_cli import ROOT, invoke
from .test_xcat import ONE, TEXTS, make_nlp, train

ROWS = [
    "顺丰速运 收件人李娜\tparcel",
    "Send to Anna, DHL\tparcel",
    "nothing here\tother",
    "北京\tother",
]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Write a table of texts and labels."""
    path = tmp_path / "texts.tsv"
    path.write_text("\n".join(["text\tlabel", *ROWS]) + "\n", encoding="utf-8")
    return path


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_convert_train_and_evaluate_a_table(tmp_path: Path, table: Path, tiny: Path) -> None:
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
    scores = json.loads(out)
    assert list(scores) == ["cats"]
    assert scores["cats"]["xcat"]["cats_acc"] == 1.0
    code, out, _ = invoke("evaluate", tmp_path / "out" / "model-best", corpus)
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["xcat", "P", "R", "F1", "AUC"]
    assert ["parcel", "100.00", "100.00", "100.00", "100.00"] in lines
    assert lines[-1] == ["accuracy", "of", "texts:", "100.00"]
    nlp = spacy.load(tmp_path / "out" / "model-best")
    assert nlp("北京").cats["other"] > 0.5


def test_train_refuses_a_corpus_without_labels(tmp_path: Path, table: Path, tiny: Path) -> None:
    bare = tmp_path / "bare.spacy"
    DocBin(docs=[spacy.blank("xx")("text")]).to_disk(bare)
    code, _, err = invoke(
        "train", ROOT / "configs" / "textcat.cfg",
        "--paths.train", bare, "--paths.dev", bare, "--paths.encoder", tiny,
    )  # fmt: skip
    assert code == 1
    assert "paths.train must hold labels of texts, found none in" in err


def test_thresholds_command_saves_the_best_thresholds(tmp_path: Path, tiny: Path) -> None:
    nlp = make_nlp(tiny, "MultiLabelHead")
    examples = train(nlp, TEXTS)
    nlp.to_disk(tmp_path / "model")
    corpus = tmp_path / "dev.spacy"
    DocBin(docs=[eg.reference for eg in examples]).to_disk(corpus)
    code, out, err = invoke("thresholds", tmp_path / "model", corpus, "-o", tmp_path / "tuned", "--json")
    assert code == 0, err
    limits = json.loads(out)["xcat"]
    assert set(limits) == {"english", "parcel"}
    tuned = spacy.load(tmp_path / "tuned")
    assert tuned.get_pipe("xcat").threshold == pytest.approx(limits)
    assert tuned.config["components"]["xcat"]["threshold"] == pytest.approx(limits)
    assert tuned.evaluate(examples)["cats_micro_f"] == 1.0
    bare = tmp_path / "bare.spacy"
    DocBin(docs=[nlp.make_doc("text")]).to_disk(bare)
    assert "must have annotated texts, found none in" in invoke("thresholds", tmp_path / "model", bare)[2]
    train(exclusive := make_nlp(tiny), ONE, n_steps=1)
    exclusive.to_disk(tmp_path / "one")
    code, _, err = invoke("thresholds", tmp_path / "one", corpus)
    assert code == 1
    assert "must have a component xner, or an xcat with several labels per text, found components xcat" in err


def test_labels_that_all_texts_have_keep_their_threshold(tmp_path: Path, tiny: Path) -> None:
    nlp = make_nlp(tiny, "MultiLabelHead")
    examples = train(nlp, TEXTS, n_steps=1)
    nlp.to_disk(tmp_path / "model")
    for eg in examples:
        eg.reference.cats = {"english": 1.0, "parcel": 1.0}
    DocBin(docs=[eg.reference for eg in examples]).to_disk(tmp_path / "dev.spacy")
    code, out, err = invoke("thresholds", tmp_path / "model", tmp_path / "dev.spacy", "--json")
    assert code == 0, err
    assert json.loads(out) == {"xcat": {"english": 0.5, "parcel": 0.5}}


def test_chosen_threshold_maximizes_f1() -> None:
    nlp = spacy.blank("xx")
    examples = []
    for score, gold in ((0.1, 0), (0.2, 0), (0.3, 1), (0.9, 1), (0.95, 1)):
        eg = Example(nlp("a"), nlp("a"))
        eg.predicted.cats, eg.reference.cats = {"x": score, "y": score}, {"x": float(gold), "y": 1.0}
        examples.append(eg)
    judged = judge_texts(examples, ["x", "y", "z"])
    # All texts have y, and none has z.
    assert judged.n_gold == {"x": 3}
    assert choose_threshold(judged.entities["x"], 3) == (pytest.approx(0.25), True)
    assert score_texts(examples, labels=["x"], threshold=0.25)["cats_micro_f"] == 1.0
    assert score_texts(examples, labels=["x"])["cats_micro_f"] == 0.8


def test_score_texts_ignores_labels_of_other_components() -> None:
    nlp = spacy.blank("xx")
    examples = [Example(nlp("a"), nlp("a")) for _ in range(3)]
    for eg in examples:
        eg.predicted.cats = {"a": 0.9, "b": 0.1}
    examples[0].reference.cats = {"mine": 1.0}
    examples[1].reference.cats = {"a": 0.0, "b": 0.0, "new": 1.0}
    examples[2].reference.cats = {"a": 1.0, "b": 0.0}
    assert score_texts(examples, labels=["a", "b"], is_exclusive=True)["cats_acc"] == 0.5
    assert score_texts(examples[:1], labels=["a", "b"])["cats_acc"] is None


@pytest.mark.parametrize("head", ["ExclusiveHead", "MultiLabelHead"])
def test_predict_command_writes_the_chosen_labels(tmp_path: Path, tiny: Path, head: str) -> None:
    nlp = make_nlp(tiny, head)
    train(nlp, ONE if head == "ExclusiveHead" else TEXTS)
    texts = [*TEXTS, "", "DHL"]
    expected = []
    for doc in nlp.pipe(texts):
        # Only the first label reaches its threshold; exclusive labels have no threshold.
        first = nlp.get_pipe("xcat").labels[0]
        chosen = [max(doc.cats, key=doc.cats.get)] if head == "ExclusiveHead" else [first]
        # An empty text has no labels.
        expected.append(chosen if doc.text else [])
    nlp.get_pipe("xcat").threshold = {label: float(label != first) for label in doc.cats}
    nlp.get_pipe_config("xcat")["threshold"] = nlp.get_pipe("xcat").threshold
    nlp.to_disk(tmp_path / "model")
    (tmp_path / "texts.txt").write_text("\n".join(texts), encoding="utf-8")
    run = ("predict", tmp_path / "model", tmp_path / "texts.txt")
    code, _, err = invoke(*run, "-o", tmp_path / "out.jsonl", "--format", "doccano")
    assert code == 0, err
    lines = (tmp_path / "out.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["label"] for line in lines] == expected
    printed: list[list[str]] = []
    for line in invoke(*run)[1].splitlines():
        # A line of a text, then one of each of its labels with its probability.
        if line.startswith("    "):
            printed[-1].append(line.split()[0])
        else:
            printed.append([])
    assert printed == expected
    # The default format can hold probabilities.
    assert invoke(*run, "-o", tmp_path / "scores.jsonl")[0] == 0
    rows = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text("utf-8").splitlines()]
    assert any(0.0 < value < 1.0 for row in rows for value in row["cats"].values())
