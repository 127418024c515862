"""Couriers by one name and code."""

import re
import unicodedata
from typing import Any, NamedTuple

from .values import fold

_NO_WORD = re.compile(r"[\W_]+")
# What people add to the name of a courier, or leave out.
_GENERIC = re.compile(
    r"(?:快递|快遞|速递|速遞|速运|速運|物流|快运|快件|公司|宅配便|宅配|急便|運輸|택배|express|expres|logistics|courier|kargo|"
    r"delivery|versand|paket|parcel|service|доставка|служба|ขนส่ง|เอ็กซ์เพรส)$"
)


class Courier(NamedTuple):
    """A courier.

    Attributes:
        name: Its usual name; as it is written if the table does not have it.
        code: Its code in the table; None if the table does not have it.
    """

    name: str
    code: str | None


class CourierTable:
    """Looks up couriers.

    Args:
        table: Names by code, the usual one first.
        title: What messages call the table.

    Raises:
        ValueError: If the table has another shape, or two couriers have the same name.
    """

    def __init__(self, table: Any, title: str) -> None:
        self._couriers: dict[str, Courier] = {}
        for code, names in table.items() if isinstance(table, dict) else [(table, None)]:
            if not isinstance(names, list) or not names:
                raise ValueError(
                    f"{title} must have a list of names for each code, found {code!r}: {names!r}. "
                    "Fix the file."
                )
            courier = Courier(str(names[0]), str(code))
            for name in map(str, names):
                other = self._couriers.setdefault(_key(name), courier)
                if other != courier:
                    raise ValueError(
                        f"{title} must have each name once, found {name!r} for {other.code} and {code}. "
                        "Fix the file."
                    )
        for key, courier in [*self._couriers.items()]:
            self._couriers.setdefault(_without_generic(key), courier)

    def find(self, text: str) -> Courier:
        """Find a courier by any of its names."""
        key = _key(text)
        courier = self._couriers.get(key) or self._couriers.get(_without_generic(key))
        return courier or Courier(fold(text), None)


def _key(name: str) -> str:
    """Return a name without case, spaces and punctuation."""
    return _NO_WORD.sub("", unicodedata.normalize("NFKC", name).casefold())


def _without_generic(key: str) -> str:
    """Return a key without generic words at its end; unchanged if nothing else is left."""
    while (shorter := _GENERIC.sub("", key)) not in ("", key):
        key = shorter
    return key
