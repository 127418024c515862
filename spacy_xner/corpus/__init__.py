"""Corpus files to records and back. A format is one file in `formats` and one line in `FORMATS`.

Another package adds a format by an entry point in the group ``spacy_xner_formats`` whose value is a `Format`.
"""

from .formats.registry import FORMATS, Format, find_format
from .reading.lines import Line, read_lines
from .reading.options import ReadOptions, WriteOptions
from .reading.session import ReadReport, ReadSession
from .reading.sniff import FileHead
from .records import read_records, write_records

__all__ = [
    "FORMATS",
    "FileHead",
    "Format",
    "Line",
    "ReadOptions",
    "ReadReport",
    "ReadSession",
    "WriteOptions",
    "find_format",
    "read_lines",
    "read_records",
    "write_records",
]
