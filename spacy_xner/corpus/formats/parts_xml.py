"""XML of texts whose parts are elements, as parserator's tools have it (usaddress, probablepeople).

``<AddressCollection><AddressString><AddressNumber>6</AddressNumber> <StreetName>Oak</StreetName> ...``

Source: parserator's documentation, "Training your parser".
"""

import re
from collections.abc import Iterator, Mapping
from typing import NoReturn
from xml.parsers import expat

from ...types import CharSpan, Record
from ..reading.session import ReadSession
from ..reading.sniff import FileHead

# A document, not text with inline marks.
START = re.compile(r"<\?xml\s|<!DOCTYPE\s|<html\b|<\w*Collection>|<[A-Za-z_][\w.:-]*(\s[^<>]*)?>\s*$")
# How parserator names the element around all texts.
ROOT = re.compile(r"\w*Collection")
LINE_END = re.compile(r"\s*\n\s*")
# The depths of a text and of its parts.
TEXT, PART = 2, 3
BLOCK = 1 << 16
# In characters.
MAX_TEXT = 100_000
REMEDY = "Convert it to JSON lines."


def recognizes_xml(head: FileHead) -> bool:
    """Return whether a file is XML of any kind: the reader refuses others."""
    return any("</" in line for line in head.lines) and bool(START.match(head.lines[0].lstrip()))


def read_xml(session: ReadSession) -> Iterator[Record]:
    """Read texts with an entity for each part; parts of one name beside one another are one.

    Raises:
        CorpusError: If the file is other XML, or none.
    """
    parser = _Parser(session)
    with session.open() as file:
        while block := file.read(BLOCK):
            session.report.n_bytes += len(block)
            yield from parser.feed(block)
        yield from parser.feed(b"", is_last=True)
    if parser.n_joined:
        session.note(f"{parser.n_joined} elements continue the one before, which has the same name")


class _Parser:
    """Splits XML into records.

    Args:
        session: The session.
    """

    def __init__(self, session: ReadSession) -> None:
        self.n_joined = 0
        self._session = session
        self._depth = 0
        self._line = 1
        self._text = ""
        self._spans: list[CharSpan] = []
        self._records: list[Record] = []
        # The file is recoded, whatever it declares.
        self._expat = expat.ParserCreate("utf-8")
        self._expat.buffer_text = True
        self._expat.StartDoctypeDeclHandler = lambda *_: self._refuse("a document type")
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._add

    def feed(self, block: bytes, *, is_last: bool = False) -> list[Record]:
        """Parse some bytes, and return the records that they complete."""
        try:
            self._expat.Parse(block, is_last)
        except expat.ExpatError as err:
            reason = expat.ErrorString(err.code)
            self._session.fail(err.lineno, f"expected XML, found an error in it: {reason}.", "Fix the file.")
        records, self._records = self._records, []
        return records

    def _refuse(self, what: str) -> NoReturn:
        self._session.fail(
            self._expat.CurrentLineNumber,
            "XML must be a ...Collection of texts whose parts are elements without attributes, as in "
            f"usaddress, found {what}.",
            REMEDY,
        )

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth == 1 and not ROOT.fullmatch(name):
            self._refuse(f"<{name:.40}> around it")
        if self._depth > PART:
            self._refuse(f"<{name:.40}> in a part")
        if self._depth == PART and attributes:
            self._refuse(f"<{name:.40} {next(iter(attributes)):.40}=...>")
        if self._depth == TEXT:
            self._line, self._text, self._spans = self._expat.CurrentLineNumber, "", []
        if self._depth == PART:
            self._spans.append(CharSpan(len(self._text), len(self._text), name))

    def _add(self, data: str) -> None:
        if self._depth >= TEXT:
            self._text += LINE_END.sub(" ", data)
            if len(self._text) > MAX_TEXT:
                self._refuse(f"a text of more than {MAX_TEXT:,} characters")
        elif data.strip():
            self._refuse(f"{data.strip()[:40]!r} outside a text")

    def _end(self, name: str) -> None:
        if self._depth == PART:
            self._end_part()
        elif self._depth == TEXT:
            self._end_text()
        self._depth -= 1

    def _end_part(self) -> None:
        span = self._spans.pop()._replace(char_end=len(self._text))
        last = self._spans[-1] if self._spans else None
        if not self._text[span.char_start :].strip():
            self._session.leave_out("elements without text")
        elif last is not None and last.label == span.label and self._touch(last, span):
            self.n_joined += 1
            self._spans[-1] = last._replace(char_end=span.char_end)
        else:
            self._spans.append(span)

    def _touch(self, first: CharSpan, second: CharSpan) -> bool:
        """Return whether only white space is between two parts, and no comma at the end of the first."""
        before, between = self._text[first.char_end - 1], self._text[first.char_end : second.char_start]
        return before not in ",;" and not between.strip()

    def _end_text(self) -> None:
        text = self._text.strip()
        if not text:
            self._session.leave_out("texts without a character")
            return
        n_before = len(self._text) - len(self._text.lstrip())
        spans = (
            CharSpan(max(start - n_before, 0), min(end - n_before, len(text)), label)
            for start, end, label, _ in self._spans
        )
        self._records.append(Record(text, tuple(spans), self._session.at(self._line)))
