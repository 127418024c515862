"""Reads the entities of tags, and refuses or counts illegal ones."""

from collections.abc import Callable, Sequence
from typing import NoReturn

from ...schemes import OUTSIDE, Repair, TagScheme
from ...types import Entity
from ..reading.session import ReadSession, shorten
from .spellings import is_sequence


def read_tags(
    session: ReadSession, scheme: TagScheme, tags: Sequence[str], *, place: Callable[[int], str]
) -> list[Entity]:
    """Read the entities of a sentence, and report the repairs.

    Args:
        session: Refuses or counts repairs.
        scheme: Scheme of the tags.
        tags: One tag per token.
        place: Returns the position of the tag with an index, as ``file:line``.

    Raises:
        CorpusError: If something is no tag, or if it is illegal and repairs are refused.
    """
    if "" in tags and not scheme.is_outside(""):
        tags = _fill(session, tags, place)
    try:
        entities = scheme.decode(tags)
    except ValueError:
        i, tag = next(pair for pair in enumerate(tags) if scheme.parse(pair[1]) is None)
        _refuse(session, scheme, place(i), tag)
    for ent in entities:
        if not ent.label.isalpha() and is_sequence(tags[ent.start]):
            _refuse(session, scheme, place(ent.start), tags[ent.start])
    for repair in scheme.repairs(tags, entities):
        where = place(repair.token)
        if session.options.strict:
            session.fail(
                where,
                f"tags must be legal in {scheme.name}, found {repair.tag} instead of {repair.read_as}.",
                "Fix it, or leave out --strict to have it repaired.",
            )
        session.repair(_kind(repair, scheme), f"{where}: {repair.tag} read as {repair.read_as}")
    return entities


def _fill(session: ReadSession, tags: Sequence[str], place: Callable[[int], str]) -> list[str]:
    """Read empty tags as O."""
    for i, tag in enumerate(tags):
        if not tag:
            if session.options.strict:
                session.fail(
                    place(i), "expected a tag, found none.", "Fix it, or leave out --strict to read it as O."
                )
            session.repair("empty read as O", f"{place(i)}: an empty tag read as O")
    return [tag or OUTSIDE for tag in tags]


def _refuse(session: ReadSession, scheme: TagScheme, where: str, tag: str) -> NoReturn:
    session.fail(
        where,
        f"a tag must be {scheme.form}, found {shorten(tag)}.",
        "Fix the line, set --columns, or use --skip-bad.",
    )


def _kind(repair: Repair, scheme: TagScheme) -> str:
    """Return the letters of a repair, such as ``I read as B``."""
    letters = ((scheme.parse(tag) or ("",))[0] for tag in (repair.tag, repair.read_as))
    return " read as ".join(letters)
