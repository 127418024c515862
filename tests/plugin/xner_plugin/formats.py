"""A corpus format: one text per line, with entities in brackets, such as ``[PER Anna] met [PER Bo]``."""

import re
from collections.abc import Iterator

from spacy_xner.corpus import FileHead, Format, Line, ReadSession, read_lines
from spacy_xner.types import CharSpan, Record

ENTITY = re.compile(r"\[([A-Z]+) ([^\[\]]+)\]")


def recognizes_brackets(head: FileHead) -> bool:
    """Return whether a file has this format: each line has an entity."""
    return bool(head.lines) and all(ENTITY.search(line) for line in head.lines)


def read_brackets(session: ReadSession) -> Iterator[Record]:
    """Read the lines of a file."""

    def read_line(line: Line) -> Record:
        text, spans, end = "", [], 0
        for match in ENTITY.finditer(line.text):
            text += line.text[end : match.start()]
            spans.append(CharSpan(len(text), len(text) + len(match[2]), match[1]))
            text += match[2]
            end = match.end()
        text += line.text[end:]
        if "[" in text or "]" in text:
            session.fail(line.number, "brackets must hold a label and a text, found others.")
        return Record(text, tuple(spans), session.at(line.number))

    return session.read_each(read_lines(session), read_line)


BRACKETS = Format(recognizes_brackets, read_brackets)
