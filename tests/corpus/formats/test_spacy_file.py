"""Files of docs that another pipeline has tokenized."""

from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span

from spacy_xner.corpus import ReadOptions, ReadReport, read_records
from spacy_xner.corpus.convert import convert
from spacy_xner.errors import CorpusError
from spacy_xner.types import CharSpan, Record

from .test_formats import read

NLP = spacy.blank("en")
TEXT = "Una's post-office, Oslo"


def write_docs(path: Path, *docs: Doc) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    return path


def make_doc(mark: Callable[[Doc], None] = lambda doc: None) -> Doc:
    doc = NLP(TEXT)
    mark(doc)
    return doc


def add_ents(doc: Doc) -> None:
    doc.set_ents([Span(doc, 0, 1, "WHO"), Span(doc, 6, 7, "WHERE")])


def add_no_ents(doc: Doc) -> None:
    doc.set_ents([])


def add_group(doc: Doc, name: str = "sc") -> None:
    doc.spans[name] = [Span(doc, 0, 5, "WHAT"), Span(doc, 0, 1, "WHO")]


def add_all(doc: Doc) -> None:
    add_ents(doc)
    add_group(doc)
    add_group(doc, "xner")


def add_cats(doc: Doc) -> None:
    doc.cats = {"good": 1.0, "bad": 0.25}


WHO, WHERE, WHAT = CharSpan(0, 3, "WHO"), CharSpan(19, 23, "WHERE"), CharSpan(0, 17, "WHAT")


@pytest.mark.parametrize(
    ("mark", "spans", "cats"),
    [
        (lambda doc: None, None, None),
        (add_ents, (WHO, WHERE), None),
        (add_no_ents, (), None),
        (add_group, (WHO, WHAT), None),
        (add_all, (WHO, WHAT, WHERE), None),
        (add_cats, None, {"good": 1.0, "bad": 0.25}),
    ],
)
def test_docs_are_read(
    tmp_path: Path,
    mark: Callable[[Doc], None],
    spans: tuple[CharSpan, ...] | None,
    cats: dict[str, float] | None,
) -> None:
    path = write_docs(tmp_path / "old.spacy", make_doc(mark), make_doc(add_ents))
    records, report = read(path)
    assert [(record.text, record.spans, record.cats, record.source) for record in records] == [
        (TEXT, spans, cats, f"{path}:1"), (TEXT, (WHO, WHERE), None, f"{path}:2")
    ]  # fmt: skip
    assert report.notes[0] == "format spacy"
    assert report.notes[1].endswith("; the texts are tokenized again")
    assert (report.left_out, report.n_bytes) == ({}, path.stat().st_size)


def test_a_file_is_converted_with_our_tokens(tmp_path: Path) -> None:
    source = write_docs(tmp_path / "old.spacy", make_doc(add_ents))
    report = convert(source, tmp_path / "new.spacy")
    assert (report.n_texts, report.entities) == (1, {"WHO": 1, "WHERE": 1})
    (doc,) = DocBin().from_disk(tmp_path / "new.spacy").get_docs(NLP.vocab)
    assert [token.text for token in doc][:4] == ["Una", "'", "s", "post"]
    with pytest.raises(OSError, match="must"):
        convert(source, source)


def test_a_folder_is_read_file_by_file(tmp_path: Path) -> None:
    for name in ("b.spacy", "sub/a.spacy"):
        write_docs(tmp_path / name, make_doc(add_ents))
    records, report = read(tmp_path)
    assert [record.source for record in records] == [f"{tmp_path}/b.spacy:1", f"{tmp_path}/sub/a.spacy:1"]
    assert report.notes[0] == "format spacy"


def test_what_is_not_read_is_counted(tmp_path: Path) -> None:
    def add_others(doc: Doc) -> None:
        add_group(doc, "my spans")
        doc.set_ents([Span(doc, 0, 1, "WHO")], missing=[Span(doc, 5, 7)])
        doc.spans["sc"] = [Span(doc, 2, 3)]

    records, report = read(write_docs(tmp_path / "old.spacy", make_doc(add_others)))
    assert records[0].spans == (WHO,)
    assert report.left_out == {
        "spans of the group my spans": 2,
        "spans without a label": 1,
        "tokens of which no entity is known, read as O": 2,
    }


@pytest.mark.parametrize(
    ("words", "text", "who"),
    [
        (["Una", ",", "hi"], "Una , hi", WHO),
        ([*"张伟在奥斯陆", "Bo"], "张伟在奥斯陆Bo", CharSpan(0, 1, "WHO")),
    ],
)
def test_tokens_of_docs_that_do_not_know_their_spaces_are_joined(
    tmp_path: Path, words: list[str], text: str, who: CharSpan
) -> None:
    doc = Doc(NLP.vocab, words=words, ents=["B-WHO", *["O"] * (len(words) - 1)])
    records, report = read(write_docs(tmp_path / "old.spacy", doc))
    assert records == [Record(text, (who,), f"{tmp_path}/old.spacy:1")]
    assert report.notes[-1] == "1 of 1 docs do not know their spaces: their tokens are joined"


@pytest.mark.parametrize("size", [0, 3, -9])
def test_damaged_files_are_refused_in_one_line(tmp_path: Path, size: int) -> None:
    path = write_docs(tmp_path / "old.spacy", make_doc(add_ents))
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CorpusError, match=r"old.spacy:1: expected a .spacy file that can .*, found \w+\. "):
        list(read_records(path))


def test_a_bad_doc_can_be_skipped(tmp_path: Path) -> None:
    path = write_docs(tmp_path / "old.spacy", NLP("a\x00b"), make_doc(add_ents))
    report = ReadReport()
    records = list(read_records(path, options=ReadOptions(skip_bad=True), report=report))
    assert [record.text for record in records] == [TEXT]
    assert len(report.skipped) == 1
