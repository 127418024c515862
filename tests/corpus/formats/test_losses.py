"""What a format cannot carry is counted by its writer."""

from pathlib import Path

import pytest

from spacy_xner.corpus import read_records, write_records
from spacy_xner.corpus.formats.losses import UNANNOTATED, WITHOUT_ENTITIES
from spacy_xner.types import CharSpan, Record

WHO = (CharSpan(0, 3, "WHO"),)
CATS = {"good": 1.0, "bad": 0.0}
PROBABILITIES = "probabilities of labels, written as yes or no"
NO_PLACE = "labels of texts with entities, for which doccano has no place"
NO_COLUMN = "texts with labels of their own, for which CoNLL has no place"


@pytest.mark.parametrize(
    ("records", "lost"),
    [
        ([Record("Una", WHO)], {}),
        ([Record("Una", ())], {}),
        ([Record("Una")], {name: {UNANNOTATED: 1} for name in ("jsonl", "doccano", "label-studio", "conll")}),
        ([Record("Una", None, cats=CATS)], {"conll": {NO_COLUMN: 1, UNANNOTATED: 1}}),
        (
            [Record("Una", (), cats=CATS)],
            {
                "doccano": {WITHOUT_ENTITIES: 1},
                "label-studio": {WITHOUT_ENTITIES: 1},
                "conll": {NO_COLUMN: 1},
            },
        ),
        ([Record("Una", WHO, cats=CATS)], {"doccano": {NO_PLACE: 1}, "conll": {NO_COLUMN: 1}}),
        (
            [Record("Una", WHO), Record("Li", None, cats=CATS), Record("Bo", (), cats=CATS)],
            {
                "doccano": {WITHOUT_ENTITIES: 1},
                "label-studio": {UNANNOTATED: 1},
                "conll": {NO_COLUMN: 2, UNANNOTATED: 1},
            },
        ),
        (
            [Record("Una", WHO, cats={"good": 0.25})],
            {"doccano": {PROBABILITIES: 1}, "label-studio": {PROBABILITIES: 1}, "conll": {NO_COLUMN: 1}},
        ),
    ],
)
def test_losses_are_counted(tmp_path: Path, records: list[Record], lost: dict[str, dict[str, int]]) -> None:
    for name in ("jsonl", "doccano", "label-studio", "conll"):
        assert write_records(records, tmp_path / name, name) == lost.get(name, {}), name


def test_what_is_not_counted_is_read_back(tmp_path: Path) -> None:
    records = [Record("Una", WHO, cats=CATS), Record("Li", (), cats={"good": 0.0, "bad": 1.0})]
    for name in ("jsonl", "label-studio"):
        assert not write_records(records, tmp_path / name, name)
        again = [(each.text, each.spans, each.cats) for each in read_records(tmp_path / name)]
        assert again == [(each.text, each.spans, each.cats) for each in records]
