"""CoNLL files of many shapes, and bad lines with their place."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_xner.corpus import ReadOptions, ReadReport, ReadSession
from spacy_xner.corpus.annotation.rebuild import join_tokens, locate_tokens
from spacy_xner.corpus.formats.conll import read_conll
from spacy_xner.errors import CorpusError, XnerWarning

from ..surfaces import surfaces

Texts = list[tuple[str, list[tuple[str, str]]]]


def read(tmp_path: Path, text: str | bytes, **options: object) -> tuple[Texts, ReadReport]:
    """Read a file's texts, each with the surfaces and labels of its entities."""
    path = tmp_path / "file.conll"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    session = ReadSession(path, ReadOptions(**options))
    records = list(read_conll(session))
    return [(r.text, surfaces(r)) for r in records], session.report


ANNA = [("Anna Lee met Bo", [("Anna Lee", "PER"), ("Bo", "PER")])]


@pytest.mark.parametrize(
    "text",
    [
        "Anna\tB-PER\nLee\tI-PER\nmet\tO\nBo\tB-PER\n",
        "Anna B-PER\nLee I-PER\nmet O\nBo B-PER",
        "Anna\tPER-B\nLee\tPER-I\nmet\tO\nBo\tPER-B\n",
        "Anna NNP B-NP B-PER\nLee NNP I-NP I-PER\nmet VBD B-VP O\nBo NNP B-NP B-PER\n",
        "0\tAnna\tB-PER\n1\tLee\tI-PER\n2\tmet\tO\n3\tBo\tB-PER\n",
        "# id = 7\n1\tAnna\tB-PER\t-\t-\n2\tLee\tI-PER\t-\t-\n3\tmet\tO\t-\t-\n4\tBo\tB-PER\t-\t-\n",
        "-DOCSTART- O\n\n\nAnna B-PER\nLee I-PER\nmet O\nBo B-PER\n\n",
        "\ufeffAnna\tB-PER\r\nLee\tI-PER\r\nmet\tO\r\nBo\tB-PER\r\n",
    ],
    ids=["tabs", "spaces", "type first", "four columns", "index", "comments", "docstart", "bom and crlf"],
)
def test_columns_are_detected(tmp_path: Path, text: str) -> None:
    texts, report = read(tmp_path, text)
    assert texts == ANNA
    assert report.n_bytes == len(text.encode())


def test_chunks_are_not_taken_for_entities(tmp_path: Path) -> None:
    text = "Anna B-PER B-NP\nLee I-PER I-NP\nmet O B-VP\nBo B-PER B-NP\n"
    assert read(tmp_path, text)[0] == ANNA


def test_several_columns_of_tags_are_reported(tmp_path: Path) -> None:
    text = "1\tAnna\tB-X\tB-PER\n2\tLee\tO\tI-PER\n3\tmet\tO\tO\n4\tBo\tO\tB-PER\n"
    with pytest.warns(XnerWarning, match=r"columns 3 and 4 all hold entity tags; .* '_ token tag _'"):
        assert read(tmp_path, text)[0] == ANNA


def test_an_odd_line_does_not_hide_an_index(tmp_path: Path) -> None:
    text = "".join(f"{i}\tBo\tB-PER\n" for i in range(1, 30))
    with pytest.raises(CorpusError, match=r"file.conll:30: expected 3 columns, found 2\."):
        read(tmp_path, text + "x\tO\n")
    assert read(tmp_path, text + "29.1\tBo\tO\n")[0][0][1] == [("Bo", "PER")] * 29


def test_token_may_hold_a_no_break_space(tmp_path: Path) -> None:
    assert read(tmp_path, "0800\u00a0123 B-PHONE\nok O\n")[0][0][1] == [("0800\u00a0123", "PHONE")]


def test_columns_may_be_named(tmp_path: Path) -> None:
    text = "Anna\tB-X\tB-PER\nLee\tO\tI-PER\nmet\tO\tO\nBo\tO\tB-PER\n"
    assert read(tmp_path, text, columns="token _ tag")[0] == ANNA
    assert read(tmp_path, text, columns="token tag _")[0] == [("Anna Lee met Bo", [("Anna", "X")])]
    with pytest.raises(
        ValueError, match="--columns must name one column 'token' and one or more 'tag', found 'token'"
    ):
        read(tmp_path, text, columns="token")


def test_entities_of_several_layers(tmp_path: Path) -> None:
    text = "Bank\tB-ORG\tO\nof\tI-ORG\tO\nRome\tI-ORG\tB-LOC\nBo\tB-PER\tB-PER\nmet\tO\tI-X\n"
    expected = [("Bank of Rome", "ORG"), ("Rome", "LOC"), ("Bo", "PER"), ("met", "X")]
    texts, report = read(tmp_path, text, columns="token tag tag")
    assert texts == [("Bank of Rome Bo met", expected)]
    assert sum(report.repairs.values()) == 1
    with pytest.raises(CorpusError, match=r"file.conll:2: a tag must be O, B-LABEL or I-LABEL, found 'of'"):
        read(tmp_path, "Bo\tO\tO\nRome\tO\tof\n", columns="token tag tag")


def test_many_comments_do_not_hide_the_columns(tmp_path: Path) -> None:
    text = "# id = 7\n# said by Bo\n# said to Al\nAnna B-PER\nran O\n"
    assert read(tmp_path, text)[0] == [("Anna ran", [("Anna", "PER")])]


def test_numbers_beside_a_tag_are_tokens_not_an_index(tmp_path: Path) -> None:
    assert read(tmp_path, "1\tB-X\n2\tI-X\n3\tO\n")[0] == [("1 2 3", [("1 2", "X")])]


def test_number_sign_may_be_a_token(tmp_path: Path) -> None:
    assert read(tmp_path, "# a comment\n#\tO\nBo\tB-PER\n")[0] == [("# Bo", [("Bo", "PER")])]


def test_token_may_hold_a_space_between_tabs(tmp_path: Path) -> None:
    assert read(tmp_path, "0800 123\tB-PHONE\nok\tO\n")[0] == [("0800 123 ok", [("0800 123", "PHONE")])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("张\tB-PER\n三\tI-PER\n在\tO\n北京\tB-LOC\n", "张三在北京"),
        ("张\tB-PER\n1\tO\n3\tO\n8\tO\n", "张138"),
        ("张三\tB-PER\nDHL\tB-ORG\n13\tO\n", "张三DHL 13"),
        ("Hi\tB-X\n,\tO\n你\tO\n，\tO\n好\tO\n", "Hi,你，好"),
        ("# text = Anna,  Bo\nAnna\tB-PER\n,\tO\nBo\tB-PER\n", "Anna,  Bo"),
        ("# text = other\nAnna\tB-PER\nBo\tB-PER\n", "Anna Bo"),
        ("Bo\tB-PER\tSpaceAfter=No\n,\tO\t_\nhi\tO\t_\n", "Bo, hi"),
    ],
)
def test_text_is_rebuilt(tmp_path: Path, text: str, expected: str) -> None:
    assert read(tmp_path, text)[0][0][0] == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "Anna\tB-PER\nLee\tO\tO\nBo\tO\n",
            r"file.conll:2: expected 2 columns, found 3\. Fix the line, set --columns",
        ),
        ("Anna\tB-PER\nBo\tO\nLee\tO\n" * 9 + "Bo\tX\n", "file.conll:28: a tag must be O, B-LABEL"),
        (b"Anna\tB-PER\n\xff\tO\nBo\tO\n", "file.conll:2: expected UTF-8, found other bytes"),
        ("Anna\tO\nBo\tO\n", "file.conll:1: expected a column of tags"),
        ("Anna\tB-PER\nLee\tX-PER\nBo\tY-PER\n", "file.conll:1: expected a column of tags"),
        ("Anna\tB-A\x02I-A\nBo\tB-PER\n" * 20, "file.conll:1: expected a column of tags"),
        ("Anna\tB-PER\rBo\tO\r", "file.conll:1: expected lines to end in LF or CRLF, found CR"),
        ("", "file.conll:1: a CoNLL file must have lines with a token and a tag, found none"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        read(tmp_path, text)


def test_skip_bad_leaves_out_the_sentence_and_report_it(tmp_path: Path) -> None:
    text = "Bo\tB-PER\n\nAnna\tB-PER\nLee\tO\tO\n\nBo\tB-PER\n"
    texts, report = read(tmp_path, text, skip_bad=True)
    assert [entry[0] for entry in texts] == ["Bo", "Bo"]
    assert len(report.skipped) == 1
    assert "file.conll:4" in report.skipped[0]


def test_illegal_tags_are_repaired_and_counted(tmp_path: Path) -> None:
    texts, report = read(tmp_path, "Bo\tB-PER\n\n" * 3 + "Anna\tI-PER\nmet\tO\nBo\tI-PER\n")
    assert texts[3][1] == [("Anna", "PER"), ("Bo", "PER")]
    assert report.repairs == {"I read as B": 2}
    assert report.repaired == []


def test_illegal_tags_are_listed_or_refused(tmp_path: Path) -> None:
    text = "Bo\tB-PER\n\nAnna\tI-PER\nmet\tO\n"
    report = read(tmp_path, text, show=True)[1]
    assert report.repaired == [f"{tmp_path}/file.conll:3: I-PER read as B-PER"]
    with pytest.raises(
        CorpusError, match=r"file.conll:3: tags must be legal in IOB2, found I-PER instead of B-PER"
    ):
        read(tmp_path, text, strict=True)
    texts, report = read(tmp_path, text, strict=True, skip_bad=True)
    assert (len(texts), len(report.skipped), report.repairs) == (1, 1, {})


@pytest.mark.parametrize("tags", ["B-P E-P O S-P", "B-P L-P O U-P", "I-P I-P O I-P", "P-B P-E O P-S"])
def test_schemes_are_detected(tmp_path: Path, tags: str) -> None:
    lines = [f"{token}\t{tag}\n" for token, tag in zip("Anna Lee met Bo".split(), tags.split(), strict=True)]
    texts, report = read(tmp_path, "".join(lines))
    assert texts == [("Anna Lee met Bo", [("Anna Lee", "P"), ("Bo", "P")])]
    assert report.repairs == {}
    assert "token in column 1, tags in 2 of 2: " in report.notes[0]


def test_scheme_may_be_named(tmp_path: Path) -> None:
    report = read(tmp_path, "Anna\tB-PER\nLee\tI-PER\n", scheme="bioes")[1]
    assert report.repairs == {"I read as E": 1}
    with pytest.raises(ValueError, match="A scheme must be one of"):
        read(tmp_path, "Anna\tB-PER\n", scheme="BIEO")


def test_layers_differ_from_copies(tmp_path: Path) -> None:
    layers = "Bank\tB-ORG\tO\nof\tI-ORG\tO\nRome\tI-ORG\tB-LOC\nBo\tB-LOC\tO\n"
    texts = read(tmp_path, layers)[0]
    assert texts == [("Bank of Rome Bo", [("Bank of Rome", "ORG"), ("Rome", "LOC"), ("Bo", "LOC")])]
    copies = "Rome\tB-LOC\tB-LOC\nof\tO\tO\nBo\tB-PER\tB-PER\nLee\tI-PER\tO\n"
    with pytest.warns(XnerWarning, match="columns 2 and 3 all hold entity tags; those of column 2 are read"):
        texts = read(tmp_path, copies)[0]
    assert texts == [("Rome of Bo Lee", [("Rome", "LOC"), ("Bo Lee", "PER")])]


def test_header_names_the_columns(tmp_path: Path) -> None:
    text = "# global.columns = ID FORM NER:1 NER:2\n1\tRome\tB-LOC\tO\n2\tBo\tO\tB-PER\n"
    assert read(tmp_path, text)[0] == [("Rome Bo", [("Rome", "LOC"), ("Bo", "PER")])]
    assert read(tmp_path, text.replace("FORM", "X"), columns="_ token tag _")[0][0][1] == [("Rome", "LOC")]
    for names in ("ID X NER", "ID FORM X"):
        text = f"# global.columns = {names}\n1\tRome\tB-LOC\n2\tBo\tO\n"
        assert read(tmp_path, text)[0] == [("Rome Bo", [("Rome", "LOC")])]


@given(st.lists(st.text(alphabet="ab1，张三あ.", min_size=1, max_size=3), min_size=1, max_size=12))
def test_joined_tokens_can_be_located(tokens: list[str]) -> None:
    text, offsets = join_tokens(tokens, [False] * len(tokens))
    assert [text[start:end] for start, end in offsets] == tokens
    assert locate_tokens(tokens, text) == offsets


def test_tokens_that_are_not_the_text_are_not_located() -> None:
    assert locate_tokens(["a", "c"], "a b") is None
    assert locate_tokens(["a"], "a b") is None
    assert locate_tokens(["a", "b"], "a") is None
    assert locate_tokens(["a", "b"], "a ") is None
