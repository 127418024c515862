"""Choose the entities of ``doc.ents``, of which no two may overlap."""

from bisect import bisect_right
from collections.abc import Collection, Sequence

from spacy.tokens import Doc, Span

from ..types import Entity


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
