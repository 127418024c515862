"""``.spacy`` files, read doc by doc, and their labels, read without docs."""

import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.strings import get_string_id
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from spacy_xner.corpus.docbin import ATTRS
from spacy_xner.corpus.labels import CorpusLabels
from spacy_xner.corpus.unpacking import StoredDocs, count_docs, make_doc, stream_apart, stream_parts

TEXTS = ["Send to Anna, DHL", "", "上海 广州", "no entity\there"]


def make_docs() -> list[Doc]:
    """Make docs with all that a file can hold."""
    nlp = spacy.blank("xx")
    docs = [*nlp.pipe(TEXTS)]
    # The hash of PERSON is one of spaCy's symbols.
    docs[0].ents = [Span(docs[0], 2, 3, "PERSON"), Span(docs[0], 4, 5, "COURIER")]
    docs[0].spans["xner"] = [Span(docs[0], 0, 3, "NESTED", kb_id="Q1"), Span(docs[0], 2, 3, "PERSON")]
    docs[0].spans["empty"] = []
    docs[2].ents = [Span(docs[2], 0, 1, "LOC")]
    docs[2].cats, docs[3].cats = {"a": 1.0}, {"b": 0.0}
    for number, doc in enumerate(docs):
        doc.user_data["number"] = number
    return docs


def write(path: Path, docs: Iterable[Doc], **options: Any) -> Path:
    DocBin(docs=docs, **options).to_disk(path)
    return path


def describe(doc: Doc) -> dict[str, Any]:
    spans = {key: [(s.start, s.end, s.label_, s.kb_id_) for s in group] for key, group in doc.spans.items()}
    words = [(token.text, token.whitespace_, token.norm_, token.ent_iob_) for token in doc]
    return {**doc.to_json(), "words": words, "spans": spans, "cats": doc.cats, "user_data": doc.user_data}


@pytest.mark.parametrize("options", [{"attrs": ATTRS}, {"store_user_data": True}, {}])
def test_docs_are_those_of_spacy(tmp_path: Path, options: dict[str, Any]) -> None:
    path = write(tmp_path / "a.spacy", make_docs(), **options)
    expected = [describe(doc) for doc in DocBin().from_disk(path).get_docs(Vocab())]
    assert [describe(make_doc(part, Vocab())) for part in StoredDocs(path)] == expected
    assert [describe(doc) for doc in stream_apart(path)] == expected
    assert count_docs(path) == len(TEXTS)


def test_files_of_older_versions_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.spacy", make_docs())
    message = srsly.msgpack_loads(zlib.decompress(path.read_bytes()))
    groups = [doc.spans.to_bytes() for doc in make_docs()]
    # Once, span groups were a list; before, there were neither these nor flags.
    message["span_groups"] = [srsly.msgpack_dumps([*srsly.msgpack_loads(each)]) for each in groups]
    path.write_bytes(zlib.compress(srsly.msgpack_dumps(message)))
    doc = make_doc(next(stream_parts([path])), Vocab())
    assert [span.label_ for span in doc.spans["xner"]] == ["NESTED", "PERSON"]
    del message["span_groups"], message["flags"]
    path.write_bytes(zlib.compress(srsly.msgpack_dumps(message)))
    assert [make_doc(part, Vocab()).text for part in stream_parts([path])] == TEXTS


def test_a_doc_brings_only_its_own_strings(tmp_path: Path) -> None:
    parts = [*StoredDocs(write(tmp_path / "a.spacy", make_docs(), attrs=ATTRS))]
    assert parts[0].strings - {""} == {"Send", "to", "Anna", ",", "DHL", "PERSON", "COURIER", "NESTED", "Q1"}
    assert parts[2].strings - {""} == {"上海", "广州", "LOC"}


def test_labels_are_read_without_docs(tmp_path: Path) -> None:
    labels = CorpusLabels()
    for number, doc in enumerate(make_docs()):
        labels.add(StoredDocs(write(tmp_path / f"{number}.spacy", [doc], attrs=ATTRS)))
    assert labels.ents == {"PERSON", "COURIER", "LOC"}
    assert labels.groups == {"xner": {"NESTED", "PERSON"}, "empty": set()}
    assert labels.select(["xner"], ["xner"]) == {"PERSON", "COURIER", "LOC", "NESTED"}
    assert labels.select(["xner"], [None, "other"]) == {"PERSON", "COURIER", "LOC"}
    assert labels.select(["xcat"]) == labels.cats == {"a", "b"}
    assert labels.select([None]) == set()


@pytest.mark.parametrize("damage", [lambda data: b"{}", lambda data: data[:-20], lambda data: b"x" + data])
def test_other_files_are_refused(tmp_path: Path, damage: Any) -> None:
    path = write(tmp_path / "a.spacy", make_docs() * 50)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"The corpus must be a \.spacy file, found another format in .*a\."):
        [*stream_parts([path])]


def test_symbols_are_hashes_as_spacy_has_them() -> None:
    assert get_string_id("PERSON") == Vocab().strings.add("PERSON")
