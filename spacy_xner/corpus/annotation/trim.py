"""Trims the white space around entities."""

from dataclasses import replace

from ...types import CharSpan, Record
from ..reading.session import ReadSession


def trim_spans(session: ReadSession, record: Record) -> Record:
    """Remove white space and line ends from both ends of entities, and count those that had any.

    An entity of white space only is left out and counted. The component `xner` does the same to a corpus that
    was made otherwise.
    """
    text, spans = record.text, record.spans
    if not spans or not any(
        text[span.char_start : span.char_start + 1].isspace()
        or text[span.char_end - 1 : span.char_end].isspace()
        for span in spans
    ):
        return record
    trimmed: dict[CharSpan, None] = {}
    for span in spans:
        surface = text[span.char_start : span.char_end]
        start = span.char_end - len(surface.lstrip())
        end = span.char_start + len(surface.rstrip())
        if start >= end:
            session.leave_out("entities of white space only")
            continue
        new = span._replace(char_start=start, char_end=end)
        session.report.n_trimmed += new != span
        trimmed[new] = None
    return replace(record, spans=tuple(sorted(trimmed)))
