"""CoNLL files with tokens that are blank, or carry marks of the corpus."""

from pathlib import Path

import pytest

from spacy_xner.corpus import ReadReport
from spacy_xner.corpus.annotation.marks import find_marks
from spacy_xner.errors import CorpusError

from ..surfaces import Texts, read_texts


def read(tmp_path: Path, text: str, **options: object) -> tuple[Texts, ReadReport]:
    """Read the texts of a file, each with its entities as texts and labels."""
    return read_texts(tmp_path / "file.txt", text, **options)


@pytest.mark.parametrize(
    ("text", "expected", "left_out"),
    [
        # Between blanks, a token that is one.
        ("李 B-PER\n雷 I-PER\n  O\n来 O\n了 O\n", "李雷 来了", {"blank tokens": 1}),
        ("李 B-PER\n雷 I-PER\nO\n来 O\n了 O\n", "李雷 来了", {"blank tokens": 1}),
        ("李 X B-PER\n雷 X I-PER\n  X O\n来 X O\n了 X O\n", "李雷 来了", {"blank tokens": 1}),
        ("1 李 B-PER\n2 雷 I-PER\n3  O\n4 来 O\n5 了 O\n", "李雷 来了", {"blank tokens": 1}),
        # Between tabs.
        ("李\tB-PER\n雷\tI-PER\n \tO\n来\tO\n了\tO\n", "李雷 来了", {"blank tokens": 1}),
        ("李\tB-PER\n雷\tI-PER\n\u3000\tO\n来\tO\n了\tO\n", "李雷\u3000来了", {"blank tokens": 1}),
        ("李\tB-PER\n雷\tI-PER\n\u00a0\tO\n来\tO\n", "李雷\u00a0来", {"blank tokens": 1}),
        ("李 B-PER\n雷 I-PER\n\u2003 O\n来 O\n了 O\n", "李雷\u2003来了", {"blank tokens": 1}),
        ("李\tB-PER\n雷\tI-PER\n\tO\n来\tO\n了\tO\n", "李雷 来了", {"empty tokens": 1}),
        ("李\tB-PER\n雷\tI-PER\n\u200b\tO\n来\tO\n", "李雷来", {"zero-width tokens": 1}),
        ("李\tB-PER\n雷\tI-PER\n\u200e\tO\n\ufeff\tO\n来\tO\n", "李雷来", {"zero-width tokens": 2}),
        # At the borders of a sentence.
        # Between tabs, a blank without one.
        ("李\tB-PER\n雷\tI-PER\n  O\n来\tO\n了\tO\n", "李雷 来了", {"blank tokens": 1}),
        ("李\tB-PER\n雷\tI-PER\n\u00ad\tO\n来\tO\n", "李雷来", {"zero-width tokens": 1}),
        (" \tO\n李\tB-PER\n雷\tI-PER\n \tO\n", "李雷", {"blank tokens": 2}),
        # Inside an entity, whatever its tag.
        ("李\tB-PER\n \tI-PER\n雷\tI-PER\n来\tO\n", "李 雷来", {"blank tokens": 1}),
        ("李\tB-PER\n \tO\n雷\tI-PER\n来\tO\n", "李 雷来", {"blank tokens": 1}),
        (" \tB-PER\n李\tI-PER\n雷\tI-PER\n来\tO\n", "李雷来", {"blank tokens": 1}),
        ("李\tB-PER\n雷\tI-PER\n \tI-PER\n来\tO\n", "李雷 来", {"blank tokens": 1}),
    ],
)
def test_blank_tokens_become_white_space(
    tmp_path: Path, text: str, expected: str, left_out: dict[str, int]
) -> None:
    texts, report = read(tmp_path, text)
    person = "李 雷" if "李 雷" in expected else "李雷"
    assert texts == [(expected, [(person, "PER")])]
    assert report.left_out == left_out


def test_blank_tokens_of_words_and_of_characters(tmp_path: Path) -> None:
    assert read(tmp_path, "Bo\tB-PER\n\u00a0\tO\nran\tO\noff\tO\n")[0][0][0] == "Bo\u00a0ran off"
    characters = "".join(f"{char}\tO\n" for char in "오늘은 ") + "김\tB-PER\n씨\tO\n가\tO\n"
    assert read(tmp_path, characters)[0] == [("오늘은 김씨가", [("김", "PER")])]


def test_a_blank_parts_two_entities_of_labels_alone(tmp_path: Path) -> None:
    text = "".join(f"{char}\tPER\n" for char in "李雷") + " \tO\n" + "韩\tPER\n梅\tPER\n来\tO\n了\tO\n"
    assert read(tmp_path, text)[0] == [("李雷 韩梅来了", [("李雷", "PER"), ("韩梅", "PER")])]


def test_a_sentence_of_blank_tokens_is_no_text(tmp_path: Path) -> None:
    texts, report = read(tmp_path, "Bo\tB-PER\n\n \tO\n\u3000\tB-LOC\n\nEk\tO\n")
    assert [text for text, _ in texts] == ["Bo", "Ek"]
    assert report.left_out == {"blank tokens": 2, "entities of blank tokens": 1}


@pytest.mark.parametrize(
    "between", ["\n", "\t\n", "\t\t\n", " \n", "\ufeff\n", "\u3000\n", "\r\n", "-DOCSTART- O\n", "\u200b\n"]
)
def test_sentences_are_parted(tmp_path: Path, between: str) -> None:
    texts, report = read(tmp_path, f"Bo\tB-PER\nran\tO\n{between}Ek\tB-PER\nsat\tO\n")
    assert texts == [("Bo ran", [("Bo", "PER")]), ("Ek sat", [("Ek", "PER")])]
    assert report.left_out == {}


@pytest.mark.parametrize("row", ["so\tO\n", "1\tso\tO\t-\n", "so B-NP O\n"])
def test_entities_may_be_rare(tmp_path: Path, row: str) -> None:
    texts, report = read(tmp_path, f"{row}\n" * 1100 + row.replace("O", "B-PER"))
    assert report.notes[0] == "format conll"
    assert texts[-1] == ("so", [("so", "PER")])


@pytest.mark.parametrize("between", ["<h>\n", "</s>\n", "<H>\t\n", '<doc id="7">\n'])
def test_lines_of_markup_part_sentences_and_are_counted(tmp_path: Path, between: str) -> None:
    texts, report = read(tmp_path, f"{between}Bo\tB-PER\n{between}Ek\tB-PER\n<b>\tO\n")
    assert [text for text, _ in texts] == ["Bo", "Ek <b>"]
    assert report.left_out == {"lines of markup": 2}


@pytest.mark.parametrize("token", ["\ufeffEk", "Ek\ufeff", "\ufeff Ek"])
def test_a_byte_order_mark_is_no_part_of_a_token(tmp_path: Path, token: str) -> None:
    texts, report = read(tmp_path, f"Bo\tB-PER\nran\tO\n\n{token}\tB-PER\nsat\tO\n\ufeff")
    assert texts[1] == ("Ek sat", [("Ek", "PER")])
    assert report.left_out == {"byte order marks at tokens": 1}


def test_a_missing_tag_at_the_end_of_a_line_is_o(tmp_path: Path) -> None:
    for text in ("Bo B-PER\nran \nso O\nfar O\n", "Bo\tB-PER\nran\t\nso\tO\nfar\tO\n"):
        texts, report = read(tmp_path, text)
        assert texts == [("Bo ran so far", [("Bo", "PER")])]
        assert report.repairs == {"empty read as O": 1}
    with pytest.raises(CorpusError, match=r"file.txt:2: expected 2 columns, found 1"):
        read(tmp_path, "Bo B-PER\nran\nso O\nfar O\n")


@pytest.mark.parametrize(
    ("tokens", "kept", "taken_off"),
    [
        ("李0 雷1 来0 了1", "李0雷1来0了1", "李雷来了"),
        ("韩0 梅1 10 81 来0 了1", "韩0梅1 10 81来0了1", None),
        ("en:Bo en:Ek en:ran en:off", "en:Bo en:Ek en:ran en:off", "Bo Ek ran off"),
        ("zh:李 zh:雷 zh:来 zh:了", None, "李雷来了"),
        ("zh-yue:李 zh-yue:雷 zh-yue:嚟 zh-yue:咗", None, "李雷嚟咗"),
        ("de:Bo de:Ek de:: de:ja", "de:Bo de:Ek de:: de:ja", "Bo Ek : ja"),
        ("en:Bo en:Ek ran off", "en:Bo en:Ek ran off", "en:Bo en:Ek ran off"),
        ("a1 b2 cc dd", "a1 b2 cc dd", "a1 b2 cc dd"),
    ],
)
def test_marks_of_all_tokens_are_taken_off(
    tmp_path: Path, tokens: str, kept: str | None, taken_off: str | None
) -> None:
    first, second, *others = tokens.split()
    text = f"{first}\tB-PER\n{second}\tI-PER\n" + "".join(f"{token}\tO\n" for token in others)
    texts, report = read(tmp_path, text)
    if taken_off is not None:
        assert texts[0][0] == taken_off
        assert any("marks, taken off" in note for note in report.notes) == (taken_off != kept)
    texts, report = read(tmp_path, text, keep_marks=True)
    if kept is not None:
        assert texts[0][0] == kept


def test_few_tokens_show_no_marks() -> None:
    assert find_marks(["A1", "B2"]) is None
    assert find_marks(["en:A", "en:B"]) is None
    assert find_marks(["10", "21", "32", "43", "54"]) is None
    assert find_marks([]) is None
