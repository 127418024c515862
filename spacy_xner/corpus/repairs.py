"""The entities of tags, and what is told of those that are illegal."""

from collections.abc import Sequence

from ..errors import CorpusError
from ..types import Entity
from .options import ReadCounts, ReadOptions
from .tags import Tagging


def read_tags(
    places: Sequence[str], tags: Sequence[str], tagging: Tagging, telling: tuple[ReadOptions, ReadCounts]
) -> list[Entity]:
    """Read the entities of a sentence, and count what is repaired.

    Args:
        places: Where each tag stands, as ``file:line``.
        tags: The tags.
        tagging: Their scheme.
        telling: Whether repairs are refused or listed, and where they are counted.

    Raises:
        CorpusError: If something is no tag, or illegal and that is refused.
    """
    options, counts = telling
    try:
        entities, repairs = tagging.read(tags)
    except ValueError:
        where, tag = next(pair for pair in zip(places, tags, strict=True) if tagging.parse(pair[1]) is None)
        raise CorpusError(
            f"{where}: a tag must be {tagging.form}, found {tag!r}. Mend the line, set --columns, or use "
            "--skip-bad."
        ) from None
    for repair in repairs:
        where = places[repair.token]
        if options.strict:
            raise CorpusError(
                f"{where}: tags must be legal in {tagging.scheme}, found {repair.found} where "
                f"{repair.read_as} must be. Mend it, or leave out --strict to have it read so."
            )
        if options.show:
            counts.repaired.append(f"{where}: {repair.found} read as {repair.read_as}")
        kind = tagging.kind(repair)
        counts.repairs[kind] = counts.repairs.get(kind, 0) + 1
    return entities
