"""How tags are spelled, by all cells of a column."""

import pytest

from spacy_xner.corpus.annotation.spellings import find_plain


@pytest.mark.parametrize(
    ("counts", "scheme", "is_plain"),
    [
        ({"O": 8, "PER": 3, "LOC": 1}, None, True),
        ({"O": 0, "PER": 3, "LOC": 1}, "IO", True),
        ({"O": 0, "PER": 3, "LOC": 1}, None, False),
        # Numbers, and cells of several words, are no labels.
        ({"O": 8, "12": 3, "LOC": 1}, None, False),
        ({"O": 8, "PER LOC": 3, "LOC": 1}, None, False),
        ({"O": 8, "B-PER": 3, "LOC": 1}, None, False),
    ],
)
def test_labels_alone_are_words_among_many_cells_outside(
    counts: dict[str, int], scheme: str | None, is_plain: bool
) -> None:
    assert (find_plain(counts, scheme) is not None) == is_plain
