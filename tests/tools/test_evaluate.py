"""Evaluation text by text: the scores of all docs together, without keeping them."""

from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin, Span

from spacy_xner.scoring.cats import CatsLog
from spacy_xner.scoring.details import detail_cats
from spacy_xner.scoring.entities import score_entities
from spacy_xner.scoring.pairs import Prediction
from spacy_xner.scoring.spans import score_spans
from spacy_xner.scoring.texts import score_texts
from spacy_xner.tools.compare import compare
from spacy_xner.tools.evaluate import evaluate
from spacy_xner.tools.predictions import predict_corpus, stream_predictions
from spacy_xner.tools.report import Details

from ..conftest import SLIPS, TOKENIZER, count_docs, make_examples
from ..test_cli import invoke

N_TEXTS, BATCH_SIZE = 90, 6


def make_rules(folder: Path, batch_size: int = BATCH_SIZE, **labels: str) -> Path:
    """Save a pipeline that finds words, some texts at a time."""
    nlp = spacy.blank("xx", config={"nlp": {**TOKENIZER["nlp"], "batch_size": batch_size}})
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": label, "pattern": word} for word, label in labels.items()])
    nlp.to_disk(folder)
    return folder


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    return make_rules(tmp_path / "rules", Anna="PER", Send="COURIER", Tel="LOC", 张伟="PER")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Slips in two files, each with a word of its own; some have nested entities, one has none at all."""
    nlp = spacy.blank("xx", config=TOKENIZER)
    slips = [(f"{SLIPS[number % 4][0]} word{number}", SLIPS[number % 4][1]) for number in range(N_TEXTS)]
    docs = [eg.reference for eg in make_examples(nlp, slips)]
    for doc in docs[::5]:
        doc.spans["xner"] = [*doc.ents, Span(doc, 0, 3, "NESTED")]
    docs[7] = nlp.make_doc("Anna, not annotated")
    folder = tmp_path / "gold"
    folder.mkdir()
    for number in range(2):
        DocBin(docs=docs[number::2]).to_disk(folder / f"{number}.spacy")
    return folder


def test_scores_are_those_of_all_docs_together(rules: Path, corpus: Path) -> None:
    predictions = predict_corpus(spacy.load(rules), corpus)
    scores = evaluate(rules, corpus)
    assert scores == {**(score_entities(predictions) or {}), "spans": score_spans(predictions)}
    assert 0 < scores["strict"]["micro"]["f"] < 1
    by_seqeval = evaluate(rules, corpus, use_seqeval=True)["strict"]["per_type"]["PER"]
    assert by_seqeval == pytest.approx(scores["strict"]["per_type"]["PER"])


def test_details_and_page_do_not_depend_on_how_many_docs_there_are(
    rules: Path, corpus: Path, tmp_path: Path
) -> None:
    words = {"Anna": "PER", "Send": "COURIER", "Tel": "LOC", "张伟": "PER"}
    at_once = make_rules(tmp_path / "once", 1000, **words)
    pages = [tmp_path / "a.html", tmp_path / "b.html"]
    scores = [evaluate(m, corpus, html=page) for m, page in zip((rules, at_once), pages, strict=True)]
    assert scores[0] == scores[1]
    first, second = (page.read_text("utf-8").replace(str(at_once), str(rules)) for page in pages)
    assert first == second
    old = make_rules(tmp_path / "old", Anna="LOC")
    assert compare(rules, old, corpus, details=True) == compare(at_once, old, corpus, details=True)


def test_the_worst_texts_are_those_of_a_sorted_list(rules: Path, corpus: Path) -> None:
    details, everything = Details("script", has_samples=True), Details("script", has_samples=True)
    details._worst._n_texts, everything._worst._n_texts = 5, N_TEXTS  # type: ignore[union-attr]
    for prediction in predict_corpus(spacy.load(rules), corpus):
        details.add(prediction)
        everything.add(prediction)
    assert details.list_worst() == everything.list_worst()[:5]
    n_errors = [sum(bool(part.kind) for part in text.gold) for text in everything.list_worst()]
    assert len(n_errors) > 50
    assert n_errors == sorted(n_errors, reverse=True)


def test_docs_and_words_do_not_stay(rules: Path, corpus: Path) -> None:
    nlp = spacy.load(rules)
    n_strings, n_docs, counts = len(nlp.vocab.strings), count_docs(), []
    words = set()

    def add(prediction: Prediction) -> None:
        if len(words) % 7 == 0:
            counts.append(count_docs() - n_docs)
        words.add(prediction.predicted[-1].text)

    calls: list[tuple[int, int]] = []
    sizes: list[int] = []
    stream_predictions(
        nlp,
        corpus,
        add,
        lambda done, total: calls.append((done, total)),
        on_batch=lambda predictions: sizes.append(len(predictions)),
    )
    assert sizes == [BATCH_SIZE] * (N_TEXTS // BATCH_SIZE)
    assert calls == [(done, N_TEXTS) for done in range(1, N_TEXTS + 1)]
    assert len(words) == N_TEXTS
    # A batch, and its predictions.
    assert max(counts) <= 2 * BATCH_SIZE
    assert len(nlp.vocab.strings) == n_strings


@pytest.mark.issue(29)
def test_tags_are_scored_beside_entities(rules: Path, corpus: Path) -> None:
    scores = evaluate(rules, corpus, by_tag=True)
    tags = scores.pop("tags")
    assert scores == evaluate(rules, corpus)
    assert tags["accuracy"] == scores["accuracy"]
    row, entities = tags["per_tag"]["B-PER"], scores["strict"]["per_type"]["PER"]
    assert row["support"] == entities["support"]
    # Of some names, the beginning is found alone.
    assert 0 < entities["r"] <= row["r"] < 1
    assert tags["n_tokens"] == sum(row["support"] for row in tags["per_tag"].values())


@pytest.mark.issue(29)
@pytest.mark.parametrize("use_seqeval", [False, True])
def test_what_nothing_divides_scores_as_is_wanted(rules: Path, corpus: Path, *, use_seqeval: bool) -> None:
    scores = evaluate(rules, corpus, zero_division=1, use_seqeval=use_seqeval)
    row = scores["strict"]["per_type"]["PHONE"]
    assert [row[key] for key in ("p", "r", "f")] == [1.0, 0.0, 0.0]
    assert scores["spans"]["per_type"]["NESTED"] == {"p": 1.0, "r": 0.0, "f": 0.0}
    assert evaluate(rules, corpus)["strict"]["per_type"]["PHONE"]["p"] == 0.0


@pytest.mark.issue(29)
def test_scores_of_tags_and_losses_on_the_command_line(rules: Path, corpus: Path, tmp_path: Path) -> None:
    code, out, err = invoke("evaluate", rules, corpus, "--by-tag", "--loss", "--zero-division", 1)
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert ["tag", "(IOB2)", "P", "R", "F1", "gold"] in lines
    assert ["B-PHONE", "100.00", "0.00", "0.00", "45"] in lines
    assert "nested entities have no tags" in out
    code, _, err = invoke("evaluate", rules, corpus, "--by-tag", "--before", rules)
    assert (code, err.count("\n")) == (1, 1)
    assert "--by-tag, --loss and --zero-division must stand without --before" in err
    doc = spacy.blank("xx").make_doc("Bank of Rome")
    doc.spans["xner"] = [Span(doc, 0, 3, "ORG"), Span(doc, 2, 3, "LOC")]
    DocBin(docs=[doc]).to_disk(tmp_path / "nested.spacy")
    code, _, err = invoke("evaluate", rules, tmp_path / "nested.spacy", "--by-tag")
    assert (code, err.count("\n")) == (1, 1)
    assert "Scores by tag must have texts with entities in doc.ents, found none" in err
    code, _, err = invoke("evaluate", rules, corpus, "--by-tag", "--scheme", "IOB9")
    assert code == 1
    assert "A scheme must be one of" in err


@pytest.mark.parametrize("is_exclusive", [True, False])
def test_labels_of_texts_are_scored_as_those_of_docs(is_exclusive: bool) -> None:
    nlp, log, pairs = spacy.blank("xx"), CatsLog(), []
    gold = [{"a": 1.0, "b": 0.0}, {}, {"b": 1.0}, {"a": 0.0, "b": 1.0, "other": 1.0}, {"a": 1.0}]
    assert not log.gold_labels
    for number, cats in enumerate(gold * 4):
        predicted, reference = nlp.make_doc("x"), nlp.make_doc("x")
        predicted.cats = {"b": number / 20, "a": 1 - number / 20, "c": 0.7}
        reference.cats = cats
        pairs.append(Prediction(predicted, reference))
        log.add(pairs[-1])
    assert log.gold_labels == {"a", "b", "other"}
    assert [pair.predicted.cats for pair in log] == [pair.predicted.cats for pair in pairs]
    expected = score_texts(pairs, labels=["a", "b"], is_exclusive=is_exclusive)
    assert score_texts(log, labels=["a", "b"], is_exclusive=is_exclusive) == expected
    details = [
        detail_cats(each, ["a", "b"], is_exclusive=is_exclusive, threshold=0.5) for each in (pairs, log)
    ]
    assert details[0] == details[1]
