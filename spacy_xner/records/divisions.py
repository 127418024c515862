"""Splits Chinese addresses into province, city and district by a table."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

# What is left out of names; short forms of prefectures such as 大理白族自治州 would be ambiguous.
_ENDING = re.compile(r"(?:省|市|盟|地区|林区|特别行政区|(?:壮族|回族|维吾尔)?自治区)$")
# Not a quarter, park or campus.
_DISTRICT = re.compile(
    r"[\s,，]*([\u3400-\u9fff]{1,12}?(?:自治县|自治旗|(?<![小园社校景厂片])区|县(?!区)|旗|市))"
)
_BETWEEN = re.compile(r"[\s,，]*")


class Part(NamedTuple):
    """A part of an address.

    Attributes:
        field: ``province``, ``city`` or ``district``.
        value: Its full name.
        start: Offset in the address.
        end: Offset after it; equal to the start if it is not in the address, but follows from the city.
    """

    field: str
    value: str
    start: int
    end: int


class DivisionTable:
    """Provinces and their cities.

    Args:
        table: Cities by province.
        title: What messages call the table.

    Raises:
        ValueError: If the table has another shape.
    """

    def __init__(self, table: Any, title: str) -> None:
        if not isinstance(table, dict) or not all(isinstance(cities, list) for cities in table.values()):
            raise ValueError(
                f"{title} must have a list of cities for each province, found others. Fix the file."
            )
        self._cities: dict[str, list[str]] = table
        self._provinces = {city: province for province, cities in table.items() for city in cities}

    def split(self, address: str) -> Iterator[Part]:
        """Yield the parts of an address, in order. An address that begins otherwise has none.

        Args:
            address: The address as it is in the text.
        """
        start = _skip(address, 0)
        province = _find(address, start, self._cities, may_be_short=True)
        after = start if province is None else _skip(address, province[1])
        cities = self._provinces if province is None else self._cities[province[0]]
        city = _find(address, after, cities, may_be_short=province is not None)
        if province is not None:
            yield Part("province", province[0], start, province[1])
        elif city is not None:
            yield Part("province", self._provinces[city[0]], start, start)
        else:
            return
        if city is not None:
            yield Part("city", city[0], after, city[1])
            after = city[1]
        district = _DISTRICT.match(address, after)
        if district is not None:
            yield Part("district", district[1], district.start(1), district.end(1))


def _skip(address: str, start: int) -> int:
    match = _BETWEEN.match(address, start)
    return start if match is None else match.end()


def _find(address: str, start: int, names: Iterable[str], *, may_be_short: bool) -> tuple[str, int] | None:
    """Find the name that an address has at an offset, and where it ends; full names come first."""
    for name in names:
        if address.startswith(name, start):
            return name, start + len(name)
    for name in names if may_be_short else ():
        short = _ENDING.sub("", name)
        if address.startswith(short, start):
            return name, start + len(short)
    return None
