"""Names of labels that a corpus writes as numbers: in a file that an option names, or beside the corpus."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from .session import ReadSession, shorten

Names = dict[int, str]
# Files that are looked for beside a corpus.
FILES = (
    "labels.txt", "label_list.txt", "label_names.txt", "ner_tags.txt", "tags.txt", "label.txt", "tag.txt",
    "label_list.json", "labels.json", "label_names.json", "ner_tags.json", "tags.json", "label_config.json",
    "id2label.json", "label2id.json", "id2tag.json", "tag2id.json", "label_map.json", "label.json",
    "config.json", "dataset_info.json", "dataset_infos.json",
)  # fmt: skip
NAMES = ("names", "id2label", "label2id", "id2tag", "tag2id", "labels", "label_list")
ADVICE = "Put the names in labels.txt beside the corpus, one a line, or name that file: --fields names=FILE."
_NUMBERED = re.compile(r"(?:(\d+)[\s:,]+(\S.*)|(\S.*)[\s:,]+(\d+))")


def find_label_names(session: ReadSession, column: str) -> Names | None:
    """Find the names of a column's numbers, and note where they are; None if there are none.

    The file has a name on each line, or its number beside it; or it is JSON: a list of names, an object of
    names and numbers, or the features of a Hugging Face dataset.

    Raises:
        ValueError: If the file that the option ``fields`` names cannot be read.
    """
    named = session.options.field_names.get("names")
    path = session.path
    file, names = _find_beside(path, column) if named is None else _read_named(path, named, column)
    if file is not None and names is not None:
        sample = ", ".join(f"{number} {name}" for number, name in sorted(names.items())[:3])
        session.note(f"numbers in {column} have the {len(names)} names in {file.name}: {sample}, ...")
    return names


def _read_named(corpus: Path, name: str, column: str) -> tuple[Path, Names]:
    """Read the file that the options name.

    Raises:
        ValueError: If there is none, or no names in it.
    """
    file = next((path for path in (Path(name), corpus.parent / name) if path.is_file()), None)
    names = _read_names(file, column) if file is not None else None
    if file is None or names is None:
        raise ValueError(
            "names in --fields must be a file of the labels' names, one a line, found "
            f"{'no such file' if file is None else 'none in it'}: {name}. Name another."
        )
    return file, names


def _find_beside(corpus: Path, column: str) -> tuple[Path, Names] | tuple[None, None]:
    """Find a file of names beside a corpus."""
    folder = corpus if corpus.is_dir() else corpus.parent
    for path in map(folder.joinpath, FILES):
        names = _read_names(path, column) if path.is_file() and path != corpus else None
        if names is not None:
            return path, names
    return None, None


def _read_names(path: Path, column: str) -> Names | None:
    try:
        with ReadSession(path).open() as file:
            text = file.read().decode("utf-8")
        if path.suffix.lower() == ".json":
            return _find_names(json.loads(text), column)
    except ValueError:
        return None
    return _parse_lines([line.strip() for line in text.splitlines() if line.strip()])


def _parse_lines(lines: list[str]) -> Names | None:
    """Read names from lines: each has its number beside it, or the numbers are those of the lines from 0."""
    matches = [match for match in map(_NUMBERED.fullmatch, lines) if match is not None]
    if len(matches) == len(lines):
        pairs = [(match[1] or match[4], match[2] or match[3]) for match in matches]
        return {int(number): name.strip() for number, name in pairs} or None
    return dict(enumerate(lines)) or None


def _find_names(value: Any, column: str) -> Names | None:
    """Find names in JSON: under the name of the column, or at the top."""
    for candidate in (*_each_value(value, lambda key: key == column), value):
        names = _parse_names(candidate)
        if names is not None:
            return names
        for inner in _each_value(candidate, NAMES.__contains__):
            names = _parse_names(inner)
            if names is not None:
                return names
    return None


def _each_value(value: Any, is_wanted: Callable[[str], bool]) -> Iterator[Any]:
    """Yield the values of such keys, at any depth."""
    if isinstance(value, dict):
        yield from (inner for key, inner in value.items() if is_wanted(key))
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _each_value(inner, is_wanted)


def _parse_names(value: Any) -> Names | None:
    """Read names from a list of them or of objects, or from an object of names and numbers."""
    if isinstance(value, dict) and value:
        if all(isinstance(number, int) and not isinstance(number, bool) for number in value.values()):
            return {number: name for name, number in value.items()}
        if all(key.isdecimal() and isinstance(name, str) for key, name in value.items()):
            return {int(key): name for key, name in value.items()}
    if not isinstance(value, list) or not value:
        return None
    if all(isinstance(name, str) for name in value):
        return dict(enumerate(value))
    if all(isinstance(row, dict) and isinstance(row.get("id"), int) for row in value):
        names = {
            row["id"]: next(filter(None, map(row.get, ("text", "name", "label"))), None) for row in value
        }
        return {number: name for number, name in names.items() if isinstance(name, str)} or None
    return None


def refuse_number(session: ReadSession, where: str, number: object) -> NoReturn:
    """Refuse a number without a name.

    Raises:
        CorpusError: Always.
    """
    session.fail(
        where,
        f"a label that is a number must have a name, found {shorten(number)}.",
        ADVICE,
    )


def are_multi_hot(values: Iterable[Any]) -> bool:
    """Return whether lists have 0 or 1 for each label: they have one size, and are no numbers of labels."""
    lists = [each for each in values if isinstance(each, list)]
    if len({*map(len, lists)}) != 1 or len(lists[0]) < 2:
        return False
    items = [item for each in lists for item in each]
    if not all(isinstance(item, int | float) and item in (0, 1) for item in items):
        return False
    # The numbers of a text's labels differ, and have one order.
    differ = all(len({*each}) == len(each) for each in lists) and len({*map(tuple, lists)}) == 1
    return not differ or any(isinstance(item, bool) for item in items)


def find_hot_names(session: ReadSession, column: str, size: int) -> list[str]:
    """Return the names of labels for lists with 0 or 1 for each, and note where they are.

    Raises:
        CorpusError: If there are none, or more or fewer.
    """
    names = find_label_names(session, column) or {}
    if {*names} != {*range(size)}:
        session.fail(
            1,
            f"labels of a text must differ, found lists in {column} that seem to have 0 or 1 for each of "
            f"{size} labels, and {len(names)} names.",
            ADVICE,
        )
    return [names[number] for number in range(size)]


def choose_hot(session: ReadSession, where: str, names: Sequence[str], value: Any) -> list[str]:
    """Return the labels of a list with 0 or 1 for each.

    Raises:
        CorpusError: If it is something else.
    """
    if not isinstance(value, list) or len(value) != len(names) or not {*value} <= {0, 1}:
        session.fail(where, f"expected 0 or 1 for each of {len(names)} labels, found {shorten(value)}.")
    return [name for name, item in zip(names, value, strict=True) if item]
