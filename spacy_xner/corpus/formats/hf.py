"""Hugging Face datasets: a folder, a file of Parquet or Arrow, or a hub id, read as a stream.

Rows have tokens and tags, or texts with entities or labels, under the same names as in JSON: entities as a
list of objects or an object of lists; labels as one, as a list, or as a column of 0 and 1 for each. Numbers
have the names in the dataset's features. Where two columns may be the text, ``--fields text=COLUMN`` chooses.

Source: datasets' documentation, `load_from_disk` and `load_dataset`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from ...types import Record
from ..annotation.offsets import read_offsets
from ..reading.json_layout import LOOSE_TEXTS, TEXTS, has_text, normalize
from ..reading.session import ReadSession, shorten
from ..reading.sniff import FileHead
from .json_cats import NameReader
from .json_keys import Key, Plan
from .json_names import STARTS
from .json_paths import get, join_path
from .json_plan import find_plan
from .json_values import Marks, Place
from .span_json import parse_row
from .token_columns import Row, find_fields
from .token_rows import SAMPLE_ROWS, read_token_rows, refuse_columns

MARKERS = ("dataset_dict.json", "state.json", "dataset_info.json")
FILES = (".parquet", ".arrow")
# Names of the values of a column that says whether a text has a label.
YES_NO = (["no", "yes"], ["false", "true"], ["0", "1"])
# Beside another text, each of these is one of two that belong together; a title is not.
PARTNERS = ("question", "query", "context", "passage")


def recognizes_hf(head: FileHead) -> bool:
    """Return whether this is a file of Parquet or Arrow, a folder of such, or one of `save_to_disk`."""
    if not head.is_folder:
        return head.path.suffix.lower() in FILES
    return any((head.path / name).is_file() for name in MARKERS) or any(head.path.rglob("*.parquet"))


def read_hf(session: ReadSession) -> Iterator[Record]:
    """Read rows of tokens and tags, or of texts; numbers get the names in the dataset's features.

    Raises:
        ImportError: If datasets is not installed.
        ValueError: If the split is unknown.
        CorpusError: If the dataset is damaged, has no such columns, or a row is bad.
    """
    with _damage_reported(session):
        loaded = _load(session.path)
    dataset = _choose_split(loaded, session.options.split) if isinstance(loaded, dict) else loaded
    features = _without_flags(dataset.features or {})

    def list_rows(session: ReadSession) -> Iterator[tuple[str, Row]]:
        rows = enumerate(dataset, start=1)
        while True:
            with _damage_reported(session):
                number, row = next(rows, (0, None))
            if row is None:
                return
            values = {name: _read_value(value, features.get(name)) for name, value in row.items()}
            yield session.at(number), values

    rows = [row for _, row in islice(list_rows(session.preview()), SAMPLE_ROWS)]
    fields = find_fields(session, rows)
    if fields is not None:
        return read_token_rows(session, list_rows, fields)
    if "text" in session.options.field_names or any(map(has_text, rows)):
        plan = find_plan(session, rows)
        if all(key.what == "labels" for key in plan.keys):
            _check_single_text(session, plan, rows)
            _note_numbers(session, plan, rows)
        plan = replace(plan, keys=tuple(_read_empty(key, features) for key in plan.keys))
        return read_offsets(session, list_rows, partial(parse_row, plan))
    refuse_columns(session, session.at(1), dataset.features or next(iter(rows), {}))


def _without_flags(features: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out columns, if there are several, whose numbers 0 and 1 mean no and yes: they have no names."""
    flags = [
        name
        for name, each in features.items()
        if [str(value).lower() for value in getattr(each, "names", None) or ()] in YES_NO
    ]
    return {name: each for name, each in features.items() if len(flags) < 2 or name not in flags}


def _check_single_text(session: ReadSession, plan: Plan, rows: Sequence[Row]) -> None:
    """Refuse rows of which two columns may be the text that has the labels.

    Raises:
        CorpusError: If there are two, and the options name none.
    """
    text = plan.text[0]
    if "text" in session.options.field_names or len(plan.text) > 1 or not isinstance(text, str):
        return
    columns = dict.fromkeys(name for row in rows for name, value in row.items() if isinstance(value, str))
    others = [name for name in columns if name != text and _are_alike(normalize(text), normalize(name))]
    if others:
        session.fail(
            1,
            f"rows must have one text, found strings in {', '.join(map(shorten, [text, *others]))}.",
            f"Choose a column with --fields text={text}.",
        )
    titles = [name for name in columns if name != text and normalize(name) in LOOSE_TEXTS]
    if titles:
        session.note(
            f"not read, although it may be a text: {', '.join(titles)}; --fields text=COLUMN chooses"
        )


def _are_alike(text: str, other: str) -> bool:
    """Return whether a column may be the text as well as the one that is taken for it, by their names."""
    if text in TEXTS:
        ends = {text[-1:], other[-1:]}
        is_pair = text[:-1] == other[:-1] and ends in ({"a", "b"}, {"1", "2"})
        return is_pair or other in (*TEXTS, *PARTNERS)
    return other in LOOSE_TEXTS


def _read_empty(key: Key, features: Mapping[str, Any]) -> Key:
    """Let an empty list of named labels say that a text has none; other texts may not be annotated."""
    inner = getattr(features.get(join_path(key.path)), "feature", None)
    if key.what != "labels" or getattr(inner, "names", None) is None:
        return key

    def read(place: Place, value: Any) -> Marks:
        return Marks(cats=[]) if value == [] else key.read(place, value)

    return key._replace(read=read)


def _note_numbers(session: ReadSession, plan: Plan, rows: Sequence[Row]) -> None:
    """Note labels that are numbers, and have names neither in the dataset nor in the options."""
    options = session.options
    for key in plan.keys if not options.map and "names" not in options.field_names else ():
        values = [get(row, key.path) for row in rows]
        if values and all(type(each) is int for each in values) and not isinstance(key.read, NameReader):
            session.note(
                f"labels in {join_path(key.path)} are numbers without names: --map {values[0]}=NAME or "
                "--fields names=FILE names them"
            )


def _read_value(value: Any, feature: Any) -> Any:
    """Return a value with names for its numbers, and a list of objects for an object of lists."""
    names = getattr(feature, "names", None)
    if names is not None and type(value) is int:
        return names[value] if 0 <= value < len(names) else None
    inner = getattr(feature, "feature", feature[0] if isinstance(feature, list) and feature else None)
    if isinstance(value, list):
        return [_read_value(each, inner) for each in value]
    inners = inner if isinstance(inner, dict) else feature if isinstance(feature, dict) else {}
    if not isinstance(value, dict):
        return value
    read = {name: _read_value(each, inners.get(name)) for name, each in value.items()}
    return _transpose(read) if _are_columns(value) else read


def _are_columns(value: dict[str, Any]) -> bool:
    """Return whether an object of lists stands for a list of entities, as a sequence of objects is stored."""
    is_entity = any(normalize(name) in STARTS for name in value)
    return is_entity and all(isinstance(each, list) for each in value.values())


def _transpose(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


@contextmanager
def _damage_reported(session: ReadSession) -> Iterator[None]:
    """Report whatever datasets and pyarrow raise for files that are missing or damaged."""
    try:
        yield
    except ImportError:
        raise
    except Exception as err:
        reason = " ".join(str(err).split()).rstrip(".")
        session.fail(
            1,
            f"expected a dataset that can be read, found {type(err).__name__}: {reason:.200}.",
            "Check its name, or save it again.",
        )


def _load(path: Path) -> Any:
    try:
        import datasets
    except ImportError as err:
        msg = "Hugging Face datasets need the package datasets. Install it with: pip install spacy-xner[hf]"
        raise ImportError(msg) from err
    if (path / "dataset_dict.json").is_file() or (path / "state.json").is_file():
        return datasets.load_from_disk(str(path))
    if path.suffix.lower() == ".arrow":
        return datasets.Dataset.from_file(str(path))
    if path.suffix.lower() == ".parquet" and path.is_file():
        return datasets.load_dataset("parquet", data_files=str(path), streaming=True)
    return datasets.load_dataset(str(path), streaming=True)


def _choose_split(splits: dict[str, Any], split: str | None) -> Any:
    if split is None and len(splits) == 1:
        return next(iter(splits.values()))
    if split not in splits:
        raise ValueError(f"--split must be one of {', '.join(splits)}, found {split}. Choose one of these.")
    return splits[split]
