"""Entities in docs: ``doc.ents``, span groups that follow their doc, and ``_.xner_score``."""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import compress
from math import prod
from struct import Struct
from typing import Any, cast

import srsly
from spacy.tokens import Doc, Span, SpanGroup

from ..types import Entity

Key = tuple[str, str, int, int]

EXTENSION = "xner_score"
# Attribute of a span group with the probability that its entities are exactly right.
TEXT_SCORE = "text_score"
# Serialized form of a span in a span group: id, kb_id, label, start, end, start_char, end_char.
_ROW = Struct(">QQQllll")


def write_entities(
    doc: Doc,
    entities: Sequence[Entity],
    *,
    key: str | None,
    overwrite: bool,
    text_score: float | None = None,
) -> None:
    """Write entities with their scores to a doc.

    Tokens that were blocked by `Doc.set_ents` are in no entity.

    Args:
        doc: The doc.
        entities: The entities, which may overlap.
        key: Key of the span group for all of them; None for none.
        overwrite: Whether they replace those of ``doc.ents``, which are kept otherwise.
        text_score: Probability that they are exactly right, which is stored with the span group.
    """
    # Most docs have no annotation yet, and need no search.
    is_annotated = doc.to_array("ENT_IOB").any()
    blocked = find_blocked(doc) if is_annotated else []
    kept = list(doc.ents) if is_annotated and not overwrite else []
    entities = without_tokens(entities, blocked)
    spans = make_spans(doc, entities)
    store_scores(entities, spans, kept)
    if key is not None:
        doc.spans[key] = EntityGroup(doc, key, entities, spans)
        if text_score is not None:
            doc.spans[key].attrs[TEXT_SCORE] = text_score
    occupied = [token.i for span in kept for token in span]
    flat = choose_flat(without_tokens(entities, occupied))
    new = replace_ents(doc, flat) if is_annotated and overwrite else make_spans(doc, flat)
    doc.set_ents([*kept, *new], blocked=[doc[i : i + 1] for i in blocked], default="outside")


def find_blocked(doc: Doc) -> list[int]:
    """Return the tokens that `Doc.set_ents` has blocked: they may be in no entity."""
    return [token.i for token in doc if token.ent_iob == 3 and not token.ent_type]


def without_tokens(entities: Sequence[Entity], tokens: Collection[int]) -> Sequence[Entity]:
    """Return the entities that contain none of some tokens."""
    if not tokens:
        return entities
    excluded = set(tokens)
    return [ent for ent in entities if excluded.isdisjoint(range(ent.start, ent.end))]


def make_spans(doc: Doc, entities: Sequence[Entity]) -> list[Span]:
    """Make spans of entities."""
    return [Span(doc, ent.start, ent.end, label=ent.label) for ent in entities]


def replace_ents(doc: Doc, entities: Sequence[Entity]) -> list[Span]:
    """Make spans that replace ``doc.ents``. One that was there already stays as it is, with its ids.

    Others lose the ids that their tokens have from earlier entities: `Doc.set_ents` would keep these.
    """
    old = {(span.start, span.end, span.label_): span for span in doc.ents}
    places = [ent[:3] for ent in entities]
    spans = [old.pop(place) if place in old else Span(doc, *place) for place in places]
    for token in (token for span in old.values() for token in span):
        token.ent_id = token.ent_kb_id = 0
    return spans


def choose_flat(entities: Sequence[Entity]) -> list[Entity]:
    """Choose non-overlapping entities with the largest sum of probabilities.

    Ties are broken in favour of the entity that ends first.

    Source: weighted interval scheduling, as in Kleinberg & Tardos (2005), "Algorithm design".
    """
    ordered = sorted(entities, key=lambda ent: (ent.end, ent.start))
    ends = [ent.end for ent in ordered]
    # best[i]: largest sum over the first i entities
    best = [0.0]
    before = [bisect_right(ends, ent.start) for ent in ordered]
    for i, ent in enumerate(ordered):
        best.append(max(best[i], ent.score + best[before[i]]))
    chosen = []
    i = len(ordered)
    while i:
        if best[i] == best[i - 1]:
            i -= 1
            continue
        chosen.append(ordered[i - 1])
        i = before[i - 1]
    return chosen[::-1]


def score_of(span: Span) -> float | None:
    """Return the probability of an entity, or None for a span without a score."""
    data, key = _scores_in(span.doc), _key(span)
    if key not in data:
        _restore_scores(span.doc)
    scores = data.get(key)
    # A user may have set the attribute to a number.
    return scores.get(span.label_) if isinstance(scores, dict) else scores


def text_score_of(doc: Doc) -> float | None:
    """Return the probability that all entities of a doc are right and none is missing; None if not known.

    It is the product over all components that know theirs.
    """
    scores = [group.attrs[TEXT_SCORE] for group in doc.spans.values() if TEXT_SCORE in group.attrs]
    return prod(scores) if scores else None


def register_extensions() -> None:
    """Register ``span._.xner_score`` and ``doc._.xner_score``, unless there are such attributes already."""
    if not Span.has_extension(EXTENSION):
        Span.set_extension(EXTENSION, getter=score_of)
    if not Doc.has_extension(EXTENSION):
        Doc.set_extension(EXTENSION, getter=text_score_of)


def store_scores(entities: Sequence[Entity], spans: Sequence[Span], kept: Sequence[Span] = ()) -> None:
    """Store the probabilities of entities.

    They are where spaCy keeps custom attributes of spans, which stay with the characters of the span when
    tokens are merged, or the doc is copied, cut, concatenated or serialized.

    Args:
        entities: The entities.
        spans: The same as spans of their doc.
        kept: Entities of other components in ``doc.ents``, which keep the scores that they have.
    """
    others = {(span.start, span.end, span.label_) for span in kept}
    for ent, span in zip(entities, spans, strict=True):
        scores = _scores_in(span.doc).setdefault(_key(span), {})
        if ent.label not in scores or ent[:3] not in others:
            scores[ent.label] = ent.score


class EntityGroup(SpanGroup):
    """A span group that stays valid when tokens of its doc are merged or split.

    spaCy's own keeps the old token indices, after which the doc can no longer be copied or serialized
    (explosion/spaCy#12024). Entities that begin or end inside a merged token are removed with their scores.
    """

    def __init__(self, doc: Doc, name: str, entities: Sequence[Entity], spans: Sequence[Span]) -> None:
        super().__init__(doc, name=name, attrs={"scores": [ent.score for ent in entities]}, spans=spans)
        self._n_tokens = len(doc)

    def __len__(self) -> int:
        self._follow_doc()
        return int(super().__len__())

    def __iter__(self) -> Iterator[Span]:
        self._follow_doc()
        return iter(super().__iter__())

    def __getitem__(self, i: int) -> Span:
        self._follow_doc()
        return super().__getitem__(i)

    def to_bytes(self) -> bytes:
        """Serialize the group."""
        self._follow_doc()
        return bytes(super().to_bytes())

    def _follow_doc(self) -> None:
        """Find the entities again by their characters if the doc has other tokens than before."""
        doc = self._doc_ref()  # type: ignore[attr-defined]
        if doc is None or len(doc) == self._n_tokens:
            return
        self._n_tokens = len(doc)
        # Spans with old indices cannot be read, except as bytes.
        rows = [_ROW.unpack(row) for row in srsly.msgpack_loads(super().to_bytes())["spans"]]
        moved = [
            doc.char_span(start, end, label=label, kb_id=kb_id, span_id=span_id)
            for span_id, kb_id, label, _, _, start, end in rows
        ]
        spans = [span for span in moved if span is not None]
        for row, span in zip(rows, moved, strict=True):
            if span is None:
                # `Doc.from_json` refuses attributes of spans that are no tokens.
                doc.user_data.pop(("._.", EXTENSION, *row[-2:]), None)
        scores = self.attrs.get("scores", [])
        # In place, for those who hold the list.
        scores[:] = compress(scores, [span is not None for span in moved])
        self.from_bytes(SpanGroup(doc, name=self.name, attrs=self.attrs, spans=spans).to_bytes())


def _key(span: Span) -> Key:
    """Return the key of the scores of a span in ``doc.user_data``: that of a custom attribute."""
    return ("._.", EXTENSION, span.start_char, span.end_char)


def _scores_in(doc: Doc) -> dict[Key, Any]:
    """Return ``doc.user_data``, which has scores by label under the key of their span."""
    return cast(dict[Key, Any], doc.user_data)


def _restore_scores(doc: Doc) -> None:
    """Restore scores from the span groups of a doc that was saved without user data."""
    data = _scores_in(doc)
    for group in doc.spans.values():
        scores = group.attrs.get("scores")
        if not isinstance(scores, list) or len(scores) != len(group) or not scores:
            continue
        try:
            # A group is restored as a whole.
            if _key(group[-1]) in data:
                continue
            for span, score in zip(group, scores, strict=True):
                data.setdefault(_key(span), {}).setdefault(span.label_, score)
        except IndexError:
            # Tokens were merged since; see `EntityGroup`.
            continue
