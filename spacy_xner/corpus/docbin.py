"""Reads and writes ``.spacy`` files, or folders of them.

A file is written piece by piece, so that a corpus need not fit into memory.

Source: spaCy's `DocBin.to_bytes`, a compressed MessagePack map.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

import srsly
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab
from srsly.msgpack import Packer

from ..atomic import new_file, new_folder

# What each token has: the hash of its text, its place in an entity, and the hash of the entity's label.
ATTRS = DocBin(attrs=["ENT_IOB", "ENT_TYPE"]).attrs
FLAGS = srsly.msgpack_dumps({"has_unknown_spaces": False})
CHUNK = 1 << 20
# Files are 3 % larger than by default, in two thirds of the time.
COMPRESSION = 4
# What reading a file raises that is no DocBin, or damaged.
NOT_MSGPACK = (struct.error, srsly.msgpack.exceptions.UnpackException)
READ_ERRORS = (ValueError, KeyError, TypeError, EOFError, *NOT_MSGPACK)
MAX_BYTES = (1 << 32) - 1


def read_docs(path: Path, vocab: Vocab) -> list[Doc]:
    """Read the docs of a converted corpus.

    Raises:
        OSError: If there is no such file, and no folder of such files.
    """
    return list(stream_docs(path, vocab))


def list_docbins(path: Path) -> list[Path]:
    """List the ``.spacy`` files that a path names: itself, or those in a folder, in order."""
    files = sorted(path.rglob("*.spacy")) if path.is_dir() else [path]
    return [file for file in files if file.is_file()]


def check_docbins(path: Path) -> list[Path]:
    """List the ``.spacy`` files that a path names, as `list_docbins` does.

    Raises:
        OSError: If there is none.
    """
    files = list_docbins(path)
    if not files:
        raise FileNotFoundError(
            f"The corpus must be a .spacy file, or a folder of such files, found no {path}. Make it with: "
            "spacy-xner convert"
        )
    return files


def stream_docs(path: Path, vocab: Vocab) -> Iterator[Doc]:
    """Read the docs of a converted corpus, one file at a time.

    Raises:
        OSError: If there is no such file, and no folder of such files.
        ValueError: If a file is of another format.
    """
    for file in check_docbins(path):
        yield from open_docbin(file).get_docs(vocab)


def make_docbin(docs: Iterable[Doc]) -> DocBin:
    """Collect docs with what a converted corpus has of each token, for one ``.spacy`` file in memory."""
    return DocBin(attrs=ATTRS, docs=docs)


def open_docbin(path: Path) -> DocBin:
    """Read a ``.spacy`` file.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is not such a file.
    """
    with refusing_other_formats(path):
        return DocBin().from_disk(path)


@contextmanager
def refusing_other_formats(path: Path) -> Iterator[None]:
    """Explain errors while a ``.spacy`` file is read.

    Raises:
        ValueError: If it is not such a file.
    """
    try:
        yield
    except READ_ERRORS as err:
        raise ValueError(
            f"The corpus must be a .spacy file, found another format in {path}. Convert it first: "
            f"spacy-xner convert {path} {path.with_suffix('.spacy').name}"
        ) from err


class PackedDocs(NamedTuple):
    """Docs as a ``.spacy`` file holds them.

    Attributes:
        n_docs: Number of docs.
        tokens: The attributes of `ATTRS` of all tokens, as unsigned 64-bit integers.
        spaces: Whether a space follows, a byte for each token.
        lengths: Numbers of tokens, as 32-bit integers.
        strings: Texts of tokens, and labels.
        cats: Labels of each text, in MessagePack.
        span_groups: Span groups of each text, in MessagePack.
    """

    n_docs: int
    tokens: bytes
    spaces: bytes
    lengths: bytes
    strings: set[str]
    cats: bytes
    span_groups: bytes


class DocBinFile:
    """One ``.spacy`` file that is being written.

    Args:
        path: The file.
        stack: Closes the temporary files.
    """

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self.path = path
        self.n_docs = 0
        self.strings: set[str] = set()
        self.tokens, self.spaces, self.lengths, self.cats, self.span_groups = (
            stack.enter_context(TemporaryFile(dir=path.parent)) for _ in range(5)
        )

    def add(self, docs: PackedDocs) -> None:
        """Add docs."""
        self.n_docs += docs.n_docs
        self.strings |= docs.strings
        self.tokens.write(docs.tokens)
        self.spaces.write(docs.spaces)
        self.lengths.write(docs.lengths)
        self.cats.write(docs.cats)
        self.span_groups.write(docs.span_groups)

    def finish(self) -> None:
        """Write the file.

        Raises:
            ValueError: If there are more tokens than a file can hold.
        """
        compressor = zlib.compressobj(COMPRESSION)
        with self.path.open("wb") as file:
            for part in self._message():
                file.write(compressor.compress(part))
            file.write(compressor.flush())

    def _message(self) -> Iterator[bytes]:
        array = Packer().pack_array_header(self.n_docs)
        yield Packer().pack_map_header(9) + _dumps("version", "0.1", "attrs", ATTRS)
        for name, data in (("tokens", self.tokens), ("spaces", self.spaces), ("lengths", self.lengths)):
            size = data.tell()
            if size > MAX_BYTES:
                raise ValueError(
                    f"A .spacy file must have at most {MAX_BYTES // (8 * len(ATTRS)):,} tokens, found more. "
                    "Write a folder of files: choose a name that does not end in .spacy."
                )
            # The header of a "bin 32".
            yield _dumps(name) + b"\xc6" + struct.pack(">I", size)
            yield from _chunks(data)
        yield _dumps("strings", sorted(self.strings), "cats") + array
        yield from _chunks(self.cats)
        yield _dumps("flags") + array
        for start in range(0, self.n_docs, CHUNK):
            yield FLAGS * min(CHUNK, self.n_docs - start)
        yield _dumps("span_groups") + array
        yield from _chunks(self.span_groups)


def _dumps(*values: object) -> bytes:
    return b"".join(map(srsly.msgpack_dumps, values))


def _chunks(data: IO[bytes]) -> Iterator[bytes]:
    data.seek(0)
    while chunk := data.read(CHUNK):
        yield chunk


class DocWriter:
    """Writes docs to a ``.spacy`` file, or to a folder of them.

    Args:
        part: File or folder to write to, until it is complete.
        stack: Closes the temporary files.
    """

    def __init__(self, part: Path, stack: ExitStack) -> None:
        self.part = part
        self.file = None if part.is_dir() else DocBinFile(part, stack)
        self.n_shards = 0

    def add(self, docs: PackedDocs) -> None:
        """Add docs, as one file if this is a folder."""
        if self.file is not None:
            self.file.add(docs)
            return
        with ExitStack() as stack:
            file = DocBinFile(self.part / f"{self.n_shards:05}.spacy", stack)
            file.add(docs)
            file.finish()
        self.n_shards += 1


@contextmanager
def write_docs(path: Path) -> Iterator[DocWriter]:
    """Write a corpus of docs; a failure leaves whatever was there.

    Args:
        path: A file whose name ends in ``.spacy``; else a folder.

    Yields:
        A writer to add docs to.

    Raises:
        OSError: If the folder exists and has anything but ``.spacy`` files in it.
    """
    is_folder = path.suffix != ".spacy"
    if is_folder and path.is_dir() and any(file.suffix != ".spacy" for file in path.iterdir()):
        raise FileExistsError(
            f"The folder to write must be new, or hold only .spacy files, found {path}. Choose "
            "another, or a name that ends in .spacy for a file."
        )
    with ExitStack() as stack, new_folder(path, replace=True) if is_folder else new_file(path) as part:
        writer = DocWriter(part, stack)
        yield writer
        if writer.file is not None:
            writer.file.finish()
