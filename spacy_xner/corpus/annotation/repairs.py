"""The entities of tags, and what is told of those that are illegal."""

from collections.abc import Callable, Sequence

from ...errors import CorpusError
from ...types import Entity
from ..reading.options import ReadCounts, ReadOptions
from .tags import Tagging


def read_tags(
    place: Callable[[int], str],
    tags: Sequence[str],
    tagging: Tagging,
    telling: tuple[ReadOptions, ReadCounts],
) -> list[Entity]:
    """Read the entities of a sentence, and count what is repaired.

    Args:
        place: Tells where the tag of an index stands, as ``file:line``.
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
        i, tag = next(pair for pair in enumerate(tags) if tagging.parse(pair[1]) is None)
        raise CorpusError(
            f"{place(i)}: a tag must be {tagging.form}, found {tag!r}. Mend the line, set --columns, or use "
            "--skip-bad."
        ) from None
    for repair in repairs:
        where = place(repair.token)
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
