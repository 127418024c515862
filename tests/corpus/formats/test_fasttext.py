"""Lines with labels after ``__label__``."""

from pathlib import Path

import pytest

from .test_table import chosen, read


@pytest.mark.parametrize(
    "text",
    [
        "__label__wet __label__torn The box, at last\n__label__ok Fine\n",
        "__label__wet, __label__torn, The box, at last\n__label__ok, Fine\n",
        "The box, at last __label__wet __label__torn\nFine __label__ok\n",
        "__label__wet The box, at last __label__torn\nFine __label__ok\n",
        "__label__wet\t__label__torn\tThe box, at last\n__label__ok\tFine\n",
        "\n__label__wet  __label__torn   The box, at last \r\n__label__ok Fine\r\n",
    ],
)
def test_labels_stand_before_or_after_the_text(tmp_path: Path, text: str) -> None:
    records, report = read(tmp_path, text, "file.txt")
    assert chosen(records) == [("The box, at last", ["torn", "wet"]), ("Fine", ["ok"])]
    assert report.notes == ["format fasttext"]
    assert report.left_out == {}


def test_lines_without_a_label_are_counted(tmp_path: Path) -> None:
    text = "__label__wet a __label__ in it\nplain\n__label__wet\n__label__ok b\n"
    records, report = read(tmp_path, text, "file.txt")
    assert chosen(records) == [("a __label__ in it", ["wet"]), ("b", ["ok"])]
    assert report.left_out == {"texts without a label": 1, "labels without a text": 1}
