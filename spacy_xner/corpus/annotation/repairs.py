"""Reads the entities of tags, and refuses or counts illegal ones."""

from collections.abc import Callable, Sequence

from ...errors import CorpusError
from ...schemes import Repair, TagScheme
from ...types import Entity
from ..reading.options import ReadCounts, ReadOptions


def read_tags(
    place: Callable[[int], str],
    tags: Sequence[str],
    scheme: TagScheme,
    telling: tuple[ReadOptions, ReadCounts],
) -> list[Entity]:
    """Read the entities of a sentence, and count the repairs.

    Args:
        place: Returns the position of the tag with an index, as ``file:line``.
        tags: The tags.
        scheme: Their scheme.
        telling: Whether repairs are refused or listed, and where they are counted.

    Raises:
        CorpusError: If something is no tag, or if it is illegal and repairs are refused.
    """
    options, counts = telling
    try:
        entities = scheme.decode(tags)
    except ValueError:
        i, tag = next(pair for pair in enumerate(tags) if scheme.parse(pair[1]) is None)
        raise CorpusError(
            f"{place(i)}: a tag must be {scheme.form}, found {tag!r}. Fix the line, set --columns, or use "
            "--skip-bad."
        ) from None
    for repair in scheme.repairs(tags, entities):
        where = place(repair.token)
        if options.strict:
            raise CorpusError(
                f"{where}: tags must be legal in {scheme.name}, found {repair.tag} where "
                f"{repair.read_as} must be. Fix it, or leave out --strict to have it read so."
            )
        if options.show:
            counts.repaired.append(f"{where}: {repair.tag} read as {repair.read_as}")
        kind = _kind(repair, scheme)
        counts.repairs[kind] = counts.repairs.get(kind, 0) + 1
    return entities


def _kind(repair: Repair, scheme: TagScheme) -> str:
    """Return the letters of a repair, such as ``I read as B``."""
    letters = ((scheme.parse(tag) or ("",))[0] for tag in (repair.tag, repair.read_as))
    return " read as ".join(letters)
