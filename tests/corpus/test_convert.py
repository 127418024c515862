"""From a file to docs: nothing is lost in silence, and no partial file stays behind."""

from pathlib import Path

import pytest
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from spacy_xner.corpus.convert import convert
from spacy_xner.corpus.options import ReadOptions
from spacy_xner.errors import CorpusError, XnerWarning

from ..conftest import entities_of

GOOD = "张\tB-PER\n三\tI-PER\nDHL\tB-COURIER\n\nBo\tB-PER\nmet\tO\n"


def run(tmp_path: Path, text: str, **settings: object) -> tuple[list[Doc], object]:
    """Convert a file's text; return the docs read back, and the report."""
    source, target = tmp_path / "in.conll", tmp_path / "new" / "out.spacy"
    source.write_text(text, encoding="utf-8")
    report = convert(source, target, **settings)
    return list(DocBin().from_disk(target).get_docs(Vocab())), report


def test_convert_writes_docs(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    docs, report = run(tmp_path, GOOD, on_progress=lambda done, total: seen.append((done, total)))
    assert [doc.text for doc in docs] == ["张三 DHL", "Bo met"]
    assert entities_of(docs[0]) == [("张三", "PER"), ("DHL", "COURIER")]
    assert all(doc.has_annotation("ENT_IOB") for doc in docs)
    assert (report.n_texts, report.n_tokens, report.entities) == (2, 5, {"PER": 2, "COURIER": 1})
    assert seen[-1] == (len(GOOD.encode()), len(GOOD.encode()))


def test_entities_inside_tokens_are_widened_and_counted(tmp_path: Path) -> None:
    text = "# text = Annas\nAnna\tB-PER\ns\tO\n\nab\tB-X\nx\tO\n"
    with pytest.warns(XnerWarning, match="1 entities had a border inside a token"):
        docs, report = run(tmp_path, text)
    assert entities_of(docs[0]) == [("Annas", "PER")]
    assert report.n_widened == 1


def test_entities_that_overlap_when_widened_are_counted(tmp_path: Path) -> None:
    with pytest.warns(XnerWarning) as caught:
        docs, report = run(tmp_path, "# text = AnnaLee\nAnna\tB-PER\nLee\tB-LOC\n")
    assert len(docs[0].ents) == 1
    assert (report.n_widened, report.n_overlapping) == (2, 1)
    assert any("1 entities overlap a longer one" in str(warning.message) for warning in caught)


def test_nested_entities_are_kept_in_spans(tmp_path: Path) -> None:
    text = "Bank\tB-ORG\tO\nof\tI-ORG\tO\nRome\tI-ORG\tB-LOC\n\nBo\tB-PER\tO\n"
    with pytest.warns(XnerWarning, match="1 entities overlap a longer one: they are in doc.spans only"):
        docs, report = run(tmp_path, text, options=ReadOptions(columns="token tag tag"))
    assert entities_of(docs[0]) == [("Bank of Rome", "ORG")]
    spans = [(span.text, span.label_) for span in docs[0].spans["xner"]]
    assert spans == [("Bank of Rome", "ORG"), ("Rome", "LOC")]
    assert "xner" not in docs[1].spans
    assert report.entities == {"ORG": 1, "LOC": 1, "PER": 1}


def test_skipped_and_repaired_are_warned_of_once(tmp_path: Path) -> None:
    with pytest.warns(XnerWarning) as caught:
        _, report = run(tmp_path, "Bo\tI-PER\n\nBo\tB-PER\n\nBo\tO\tO\n", options=ReadOptions(skip_bad=True))
    assert (report.n_repaired, len(report.skipped)) == (1, 1)
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == 2
    assert "1 tags I-X continued no entity" in messages[0]
    assert "1 sentences were left out, the first: " in messages[1]


def test_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "new" / "out.spacy"
    with pytest.raises(CorpusError):
        run(tmp_path, GOOD + "\nbad\tline\there\n")
    assert not target.exists()
    with pytest.raises(CorpusError, match="must hold at least one text, found none"):
        run(tmp_path, "Bo\tB-PER\tO\n\nBo\tB-PER\tO\tO\n", options=ReadOptions("token tag", skip_bad=True))
    assert not target.parent.exists() or not list(target.parent.iterdir())


def test_missing_file_and_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="The corpus must be a file, found no"):
        convert(tmp_path / "none", tmp_path / "x.spacy")
    with pytest.raises(ValueError, match="format must be one of conll, found 'brat'"):
        convert(tmp_path / "none", tmp_path / "x.spacy", format="brat")
