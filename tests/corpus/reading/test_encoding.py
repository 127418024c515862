"""The encoding of a file is detected, named in a note, and never guessed in silence."""

import codecs
import json
from pathlib import Path

import pytest

from spacy_xner.corpus import ReadOptions, ReadReport, read_records
from spacy_xner.corpus.reading import encoding
from spacy_xner.corpus.reading.encoding import detect_encoding, is_binary
from spacy_xner.corpus.reading.lines import read_lines, read_texts, stream_texts
from spacy_xner.corpus.reading.session import ReadSession
from spacy_xner.errors import CorpusError

# Two or three short lines each, as small corpora have.
SAMPLES = [
    ("gb18030", ["寄给李娜，顺丰快递", "北京市海淀区中关村大街二十七号"]),
    ("gb18030", ["张伟的电话是多少？", "请把包裹送到陈静家"]),
    ("gb18030", ["王芳,女,上海", "刘洋,男,广州"]),
    ("gb18030", ["今天天气很好", "我们明天去长城"]),
    ("gb18030", ["龘是一个很少见的字，大家都不认识", "他的名字里有𠮷字"]),
    ("big5hkscs", ["請寄到台北市信義區松高路十號", "陳小姐的電話"]),
    ("big5hkscs", ["林先生住在高雄", "這個包裹是給王小明的"]),
    ("cp932", ["東京都渋谷区に住んでいます", "鈴木さんへ"]),
    ("cp932", ["株式会社山田商店", "大阪市北区梅田1丁目"]),
    ("euc_jp", ["明日の会議は田中さんと行きます", "よろしくお願いします"]),
    ("cp949", ["서울특별시 강남구 테헤란로", "김민수에게 보내 주세요"]),
    ("cp949", ["부산에 사는 이영희", "안녕하세요"]),
    ("cp1252", ["Der Müller aus Köln grüßt", "schöne Straße in Österreich"]),
    ("cp1252", ["Hélène a été à la fête", "un café près de l’église"]),
    ("cp1252", ["Mañana iré al médico en Málaga", "¿Cuándo llegó el señor Núñez?"]),
    ("cp1252", ["A informação não está disponível", "São João, coração"]),
    ("cp1252", ["Åsa bor på Södermalm i Göteborg", "hon är från Malmö"]),
    ("cp1252", ["It’s “great”", "not good…"]),
    ("cp1252", ["we don’t know", "that’s what it’s for"]),
    ("cp1250", ["Zażółć gęślą jaźń, Łódź", "Święty Wojciech mieszkał w Gnieźnie"]),
    ("cp1250", ["Příliš žluťoučký kůň", "úpěl ďábelské ódy v Plzni"]),
    ("cp1251", ["Иван Петров живёт в Москве", "улица Ленина, дом 5"]),
    ("koi8_r", ["Анна уехала в Казань", "письмо для неё на столе"]),
    ("cp1253", ["Ο Γιώργος μένει στην Αθήνα", "καλημέρα σας"]),
    ("cp1254", ["Ayşe İstanbul'da yaşıyor", "Ağrı dağının güneşi çok ışıklı"]),
    ("cp874", ["สมชายอยู่ที่กรุงเทพ", "สวัสดีครับ"]),
    ("utf-16-le", ["寄给李娜，顺丰", "北京 27 号"]),
    ("utf-16-be", ["Bo met Ann", "Zürich"]),
    ("utf-16-le", ["Анна", "a"]),
    ("iso2022_jp", ["東京都", "鈴木さんへ"]),
]


@pytest.mark.parametrize(("name", "texts"), SAMPLES)
def test_encoding_of_a_few_lines_is_detected_and_noted(tmp_path: Path, name: str, texts: list[str]) -> None:
    path = tmp_path / "file"
    path.write_bytes("".join(f"{text}\r\n" for text in texts).encode(name))
    session = ReadSession(path)
    assert [line.text for line in read_lines(session)] == texts
    (note,) = session.report.notes
    assert note.startswith(f"encoding {name}: ")


@pytest.mark.parametrize(("name", "texts"), SAMPLES)
def test_a_file_in_utf_8_is_nothing_else(tmp_path: Path, name: str, texts: list[str]) -> None:
    path = tmp_path / "file"
    for mark, end in ((b"", "\n"), (codecs.BOM_UTF8, "\r\n")):
        path.write_bytes(mark + end.join(texts).encode())
        session = ReadSession(path)
        assert [line.text for line in read_lines(session)] == texts
        assert session.report.notes == []


@pytest.mark.parametrize(
    "name", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-16", "utf-32", "utf-8-sig"]
)
def test_a_mark_names_the_encoding_and_is_no_text(tmp_path: Path, name: str) -> None:
    path = tmp_path / "file"
    has_mark = not name.endswith("e")
    path.write_bytes(("" if has_mark else "\ufeff").encode(name) * (not has_mark) + "Bo 李".encode(name))
    assert [line.text for line in read_lines(ReadSession(path))] == ["Bo 李"]


def test_marks_between_files_that_were_joined_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "file"
    row = '\ufeff{"text": "Bo", "label": [[0, 2, "PER"]]}\n'
    for text in (row * 3, "\ufeff" + row * 3):
        path.write_text(text, encoding="utf-8")
        assert [record.text for record in read_records(path)] == ["Bo"] * 3


def write_formats(folder: Path, name: str) -> list[Path]:
    """Write the same texts with labels in several formats, in an encoding."""
    contents = {
        "a.conll": "李\tB-PER\n娜\tI-PER\n在\tO\n北\tB-LOC\n京\tI-LOC\n",
        "b.jsonl": json.dumps(
            {"text": "李娜在北京", "label": [[0, 2, "PER"], [3, 5, "LOC"]]}, ensure_ascii=False
        ),
        "c.json": json.dumps(
            [{"text": "李娜在北京", "label": [[0, 2, "PER"], [3, 5, "LOC"]]}], ensure_ascii=False
        ),
        "d.txt": "李娜在北京",
        "d.ann": "T1\tPER 0 2\t李娜\nT2\tLOC 3 5\t北京\n",
    }
    for file, text in contents.items():
        (folder / file).write_bytes(text.encode(name))
    return [folder / file for file in contents if file != "d.txt"]


@pytest.mark.parametrize("name", ["gb18030", "utf-16", "utf-8-sig", "cp932"])
def test_every_format_is_read_in_every_encoding(tmp_path: Path, name: str) -> None:
    for path in write_formats(tmp_path, name):
        options = ReadOptions(encoding="gb18030") if name == "gb18030" else ReadOptions(encoding=name)
        for each in (options, ReadOptions()) if name != "cp932" else (options,):
            (record,) = read_records(path, options=each)
            entities = [record.text[span.char_start : span.char_end] for span in record.spans or ()]
            assert (record.text, entities) == ("李娜在北京", ["李娜", "北京"]), path


def test_a_header_in_gb18030_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes("text,label\n快递很快,好\n包裹坏了,差\n".encode("gbk"))
    report = ReadReport()
    assert [record.cats for record in read_records(path, report=report)] == [
        {"好": 1, "差": 0},
        {"好": 0, "差": 1},
    ]
    assert any(note.startswith("encoding gb18030: ") for note in report.notes)


@pytest.mark.parametrize(
    "raw",
    [
        "Zoë\n".encode() + b"caf\xe9\n",
        "李娜\n".encode() + b"\xff\n",
        b"plain\nB\xff\n",
        "Łódź\n".encode() + b"\x80\n",
        "서울\n".encode() + b"\xc3\n",
    ],
)
def test_utf_8_with_a_few_bad_bytes_stays_utf_8_and_the_line_is_named(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(raw)
    with pytest.raises(
        CorpusError, match=r"file:2: expected UTF-8, found other bytes\. Name another encoding"
    ):
        read_texts(path)


@pytest.mark.parametrize(
    ("name", "text"), [("gb18030", "寄给李娜，顺丰快递"), ("cp949", "서울특별시 강남구 테헤란로")]
)
def test_bad_bytes_in_another_encoding_are_named(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(f"{text}\n{text}\n".encode(name) + b"Bo \xff\n")
    with pytest.raises(CorpusError, match=f"file:3: expected {name.upper()}, found other bytes"):
        list(stream_texts(ReadSession(path)))


def test_two_encodings_that_fit_alike_are_refused_and_named(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes("石川晃\n".encode("euc_jp"))
    with pytest.raises(
        CorpusError,
        match=r"file:1: the encoding of a text must be certain, found \w+ \(.+\) and \w+ \(.+\) alike\. Name",
    ):
        read_texts(path)
    session = ReadSession(path, ReadOptions(encoding="euc_jp"))
    assert next(read_lines(session)).text == "石川晃"
    assert session.report.notes == []


@pytest.mark.parametrize("name", ["gbk2", "rot13", "utf-8000", "hex"])
def test_unknown_encodings_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "file"
    path.write_text("Bo B-PER\n", encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"--encoding must be one that Python knows, such as utf-8, .*, found '"
    ):
        list(read_records(path, options=ReadOptions(encoding=name)))


def test_what_is_not_ascii_is_looked_for_beyond_the_first_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"plain text\n" * 50 + "寄给李娜，顺丰快递\n北京市海淀区\n".encode("gbk"))
    for block in (16, 100, 1 << 20):
        monkeypatch.setattr(encoding, "BLOCK", block)
        assert detect_encoding(path, "file:1").name == "gb18030"
        assert [line.text for line in read_lines(ReadSession(path))][50:] == [
            "寄给李娜，顺丰快递",
            "北京市海淀区",
        ]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (bytes(range(256)) * 4, True),
        (b"\x00\x01" * 40, True),
        (b"Bo\x00 met Ann, and more words that are text", False),
        (("a\x02" * 100).encode(), False),
        ("寄给李娜".encode("utf-16-le") + "1, 2, 3\n".encode("utf-16-le"), False),
        ("Bo met Ann".encode("utf-32"), False),
        ("寄给李娜，顺丰快递".encode("gbk"), False),
    ],
)
def test_a_file_that_is_no_text_is_recognized(raw: bytes, expected: bool) -> None:
    assert is_binary(raw) == expected


SHORT = ["Zoé B-PER", "Straße 3,a", "un niño,a", "it’s,a", "“so good”,a", "El señor B-PER", "Köln\tB-LOC"]


@pytest.mark.parametrize("text", SHORT)
def test_a_few_letters_in_words_of_ascii_are_western(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(f"{text}\nran O\n".encode("cp1252"))
    assert detect_encoding(path, "file:1").name == "cp1252"


@pytest.mark.parametrize(
    ("text", "codec"),
    [("дом,a", "cp1251"), ("Toruń B-LOC", "cp1250"), ("Zoé B-PER", "mac_roman"), ("Žan B-PER", "cp1250"),
     ("陳 B-PER", "big5"), ("Zoë B-PER", "cp1252")],
)  # fmt: skip
def test_other_short_texts_are_not_taken_for_western_ones(tmp_path: Path, text: str, codec: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(f"{text}\nran O\n".encode(codec))
    assert detect_encoding(path, "file:1").name == "utf-8"
