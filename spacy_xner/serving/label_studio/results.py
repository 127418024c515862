"""Predictions as Label Studio's results: regions and choices, with scores."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from ...scoring.thresholds import DEFAULT_THRESHOLD, threshold_of
from .interface import Control, Interface

Row = dict[str, Any]


class Region(NamedTuple):
    """A predicted entity.

    Attributes:
        start: Offset of its first character, as Python counts them.
        end: Offset after its last one.
        label: Its label.
        score: Its probability, from 0 to 1; None if it is not known.
    """

    start: int
    end: int
    label: str
    score: float | None = None


class Answer(NamedTuple):
    """What a pipeline predicts for a text.

    Attributes:
        text: The text.
        regions: Entities.
        cats: Probability of each label of the text.
        score: Probability that the entities are exactly right, none missing; None if it is not known.
    """

    text: str
    regions: Sequence[Region] = ()
    cats: Mapping[str, float] = {}
    score: float | None = None


class Classes(NamedTuple):
    """The labels of a component that classifies texts.

    Attributes:
        labels: Its labels.
        is_exclusive: Whether a text has exactly one.
        threshold: Least probability of a label if not.
    """

    labels: Collection[str]
    is_exclusive: bool
    threshold: float | Mapping[str, float] = DEFAULT_THRESHOLD

    def choose(self, cats: Mapping[str, float]) -> dict[str, float]:
        """Return the labels that a text has, with their probabilities."""
        own = {label: cats[label] for label in self.labels if cats.get(label)}
        if self.is_exclusive:
            return dict([max(own.items(), key=lambda item: item[1])]) if own else {}
        return {label: p for label, p in own.items() if p >= threshold_of(self.threshold, label)}


class Known(NamedTuple):
    """The labels of a pipeline.

    Attributes:
        entities: Labels of entities.
        classes: Labels of texts, by component.
    """

    entities: Collection[str]
    classes: Sequence[Classes] = ()

    @property
    def cats(self) -> set[str]:
        """All labels of texts."""
        return {label for each in self.classes for label in each.labels}


def make_prediction(interface: Interface, answers: Mapping[str, Answer], known: Known) -> Row:
    """Make the prediction of a task.

    Label Studio counts characters as Python does (code points), not as JavaScript does: the offsets are those
    of the pipeline.

    Args:
        interface: The project's interface.
        answers: What the pipeline predicts for each text, by name.
        known: The labels of the pipeline.

    Returns:
        ``result`` and ``score``: how probable it is that all of it is right, from 0 to 1; None if the
        pipeline predicts nothing that the project labels.
    """
    results: list[Row] = []
    scores: dict[tuple[str, str], float | None] = {}
    for control in interface.controls:
        answer = answers.get(control.to_name)
        matched = control.match(known.entities if control.kind == "labels" else known.cats)
        if answer is None or not matched:
            continue
        if control.kind == "labels":
            rows = [*_list_regions(control, matched, answer)]
            # Several controls of a text share the score of its entities.
            scores[control.to_name, ""] = _score_entities(answer)
        else:
            rows, score = _choose(control, matched, answer.cats, known.classes)
            scores[control.to_name, control.name] = score
        results += rows
    numbered = [{"id": f"xner-{number}", **row} for number, row in enumerate(results, start=1)]
    parts = [score for score in scores.values() if score is not None]
    return {"result": numbered, "score": prod(parts) if parts else None}


def _list_regions(control: Control, matched: Mapping[str, str], answer: Answer) -> Iterator[Row]:
    for start, end, label, score in answer.regions:
        if label in matched:
            value = {"start": start, "end": end, "text": answer.text[start:end], "labels": [matched[label]]}
            yield _place(control) | {"value": value} | ({} if score is None else {"score": score})


def _score_entities(answer: Answer) -> float | None:
    """Return how probable it is that the entities are right: by the least probable, if all else fails."""
    scores = [region.score for region in answer.regions if region.score is not None]
    return answer.score if answer.score is not None else min(scores, default=None)


def _choose(
    control: Control, matched: Mapping[str, str], cats: Mapping[str, float], classes: Sequence[Classes]
) -> tuple[list[Row], float | None]:
    """Choose what a text is, and return how probable it is that this is right."""
    own = [each for each in classes if matched.keys() & {*each.labels}]
    chosen = {label: p for each in own for label, p in each.choose(cats).items() if label in matched}
    ranked = sorted(chosen.items(), key=lambda item: -item[1])
    if not control.is_multiple:
        ranked = ranked[:1]
    values = [*dict.fromkeys(matched[label] for label, _ in ranked)]
    score = prod(p for each in own for p in _certainties(each, matched, cats)) if own else None
    if not values:
        return [], score
    row = _place(control) | {"value": {"choices": values}, "score": min(p for _, p in ranked)}
    return [row], score


def _certainties(classes: Classes, matched: Collection[str], cats: Mapping[str, float]) -> Iterator[float]:
    """Yield how probable each decision is: one if labels exclude each other, or else one for each label."""
    own = [cats[label] for label in classes.labels if label in cats and label in matched]
    if classes.is_exclusive:
        yield max((cats.get(label, 0.0) for label in classes.labels), default=0.0)
    else:
        yield from (max(p, 1 - p) for p in own)


def _place(control: Control) -> Row:
    return {"from_name": control.name, "to_name": control.to_name, "type": control.kind}
