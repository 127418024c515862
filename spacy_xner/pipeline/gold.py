"""What an example says about the entities of its predicted doc's tokens."""

from spacy.training import Example

from ..types import Entity, Gold


def gold_spans(example: Example, key: str) -> Gold:
    """Read gold entities that may overlap: those of a span group, or where there is none, of ``doc.ents``.

    Tokens are known as for `gold_entities`; unknown too where a span's border falls inside a token.
    """
    gold = gold_entities(example)
    if key not in example.reference.spans:
        return gold
    known = list(gold.known)
    entities = []
    for span in example.reference.spans[key]:
        aligned = example.get_aligned_spans_y2x([span], allow_overlap=True)
        if aligned:
            entities.append(Entity(aligned[0].start, aligned[0].end, span.label_))
            continue
        touched = example.predicted.char_span(span.start_char, span.end_char, alignment_mode="expand")
        if touched is not None:
            known[touched.start : touched.end] = [False] * len(touched)
    return Gold(sorted(entities), known)


def gold_entities(example: Example) -> Gold:
    """Read gold entities.

    A token is unknown where the reference leaves it open, or where an entity's border falls inside it.
    """
    tags = example.get_aligned_ner()
    known = [tag is not None for tag in tags]
    entities = []
    start = None
    for i, tag in enumerate(tags):
        move = tag[:1] if tag else ""
        if start is not None and move not in ("I", "L"):
            # An entity that is not closed is known only in part: leave all of it open.
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
    return Gold(entities, known)
