"""Gold entities of examples, on the tokens that the model sees."""

import warnings
from collections.abc import Iterable, Sequence
from itertools import chain

from spacy.tokens import Doc, Span
from spacy.training import Example

from ..errors import XnerWarning
from ..scoring.spans import all_entities
from ..types import Entity, Gold
from .interfaces import CorpusSummary


def trim(doc: Doc, entities: Sequence[Entity]) -> list[Entity]:
    """Remove white-space tokens from both ends of entities, and entities that consist of white space.

    Of entities that become equal, the most probable is kept.
    """
    if not any(doc[ent.start].is_space or doc[ent.end - 1].is_space for ent in entities):
        return list(entities)
    best: dict[tuple[int, int, str], float] = {}
    for start, end, label, score in entities:
        solid = [i for i in range(start, end) if not doc[i].is_space]
        if solid:
            key = (solid[0], solid[-1] + 1, label)
            best[key] = max(score, best.get(key, 0.0))
    return [Entity(*key, score) for key, score in sorted(best.items())]


def count_untrimmed(spans: Iterable[Span]) -> int:
    """Count the entities that begin or end with a white-space token."""
    return sum(span[0].is_space or span[-1].is_space for span in spans)


def warn_trimmed(n_trimmed: int) -> None:
    """Warn about gold entities that are learned without the white space around them."""
    warnings.warn(
        f"{n_trimmed} gold entities begin or end with white space: they are learned without it, and not at "
        "all if nothing else is left.",
        XnerWarning,
        stacklevel=2,
    )


class EntityCorpus:
    """What can be learned from the entities of a corpus.

    Args:
        key: Key of the span groups that hold gold entities; None if only ``doc.ents`` does.
    """

    def __init__(self, key: str | None) -> None:
        self.key = key
        self.labels: set[str] = set()
        self.other_keys: set[str] = set()
        self.n_entities = 0
        self.n_untrimmed = 0
        self.has_entities = False
        self.has_tokens = False

    def add(self, reference: Doc) -> None:
        """Count the entities of a gold doc."""
        spans = all_entities(reference, self.key)
        self.labels.update(span.label_ for span in chain(reference.ents, spans))
        self.other_keys.update(key for key, group in reference.spans.items() if len(group))
        self.n_entities += len(spans)
        self.n_untrimmed += count_untrimmed(spans)

    def add_gold(self, gold: Gold) -> None:
        """Note whether gold that is aligned to the tokens of the model has anything to learn."""
        self.has_entities |= bool(gold.entities)
        self.has_tokens |= any(gold.known)

    def summarize(self, component: str) -> CorpusSummary:
        """Return the labels, and whether anything can be learned.

        Raises:
            ValueError: If all entities are where the component does not read them.
        """
        if not self.n_entities and self.other_keys:
            keys = ", ".join(map(repr, sorted(self.other_keys)))
            here = "doc.ents" if self.key is None else f"doc.ents or doc.spans[{self.key!r}]"
            how = (
                "Use a head for entities that overlap, such as spacy_xner.GlobalPointerHead.v1, and set its "
                "component's spans_key to the key"
                if self.key is None
                else "Set the component's spans_key to the key"
            )
            raise ValueError(
                f"Component {component!r} must have examples with entities in {here}, found entities only in "
                f"doc.spans under {keys}. {how}."
            )
        return CorpusSummary(self.labels, self.has_entities if self.n_entities else self.has_tokens)


def gold_entities(example: Example) -> Gold:
    """Read gold entities, aligned to the tokens of the predicted doc.

    A token is unknown if the reference does not annotate it, or if an entity begins or ends inside it. White
    space around entities is outside.
    """
    tags = example.get_aligned_ner()
    known = [tag is not None for tag in tags]
    entities = []
    start = None
    for i, tag in enumerate(tags):
        move = tag[:1] if tag else ""
        if start is not None and move not in ("I", "L"):
            # The entity's end cannot be aligned, so all of its tokens are unknown.
            known[start:i] = [False] * (i - start)
            start = None
        if move in ("B", "U"):
            start = i
        elif move in ("I", "L") and start is None:
            known[i] = False
        if move in ("L", "U") and start is not None:
            entities.append(Entity(start, i + 1, tag[2:]))
            start = None
    if start is not None:
        known[start:] = [False] * (len(tags) - start)
    return Gold(trim(example.predicted, entities), known)


def gold_spans(example: Example, key: str | None) -> Gold:
    """Read gold entities that may overlap, from a span group or else from ``doc.ents``.

    Tokens are unknown as in `gold_entities`, and also where a span begins or ends inside a token. A reference
    with the group but without any annotation in ``doc.ents``, as in a corpus for spancat, is annotated.
    """
    gold = gold_entities(example)
    if key not in example.reference.spans:
        return gold
    known = list(gold.known)
    if not example.reference.has_annotation("ENT_IOB"):
        known = [True] * len(known)
    entities = []
    for span in example.reference.spans[key]:
        aligned = example.get_aligned_spans_y2x([span], allow_overlap=True)
        if aligned:
            entities.append(Entity(aligned[0].start, aligned[0].end, span.label_))
            continue
        touched = example.predicted.char_span(span.start_char, span.end_char, alignment_mode="expand")
        if touched is not None:
            known[touched.start : touched.end] = [False] * len(touched)
    return Gold(trim(example.predicted, sorted(entities)), known)
