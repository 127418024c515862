"""The guide "Label a corpus of your own", with an annotator who has the gold and makes a mistake."""

import json
from collections.abc import Container
from pathlib import Path

import pytest
import srsly
from typer.testing import CliRunner

from spacy_xner import read_records
from spacy_xner.cli import app
from spacy_xner.tools.encoders.tiny import write_tiny
from spacy_xner.types import Record

pytestmark = pytest.mark.issue(25)

# What the lists and templates of a user draw, and what comes in: other people, plants and turns of phrase.
DRAWN = """
entities: {PER: name, PLANT: plant}
languages:
  en:
    shared: [given, plant, templates]
    given: [Ida, Bo, Lena, Omar]
    name: ["{given}"]
    plant: [rose, oak, fern, moss]
    templates:
      - "{PER} ordered {PLANT}"
      - "Please send {PLANT} to {PER}"
      - "No {PLANT} left, tell {PER}"
      - "{PLANT} arrived"
"""
REAL = """
entities: {PER: name, PLANT: plant}
languages:
  en:
    shared: [given, plant, templates]
    given: [Mia, Tom, Eva, Jan, Ada, Kim]
    name: ["{given}"]
    plant: [lily, ivy, mint, sage, iris, pine]
    templates:
      - "{PER} wants {PLANT} again"
      - "is the {PLANT} for {PER} there yet"
      - "{PLANT} {PLANT} and {PLANT} please"
      - "hello it is {PER}"
      - "{PER} will fetch the {PLANT} herself"
"""


def call(line: str) -> str:
    """Run a command that must succeed; returns its output."""
    result = CliRunner().invoke(app, line.split())
    assert result.exit_code == 0, result.output
    return result.stdout


def correct(tasks: Path, gold: dict[str, Record], *, forget: Container[int] = ()) -> list[str]:
    """Correct tasks as an annotator does who forgets all entities of some texts; returns the texts."""
    lines = [*srsly.read_jsonl(tasks)]
    for i, line in enumerate(lines):
        spans = () if i in forget else gold[line["text"]].spans or ()
        line["label"] = [[span.char_start, span.char_end, span.label] for span in spans]
    srsly.write_jsonl(tasks, lines)
    return [str(line["text"]) for line in lines]


def test_from_no_labels_to_a_pipeline_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("drawn.yml").write_text(DRAWN, encoding="utf-8")
    Path("real.yml").write_text(REAL, encoding="utf-8")
    call("synth drawn --source drawn.yml --format jsonl --train 60 --dev 20 --test 0")
    call("synth real --source real.yml --format jsonl --train 90 --dev 0 --test 60")
    gold = {record.text: record for record in read_records("real/train.jsonl")}
    Path("raw.txt").write_text("\n".join(gold), encoding="utf-8")
    write_tiny(Path("tiny"), [*gold, *(record.text for record in read_records("drawn/train.jsonl"))])
    call("convert drawn/train.jsonl both/drawn.spacy")
    call("convert drawn/dev.jsonl dev.spacy")
    call("convert real/test.jsonl test.spacy")
    scores = [train(0)]
    labelled: list[str] = []
    for turn in (1, 2):
        tasks = Path(f"tasks{turn}.jsonl")
        known = " ".join(f"--labelled both/turn{i}.spacy" for i in range(1, turn))
        model, corpus = f"turn{turn - 1}/model-best", f"both/turn{turn}.spacy"
        call(f"select {model} raw.txt --n 20 --random-share 0 --format doccano -o {tasks} {known}")
        chosen = correct(tasks, gold, forget={1})
        assert len(chosen) == 20
        assert not {*chosen} & {*labelled}
        labelled += chosen
        call(f"convert {tasks} {corpus}")
        # The pipeline of the turn before has not seen these labels: it doubts the text that was forgotten.
        findings = json.loads(call(f"review {model} {corpus} --json"))["findings"]
        assert any(found["text"] == 1 and found["kind"] == "missed" for found in findings)
        correct(tasks, gold)
        call(f"convert {tasks} {corpus} --overwrite")
        scores.append(train(turn))
    assert scores[0] < scores[1] - 0.2
    assert scores[2] > 0.9


def train(turn: int) -> float:
    """Train on all that is labelled so far; returns F1 on texts that came in."""
    start = f"--initialize.components.xner.init_from turn{turn - 1}/model-best" if turn else ""
    call(
        f"train --output turn{turn} --paths.train both --paths.dev dev.spacy --paths.encoder tiny "
        f"--vars.max_steps 100 {start}"
    )
    scores = json.loads(call(f"evaluate turn{turn}/model-best test.spacy --json"))
    return float(scores["strict"]["micro"]["f"])
