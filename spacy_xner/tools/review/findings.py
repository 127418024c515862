"""What is probably labelled wrongly: where a model has a version that it finds more probable."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import log
from typing import Literal, NamedTuple

from ...types import CharSpan, Record

Kind = Literal["missed", "spurious", "wrong label", "wrong border"]
KINDS: tuple[Kind, ...] = ("missed", "spurious", "wrong label", "wrong border")
# Below it, probabilities differ by rounding.
MIN_PROBABILITY = 1e-6


class Marginal(NamedTuple):
    """How probable it is to a model that a token is what the gold says: its part of an entity, or outside.

    Attributes:
        start: First character of the token.
        end: The character after its last.
        score: The probability, from 0 to 1.
    """

    start: int
    end: int
    score: float


class Judgement(NamedTuple):
    """A text as it is annotated, and as a model sees it.

    Attributes:
        gold: The annotation; each entity with the model's probability, 1 where it cannot tell.
        predicted: The model's version.
        probabilities: The model's probability of each label of the text as a whole; None if it judges none.
        marginals: The model's probability of the gold tag of each token; empty if it has no tags.
    """

    gold: Record
    predicted: Record
    probabilities: dict[str, float] | None = None
    marginals: Sequence[Marginal] = ()


class Versions(NamedTuple):
    """Both versions of the entities of a text, or of its labels as a whole.

    Attributes:
        gold: Those of the annotation, with the model's probabilities.
        predicted: Those of the model.
        is_of_text: Whether they are labels of the whole text, from its first character to its last.
    """

    gold: Sequence[CharSpan]
    predicted: Sequence[CharSpan]
    is_of_text: bool = False


class Finding(NamedTuple):
    """An entity, or a label of a whole text, that is probably wrong.

    Attributes:
        text: Index of the text.
        kind: ``missed`` (not in the gold), ``spurious`` (nothing for the model), ``wrong label`` or ``wrong
            border``.
        gold: What the gold has; None if it is missed. Labels of texts span all of it.
        predicted: What the model has instead; None if it has nothing.
        gold_score: The model's probability of the gold's version, from 0 to 1: with tags, the least of any
            token of both versions, else that of the entity.
        score: The model's probability of its own version, from 0 to 1.
        is_of_text: Whether it is a label of a whole text.
    """

    text: int
    kind: Kind
    gold: CharSpan | None
    predicted: CharSpan | None
    gold_score: float
    score: float
    is_of_text: bool = False

    @property
    def area(self) -> tuple[int, int]:
        """First character of both versions, and the one after their last."""
        spans = [span for span in (self.gold, self.predicted) if span is not None]
        return min(span.char_start for span in spans), max(span.char_end for span in spans)

    @property
    def labels(self) -> set[str]:
        """The labels of both versions."""
        return {span.label for span in (self.gold, self.predicted) if span is not None}

    @property
    def suspicion(self) -> float:
        """How much more probable the model's version is: the log of the ratio of both probabilities."""
        return log(max(self.score, MIN_PROBABILITY)) - log(max(self.gold_score, MIN_PROBABILITY))


def find_errors(judgements: Iterable[Judgement]) -> list[Finding]:
    """Find what is probably labelled wrongly, the most suspicious first."""
    findings = [
        finding
        for i, judgement in enumerate(judgements)
        for versions in versions_of(judgement)
        for finding in _compare(i, versions, judgement.marginals)
    ]
    return sorted(findings, key=lambda finding: -finding.suspicion)


def versions_of(judgement: Judgement) -> Iterator[Versions]:
    """Yield what is judged of a text: its entities, its labels as a whole."""
    gold, predicted, probabilities, _ = judgement
    if gold.spans is not None and predicted.spans is not None:
        yield Versions(gold.spans, predicted.spans)
    if probabilities is not None:
        yield Versions(
            _label_spans(gold, probabilities), _label_spans(predicted, probabilities), is_of_text=True
        )


def _label_spans(record: Record, probabilities: Mapping[str, float]) -> list[CharSpan]:
    """Return the labels of a text as spans over all of it."""
    chosen = [label for label, value in (record.cats or {}).items() if value > 0.5]
    return [CharSpan(0, len(record.text), label, probabilities.get(label, 0.0)) for label in chosen]


def _compare(text: int, versions: Versions, marginals: Sequence[Marginal]) -> Iterator[Finding]:
    gold, predicted, is_of_text = versions
    places, predicted_places = {span[:3] for span in gold}, {span[:3] for span in predicted}
    wrong = [span for span in gold if span[:3] not in predicted_places]
    new = [span for span in predicted if span[:3] not in places]
    for ours, theirs in _match(wrong, new):
        finding = _make_finding(text, ours, theirs, is_of_text=is_of_text)
        if marginals and not is_of_text:
            finding = finding._replace(gold_score=_least(finding.area, marginals))
        if finding.score > finding.gold_score:
            yield finding


def _match(
    gold: Sequence[CharSpan], predicted: Sequence[CharSpan]
) -> Iterator[tuple[CharSpan | None, CharSpan | None]]:
    """Pair entities that overlap, those that have most in common first; the others stay alone."""
    pairs = [(ours, theirs) for ours in gold for theirs in predicted if _shared(ours, theirs) > 0]
    pairs.sort(key=lambda pair: (-_shared(*pair), pair[0].label != pair[1].label, pair))
    open_gold, open_predicted = dict.fromkeys(gold), dict.fromkeys(predicted)
    for ours, theirs in pairs:
        if ours in open_gold and theirs in open_predicted:
            del open_gold[ours], open_predicted[theirs]
            yield ours, theirs
    yield from ((ours, None) for ours in open_gold)
    yield from ((None, theirs) for theirs in open_predicted)


def _least(area: tuple[int, int], marginals: Sequence[Marginal]) -> float:
    """Return the least probability of the gold at any token of an area.

    It tells errors from doubts: a model that sees an entity where the gold has none may be unsure of its
    border, so that the entity is only fairly probable, and yet be sure that something is there.
    """
    start, end = area
    return min((token.score for token in marginals if token.start < end and start < token.end), default=1.0)


def _shared(first: CharSpan, second: CharSpan) -> float:
    """Return the share of characters that two entities have in common, from 0 to 1."""
    common = min(first.char_end, second.char_end) - max(first.char_start, second.char_start)
    whole = max(first.char_end, second.char_end) - min(first.char_start, second.char_start)
    return max(common, 0) / max(whole, 1)


def _make_finding(
    text: int, gold: CharSpan | None, predicted: CharSpan | None, *, is_of_text: bool
) -> Finding:
    if gold is None:
        score = 0.0 if predicted is None else predicted.score
        return Finding(text, "missed", None, predicted, 1 - score, score, is_of_text)
    if predicted is None:
        return Finding(text, "spurious", gold, None, gold.score, 1 - gold.score, is_of_text)
    kind: Kind = "wrong label" if gold[:2] == predicted[:2] else "wrong border"
    return Finding(text, kind, gold, predicted, gold.score, predicted.score, is_of_text)
