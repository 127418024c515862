"""Labels of a text among others: with their probabilities, or with 0 and 1 by their numbers.

Source: the pipelines ``zero-shot-classification`` and ``text-classification`` of transformers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..reading.json_layout import normalize
from ..reading.json_stream import Row
from ..reading.label_names import (
    Names,
    are_multi_hot,
    choose_hot,
    find_hot_names,
    find_label_names,
    refuse_number,
)
from ..reading.session import ReadSession, shorten
from .json_names import LABELS
from .json_tags import Sample
from .json_values import MIN_CAT_PROBABILITY, Marks, Place, ReadValue, choices_of, find_common_kind

# Keys of probabilities: of a label in an object, and of labels in a list beside.
SCORES = ("score", "scores", "confidence", "confidences", "probability", "probabilities", "probs")
# Keys of the names of labels beside their numbers.
NAMES_BESIDE = (
    "labeltext",
    "labelname",
    "labelnames",
    "labelstr",
    "labelstring",
    "classname",
    "categoryname",
)
# What probabilities that were rounded may add up to.
MIN_SUM, MAX_SUM = 0.98, 1.02


@dataclass(frozen=True)
class ScoreReader:
    """Reads the probabilities of labels; JSON's true and false are 1 and 0.

    Attributes:
        is_exclusive: A text has only the most probable label; else all that are more probable than not.
    """

    is_exclusive: bool = False

    def __call__(self, place: Place, value: Any) -> Marks:
        """Read a value."""
        scores = scores_of(value, place.row)
        if scores is None:
            place.session.fail(place.where, f"expected labels, each with its value, found {shorten(value)}.")
        for score in scores.values():
            if not is_probability(score):
                place.session.fail(
                    place.where,
                    f"the value of a label must be from 0 to 1, true or false, found {shorten(score)}.",
                )
        limit = max(scores.values(), default=0.0) if self.is_exclusive else MIN_CAT_PROBABILITY
        return Marks(cats=[label for label, score in scores.items() if score >= limit], classes=scores)


@dataclass(frozen=True)
class MultiHotReader:
    """Reads lists with 0 or 1 for each label.

    Attributes:
        names: The labels.
    """

    names: Sequence[str]

    def __call__(self, place: Place, value: Any) -> Marks:
        """Read a value."""
        return Marks(cats=choose_hot(place.session, place.where, self.names, value), classes=self.names)


@dataclass(frozen=True)
class NumberReader:
    """Reads the numbers of labels, with their names.

    Attributes:
        names: The names.
    """

    names: Names

    def __call__(self, place: Place, value: Any) -> Marks:
        """Read a value."""
        numbers = value if isinstance(value, list) else [value]
        for number in numbers:
            if number not in self.names:
                refuse_number(place.session, place.where, number)
        return Marks(cats=[self.names[number] for number in numbers])


@dataclass(frozen=True)
class NameReader:
    """Reads the name of a label, which stands beside its number.

    Attributes:
        key: Key of the name.
    """

    key: str

    def __call__(self, place: Place, value: Any) -> Marks:
        """Read a value."""
        name = place.row.get(self.key)
        if not isinstance(name, str):
            place.session.fail(
                place.where, f"expected the name of a label in {self.key}, found {shorten(name)}."
            )
        return Marks(cats=[name])


def find_cats_reader(session: ReadSession, column: str, samples: Sequence[Sample]) -> ReadValue | None:
    """Return what reads labels among others, and note it; None if values are something else.

    Args:
        session: The session.
        column: Name of the key.
        samples: Its values.
    """
    values = [each.value for each in samples]
    if are_multi_hot(values):
        return MultiHotReader(find_hot_names(session, column, len(values[0])))
    if (beside := _find_names_beside(samples)) is not None:
        session.note(f"numbers in {column} have their names in {beside}")
        return NameReader(beside)
    if "names" in session.options.field_names and all(map(_is_number, values)):
        return NumberReader(find_label_names(session, column) or {})
    scores = [each for sample in samples if (each := scores_of(sample.value, sample.row))]
    are_good = all(is_probability(each) for row in scores for each in row.values())
    if find_common_kind(samples) != "scores" and not (are_good and len(scores) == len(samples) > 0):
        return None
    reader = ScoreReader(are_exclusive(scores))
    if any(0 < each < 1 for row in scores for each in row.values() if is_probability(each)):
        chosen = "the most probable label" if reader.is_exclusive else "labels of at least 0.5"
        session.note(f"probabilities of labels in {column}: a text has {chosen}")
    return reader


def choose_flags(names: Sequence[str], rows: Sequence[Row]) -> tuple[str, ...]:
    """Choose the keys of labels among those that hold 0 and 1: several, which differ; empty if none do."""
    # Beside columns of 0 and 1, true and false say something else.
    numbers = [name for name in names if not any(isinstance(row[name], bool) for row in rows)]
    flags = numbers if len(numbers) > 1 else names
    seen = {tuple(row[name] for name in flags) for row in rows}
    return tuple(flags) if len(flags) > 1 and (len(seen) > 1 or len(rows) == 1) else ()


def _find_names_beside(samples: Sequence[Sample]) -> str | None:
    """Return the key of the names of labels beside their numbers; None if there is none."""
    if not samples or not all(type(each.value) is int for each in samples):
        return None
    keys = [key for key in samples[0].row if normalize(key) in NAMES_BESIDE]
    for key in keys:
        pairs = {(each.value, each.row.get(key)) for each in samples if isinstance(each.row.get(key), str)}
        if len(pairs) == len({each.value for each in samples}) == len({name for _, name in pairs}):
            return key
    return None


def _is_number(value: object) -> bool:
    """Return whether a value is a number of a label, or a list of such."""
    items = value if isinstance(value, list) else [value]
    return all(isinstance(item, int | float) and not isinstance(item, bool) for item in items)


def scores_of(value: Any, row: Row) -> Mapping[str, Any] | None:
    """Return the values of labels: an object, a list of objects, or labels and a list beside them."""
    value = choices_of(value)
    if isinstance(value, dict):
        return value
    if not isinstance(value, list) or not value:
        return None
    if all(isinstance(each, str) for each in value):
        lists = (each for key, each in row.items() if normalize(key) in SCORES)
        beside = next((each for each in lists if isinstance(each, list) and len(each) == len(value)), None)
        return None if beside is None else dict(zip(value, beside, strict=True))
    pairs = [_pair_of(each) for each in value]
    return dict(filter(None, pairs)) if all(pairs) else None


def _pair_of(value: Any) -> tuple[str, Any] | None:
    """Return the label and probability of an object that has nothing else."""
    if not isinstance(value, dict) or len(value) != 2:
        return None
    keys = {normalize(key): each for key, each in value.items()}
    label = next((keys[name] for name in LABELS if isinstance(keys.get(name), str)), None)
    score = next((keys[name] for name in SCORES if name in keys), None)
    return None if label is None or score is None else (label, score)


def is_probability(value: object) -> bool:
    """Return whether a value is from 0 to 1, true or false."""
    return isinstance(value, int | float) and 0 <= value <= 1


def are_exclusive(scores: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a text has one label: probabilities add up to 1, or only the best label is listed."""
    if not all(is_probability(each) for row in scores for each in row.values()):
        return False
    if all(len(row) == 1 for row in scores):
        return len({label for row in scores for label in row}) > 1
    return all(MIN_SUM <= sum(row.values()) <= MAX_SUM for row in scores)
