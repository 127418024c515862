"""Paths to values in JSON, and the names that end them."""

import re
from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Any

from ..reading.json_layout import LOOSE_TEXTS, TEXTS, normalize
from ..reading.json_stream import Row

# From a value to one in it: keys of objects, indices of arrays.
Path = tuple[str | int, ...]
MAX_DEPTH = 3
_JOINED = re.compile(r"[(\[]?\s*(\d{1,9})\s*[-:,;~–]\s*(\d{1,9})\s*[)\]]?", re.ASCII)


def get(value: Any, path: Path) -> Any:
    """Return the value at a path; None if there is none."""
    for step in path:
        if type(value) is dict:
            value = value.get(step)
        elif type(value) is list and type(step) is int and step < len(value):
            value = value[step]
        elif type(value) is str and step in (0, 1) and is_joined(value):
            value = int(_JOINED.fullmatch(value)[step + 1])  # type: ignore[index]
        else:
            return None
    return value


def keys_of(path: Path) -> tuple[str, ...]:
    """Return the keys of a path, without indices."""
    return tuple(step for step in path if isinstance(step, str))


def name_of(path: Path) -> str:
    """Return the last key of a path as tables of names have it."""
    return normalize(str(path[-1]))


def join_path(path: Path) -> str:
    """Write a path, such as ``data.text``."""
    return ".".join(map(str, path))


def as_path(name: str) -> Path:
    """Read a path, such as ``data.text``."""
    return tuple(int(step) if step.isdecimal() else step for step in name.split("."))


def rank_paths(paths: Sequence[Path], wanted: Sequence[str]) -> list[Path]:
    """Return the paths whose last keys are wanted, in the order of the wanted ones."""
    named = {name_of(path): path for path in reversed(paths)}
    return [named[name] for name in wanted if name in named]


def list_leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """List the values in an entity: all that are no objects, and the first of each array of other things."""
    if len(path) > MAX_DEPTH or not isinstance(value, dict | list):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from list_leaves(each, (*path, key))
    elif is_place(value) or not value or isinstance(value[0], str):
        yield path, value
    else:
        yield from list_leaves(value[0], (*path, 0))


def is_place(value: object) -> bool:
    """Return whether a value is a start and an end."""
    return isinstance(value, list) and len(value) == 2 and all(type(each) is int for each in value)


def is_joined(value: object) -> bool:
    """Return whether a string is a start and an end, such as ``3-7``."""
    match = _JOINED.fullmatch(value) if isinstance(value, str) else None
    return match is not None and int(match[1]) <= int(match[2])


def find_text(rows: Sequence[Row]) -> Path:
    """Find the path of the text by the names of keys, and by length among names that also have other uses."""
    lengths: dict[Path, list[int]] = {}
    for row in rows:
        for path, value in _list_strings(row):
            lengths.setdefault(path, []).append(len(value))
    common = {path for path, each in lengths.items() if 2 * len(each) >= len(rows)} or {*lengths}
    for depth in (1, 2):
        paths = [path for path in lengths if path in common and len(path) == depth]
        if named := rank_paths(paths, TEXTS):
            return named[0]
        if loose := rank_paths(paths, LOOSE_TEXTS):
            return max(loose, key=lambda path: fmean(lengths[path]))
    return ("text",)


def _list_strings(row: Row) -> Iterator[tuple[tuple[str, ...], str]]:
    for key, value in row.items():
        if isinstance(value, str):
            yield (key,), value
        elif isinstance(value, dict):
            yield from (((key, inner), each) for inner, each in value.items() if isinstance(each, str))
