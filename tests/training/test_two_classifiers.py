"""Two components that classify texts, with labels of their own, trained on one corpus."""

import logging
from pathlib import Path
from typing import Any

import pytest
import spacy
from sklearn.metrics import accuracy_score, f1_score
from spacy.tokens import Doc, DocBin
from thinc.api import Config

from spacy_xner import evaluate
from spacy_xner.tools.starting import init_config
from spacy_xner.training.record import read_rows
from spacy_xner.training.run import train

from ..test_cli import invoke

TOPICS, MOODS = ["money", "sport"], ["angry", "glad"]
TEXTS = {
    "the match was great fun": ["sport", "glad"],
    "the bank lost it all": ["money"],
    "a bad match, he cried": ["sport", "angry"],
    "cheap money, what joy": ["money", "glad"],
    "the cup final is on": ["sport"],
    "a bad bank, bad joy": ["money", "angry", "glad"],
}
SELECTION = {"cats_selection": None, "cats_topic_selection": 0.5, "cats_mood_selection": 0.5}


def write_corpus(path: Path, texts: dict[str, list[str]], names: list[str]) -> Path:
    nlp, docs = spacy.blank("xx"), []
    for text, labels in texts.items():
        doc = nlp.make_doc(text)
        doc.cats = {name: float(name in labels) for name in names}
        docs.append(doc)
    DocBin(docs=docs).to_disk(path)
    return path


def write_both(corpus: Path, tiny: Path, labels: dict[str, list[str]] | None = None, **training: Any) -> Path:
    """Write a config with a `topic`, of which a text has one, and a `mood`, of which it has any number."""
    parts = {}
    for name, multilabel in (("topic", False), ("mood", True)):
        path = corpus.with_name(f"{name}.cfg")
        init_config(path, task="textcat", encoder=str(tiny), multilabel=multilabel, overwrite=True)
        parts[name] = Config().from_disk(path, interpolate=False)
    config = parts["topic"]
    config["components"] = {name: part["components"]["xcat"] for name, part in parts.items()}
    config["nlp"]["pipeline"] = ["topic", "mood"]
    labels = {"topic": TOPICS, "mood": MOODS} if labels is None else labels
    config["initialize"]["components"] = {name: {"labels": each} for name, each in labels.items()}
    config["paths"] |= {"train": str(corpus), "dev": str(corpus)}
    config["vars"] |= {"max_steps": 40, "warmup_steps": 2, "learn_rate": 5e-3, "batch_size": 3}
    config["training"] |= training
    config.to_disk(corpus.with_name("both.cfg"))
    return corpus.with_name("both.cfg")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "both.spacy", TEXTS, [*TOPICS, *MOODS])


def matrix(docs: list[Doc], labels: list[str]) -> list[list[bool]]:
    return [[doc.cats[label] >= 0.5 for label in labels] for doc in docs]


def test_both_are_trained_scored_and_saved(corpus: Path, tiny: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    config = write_both(corpus, tiny, score_weights=SELECTION)
    train(config, output, device="cpu", eval_every=20)
    nlp = spacy.load(output / "model-last")
    assert nlp.pipe_labels == {"topic": TOPICS, "mood": MOODS}
    gold = [*DocBin().from_disk(corpus).get_docs(nlp.vocab)]
    docs = [*nlp.pipe(TEXTS)]
    for doc in docs:
        assert [*doc.cats] == [*TOPICS, *MOODS]
        assert doc.cats["money"] + doc.cats["sport"] == pytest.approx(1.0)
    last = read_rows(output)[-1]
    assert last.score == pytest.approx(
        sum(last.scores[f"cats_{name}_selection"] for name in ("topic", "mood")) / 2
    )
    assert last.losses.keys() == {"topic", "mood"}
    scores = evaluate(output / "model-last", corpus, device="cpu")["cats"]
    topics, moods = (([matrix(gold, each), matrix(docs, each)]) for each in (TOPICS, MOODS))
    assert scores["topic"]["cats_acc"] == accuracy_score(*topics) == last.scores["cats_topic_selection"]
    assert scores["mood"]["cats_micro_f"] == pytest.approx(f1_score(*moods, average="micro"))
    assert {name: [*each["cats_f_per_type"]] for name, each in scores.items()} == nlp.pipe_labels
    copy = type(nlp).from_config(nlp.config).from_bytes(nlp.to_bytes())
    assert [doc.cats for doc in copy.pipe(TEXTS)] == [pytest.approx(doc.cats) for doc in docs]
    # Scores with names of spaCy are those of the last one.
    examples = [spacy.training.Example(nlp.make_doc(doc.text), doc) for doc in gold]
    by_name = nlp.evaluate(examples)
    assert by_name["cats_micro_f"] == by_name["cats_mood_micro_f"] == scores["mood"]["cats_micro_f"]
    assert by_name["cats_topic_acc"] == scores["topic"]["cats_acc"]
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    code, out, _ = invoke("predict", output / "model-last", tmp_path / "texts.txt", "--json")
    assert code == 0
    assert '"sport"' in out
    assert '"glad"' in out


def test_exclusive_labels_need_names_of_their_own(corpus: Path, tiny: Path) -> None:
    message = r"found sport, glad at .*Set labels in \[initialize.components.topic\]: without them"
    with pytest.raises(ValueError, match=message):
        train(write_both(corpus, tiny, labels={}), None, device="cpu")


@pytest.mark.parametrize("wrong", [["sport", "money"], []])
def test_gold_is_checked_by_component(tiny: Path, tmp_path: Path, wrong: list[str]) -> None:
    texts = {**TEXTS, "both at once": [*wrong, "glad"]}
    corpus = write_corpus(tmp_path / "both.spacy", texts, [*TOPICS, *MOODS])
    with pytest.raises(
        ValueError, match=r"must have exactly one label, found (money, sport|none) at 'both at"
    ):
        train(write_both(corpus, tiny), None, device="cpu")


def test_what_nobody_learns_is_logged(
    tiny: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By spaCy's own logger, which passes nothing on."""
    monkeypatch.setattr(logging.getLogger("spacy"), "propagate", True)
    corpus = write_corpus(tmp_path / "both.spacy", TEXTS, [*TOPICS, *MOODS, "spam"])
    train(write_both(corpus, tiny), None, device="cpu", overrides={"vars.max_steps": 1})
    assert "Labels of texts that no component learns: spam" in caplog.text
    assert "The best pipeline is chosen by mood alone, the last text classifier." in caplog.text
    caplog.clear()
    corpus = write_corpus(tmp_path / "both.spacy", TEXTS, [*TOPICS, *MOODS])
    train(
        write_both(corpus, tiny, score_weights=SELECTION), None, device="cpu", overrides={"vars.max_steps": 1}
    )
    assert "no component" not in caplog.text
    assert "alone" not in caplog.text


def test_labels_of_the_other_may_come_late_in_a_streamed_corpus(tiny: Path, tmp_path: Path) -> None:
    """spaCy shows components the first 100 texts of such a corpus."""
    nlp, docs = spacy.blank("xx"), []
    for number in range(104):
        doc = nlp.make_doc(f"text {number}")
        doc.cats = {name: float(name == TOPICS[number % 2]) for name in TOPICS}
        doc.cats |= {"glad": 1.0, "angry": 0.0} if number < 101 else {"glad": 0.0, "angry": 1.0, "calm": 1.0}
        docs.append(doc)
    DocBin(docs=docs).to_disk(tmp_path / "both.spacy")
    config = write_both(
        tmp_path / "both.spacy", tiny, {"topic": TOPICS, "mood": [*MOODS, "calm"]}, max_epochs=-1
    )
    train(config, None, device="cpu", overrides={"vars.max_steps": 3, "vars.batch_size": 35})
