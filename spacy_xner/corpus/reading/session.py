"""One reading of a corpus: its file, the options, and a report of what happened to the texts."""

import codecs
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from reprlib import Repr
from typing import BinaryIO, NoReturn, TypeVar

from ...errors import CorpusError
from .encoding import UTF_8, Encoding, detect_encoding, name_encoding, open_recoded
from .options import ReadOptions
from .pool import Pool

Item = TypeVar("Item")
Result = TypeVar("Result")

FIX_OR_SKIP = "Fix it, or skip such texts with --skip-bad."


_REPR = Repr()
_REPR.maxstring = _REPR.maxother = 80


def shorten(value: object) -> str:
    """Return what was found for an error message: short, printable, on one line, however deep it is."""
    return _REPR.repr(value)


def printable(text: str) -> str:
    """Return a text on one line, with escapes for what is not printable, for messages that quote a file."""
    return text if text.isprintable() else repr(text)[1:-1]


@dataclass(slots=True)
class ReadReport:
    """What a reader detected, repaired and skipped; filled while it reads.

    Attributes:
        notes: What was detected about the format, with the evidence.
        repairs: Number of illegal tags that were read as others, by kind.
        repaired: One line for each of these, with its position, if they are to be listed.
        skipped: The error of each skipped text, with its position.
        left_out: Number of items that a `Record` cannot hold, by kind.
        n_trimmed: Entities with white space at their ends, read without it.
        unread: Keys or columns that were not read, each with the first value.
        n_bytes: Bytes read so far.
    """

    notes: list[str] = field(default_factory=list)
    repairs: dict[str, int] = field(default_factory=dict)
    repaired: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    n_trimmed: int = 0
    unread: dict[str, str] = field(default_factory=dict)
    n_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ReadSession:
    """What a reader gets: where to read, how, and where to report.

    Attributes:
        path: File or folder; for Hugging Face datasets, a hub id too.
        options: Options.
        report: Filled while reading.
        shown: The path in messages, such as that of an archive and a file in it; None if it is the same.
        encodings: Encodings of the files that were opened.
        pool: Samples of all files of the corpus; None if this is the only one.
    """

    path: Path
    options: ReadOptions = field(default_factory=ReadOptions)
    report: ReadReport = field(default_factory=ReadReport)
    shown: Path | None = None
    encodings: dict[Path, Encoding] = field(default_factory=dict)
    pool: Pool | None = None

    def exchange(self, kind: str, sample: Sequence[Item]) -> list[Item]:
        """Add a sample of this file to those of the corpus, and return those of its other files."""
        return [] if self.pool is None else self.pool.exchange(kind, self.path, sample)

    def at(self, line: int) -> str:
        """Return the position of a line, counted from 1, as ``file:line``."""
        return f"{self.shown or self.path}:{line}"

    @property
    def encoding(self) -> Encoding:
        """The encoding of the file: as the options name it, else detected, once.

        Raises:
            OSError: If there is no such file.
            ValueError: If the options name an encoding that does not exist.
            CorpusError: If two encodings fit the file.
        """
        if self.path not in self.encodings:
            name = self.options.encoding
            self.encodings[self.path] = (
                detect_encoding(self.path, self.at(1)) if name is None else name_encoding(name)
            )
        return self.encodings[self.path]

    def open(self) -> BinaryIO:
        """Open the file as UTF-8 without a byte order mark, whatever its encoding, and note which it is.

        Bytes that do not fit the encoding do not fit UTF-8 either.
        """
        name, evidence = self.encoding
        if evidence and not any(note.startswith(f"encoding {name}:") for note in self.report.notes):
            self.note(f"encoding {name}: {evidence}")
        if name != UTF_8:
            return open_recoded(self.path, name)
        file = self.path.open("rb")
        # Files that were joined may have several.
        while file.peek(len(codecs.BOM_UTF8)).startswith(codecs.BOM_UTF8):
            self.report.n_bytes += len(file.read(len(codecs.BOM_UTF8)))
        return file

    def fail(self, where: int | str, problem: str, remedy: str = FIX_OR_SKIP) -> NoReturn:
        """Raise the error of a text; inside `read_each`, the text is skipped if the options allow it.

        Args:
            where: Line of the file, or a position as ``file:line``.
            problem: What must hold and what was found.
            remedy: What to do.

        Raises:
            CorpusError: Always.
        """
        place = self.at(where) if isinstance(where, int) else where
        raise CorpusError(printable(f"{place}: {problem} {remedy}"))

    def skip(self, error: CorpusError) -> None:
        """Skip the text with this error.

        Raises:
            CorpusError: The error, if the options do not allow to skip texts.
        """
        if not self.options.skip_bad:
            raise error
        self.report.skipped.append(str(error))

    def note(self, evidence: str) -> None:
        """Note what was detected about the format."""
        self.report.notes.append(printable(evidence))

    def leave_out(self, kind: str) -> None:
        """Count an item that a `Record` cannot hold, such as a relation."""
        kind = printable(kind)
        self.report.left_out[kind] = self.report.left_out.get(kind, 0) + 1

    def leave_unread(self, name: str, value: object) -> None:
        """Note a key or column that is not read; a corpus without entities and labels is refused with it."""
        if name not in self.report.unread:
            self.report.unread[name] = shorten(value)

    def repair(self, kind: str, line: str) -> None:
        """Count a tag that was read as another, and list it if the options ask for it."""
        self.report.repairs[kind] = self.report.repairs.get(kind, 0) + 1
        if self.options.show:
            self.report.repaired.append(line)

    def read_each(self, items: Iterable[Item], read: Callable[[Item], Result | None]) -> Iterator[Result]:
        """Read items one by one, and skip those that fail.

        Args:
            items: Items of a file. Errors that they raise themselves always stop the reading.
            read: Reads an item; returns None for one that is no text.

        Raises:
            CorpusError: If an item fails and must not be skipped.
        """
        for item in items:
            try:
                result = read(item)
            except CorpusError as err:
                self.skip(err)
                continue
            if result is not None:
                yield result

    def preview(self) -> "ReadSession":
        """Return a session for a first look: it skips texts with errors, and its report is thrown away."""
        return replace(self, options=replace(self.options, skip_bad=True), report=ReadReport())

    def for_file(self, path: Path) -> "ReadSession":
        """Return a session for one file of a folder, with the same report."""
        shown = self.shown or self.path
        return replace(self, path=path, shown=shown.parent / path.relative_to(self.path.parent))
