"""What an example says about the entities of its predicted doc's tokens."""

from spacy.training import Example

from ..types import Entity, Gold


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
