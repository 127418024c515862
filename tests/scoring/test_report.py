"""Scores as plain text and as JSON."""

import json

import pytest
from spacy.training import Example

from spacy_xner.scoring.entities import score_entities
from spacy_xner.scoring.report import render_json, render_table

from .drawing import make_doc

WORDS = list("abcdef")
GOLD = [(0, 2, "PER"), (3, 4, "LOC"), (5, 6, "PER")]
PREDICTED = [(0, 2, "PER"), (3, 5, "LOC")]
TABLE = """\
type                    P      R     F1  gold
-----------------  ------  -----  -----  ----
LOC                  0.00   0.00   0.00     1
PER                100.00  50.00  66.67     2
micro (strict)      50.00  33.33  40.00     3
macro (strict)      50.00  25.00  33.33     3
weighted (strict)   66.67  33.33  44.44     3
micro (default)     50.00  33.33  40.00     3
accuracy of tags: 66.67, texts: 1"""


def test_scores_are_rendered() -> None:
    scores = score_entities([Example(make_doc(PREDICTED, WORDS), make_doc(GOLD, WORDS))])
    assert scores is not None
    assert render_table(scores) == TABLE
    assert json.loads(render_json(scores))["strict"]["per_type"]["PER"] == {
        "p": 1.0,
        "r": 0.5,
        "f": pytest.approx(2 / 3),
        "support": 2,
    }
