"""Tables of texts with labels: columns, headers, cells and separators are found once for the file."""

from pathlib import Path

import pytest

from spacy_xner.corpus import ReadOptions, ReadReport, read_records
from spacy_xner.errors import CorpusError
from spacy_xner.types import Record


def read(
    folder: Path, text: str, name: str = "file.csv", **options: object
) -> tuple[list[Record], ReadReport]:
    """Write a file, and read it as any format."""
    path, report = folder / name, ReadReport()
    path.write_text(text, encoding="utf-8", newline="")
    return list(read_records(path, options=ReadOptions(**options), report=report)), report


def chosen(records: list[Record]) -> list[tuple[str, list[str]]]:
    """Return texts with their labels."""
    return [(record.text, sorted(k for k, v in (record.cats or {}).items() if v)) for record in records]


def surfaces(records: list[Record]) -> list[list[tuple[str, str]]]:
    """Return the entities of each text with their labels."""
    return [
        [(record.text[start:end], label) for start, end, label, _ in record.spans or ()] for record in records
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id,data,label\n1,a,wet#torn\n2,b,ok\n3,c,ok#wet\n", [["torn", "wet"], ["ok"], ["ok", "wet"]]),
        ("id,data,label\n1,wet box,wet#torn\n2,dry,fine\n", [["torn", "wet"], ["fine"]]),
        ("text,label\nwet box,wet|torn\ndry,fine\n", [["torn", "wet"], ["fine"]]),
        ("text;label\nwet box;wet|torn\ndry;fine\n", [["torn", "wet"], ["fine"]]),
        ("text\tlabel\nwet box\t3,11\ndry\t4\n", [["11", "3"], ["4"]]),
        ('text,labels\nwet box,"3, 11"\ndry,4\n', [["11", "3"], ["4"]]),
        ('text,tags,topics\nwet,x,"Sun, Rain"\ndry,x,Sun\nh,x,Rain\n', [["Rain", "Sun"], ["Sun"], ["Rain"]]),
        ('text,topic\na,"Law, Tax"\nb,"Law, Tax"\nc,Sun\n', [["Law, Tax"], ["Law, Tax"], ["Sun"]]),
        ("内容,标签\n包裹湿了,破损、受潮\n没问题,受潮\n还行,破损\n", [["受潮", "破损"], ["受潮"], ["破损"]]),
        ("text,label\nI like it,C#\nI do not,F#\n", [["C#"], ["F#"]]),
        ('text,label\nwet box,"[""wet"", ""torn""]"\ndry,[]\n', [["torn", "wet"], []]),
        ("text,label\nwet box,\"['wet', 'torn']\"\ndry,\"['dry']\"\n", [["torn", "wet"], ["dry"]]),
        ("text,labels\na,['wet' 'torn']\nb,['ok']\n", [["torn", "wet"], ["ok"]]),
        ("text,labels\na,[ 2 18]\nb,[27]\n", [["18", "2"], ["27"]]),
        ("text,labels\na,\"{'cats': {'w': 1, 'd': 0}}\"\nb,\"{'cats': {'w': 0, 'd': 1}}\"\n", [["w"], ["d"]]),
        ('text,mood\na,"{""choices"": [""w"", ""a""]}"\nb,"{""choices"": [""c""]}"\n', [["a", "w"], ["c"]]),
    ],
)  # fmt: skip
def test_several_labels_in_a_cell_are_separated(tmp_path: Path, text: str, expected: list[list[str]]) -> None:
    records, _ = read(tmp_path, text)
    assert [labels for _, labels in chosen(records)] == expected
    assert all(record.spans is None for record in records)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'text,topic\na,"Law, Tax"\nb,"Sun, Rain"\n',
            "labels must show what separates them, found 'Law, Tax'",
        ),
        (
            "text,topic\na,A#1\nb,B#2\n",
            "labels must show what separates them, found 'A#1', which may be one or 2",
        ),
        ('text,label\na,"3,5"\nb,"4,0"\n', "Set --format table --fields separator=comma, or separator=none"),
    ],
)
def test_a_separator_without_evidence_is_asked_for(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("separator", "expected"), [("comma", ["Law", "Tax"]), ("none", ["Law, Tax"]), ("w, T", ["La", "ax"])]
)
def test_a_separator_can_be_set(tmp_path: Path, separator: str, expected: list[str]) -> None:
    path = tmp_path / "file.csv"
    path.write_text('text,topic\na,"Law, Tax"\n', encoding="utf-8")
    options = ReadOptions(fields=f"separator={separator}")
    if separator == "w, T":
        with pytest.raises(ValueError, match="--fields must be names"):
            list(read_records(path, options=options))
    else:
        assert chosen(list(read_records(path, options=options))) == [("a", expected)]


def test_labels_that_are_numbers_are_named_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("calm\nglad\nsad\n", encoding="utf-8")
    text = "text\tlabel\tid\nwet box\t0,2\ta1\ndry\t1\tb2\n"
    records, _ = read(tmp_path, text, "file.tsv", fields="names=names.txt")
    assert chosen(records) == [("wet box", ["calm", "sad"]), ("dry", ["glad"])]
    with pytest.raises(
        CorpusError, match=r"file.tsv:4: a label that is a number must have a name, found '3'"
    ):
        read(tmp_path, text + "hm\t3\tc\n", "file.tsv", fields="names=names.txt")
    with pytest.raises(ValueError, match=r"found no such file: none.txt"):
        read(tmp_path, text, "file.tsv", fields="names=none.txt")


@pytest.mark.parametrize(
    "cells",
    [
        '"[{""start"": 5, ""end"": 8, ""text"": ""Ann"", ""labels"": [""PER""]}]"',
        '"[{""start"": 5, ""end"": 8, ""label"": ""PER""}]"',
        "\"[{'start': 5, 'end': 8, 'label': 'PER'}]\"",
        "\"[(5, 8, 'PER')]\"",
        '"[[5, 8, ""PER""]]"',
        "\"{'entities': [(5, 8, 'PER')]}\"",
        "\"((5, 8, 'PER'),)\"",
        "\"(5, 8, 'PER')\"",
    ],
)
@pytest.mark.parametrize("name", ["label", "labels", "entities", "spans", "ner_result"])
def test_lists_of_entities_in_cells_are_entities(tmp_path: Path, name: str, cells: str) -> None:
    records, report = read(
        tmp_path, f"id,text,{name}\n7,Ring Ann,{cells}\n8,Call Ann,{cells}\n9,No,[]\n10,Ha,\n"
    )
    assert surfaces(records) == [[("Ann", "PER")], [("Ann", "PER")], []]
    assert all(record.cats is None for record in records)
    assert report.notes[1] == f"text in text, objects in {name}"
    assert report.left_out == {"texts without a label": 1}


@pytest.mark.parametrize("header", ["text,label,entities", "query,intent,slots", "text,topic,ner"])
def test_entities_beside_labels_are_read(tmp_path: Path, header: str) -> None:
    rows = "Ring Ann,call,\"[(5, 8, 'PER')]\"\nGo,leave,[]\nHm,,[]\nHa,leave,\n"
    records, report = read(tmp_path, f"{header}\n{rows}")
    assert surfaces(records) == [[("Ann", "PER")], [], [], []]
    assert [record.spans for record in records][1:] == [(), (), None]
    assert chosen(records) == [("Ring Ann", ["call"]), ("Go", ["leave"]), ("Hm", []), ("Ha", ["leave"])]
    assert records[2].cats is None
    text, label, objects = header.split(",")
    assert report.notes[1] == f"text in {text}, labels in {label}, objects in {objects}"


@pytest.mark.parametrize(
    ("text", "n_left_out"),
    [
        ("id,data,label\n1,wet box,wet\n2,later,\n3,dry,fine\n", 1),
        ("text\tlabel\nwet box\twet\nlater\t\ndry\tfine\nlater\t \n", 2),
        ("text,label\nwet box,wet\nlater,;|\ndry,fine\n", 1),
        ("text,label\nwet box,wet\nlater,nan\nlater,NULL\ndry,fine\n", 2),
        ("wet box\twet\nlater\t\ndry\tfine\ndry\twet\ndry\tfine\n", 1),
        ('text,label\nwet box,"[""wet""]"\nlater,\ndry,"[""fine""]"\n', 1),
    ],
)
def test_rows_without_a_label_are_left_out_and_counted(tmp_path: Path, text: str, n_left_out: int) -> None:
    records, report = read(tmp_path, text)
    assert chosen(records)[:2] == [("wet box", ["wet"]), ("dry", ["fine"])]
    assert report.left_out == {"texts without a label": n_left_out}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("很好的店\t1\n太贵了\t0\n还会来\t1\n", ["1", "0", "1"]),
        ("1\t很好的店\n0\t太贵了\n1\t还会来\n", ["1", "0", "1"]),
        ("lovely place\tgood\ntoo dear\tbad\nwill be back\tgood\n", ["good", "bad", "good"]),
        ("good\tlovely place\nbad\ttoo dear\ngood\twill be back\n", ["good", "bad", "good"]),
        ("3,lovely place\n1,too dear\n3,will be back\n", ["3", "1", "3"]),
        ('"lovely, place",good\ntoo dear,bad\nwill be back,good\n', ["good", "bad", "good"]),
        ("query\tWhat is my limit\ngreet\tHello there\nquery\tHow much is it\n", ["query", "greet", "query"]),
        ("ask_fare, how much\nask_way, where to\nask_fare, why\n", ["ask_fare", "ask_way", "ask_fare"]),
        ("17\tlovely place\tgood\n18\ttoo dear\tbad\n19\twill be back\tgood\n", ["good", "bad", "good"]),
        ("http://a.b/1,lovely,good\nhttp://a.b/2,dear,bad\nhttp://a.b/3,ah,good\n", ["good", "bad", "good"]),
    ],
)  # fmt: skip
def test_a_first_row_of_data_is_not_the_header(tmp_path: Path, text: str, expected: list[str]) -> None:
    records, report = read(tmp_path, text, "file.tsv")
    assert [labels for _, labels in chosen(records)] == [[label] for label in expected]
    assert records[0].source.endswith("file.tsv:1")
    assert report.notes[1].startswith("no header, text in column ")


@pytest.mark.parametrize(
    "text",
    [
        "lovely place\tgood\ntoo dear\tbad\n",
        "lovely place\t12,4\ta\ntoo dear\t7\tb\nhm\t9,21\tc\n",
        "lovely place\t1\t0\ntoo dear\t0\t1\n",
        "lovely place\tgood\ten\ntoo dear\tbad\ten\nhm\tgood\tde\n",
    ],
)
def test_without_evidence_a_header_is_asked_for(tmp_path: Path, text: str) -> None:
    with pytest.raises(CorpusError, match=r"add a header, or set .* --fields by name, .* by number"):
        read(tmp_path, text, "file.tsv")
    records, _ = read(tmp_path, text, "file.tsv", fields="text=1,labels=2,separator=comma")
    assert records[0].text == "lovely place"


@pytest.mark.parametrize(
    ("header", "notes"),
    [
        ("文本,标签", "text in 文本, labels in 标签"),
        ("内容,类别", "text in 内容, labels in 类别"),
        ("句子,情感", "text in 句子, labels in 情感"),
        ("评论,意图", "text in 评论, labels in 意图"),
        ("标题,标注", "text in 标题, labels in 标注"),
        ("微博中文内容,情感倾向", "text in 微博中文内容, labels in 情感倾向"),
        ("テキスト,ラベル", "text in テキスト, labels in ラベル"),
        ("문장,감정", "text in 문장, labels in 감정"),
        ("comment_text,review_label", "text in comment_text, labels in review_label"),
        ("Utterance,Domain", "text in Utterance, labels in Domain"),
        ("data,label", "text in data, labels in label"),
        ("SMS,kind", "text in SMS, labels in kind"),
        ("新闻内容,一级分类", "text in 新闻内容, labels in 一级分类"),
        ("reviews.text,reviews.rating", "text in reviews.text, labels in reviews.rating"),
        ("Title,Class Index", "text in Title, labels in Class Index"),
        ("title,tags", "text in title, labels in tags"),
    ],
)
def test_columns_are_known_by_many_names(tmp_path: Path, header: str, notes: str) -> None:
    records, report = read(tmp_path, f"{header}\n一,good place\n二,dear\n三,dear\n")
    assert chosen(records) == [("一", ["good place"]), ("二", ["dear"]), ("三", ["dear"])]
    assert report.notes[1] == notes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text,body,label\nhttp://a.b/1,Good\ttea,x\nhttp://a.b/2,Bad tea,y\n", "body"),
        (
            "url,id,story,label\nhttp://a.b/c/d/e/f,123456789012345,Good tea,x\nhttp://a.b/c/d/g,99,No,y\n",
            "story",
        ),
        (
            "label,text_id,words of it\na category that is long,1,Good\na category that is long,2,Bad\n",
            "words of it",
        ),
        ("created_at,tweet,label\n2020-01-01T10:00:00,Good tea,x\n2020-01-02T10:00:00,No,y\n", "tweet"),
        ("label,review_id,review\nx,R-00001,Good\ny,R-00002,Bad\n", "review"),
    ],
)
def test_the_text_is_never_an_id_a_link_or_a_label(tmp_path: Path, text: str, expected: str) -> None:
    _, report = read(tmp_path, text)
    assert report.notes[1] == f"text in {expected}, labels in label"


@pytest.mark.parametrize(
    ("label", "other", "found"),
    [
        ("The box was wet when it came.", "It was all fine, thanks.", "sentences"),
        ("http://a.b/1", "http://a.b/2", "links"),
        ("2021-02-03", "2021-02-04", "dates"),
        ("0.25", "0.75", "numbers"),
        ("B-PER", "O", "tags"),
        ("B-PER I-PER", "O O O", "tags"),
        ("['B-PER', 'I-PER']", "['O']", "tags"),
        ("100234", "100235", "a different number or code in each row"),
        ("2018-En-00866", "2018-En-02590", "a different number or code in each row"),
        ("123e4567-e89b-12d3-a456-426614174000", "00000000-e89b-12d3-a456-426614174000", "ids"),
    ],
)
def test_what_is_no_class_never_becomes_a_label(tmp_path: Path, label: str, other: str, found: str) -> None:
    with pytest.raises(CorpusError, match=f"the column 'label' must hold classes, found {found}, such as"):
        read(tmp_path, f'text,label\nA wet box,"{label}"\nAll fine,"{other}"\n')


def test_many_different_phrases_are_no_classes(tmp_path: Path) -> None:
    rows = "".join(f"Ask {i},answer number {i}\n" for i in range(30))
    with pytest.raises(CorpusError, match="must hold classes, found 30 different values in 30 rows"):
        read(tmp_path, f"question,target\n{rows}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id,comment_text,toxic,mild\n1,Go,1,0\n2,Hi,0,1\n", [["toxic"], ["mild"]]),
        ("text,toxic,mild\nGo,True,False\nHi,False,True\n", [["toxic"], ["mild"]]),
        ("text,unclear,toxic,mild\nGo,False,1,0\nHi,True,0,1\n", [["toxic"], ["mild"]]),
        ("idx,text,toxic,mild\n0,Go,1,0\n1,Hi,0,1\n", [["toxic"], ["mild"]]),
        (",text,toxic,mild\n0,Go,1.0,0.0\n1,Hi,0.0,1.0\n", [["toxic"], ["mild"]]),
        ("text,0,1,2\nGo,1,0,0\nHi,0,1,0\n", [["0"], ["1"]]),
    ],
)
def test_flags_are_columns_of_0_and_1(tmp_path: Path, text: str, expected: list[list[str]]) -> None:
    records, _ = read(tmp_path, text)
    assert chosen(records) == [("Go", expected[0]), ("Hi", expected[1])]


@pytest.mark.parametrize(
    "ids",
    [
        ["qwertz11", "ab00c6i2", "xyzuvwj3"],
        ["Bob_the_first", "Al", "Cy_the_third_one"],
        ["a1b2c3d4", "e5", "f6"],
    ],
)
def test_longer_names_of_rows_are_not_their_texts(tmp_path: Path, ids: list[str]) -> None:
    rows = zip(["I like it", "oh", "well"], ["12,4", "7", "7"], ids, strict=True)
    records, _ = read(tmp_path, "".join("\t".join(row) + "\n" for row in rows), "file.tsv")
    assert chosen(records) == [("I like it", ["12", "4"]), ("oh", ["7"]), ("well", ["7"])]


def test_a_list_among_single_labels_is_several(tmp_path: Path) -> None:
    several = '"{""choices"": [""Sun"", ""Rain""]}"'
    records, _ = read(tmp_path, f'id,text,topic\n1,a b,Sun\n2,c d,{several}\n3,e f,"[""Rain""]"\n4,g h,Sun\n')
    assert [labels for _, labels in chosen(records)] == [["Sun"], ["Rain", "Sun"], ["Rain"], ["Sun"]]


@pytest.mark.parametrize(
    "text", ["word,label\nabandon,bad\nlove,good\nhate,bad\n", "text,entities\nRing Bo,Bo:PER\nBo,Bo:PER\n"]
)
def test_labels_of_words_and_entities_are_no_labels_of_texts(tmp_path: Path, text: str) -> None:
    with pytest.raises(CorpusError, match="a table must have a column named label"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "cell",
    [
        "\"[{'start': 5, 'end': 7, \"",
        "\"[(5, 7, 'PER')]\"",
        '"{""choices"": 3}"',
        '"[[1, 2]]"',
        '"{""text"": ""Bo"',
        '"{[""call""]}"',
        '"[{[1]: 2}]"',
    ],
)
def test_an_object_among_labels_is_no_label(tmp_path: Path, cell: str) -> None:
    text = "text,label\nRing Bo,call\n" + "Go away,leave\n" * 10 + f"Ring An,{cell}\n"
    with pytest.raises(CorpusError, match=r"file.csv:13: expected labels, found"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("header", "first"),
    [
        ("text_a,text_b,label", "text_a"),
        ("sentence1,sentence2,label", "sentence1"),
        ("id,question1,question2,target", "question1"),
    ],
)
def test_pairs_of_texts_are_refused(tmp_path: Path, header: str, first: str) -> None:
    row = "7,how is it,how,yes" if header.startswith("id") else "how is it,how,yes"
    with pytest.raises(CorpusError, match=f"must have one text in a row, found '{first}' and "):
        read(tmp_path, f"{header}\n{row}\n")
    assert chosen(read(tmp_path, f"{header}\n{row}\n", fields=f"text={first}")[0]) == [("how is it", ["yes"])]


def test_texts_that_are_not_read_are_noted(tmp_path: Path) -> None:
    records, report = read(
        tmp_path, "title,text,label\nWhat a day it was.,So long a text,x\nWhy is it so?,Longer,y\n"
    )
    assert report.notes[1] == "text in text, labels in label, not read: title"
    assert chosen(records)[0] == ("So long a text", ["x"])


def test_rows_without_a_text_are_left_out(tmp_path: Path) -> None:
    records, report = read(tmp_path, "text,label\n,a\nGo,a\n  ,b\n")
    assert chosen(records) == [("Go", ["a"])]
    assert report.left_out == {"rows without a text": 2}


def test_objects_of_other_columns_are_not_read(tmp_path: Path) -> None:
    records, report = read(tmp_path, "text,label,meta\nGo,a,\"{'by': 'Bo'}\"\nHi,b,\"{'by': 'An'}\"\n")
    assert chosen(records) == [("Go", ["a"]), ("Hi", ["b"])]
    assert report.notes[1:] == ["text in text, labels in label"]


def test_a_repeated_header_is_left_out(tmp_path: Path) -> None:
    records, report = read(tmp_path, "text,label\nGo,a\ntext,label\nHi,b\n")
    assert chosen(records) == [("Go", ["a"]), ("Hi", ["b"])]
    assert report.left_out == {"repeated headers": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"text"\t"label"\n"He said ""no"""\t"a"\n', 'He said "no"'),
        ('text\tlabel\n"no" he said\ta\n', '"no" he said'),
        ('text\tlabel\n"no\ta\nb"\ta\n', '"no'),
        ('text\tlabel\n"one\ntwo"\ta\nthree\tb\n', "one\ntwo"),
        ("text|label\nno, no; no|a\nb|c\n", "no, no; no"),
        ("no, no; no\ta\nyes, so\tb\nhm\ta\n", "no, no; no"),
        ("no, no;a\nyes, so;b\nhm, well;a\n", "no, no"),
    ],
)
def test_separators_and_quotes_are_found(tmp_path: Path, text: str, expected: str) -> None:
    records, _ = read(tmp_path, text)
    assert records[0].text == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("text=note,labels=kind", ("b c d", ["x"])),
        ("label=other", ("b c d", ["u"])),
        ("text=other,labels=kind", ("u", ["x"])),
    ],
)
def test_columns_can_be_named(tmp_path: Path, fields: str, expected: tuple[str, list[str]]) -> None:
    path = tmp_path / "file"
    path.write_text("note,other,kind\nb c d,u,x\ne f,v,x\n", encoding="utf-8")
    records = list(read_records(path, "table", options=ReadOptions(fields=fields)))
    assert chosen(records)[0] == expected


def test_columns_that_are_missing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        CorpusError, match=r"--fields text=body must name a column, found no 'body' among 'text'"
    ):
        read(tmp_path, "text,label\nGo,a\n", fields="text=body")


TOUTIAO = (
    "6551_!_101_!_culture_!_京城值得你来的博物馆_!_保利,马未都\n6552_!_102_!_sport_!_发酵床有哪些？_!_\n"
    "6553_!_101_!_culture_!_上联：黄山黄河_!_黄河\n"
)


@pytest.mark.parametrize(
    ("content", "texts", "labels"),
    [
        (
            "sep=;\ntext;label\nthe box, wet;wet\nall is dry;dry\n",
            ["the box, wet", "all is dry"],
            ["wet", "dry"],
        ),
        (
            '"sep=,"\r\ntext,label\r\n"the box, wet",wet\r\nall,dry\r\n',
            ["the box, wet", "all"],
            ["wet", "dry"],
        ),
        ("sep=\t\ntext\tlabel\nbox; wet\twet\nall; dry\tdry\n", ["box; wet", "all; dry"], ["wet", "dry"]),
        (
            TOUTIAO,
            ["京城值得你来的博物馆", "发酵床有哪些？", "上联：黄山黄河"],
            ["culture", "sport", "culture"],
        ),
        (
            "101\tculture\t京城值得你来的博物馆\n102\tsport\t发酵床有哪些？\n101\tculture\t上联：黄山黄河\n",
            ["京城值得你来的博物馆", "发酵床有哪些？", "上联：黄山黄河"],
            ["culture", "sport", "culture"],
        ),
        (
            "label_!_text\nwet_!_the box, so wet\ndry_!_all | is dry\n",
            ["the box, so wet", "all | is dry"],
            ["wet", "dry"],
        ),
    ],
)
def test_separators_may_be_named_or_long(
    tmp_path: Path, content: str, texts: list[str], labels: list[str]
) -> None:
    (tmp_path / "file.csv").write_bytes(content.encode())
    records = list(read_records(tmp_path / "file.csv"))
    assert [record.text for record in records] == texts
    assert [[label for label, value in (each.cats or {}).items() if value] for each in records] == [
        [label] for label in labels
    ]
