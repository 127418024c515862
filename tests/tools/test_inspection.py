"""Facts, problems and advice of a corpus that has every problem."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from spacy_xner.corpus.convert import convert
from spacy_xner.tools.inspection import inspect, render_inspection, render_page
from spacy_xner.tools.inspection.page import segment
from spacy_xner.tools.inspection.table import describe, percentile

from ..test_cli import invoke

TRAIN = [
    {"text": "Anna met Bo", "spans": [[0, 4, "PER"], [9, 11, "PER"]]},
    {"text": "Anna  met Bo", "spans": [[0, 4, "PER"], [10, 12, "PER"]]},
    {"text": "Anna met Bo", "spans": [[0, 4, "PER"]]},
    {"text": "Annas <b>Rome</b>", "spans": [[0, 4, "PER"], [9, 13, "LOC"]]},
    {"text": "Bank of Rome", "spans": [[0, 12, "ORG"], [8, 12, "LOC"]]},
    {"text": "far", "spans": [[0, 9, "LOC"]]},
]
DEV = [
    {"text": "Bank of Rome", "spans": [[0, 12, "ORG"]]},
    {"text": "DHL came", "spans": [[0, 3, "COURIER"]]},
]


@pytest.fixture
def corpus(tmp_path: Path) -> list[Path]:
    """Files of two splits."""
    paths = [tmp_path / "train.jsonl", tmp_path / "dev.jsonl"]
    for path, rows in zip(paths, (TRAIN, DEV), strict=True):
        path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return paths


def test_facts_are_counted(corpus: list[Path]) -> None:
    train, dev = inspect(corpus).splits
    assert (train.n_texts, train.n_tokens, train.n_entities) == (5, 22, 9)
    assert train.labels == {"PER": 6, "LOC": 2, "ORG": 1}
    assert train.tokens == {3: 3, 4: 1, 9: 1}
    assert (train.n_widened, train.n_overlapping, train.n_skipped) == (1, 1, 1)
    assert (train.n_duplicates, train.n_conflicts) == (2, 1)
    assert train.pieces == {}
    assert (dev.n_texts, dev.n_duplicates, dev.labels) == (2, 0, {"ORG": 1, "COURIER": 1})
    places = train.places
    assert places["duplicate texts"][0] == f"{corpus[0]}:2, as {corpus[0]}:1"
    assert places["entities with a boundary inside a token"] == [f"{corpus[0]}:4"]
    assert places["unreadable texts"][0].startswith(f"{corpus[0]}:6: an entity must lie within")


def test_leaks_and_advice(corpus: list[Path]) -> None:
    inspection = inspect(corpus)
    (leak,) = inspection.leaks
    assert (leak.first, leak.second, leak.n_texts, leak.n_conflicts) == ("train.jsonl", "dev.jsonl", 1, 1)
    assert leak.places == [f"{corpus[0]}:5, {corpus[1]}:1"]
    for line in (
        "1 texts are in both train.jsonl and dev.jsonl: scores on them do not show",
        "1 duplicates in train.jsonl have conflicting annotations",
        "1 texts of train.jsonl cannot be read",
        "1 entities of train.jsonl have a boundary inside a token",
        "ORG is rare: 1 in train.jsonl",
        "COURIER is in dev.jsonl but not in train.jsonl: it cannot be learned",
        "PER is in train.jsonl but not in dev.jsonl: it is not scored there",
    ):
        assert any(each.startswith(line) for each in inspection.advice), line


def test_a_clean_corpus_needs_no_advice(tmp_path: Path) -> None:
    lines = [f'{{"text": "Anna {i}", "spans": [[0, 4, "PER"]]}}' for i in range(25)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    inspection = inspect([tmp_path / "a.jsonl"])
    assert (inspection.advice, inspection.leaks) == ([], [])
    assert "No issues found." in render_inspection(inspection)


def test_illegal_tags_are_listed(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("Bo\tB-PER\n\nBo\tO\nAnna\tI-PER\n", encoding="utf-8")
    inspection = inspect([tmp_path / "a.conll"])
    assert inspection.splits[0].repairs == {"I read as B": 1}
    assert inspection.splits[0].places["illegal tags"] == [f"{tmp_path}/a.conll:4: I-PER read as B-PER"]
    assert "1 tags of a.conll are illegal. Check them." in inspection.advice


def test_pieces_are_counted(corpus: list[Path], tiny: Path) -> None:
    (train, _) = inspect(corpus, encoder=str(tiny)).splits
    assert sum(train.pieces.values()) == 5
    assert train.n_pieces >= train.n_tokens
    assert "unknown pieces" in render_inspection(inspect(corpus, encoder=str(tiny)))
    with pytest.raises(OSError, match="An encoder must be a hub id or a folder"):
        inspect(corpus, encoder="nowhere/at-all")


def test_converted_corpora_are_read_too(corpus: list[Path], tmp_path: Path) -> None:
    convert(corpus[1], tmp_path / "dev.spacy")
    convert(corpus[1], tmp_path / "folder")
    direct, converted, folder = inspect([corpus[1], tmp_path / "dev.spacy", tmp_path / "folder"]).splits
    for other in (converted, folder):
        assert (other.n_texts, other.labels, other.tokens) == (direct.n_texts, direct.labels, direct.tokens)
    same = [tmp_path / "a" / "x.jsonl", tmp_path / "b" / "x.jsonl"]
    for path in same:
        path.parent.mkdir()
        path.write_text(corpus[1].read_text("utf-8"), encoding="utf-8")
    assert [facts.name for facts in inspect(same).splits] == list(map(str, same))


def test_lengths_are_described() -> None:
    counts = {1: 50, 2: 44, 3: 5, 90: 1}
    assert [percentile(counts, share) for share in (0.5, 0.95, 1.0)] == [1, 3, 90]
    assert describe(counts) == "1 (3, 90)"
    assert describe({}) == "-"


class Tags(HTMLParser):
    """Collects tags, and checks that they are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        if tag not in ("br", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_is_whole_and_escaped(corpus: list[Path], tiny: Path) -> None:
    corpus[1].write_text('{"text": "x", "spans": [[0, 1, "<script>"]]}\n', encoding="utf-8")
    page = render_page(inspect(corpus, encoder=str(tiny)), "a <title>")
    parser = Tags()
    parser.feed(page)
    assert parser.open == []
    assert "script" not in parser.seen
    assert {"table", "h3", "i", "svg", "mark"} <= set(parser.seen)
    assert "&lt;script&gt;" in page
    assert "&lt;title&gt;" in page
    # The page is self-contained.
    assert not re.search(r"(src|href)=", page)
    # The highest bar takes the whole plot, and a bar of 0 is not drawn.
    heights = [float(height) for height in re.findall(r'<rect .* height="([\d.]+)"', page)]
    assert (max(heights), min(heights) > 0) == (130.0, True)
    widths = [float(width) for width in re.findall(r"<i style=\"width: ([\d.]+)%", page)]
    assert (max(widths), min(widths) > 0) == (100.0, True)


def test_samples_show_texts_with_their_entities(corpus: list[Path]) -> None:
    (train, _) = inspect(corpus).splits
    names = ["With LOC", "With ORG", "With PER", "The longest", "The least usual labels"]
    assert list(train.samples) == names
    texts = {name: [sample.text for sample in samples] for name, samples in train.samples.items()}
    # Each text is a sample of one label.
    assert texts["With PER"] == ["Anna met Bo", "Anna  met Bo", "Anna met Bo"]
    assert texts["With LOC"] == ["Annas <b>Rome</b>"]
    assert texts["The longest"] == ["Annas <b>Rome</b>", "Anna  met Bo", "Bank of Rome"]
    # Two PER are usual.
    assert texts["The least usual labels"] == ["Anna met Bo", "Annas <b>Rome</b>", "Bank of Rome"]
    (bank,) = train.samples["With ORG"]
    assert (bank.place, bank.entities) == (f"{corpus[0]}:5", [(0, 12, "ORG"), (8, 12, "LOC")])
    assert segment(bank) == ([("Bank of Rome", "ORG")], [("Rome", "LOC")])
    first = train.samples["With PER"][0]
    assert segment(first) == ([("Anna", "PER"), (" met ", ""), ("Bo", "PER")], [])
    page = render_page(inspect(corpus))
    assert re.search(r"hsl\(\d+ 75% 86%\)\">Anna<b>PER</b></mark> met <mark", page)


def test_labels_of_texts_are_shown(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\nit came,good\nit broke,bad\n", encoding="utf-8")
    inspection = inspect([tmp_path / "a.csv"])
    samples = inspection.splits[0].samples
    assert [sample.labels for sample in samples["With good"]] == [["good"]]
    assert "it came" in render_page(inspection)
    assert "<b>good</b>" in render_page(inspection)


def test_command(corpus: list[Path], tmp_path: Path) -> None:
    page = tmp_path / "new" / "page.html"
    code, out, err = invoke("inspect", *corpus, "--html", page)
    assert code == 0, err
    assert "PER" in out
    assert "! ORG is rare" in out
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")
    printed = json.loads(invoke("inspect", *corpus, "--json")[1])
    assert printed["splits"][0]["labels"] == {"PER": 6, "LOC": 2, "ORG": 1}
    code, _, err = invoke("inspect", tmp_path / "none")
    assert (code, "found no" in err) == (1, True)


def test_strict_fails_where_there_is_advice(corpus: list[Path], tmp_path: Path) -> None:
    code, out, _ = invoke("inspect", *corpus, "--strict")
    assert (code, "! ORG is rare" in out) == (1, True)
    assert "skip such texts with convert --skip-bad" in out
    lines = [f'{{"text": "Anna {i}", "spans": [[0, 4, "PER"]]}}' for i in range(25)]
    (tmp_path / "clean.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert invoke("inspect", tmp_path / "clean.jsonl", "--strict")[0] == 0


def test_command_takes_the_options_that_readers_advise(tmp_path: Path) -> None:
    rows = [{"body": f"Anna {i}", "marks": [{"from": 0, "to": 3, "kind": "PER"}]} for i in range(25)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    options = ("--fields", "text=body,spans=marks,start=from,end=to,label=kind", "--ends", "inclusive")
    code, out, err = invoke("inspect", tmp_path / "a.jsonl", *options, "--json")
    assert code == 0, err
    (split,) = json.loads(out)["splits"]
    assert (split["n_widened"], split["labels"]) == (0, {"PER": 25})
    assert split["samples"]["The longest"][0]["entities"] == [[0, 4, "PER"]]
