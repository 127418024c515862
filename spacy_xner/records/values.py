"""What ``doc._.records`` holds: plain JSON, so that docs with records can be saved anywhere."""

import re
from typing import TypeAlias, TypedDict

from spacy.tokens import Doc

EXTENSION = "records"
# Full-width plus and hyphen, digits and letters, and what they stand for; the space is elsewhere.
_WIDE = (0x0B, 0x0D, *range(0x10, 0x1A), *range(0x21, 0x3B), *range(0x41, 0x5B))
_FOLDED = {**{0xFF00 + i: 0x20 + i for i in _WIDE}, 0x3000: 0x20}
_BREAK = re.compile(r"(?<=[\u2e80-\u9fff])\s*\n\s*(?=[\u2e80-\u9fff])")
_BLANKS = re.compile(r"\s+")


class Value(TypedDict):
    """A value of a record, where it is in the text, and in one spelling.

    Attributes:
        text: The entity as it is in the text.
        start: Offset of its first character.
        end: Offset after its last character.
        label: Label of the entity; None for an address that is put together from its parts.
        score: Probability of the entity, or the least one of the parts; None if their component gives none.
        value: Normalized value; None if there is none, as for a masked telephone number.
    """

    text: str
    start: int
    end: int
    label: str | None
    score: float | None
    value: str | None


class AddressValue(Value):
    """An address that is put together from the parts that a model has found.

    Attributes:
        source: ``parts``.
    """

    source: str


class PhoneValue(Value):
    """A telephone number, in E.164.

    Attributes:
        extension: Digits of the extension, or of the suffix of a privacy number; None without one.
        is_valid: Whether a country has such numbers.
        region: The country, such as ``CN``; None if it is unknown, or the number is of no country.
    """

    extension: str | None
    is_valid: bool
    region: str | None


class CourierValue(Value):
    """A courier, by its usual name.

    Attributes:
        code: Its code in the table of couriers; None if it is not in there.
    """

    code: str | None


class PartValue(Value):
    """A part of an address that a table has split off, not a model.

    Attributes:
        source: ``table``.
        is_in_text: Whether the address has it; if not, it follows from the city, and has the address's place.
    """

    source: str
    is_in_text: bool


# Values by field, and ``role``, which is None or a role of the file of cues, such as ``recipient``.
Record: TypeAlias = dict[str, str | list[Value] | None]


def values_of(record: Record, field: str) -> list[Value]:
    """Return the values of a field, in text order; none if the record does not have it."""
    values = record.get(field)
    # `DocBin` turns lists into tuples.
    return [] if values is None or isinstance(values, str) else list(values)


def fold(text: str) -> str:
    """Fold full-width digits and letters, and white space into single spaces."""
    text = _BREAK.sub("", text.translate(_FOLDED))
    return _BLANKS.sub(" ", text).strip()


def register_extension() -> None:
    """Register ``doc._.records``, unless there is such an attribute already."""
    if not Doc.has_extension(EXTENSION):
        Doc.set_extension(EXTENSION, default=[])
