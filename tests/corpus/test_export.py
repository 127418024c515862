"""From docs to files: entities of both kinds, their scores, and labels of texts."""

import json
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, Span

from spacy_xner.corpus import WriteOptions, read_records
from spacy_xner.corpus.docs import record_to_doc
from spacy_xner.corpus.export import doc_to_record, export
from spacy_xner.corpus.report import ConvertReport
from spacy_xner.tokenizer import Tokenizer
from spacy_xner.types import CharSpan, Record

BANK = Record(
    "Bank of Rome 😀 报",
    (CharSpan(0, 12, "ORG"), CharSpan(8, 12, "LOC"), CharSpan(15, 16, "PAPER")),
    cats={"good": 1.0, "bad": 0.0},
)


def make_doc(record: Record) -> Doc:
    return record_to_doc(record, Tokenizer(spacy.blank("xx").vocab), ConvertReport())


@pytest.mark.parametrize(
    "record",
    [
        BANK,
        Record("Bo", ()),
        Record("Bo", cats={"x": 0.25}),
        Record("Bo", (), cats={"x": 0.25}),
        Record("", ()),
    ],
)
def test_a_converted_record_is_exported_as_it_was(record: Record) -> None:
    assert doc_to_record(make_doc(record)) == record


def test_docs_are_written_and_read_back(tmp_path: Path) -> None:
    docs = [make_doc(BANK), make_doc(Record("Bo", (CharSpan(0, 2, "PER"),), cats={"good": 0.0, "bad": 1.0}))]
    for format in ("jsonl", "label-studio"):
        assert not export(docs, tmp_path / "file", format)
        records = list(read_records(tmp_path / "file", format))
        assert [(record.text, record.spans, record.cats) for record in records] == [
            (each.text, each.spans, each.cats) for each in map(doc_to_record, docs)
        ]
    assert not export(docs, tmp_path / "default")
    assert len((tmp_path / "default").read_text("utf-8").splitlines()) == 2
    assert export(docs, tmp_path / "file", "doccano") == {
        "labels of texts with entities, for which doccano has no place": 2
    }


def test_predictions_keep_their_scores(tmp_path: Path) -> None:
    doc = make_doc(Record("Bo met Al"))
    doc.set_ents([Span(doc, 0, 1, "PER")])
    options = WriteOptions(predictions=True)
    export([doc], tmp_path / "file", options=options)
    (span,) = json.loads((tmp_path / "file").read_text())["spans"]
    # Gold is certain.
    assert span == {"start": 0, "end": 2, "label": "PER", "text": "Bo", "score": 1.0}
