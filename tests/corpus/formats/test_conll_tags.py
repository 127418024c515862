"""CoNLL files whose tags are written in other ways than ``B-PER``."""

import re
from pathlib import Path

import pytest

from spacy_xner.corpus import ReadReport, read_records
from spacy_xner.errors import CorpusError

from ..surfaces import Surfaces, read_texts

BO = [("Bo Ek", "PER"), ("Oslo", "LOC")]


def read(tmp_path: Path, text: str, format: str = "auto", **options: object) -> tuple[Surfaces, ReadReport]:
    """Read the entities of a file as texts and labels."""
    texts, report = read_texts(tmp_path / "file.txt", text, format, **options)
    return [entity for _, entities in texts for entity in entities], report


def rows(tags: str, separator: str = "\t") -> str:
    """Write two sentences with tags that are separated by blanks; ``.`` is an empty one."""
    cells = iter("" if tag == "." else tag for tag in tags.split())
    sentences = (["Bo", "Ek", "went", "to", "Oslo"], ["by", "train"])
    return "\n".join(
        "".join(f"{token}{separator}{next(cells)}\n" for token in sentence) for sentence in sentences
    )


@pytest.mark.parametrize(
    ("tags", "evidence"),
    [
        ("B_PER I_PER O O B_LOC O O", "letter first, such as B_LABEL"),
        ("B:PER I:PER O O B:LOC O O", "letter first, such as B:LABEL"),
        ("B/PER I/PER O O B/LOC O O", "letter first, such as B/LABEL"),
        ("PER_B PER_I O O LOC_B O O", "label first, such as LABEL_B"),
        ("B_PER E_PER O O S_LOC O O", "BIOES, letter first"),
        ("b-PER i-PER o o b-LOC o o", "letter first, 'o' read as O"),
        ("PER.B PER.I O O LOC.B O O", "label first, such as LABEL.B"),
        ("B|PER I|PER O O B|LOC O O", "letter first, such as B|LABEL"),
        ("B-PER I-PER _ _ B-LOC _ _", "letter first, '_' read as O"),
        ("B-PER I-PER - - B-LOC - -", "letter first, '-' read as O"),
        ("B-PER I-PER . . B-LOC . .", "letter first, '' read as O"),
        ("B-PER I-PER None None B-LOC None None", "letter first, 'None' read as O"),
        ("B-PER I-PER 0 O B-LOC O O", "letter first, '0' read as O"),
        ("PER PER O O LOC O O", "IO, labels alone: PER 2, O 2, LOC 1"),
    ],
)
def test_spelling_of_tags_is_detected_and_noted(tmp_path: Path, tags: str, evidence: str) -> None:
    entities, report = read(tmp_path, rows(tags))
    assert entities == BO
    assert evidence in report.notes[1]
    assert report.repairs == {}


def test_letters_in_lower_case_leave_labels_as_they_are(tmp_path: Path) -> None:
    entities, _ = read(tmp_path, rows("b-per i-per o o b-loc o o"))
    assert entities == [("Bo Ek", "per"), ("Oslo", "loc")]


@pytest.mark.parametrize(
    "tags",
    ["B I O O B O O", "b i o o b o o", "B E O O S O O", "B L O O U O O", "B I _ O B O _", "B- I- O O B- O O"],
)
def test_letters_alone_have_one_label(tmp_path: Path, tags: str) -> None:
    entities, report = read(tmp_path, rows(tags))
    assert entities == [("Bo Ek", "ENTITY"), ("Oslo", "ENTITY")]
    assert "letters alone, label ENTITY by default (--label NAME sets it)" in report.notes[1]
    entities, report = read(tmp_path, rows(tags), label="GENE")
    assert entities == [("Bo Ek", "GENE"), ("Oslo", "GENE")]
    assert "letters alone, label GENE" in report.notes[1]
    assert "--label" not in report.notes[1]


@pytest.mark.parametrize(
    "labels",
    [
        ("person", "location"), ("person-actor", "location-GPE"), ("PESSOA", "LOCAL"), ("Person", "Place"),
        ("e-mail", "city"), ("人名", "地名"), ("art/film", "loc/city"),
    ],
)  # fmt: skip
def test_labels_alone_are_whole(tmp_path: Path, labels: tuple[str, str]) -> None:
    person, place = labels
    entities, report = read(tmp_path, rows(f"{person} {person} O O {place} O O"))
    assert entities == [("Bo Ek", person), ("Oslo", place)]
    assert "labels alone" in report.notes[1]


@pytest.mark.parametrize(
    "text",
    [
        # Lemmas, parts of speech with an O among them, and words beside words.
        "os\to\nO\tO\nOs\tO\nvai\tir\n",
        "I\tO\ngo\tV\nto\tP\nOslo\t^\nby\tP\ntrain\tN\n",
        "red\tO\nblue\tblue\ngreen\tO\ngrey\tgrey\n",
        "a b c d\tO\nb c d\tX\nc d e f\tX\n",
    ],
)
def test_other_columns_are_no_labels_alone(tmp_path: Path, text: str) -> None:
    with pytest.raises(CorpusError):
        read(tmp_path, text, "conll")


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (rows("PER PER X X LOC X X"), {"scheme": "IO"}),
        (rows("PER PER - - LOC - -"), {"scheme": "io"}),
        (rows("PER PER O O LOC O O", " "), {"scheme": "IO", "columns": "token tag"}),
        (rows("PER PER O O LOC O O"), {"columns": "token tag"}),
        (rows("B_PER I_PER O O B_LOC O O", "\tX\t"), {"columns": "token _ tag"}),
    ],
)
def test_what_the_message_advises_works(tmp_path: Path, text: str, options: dict[str, str]) -> None:
    entities, _ = read(tmp_path, text, "conll", **options)
    assert [entity for entity in entities if entity[1] != "X"] == BO


def test_labels_are_kept_where_letters_have_a_column(tmp_path: Path) -> None:
    for text in ("Bo\tB\tPER\nEk\tI\tPER\nran\tO\tO\n", "Bo\tPER\tB\nEk\tPER\tI\nran\tO\tO\n"):
        assert read(tmp_path, text)[0] == [("Bo Ek", "PER")]


@pytest.mark.parametrize("comment", ["# said by Bo", "# so", "# id = 7", "## so\tfar"])
def test_comments_are_no_tokens_beside_labels_alone(tmp_path: Path, comment: str) -> None:
    text = rows("PER PER O O LOC O O") + "\n#\tO\nAnn\tPER\n"
    assert read(tmp_path, f"{comment}\n{text}")[0] == [*BO, ("Ann", "PER")]


def test_a_column_without_tags_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="--columns to name them, such as '_ token tag', and --scheme IO"):
        read(tmp_path, rows("NN NN V P NN P NN"), "conll")


@pytest.mark.parametrize(
    ("misc", "note"),
    [
        (["name=B-PER", "name=I-PER", "name=O", "name=O", "SpaceAfter=No|name=B-LOC", "name=O"], "name"),
        (["NE=B-PER", "NE=I-PER", "_", "_", "NE=B-LOC|SpaceAfter=No", "_"], "NE"),
        (["Tag=B-PER|Lang=en", "Tag=I-PER", "Tag=O", "Tag=O", "Tag=B-LOC|SpaceAfter=No", "Tag=O"], "Tag"),
        (["Lang=en|NER=B_PER", "NER=I_PER", "_", "_", "NER=B_LOC|SpaceAfter=No", "_"], "NER"),
        (["B-PER", "I-PER", "_", "_", "SpaceAfter=No|B-LOC", "_"], None),
        (["Entity=PER", "Entity=PER", "Entity=O", "Entity=O", "Entity=LOC|SpaceAfter=No", "Entity=O"], None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("columns", [None, "_ token _ _ _ _ _ _ _ tag"])
def test_tags_are_attributes_of_a_column(
    tmp_path: Path, misc: list[str], note: str | None, columns: str | None
) -> None:
    tokens = ["Bo", "Ek", "went", "to", "Oslo", "."]
    lines = [
        f"{i}\t{token}\t{token.lower()}\tNOUN\t_\tCase=Nom|Number=Sing\t0\troot\t_\t{cell}"
        for i, (token, cell) in enumerate(zip(tokens, misc, strict=True), start=1)
    ]
    entities, report = read(tmp_path, "# newdoc id = 7\n# sent_id = 1\n" + "\n".join(lines), columns=columns)
    assert entities == BO
    assert note is None or f"attribute {note}" in report.notes[1]


def test_contractions_have_the_entities_of_their_words(tmp_path: Path) -> None:
    lines = [
        "1\tBo\tB-PER\t_", "2-3\tdo\t_\t_", "2\tde\tO\t_", "3\to\tO\t_", "4-5\tno\t_\tSpaceAfter=No",
        "4\tem\tO\t_", "5\to\tB-LOC\t_", "6\tRio\tI-LOC\tSpaceAfter=No", "6.1\tvai\t_\t_", "7\t.\tO\t_",
    ]  # fmt: skip
    path = tmp_path / "file.conllu"
    for comment, text in (("", "Bo do noRio."), ("# text = Bo do no Rio .\n", "Bo do no Rio .")):
        path.write_text(comment + "\n".join(lines), encoding="utf-8")
        report = ReadReport()
        (record,) = read_records(path, report=report)
        assert record.text == text
        surfaces = [(text[span.char_start : span.char_end], span.label) for span in record.spans or ()]
        assert surfaces == [("Bo", "PER"), (text[6:-1].rstrip(), "LOC")]
        assert report.left_out == {"words that are not written": 1}


def test_entities_that_share_a_contraction_are_counted(tmp_path: Path) -> None:
    lines = "1-2\tdelle\t_\n1\tdi\tB-A\n2\tle\tB-B\n3\tcase\tI-B\n4\tblu\tO\n5\tqui\tO\n"
    entities, report = read(tmp_path, lines)
    assert entities == [("delle", "A"), ("case", "B")]
    assert report.left_out == {"entities that share a contraction with another": 1}


def test_empty_tags_among_others_are_counted(tmp_path: Path) -> None:
    text = rows("B-PER I-PER . O B-LOC O .")
    entities, report = read(tmp_path, text, show=True)
    assert entities == BO
    assert report.repairs == {"empty read as O": 2}
    assert report.repaired[0].endswith("file.txt:3: an empty tag read as O")
    with pytest.raises(CorpusError, match=r"file.txt:3: expected a tag, found none"):
        read(tmp_path, text, strict=True)


@pytest.mark.parametrize("cell", ["B-PER I-PER", "B-PER O O", "O B-LOC", "B-PER|B-ORG", "B-LOC,O"])
def test_several_tags_in_a_cell_are_no_label(tmp_path: Path, cell: str) -> None:
    with pytest.raises(
        CorpusError, match=f"file.txt:20: a tag must be O, B-LABEL or I-LABEL, found '{re.escape(cell)}'"
    ):
        read(tmp_path, "Bo\tB-PER\n" * 19 + f"Ek\t{cell}\n", "conll")


def test_tags_may_stand_before_tokens(tmp_path: Path) -> None:
    assert read(tmp_path, "B-PER\tBo\nI-PER\tEk\nO\tran\n\nO\tso\nB-LOC\tOslo\n")[0] == BO


def test_a_label_may_hold_a_blank(tmp_path: Path) -> None:
    assert read(tmp_path, "Bo\tB-first name\nEk\tO\n")[0] == [("Bo", "first name")]


def test_nested_layers_may_have_labels_of_their_own(tmp_path: Path) -> None:
    text = "Bank\tB-ORG\tO\nof\tI-ORG\tO\nOslo\tI-ORG\tB-LOC\n" + "so\tO\tO\n" * 9
    assert read(tmp_path, text)[0] == [("Bank of Oslo", "ORG"), ("Oslo", "LOC")]


@pytest.mark.parametrize(
    "header", ["word\tlabel", "Token\tTag", "tokens\tner_tags", "FORM\tNER", "字\t标签", "\ufeffWord\tEntity"]
)
def test_a_header_is_no_token(tmp_path: Path, header: str) -> None:
    for tags in ("B-PER I-PER O O B-LOC O O", "PER PER O O LOC O O"):
        assert read(tmp_path, f"{header}\n" + rows(tags))[0] == BO
    names = header.replace("\t", " ")
    assert read(tmp_path, f"{names}\n" + rows("B-PER I-PER O O B-LOC O O", " "))[0] == BO
    lines = rows("B-PER I-PER O O B-LOC O O").split("\n")
    indexed = "\n".join(f"{i}\t{line}" if line else "" for i, line in enumerate(lines))
    assert read(tmp_path, f"\t{header}\n{indexed}")[0] == BO
