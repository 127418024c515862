"""Names of fields that options give."""

import pytest

from spacy_xner.corpus import ReadOptions


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        (None, {}),
        ("", {}),
        ("text=body", {"text": "body"}),
        (" text = full text ,spans=marks", {"text": "full text", "spans": "marks"}),
        ("names=tags=1.txt,", {"names": "tags=1.txt"}),
    ],
)
def test_fields_are_names_by_names(fields: str | None, names: dict[str, str]) -> None:
    assert ReadOptions(fields=fields).field_names == names


@pytest.mark.parametrize("fields", ["text", "=body", "text=", "text=a,b"])
def test_fields_of_another_form_are_refused(fields: str) -> None:
    with pytest.raises(ValueError, match=r"--fields must be names such as text=body,label=kind, found"):
        _ = ReadOptions(fields=fields).field_names
