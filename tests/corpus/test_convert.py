"""From a file to docs: losses are counted, and no partial file is left behind."""

import gc
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span
from spacy.util import filter_spans
from spacy.vocab import Vocab

from spacy_xner.corpus import read_records, write_records
from spacy_xner.corpus.align import keep_longest
from spacy_xner.corpus.convert import convert
from spacy_xner.corpus.docbin import read_docs
from spacy_xner.corpus.docs import pack_records, record_to_doc
from spacy_xner.corpus.reading.options import ReadOptions
from spacy_xner.corpus.report import ConvertReport
from spacy_xner.errors import CorpusError, XnerWarning
from spacy_xner.tokenizer import Tokenizer
from spacy_xner.types import CharSpan, Entity, Record

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
    with pytest.warns(XnerWarning, match="1 entities had a boundary inside a token"):
        docs, report = run(tmp_path, text)
    assert entities_of(docs[0]) == [("Annas", "PER")]
    assert report.n_widened == 1


@pytest.mark.filterwarnings("ignore:. blank tokens")
@pytest.mark.parametrize(
    ("text", "tags", "entities"),
    [
        ("강릉에서 최민수씨는", "BIOOOBIIOO", ["강릉", "최민수"]),
        ("한빛전자가 샀다", "BIIIOOOO", ["한빛전자"]),
        ("3월부터 두명이", "BIOOOBIO", ["3월", "두명"]),
        ("DHL이 어제 왔다", "BIIOOOOOOO", ["DHL"]),
        ("북미회담에서는", "BBOOOOO", ["북", "미"]),
        ("김①박😀은 간다", "BOBOOOOO", ["김", "박"]),
    ],
)
def test_korean_names_end_before_particles(tmp_path: Path, text: str, tags: str, entities: list[str]) -> None:
    lines = (f"{char}\t{tag if tag == 'O' else tag + '-X'}\n" for char, tag in zip(text, tags, strict=True))
    docs, report = run(tmp_path, "".join(lines))
    assert docs[0].text == text
    assert [ent.text for ent in docs[0].ents] == entities
    assert report.n_widened == 0


def test_entities_that_overlap_when_widened_are_counted(tmp_path: Path) -> None:
    with pytest.warns(XnerWarning) as caught:
        docs, report = run(tmp_path, "# text = AnnaLee\nAnna\tB-PER\nLee\tB-LOC\n")
    assert len(docs[0].ents) == 1
    assert (report.n_widened, report.n_overlapping) == (2, 1)
    assert any("1 entities overlap a longer one" in str(warning.message) for warning in caught)


def test_nested_entities_are_kept_in_spans(tmp_path: Path) -> None:
    text = "Bank\tB-ORG\tO\nof\tI-ORG\tO\nRome\tI-ORG\tB-LOC\n\nBo\tB-PER\tO\n"
    with pytest.warns(XnerWarning, match=r"1 entities overlap a longer one: they are in doc.spans only"):
        docs, report = run(tmp_path, text, options=ReadOptions(columns="token tag tag"))
    assert entities_of(docs[0]) == [("Bank of Rome", "ORG")]
    spans = [(span.text, span.label_) for span in docs[0].spans["xner"]]
    assert spans == [("Bank of Rome", "ORG"), ("Rome", "LOC")]
    assert "xner" not in docs[1].spans
    assert report.entities == {"ORG": 1, "LOC": 1, "PER": 1}


def test_skipped_and_repaired_texts_cause_one_warning_each(tmp_path: Path) -> None:
    with pytest.warns(XnerWarning) as caught:
        _, report = run(tmp_path, "Bo\tI-PER\n\nBo\tB-PER\n\nBo\tO\tO\n", options=ReadOptions(skip_bad=True))
    assert (report.reading.repairs, len(report.reading.skipped)) == ({"I read as B": 1}, 1)
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == 2
    assert "1 illegal tags were repaired: I read as B 1." in messages[0]
    assert "1 texts were skipped, the first: " in messages[1]


@pytest.mark.parametrize("threshold", [0, 900, 10**6])
def test_the_garbage_collector_is_left_as_it_was(tmp_path: Path, threshold: int) -> None:
    thresholds, seen = gc.get_threshold(), []
    try:
        gc.set_threshold(threshold, *thresholds[1:])
        run(tmp_path, GOOD, on_progress=lambda done, total: seen.append(gc.get_threshold()[0]))
        with pytest.raises(CorpusError):
            run(tmp_path, "Bo\tB-PER\nmet\n")
        assert gc.get_threshold()[0] == threshold
        # Zero means never.
        assert seen[0] == (max(threshold, 50_000) if threshold else 0)
    finally:
        gc.set_threshold(*thresholds)


def test_failure_leaves_no_file_behind(tmp_path: Path) -> None:
    target = tmp_path / "new" / "out.spacy"
    with pytest.raises(CorpusError):
        run(tmp_path, GOOD + "\nbad\tline\there\n")
    assert not target.exists()
    with pytest.raises(CorpusError, match="must hold at least one text, found none"):
        run(tmp_path, "Bo\tB-PER\tO\n\nBo\tB-PER\tO\tO\n", options=ReadOptions("token tag", skip_bad=True))
    assert not target.parent.exists() or not list(target.parent.iterdir())


RECORDS = [
    Record(
        "Bank  of China！nsubj", (CharSpan(0, 14, "ORG"), CharSpan(9, 14, "LOC"), CharSpan(15, 20, "PERSON"))
    ),
    Record(""),
    Record("Bo", cats={"good": 0.25, "bad": 1.0}),
    Record("\n Bo met\u3000张伟  ", (CharSpan(2, 4, "PER"), CharSpan(9, 11, "PER")), cats={"good": 1.0}),
    Record("Bo", ()),
]


@pytest.mark.parametrize("processes", [1, 2])
def test_docs_are_stored_as_spacy_stores_them(tmp_path: Path, processes: int) -> None:
    write_records(RECORDS, tmp_path / "in.jsonl")
    with pytest.warns(XnerWarning, match="1 entities overlap"):
        convert(tmp_path / "in.jsonl", tmp_path / "ours.spacy", processes=processes)
    ours = DocBin().from_disk(tmp_path / "ours.spacy")
    tokenizer = Tokenizer(Vocab())
    records = read_records(tmp_path / "in.jsonl")
    docs = [record_to_doc(record, tokenizer, ConvertReport()) for record in records]
    theirs = DocBin(attrs=["ENT_IOB", "ENT_TYPE"], docs=docs)
    assert ours.strings < theirs.strings
    theirs.strings = ours.strings
    assert ours.to_bytes() == theirs.to_bytes()
    again = list(ours.get_docs(Vocab()))
    assert [doc.to_json() for doc in again] == [doc.to_json() for doc in docs]
    assert [len(doc.spans.get("xner", ())) for doc in again] == [3, 0, 0, 0, 0]


PLACES = st.tuples(st.integers(0, 7), st.integers(1, 4), st.sampled_from("ab"))


@settings(max_examples=50)
@given(st.lists(st.lists(PLACES, max_size=4), max_size=4))
def test_texts_are_counted_together_as_one_by_one(drawn: list[list[tuple[int, int, str]]]) -> None:
    spans = [{CharSpan(start, min(start + size, 8), label) for start, size, label in own} for own in drawn]
    records = [Record("ab1c,d12", tuple(sorted(own))) for own in spans]
    expected, tokenizer = ConvertReport(), Tokenizer(Vocab())
    docs = [record_to_doc(record, tokenizer, expected) for record in records]
    packed, report = pack_records(records)
    assert report == expected
    tokens = [doc.to_array(["ORTH", "ENT_IOB", "ENT_TYPE"]).tobytes() for doc in docs]
    assert packed.tokens == b"".join(tokens)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 10), st.sampled_from("ab")), max_size=6))
def test_the_longest_are_kept_as_by_spacy(drawn: list[tuple[int, int, str]]) -> None:
    doc = Doc(Vocab(), words=["x"] * 20)
    ents = [Entity(start, start + length, label) for start, length, label in drawn]
    kept = filter_spans([Span(doc, *ent[:3]) for ent in ents])
    assert [ent[:2] for ent in keep_longest(ents)] == [(span.start, span.end) for span in kept]


def test_a_corpus_that_is_missing_or_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder.spacy").mkdir()
    for path in (tmp_path / "none.spacy", tmp_path / "empty", tmp_path / "folder.spacy"):
        with pytest.raises(
            FileNotFoundError, match=r"must be a .spacy file, or a folder of such files, found no"
        ):
            read_docs(path, Vocab())


def test_missing_file_and_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="The corpus must be a file or folder, found no"):
        convert(tmp_path / "none", tmp_path / "x.spacy")
    with pytest.raises(ValueError, match=r"format must be auto or one of .*, found 'xml'"):
        convert(tmp_path / "none", tmp_path / "x.spacy", format="xml")


def test_a_folder_gets_files_of_the_shard_size(tmp_path: Path) -> None:
    source, target = tmp_path / "in.conll", tmp_path / "shards"
    source.write_text("Bo\tB-PER\n\n" * 5, encoding="utf-8")
    assert convert(source, target, shard_size=2).n_texts == 5
    assert [file.name for file in sorted(target.iterdir())] == ["00000.spacy", "00001.spacy", "00002.spacy"]
    assert len(read_docs(target, Vocab())) == 5
    # Written again, no old file is left.
    assert convert(source, target, shard_size=5).n_texts == 5
    assert [file.name for file in target.iterdir()] == ["00000.spacy"]


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    (tmp_path / "mine" / "0.spacy").touch()
    (tmp_path / "in.conll").write_text("Bo\tB-PER\n", encoding="utf-8")
    with pytest.raises(FileExistsError, match=r"must be new, or hold only .spacy files"):
        convert(tmp_path / "in.conll", tmp_path / "mine")
    assert sorted(file.name for file in (tmp_path / "mine").iterdir()) == ["0.spacy", "thesis.txt"]


def test_failure_keeps_the_old_folder(tmp_path: Path) -> None:
    source, target = tmp_path / "in.conll", tmp_path / "shards"
    source.write_text("Bo\tB-PER\n\n" * 3, encoding="utf-8")
    convert(source, target)
    source.write_text("Bo\tB-PER\n\n" * 3 + "Bo\tB-PER\tO\n", encoding="utf-8")
    with pytest.raises(CorpusError):
        convert(source, target, shard_size=1)
    assert len(read_docs(target, Vocab())) == 3
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.conll", "shards"]


def test_classified_texts_are_not_annotated_with_entities(tmp_path: Path) -> None:
    docs, report = run(tmp_path, '{"text": "Bo", "label": "good"}\n{"text": "An", "label": "bad"}\n')
    assert [doc.cats for doc in docs] == [{"bad": 0.0, "good": 1.0}, {"bad": 1.0, "good": 0.0}]
    assert not any(doc.has_annotation("ENT_IOB") for doc in docs)
    assert report.cats == {"bad": 1, "good": 1}


@pytest.mark.parametrize(
    ("text", "spans", "entities", "n_merged", "n_overlapping"),
    [
        ("IvyEk", [(0, 3, "PER"), (3, 5, "PER")], [("IvyEk", "PER")], 1, 0),
        ("IvyEkBo met", [(0, 3, "PER"), (3, 5, "PER"), (5, 7, "PER")], [("IvyEkBo", "PER")], 2, 0),
        ("tel 4755501", [(4, 6, "X"), (6, 11, "X")], [("4755501", "X")], 1, 0),
        ("IvyEk", [(0, 3, "PER"), (3, 5, "LOC")], [("IvyEk", "PER")], 0, 1),
        ("IvyEk Dal", [(0, 3, "PER"), (3, 9, "PER")], [("IvyEk Dal", "PER")], 0, 1),
        ("a IvyEk", [(0, 5, "PER"), (5, 7, "PER")], [("a IvyEk", "PER")], 0, 1),
        ("IvyEk BoAl", [(0, 3, "X"), (3, 8, "X"), (8, 10, "X")], [("IvyEk BoAl", "X")], 0, 2),
    ],
)
def test_entities_that_meet_only_since_they_were_widened_are_counted(
    tmp_path: Path,
    text: str,
    spans: list[tuple[int, int, str]],
    entities: list[tuple[str, str]],
    n_merged: int,
    n_overlapping: int,
) -> None:
    (tmp_path / "in").write_text(json.dumps({"text": text, "label": spans}), encoding="utf-8")
    with pytest.warns(XnerWarning) as caught:
        report = convert(tmp_path / "in", tmp_path / "out.spacy")
    (doc,) = read_docs(tmp_path / "out.spacy", Vocab())
    assert entities_of(doc) == entities
    assert ("xner" in doc.spans) == (n_overlapping > 0)
    counts = report.to_dict()
    assert (counts["n_merged"], counts["n_overlapping_widened"]) == (n_merged, n_overlapping)
    assert sum(report.entities.values()) == len(spans) - n_merged
    messages = [str(warning.message) for warning in caught]
    for n, message in (
        (n_merged, "became the same as another when they were widened: they are one."),
        (n_overlapping, "overlap another only since they were widened."),
    ):
        assert (f"{n} entities {message}" in messages) == (n > 0)


def test_nested_entities_do_not_count_as_widened(tmp_path: Path) -> None:
    row = {"text": "Bank of Romes", "label": [[0, 12, "ORG"], [8, 12, "LOC"]]}
    (tmp_path / "in").write_text(json.dumps(row), encoding="utf-8")
    with pytest.warns(XnerWarning):
        report = convert(tmp_path / "in", tmp_path / "out.spacy")
    assert (report.n_widened, report.n_overlapping, report.n_overlapping_widened) == (2, 1, 0)


@pytest.mark.parametrize("key", ["spans", "entities", "label"])
def test_no_entities_beside_labels_of_the_text_are_known(tmp_path: Path, key: str) -> None:
    rows = [
        {"text": "Ivy left", key: [[0, 3, "PER"]], "cats": {"a": 1, "b": 0}},
        {"text": "all left", key: [], "cats": {"a": 0, "b": 1}},
        {"text": "who knows", "cats": {"a": 0, "b": 1}},
    ]
    (tmp_path / "in").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    convert(tmp_path / "in", tmp_path / "out.spacy")
    docs = read_docs(tmp_path / "out.spacy", Vocab())
    assert [doc.has_annotation("ENT_IOB") for doc in docs] == [True, True, False]
    assert [doc.cats["b"] for doc in docs] == [0.0, 1.0, 1.0]


NUMBERED = "".join(f"w{i}\tB-X\n\n" for i in range(30))


def test_the_first_texts_are_taken_and_the_others_counted(tmp_path: Path) -> None:
    docs, report = run(tmp_path, NUMBERED, limit=4)
    assert [doc.text for doc in docs] == ["w0", "w1", "w2", "w3"]
    assert (report.n_texts, report.n_limited, report.to_dict()["n_limited"]) == (4, 26, 26)
    assert report.reading.notes[-1] == "4 of 30 texts: the first ones"
    _, report = run(tmp_path, NUMBERED, limit=50)
    assert (report.n_texts, report.n_limited) == (30, 0)


def test_random_texts_are_those_of_a_seed(tmp_path: Path) -> None:
    chosen = {
        (limit, seed): [doc.text for doc in run(tmp_path, NUMBERED, limit=limit, shuffle_seed=seed)[0]]
        for limit, seed in [(1, 1), (8, 1), (9, 1), (30, 1), (8, 2)]
    }
    # A higher limit adds texts.
    assert chosen[30, 1][:8] == chosen[9, 1][:8] == chosen[8, 1]
    assert chosen[1, 1] == chosen[8, 1][:1]
    assert chosen[8, 1] != chosen[8, 2]
    assert sorted(chosen[30, 1]) == sorted(f"w{i}" for i in range(30)) != chosen[30, 1]
    docs, report = run(tmp_path, NUMBERED, limit=8, shuffle_seed=1)
    assert [doc.text for doc in docs] == chosen[8, 1]
    assert report.reading.notes[-1] == "8 of 30 texts: random ones, seed 1"


def test_random_texts_are_equally_probable(tmp_path: Path) -> None:
    counts = Counter(
        doc.text for seed in range(60) for doc in run(tmp_path, NUMBERED, limit=10, shuffle_seed=seed)[0]
    )
    # 20 times each on average, with a standard deviation of 3.7.
    assert len(counts) == 30
    assert 6 <= min(counts.values()) <= max(counts.values()) <= 34


def test_a_limit_reads_files_of_a_folder_and_writes_shards(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(3):
        (folder / f"{i}.conll").write_text(f"a{i}\tB-X\n\nb{i}\tB-X\n", encoding="utf-8")
    report = convert(folder, tmp_path / "out", limit=5, shuffle_seed=0, shard_size=2)
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [f"0000{i}.spacy" for i in range(3)]
    assert (report.n_texts, report.n_limited) == (5, 1)


def test_an_error_after_the_limit_is_still_one(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"in.conll:61: expected 2 columns, found 3"):
        run(tmp_path, f"{NUMBERED}a\tb\tc\n", limit=2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"limit": 0}, "limit must be at least 1, found 0"), ({"shuffle_seed": 1}, "must come with a limit")],
)
def test_a_limit_must_be_positive_and_a_seed_have_one(
    tmp_path: Path, settings: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        run(tmp_path, NUMBERED, **settings)
