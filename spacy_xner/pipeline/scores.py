"""Probabilities of entities in docs: ``span._.xner_score``, and span groups that follow their doc."""

from collections.abc import Iterator, Sequence
from itertools import compress
from struct import Struct
from typing import Any, cast

import srsly
from spacy.tokens import Doc, Span, SpanGroup

from ..types import Entity

Key = tuple[str, str, int, int]

EXTENSION = "xner_score"
# Serialized form of a span in a span group: id, kb_id, label, start, end, start_char, end_char.
_ROW = Struct(">QQQllll")


def score_of(span: Span) -> float | None:
    """Return the probability of an entity, or None for a span without a score."""
    data, key = _scores_in(span.doc), _key(span)
    if key not in data:
        _restore_scores(span.doc)
    scores = data.get(key)
    # A user may have set the attribute to a number.
    return scores.get(span.label_) if isinstance(scores, dict) else scores


def register_extension() -> None:
    """Register ``span._.xner_score``, unless there is such an attribute already."""
    if not Span.has_extension(EXTENSION):
        Span.set_extension(EXTENSION, getter=score_of)


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
