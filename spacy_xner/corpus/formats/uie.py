"""PaddleNLP's lines of prompts: ``{"content": ..., "prompt": type, "result_list": [{text, start, end}]}``.

A text has a line for each type of entity, also for those that it lacks: its lines become one text. Prompts of
relations, which name an entity of the text, are left out; offsets before the text are options of a
classification.

Source: PaddleNLP's documentation, "UIE: data annotation with doccano" (``doccano_ext``).
"""

from collections.abc import Iterator
from typing import NamedTuple

from ...types import Record
from ..annotation.offsets import RawRecord, RawSpan, read_offsets
from ..reading.json_items import Row, read_json
from ..reading.session import ReadSession
from ..reading.sniff import FileHead

SHAPE = '{"content": ..., "prompt": ..., "result_list": [{"text": ..., "start": ..., "end": ...}]}'
KEYS = ("content", "prompt", "result_list")
# Between an entity and its relation in a prompt, in Chinese and English.
LINKS = ("的", " of ")


class _Prompt(NamedTuple):
    """The entities of a type in a text."""

    label: str
    results: list[Row]


def recognizes_uie(head: FileHead) -> bool:
    """Return whether the first object has a prompt and its results."""
    return all(key in head.first for key in KEYS)


def read_uie(session: ReadSession) -> Iterator[Record]:
    """Read texts, each with the entities of all its lines, at its first line.

    Raises:
        CorpusError: If a line is bad.
    """
    return read_offsets(session, _list_texts, _parse)


def _list_texts(session: ReadSession) -> Iterator[tuple[str, tuple[str, list[_Prompt]]]]:
    """Collect the lines of each text, which may be far apart."""
    texts: dict[str, tuple[str, list[_Prompt]]] = {}

    def add(item: tuple[str, Row]) -> None:
        where, row = item
        content, prompt, results = (row.get(key) for key in KEYS)
        is_good = isinstance(content, str) and isinstance(prompt, str) and isinstance(results, list)
        if not is_good or not all(isinstance(each, dict) for each in results or ()):
            session.fail(where, f"expected {SHAPE}, found another shape.")
        texts.setdefault(str(content), (where, []))[1].append(_Prompt(str(prompt), results or []))

    for _ in session.read_each(read_json(session), add):
        pass  # Nothing is yielded: all lines are needed first.
    for content, (where, prompts) in texts.items():
        yield where, (content, prompts)


def _parse(session: ReadSession, where: str, item: tuple[str, list[_Prompt]]) -> RawRecord:
    content, prompts = item
    spans: list[RawSpan] = []
    cats: list[str] | None = None
    for label, results in prompts:
        if any(link in label and _names_entity(content, label, link) for link in LINKS):
            for _ in results:
                session.leave_out("relations")
            continue
        if "[" in label and any(isinstance(each.get("start"), int) and each["start"] < 0 for each in results):
            cats = [*(cats or []), *(each.get("text", "") for each in results)]
            continue
        spans += [RawSpan(each.get("start"), each.get("end"), label, each.get("text")) for each in results]  # type: ignore[arg-type]
    return RawRecord(content, None if cats and not spans else spans, cats)


def _names_entity(content: str, label: str, link: str) -> bool:
    """Return whether a prompt names an entity of the text, and a relation to it."""
    before, _, after = label.rpartition(link)
    return any(len(each) > 1 and each in content for each in (before, after))
