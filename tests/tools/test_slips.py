"""The project's corpus, `assets/slips.yml`, and the handwritten lines beside it."""

import re
import runpy
from itertools import pairwise
from pathlib import Path
from typing import Any

import srsly
from spacy.language import Language

from spacy_xner.types import Record

from ..conftest import SLIPS as SLIPS_OF_TESTS
from .conftest import ROOT, SLIPS, surfaces


def test_project_has_near_misses(parts: dict[str, list[Record]]) -> None:
    train = parts["train"]
    assert sum(not record.spans for record in train) > 40
    inside = [record.text[span.char_start : span.char_end] for record in train for span in record.spans]
    assert any("\n" in text for text in inside)
    assert any(re.search(r"[转x] ?\d|ext|доб|内線|내선|dahili", text) for text in inside)
    assert any("***" in text for text in inside)
    outside = [
        re.sub(
            "".join(f"|{re.escape(record.text[s.char_start : s.char_end])}" for s in record.spans)[1:],
            "",
            record.text,
        )
        for record in train
        if record.spans
    ]
    assert any(re.search(r"\d{9}", text) for text in outside)
    assert any(re.search("[🙏😭😊👍📦🚚]", text) for text in outside)
    assert not any(re.search("[🙏😭😊👍📦🚚]", text) for text in inside)


def test_unseen_texts_hold_no_names_of_the_lists(project_spec: dict[str, Any]) -> None:
    text = (ROOT / "assets" / "unseen.txt").read_text("utf-8")
    assert len(text.splitlines()) == 10
    for lists in project_spec["languages"].values():
        for name in (*lists["family"], *lists.get("given", ()), *lists["street"]):
            if len(name) > 2:
                assert not re.search(rf"\b{re.escape(name)}\b", text), name


def test_unseen_lines_are_annotated_by_the_rules(parts: dict[str, list[Record]]) -> None:
    lines = list(srsly.read_jsonl(ROOT / "assets" / "unseen.jsonl"))
    assert len(lines) >= 150
    assert len({line["lang"] for line in lines} - {"mixed"}) == 14
    assert sum(not line["spans"] for line in lines) > 40
    drawn = {label: surfaces(parts["train"], label) for label in ("PER", "ADDRESS")}
    for line in lines:
        spans = [(span["start"], span["end"], span["label"]) for span in line["spans"]]
        assert all(end <= start for (_, end, _), (start, _, _) in pairwise(spans))
        for start, end, label in spans:
            inside = line["text"][start:end]
            assert inside == inside.strip("\t\n ,，:：;；|") != ""
            assert inside.lower() not in drawn.get(label, set())


def test_unseen_lines_share_no_phrase_with_the_lists(project_spec: dict[str, Any]) -> None:
    lines = [line["text"].lower() for line in srsly.read_jsonl(ROOT / "assets" / "unseen.jsonl")]
    names = ("templates", "chat", "idline", "greet", "after", "after_person", "before_person", "subject")
    items = [
        item for lists in project_spec["languages"].values() for name in names for item in lists.get(name, ())
    ]
    phrases = {part.strip().lower() for item in items for part in re.split(r"\{[^}]*\}", str(item))}
    # Shorter ones are words of everybody. A character of these scripts says as much as several letters.
    dense = re.compile("[ぁ-ヿ一-鿿가-힣ก-๛]")
    long = {phrase for phrase in phrases if len(phrase) > (6 if dense.match(phrase) else 15)}
    shared = {phrase for phrase in long for line in lines if phrase in line}
    assert not shared


def test_rare_characters_of_names_are_held_out() -> None:
    lines = list(srsly.read_jsonl(ROOT / "assets" / "rare.jsonl"))
    ends = [line["text"][s["end"] - 1] for line in lines for s in line["spans"] if s["label"] == "PER"]
    assert len(ends) >= 50
    assert len(set(ends)) == 20
    assert not set(ends) & set(SLIPS.read_text("utf-8"))


def test_lines_are_scored_by_hand_worked_numbers(trained: Language, tmp_path: Path) -> None:
    program = runpy.run_path(str(ROOT / "scripts" / "score_lines.py"))
    lines = [
        {"lang": "en", "text": "Bo calls DHL", "spans": [{"start": 0, "end": 2, "label": "PER"}]},
        {"lang": "zh", "text": "你好 Bo", "spans": [{"start": 3, "end": 5, "label": "PER"}]},
    ]
    # One exact, one that is none, and one too long, which is neither.
    scores = program["count"](lines, [{(0, 2, "PER"), (9, 12, "COURIER")}, {(2, 5, "PER")}])
    whole = {"lines": 2, "entities": 2, "exact": 1, "exact_percent": 50.0, "wrong": 1}
    assert scores["all"] == whole
    assert scores["languages"]["zh"] == {
        **whole,
        "lines": 1,
        "entities": 1,
        "exact": 0,
        "exact_percent": 0.0,
        "wrong": 0,
    }
    assert scores["labels"]["COURIER"]["wrong"] == 1
    trained.to_disk(tmp_path / "model")
    text, entities = SLIPS_OF_TESTS[0]
    spans = [{"start": text.index(e), "end": text.index(e) + len(e), "label": label} for e, label in entities]
    srsly.write_jsonl(tmp_path / "lines.jsonl", [{"lang": "en", "text": text, "spans": spans}])
    program["main"](
        tmp_path / "model", tmp_path / "lines.jsonl", tmp_path / "metrics" / "unseen.json", device="cpu"
    )
    assert srsly.read_json(tmp_path / "metrics" / "unseen.json")["all"]["exact_percent"] == 100.0
