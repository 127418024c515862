"""Reads ``.spacy`` files doc by doc, each with its own strings alone.

`DocBin.from_disk` has a whole file in memory, several times over, and `DocBin.get_docs` gives a vocabulary
every word of the file.

Source: spaCy's `DocBin.to_bytes`, a compressed MessagePack map.
"""

import io
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from struct import Struct
from typing import IO, Any, NamedTuple

import numpy as np
import srsly
from numpy.typing import NDArray
from spacy.strings import get_string_id
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab
from srsly.msgpack import Unpacker

from .docbin import check_docbins, refusing_other_formats

CHUNK = 1 << 16
# Common words are stored again in each vocabulary, which takes time, and rare ones as long as it lives.
DOCS_PER_VOCAB = 1000
ENDS_EARLY = "the file ends too early"
# How many bytes there are in the sizes of MessagePack's "bin 8", "bin 16" and "bin 32", by their first byte.
BIN_SIZES = {b"\xc4": 1, b"\xc5": 2, b"\xc6": 4}
NO_GROUPS = srsly.msgpack_dumps([])
# A span in a span group: id, kb_id, label, and its places, which are not read.
_SPAN = Struct(">QQQ16x")
BINARY = ("tokens", "spaces", "lengths")


def count_docs(path: Path) -> int:
    """Count the docs of a converted corpus.

    Raises:
        OSError: If there is no such file, and no folder of such files.
        ValueError: If a file is of another format.
    """
    n_docs = 0
    for file in check_docbins(path):
        with refusing_other_formats(file):
            n_docs += len(StoredDocs(file))
    return n_docs


def stream_parts(files: Iterable[Path]) -> Iterator[DocBin]:
    """Read the docs of ``.spacy`` files, each as a DocBin of its own.

    Raises:
        OSError: If a file cannot be read.
        ValueError: If a file is of another format.
    """
    for file in files:
        with refusing_other_formats(file):
            yield from StoredDocs(file)


def stream_apart(path: Path) -> Iterator[Doc]:
    """Read the docs of a converted corpus, in vocabularies that are freed with them.

    Raises:
        OSError: If there is no such file, and no folder of such files.
        ValueError: If a file is of another format.
    """
    for number, part in enumerate(stream_parts(check_docbins(path))):
        if number % DOCS_PER_VOCAB == 0:
            vocab = Vocab()
        yield make_doc(part, vocab)


def make_doc(part: DocBin, vocab: Vocab) -> Doc:
    """Make the doc of a DocBin that has only one."""
    (doc,) = part.get_docs(vocab)
    return doc


class StoredDocs:
    """The docs of a ``.spacy`` file.

    The file holds all tokens, then all spaces, and so on. Each of these is decompressed by itself, so that
    those of one doc can be read at a time.

    Args:
        path: The file.

    Raises:
        OSError: If the file cannot be read.
        Exception: One of `READ_ERRORS` if it is no DocBin or damaged, also while it is read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._find("attrs") as unpacker:
            self._attrs: list[int] = unpacker.unpack()
        with self._find("lengths") as unpacker:
            self._lengths = np.frombuffer(_read(unpacker, _read_size(unpacker)), dtype=np.int32)

    def __len__(self) -> int:
        """Return the number of docs."""
        return len(self._lengths)

    def __iter__(self) -> Iterator[DocBin]:
        """Yield each doc as a DocBin of its own, which is small and has no vocabulary."""
        names, n_columns = self.read_names(), len(self._attrs)
        group_reader = GroupReader()
        for tokens, spaces, cats, flags, groups, user_data in zip(
            self._read_binary("tokens", 8 * n_columns),
            self._read_binary("spaces", 1),
            *map(self.read_values, ("cats", "flags", "span_groups", "user_data")),
            strict=True,
        ):
            part = DocBin(attrs=())
            part.attrs = self._attrs  # type: ignore[assignment]  # spaCy says str
            part.tokens = [np.frombuffer(tokens, np.uint64).reshape(-1, n_columns)]
            part.spaces = [np.frombuffer(spaces, np.bool_).reshape(-1, 1)]
            part.cats, part.flags, part.user_data = [cats], [flags or {}], [user_data]
            part.span_groups = [groups or b""]
            numbers = set(part.tokens[0].ravel().tolist())
            for spans in group_reader.read(groups).values():
                numbers.update(*spans)
            part.strings = {names[number] for number in numbers if number in names}
            yield part

    def read_names(self) -> dict[int, str]:
        """Read the strings of the file by their hashes."""
        with self._find("strings") as unpacker:
            return {get_string_id(text): text for text in unpacker.unpack()}

    def read_column(self, attr: int) -> Iterator[NDArray[np.uint64]]:
        """Yield an attribute of all tokens, some of them at a time; nothing if it is not stored."""
        if attr not in self._attrs:
            return
        n_columns, column = len(self._attrs), self._attrs.index(attr)
        with self._find("tokens") as unpacker:
            for data in _chunks(unpacker, _read_size(unpacker), 8 * n_columns):
                yield np.frombuffer(data, np.uint64).reshape(-1, n_columns)[:, column]

    def read_values(self, name: str) -> Iterator[Any]:
        """Yield a value of each doc, such as ``cats``; None if the file has none, as older ones may."""
        with self._find(name, is_needed=False) as unpacker:
            if unpacker is None:
                yield from [None] * len(self)
                return
            for _ in range(unpacker.read_array_header()):
                yield unpacker.unpack()

    @property
    def lengths(self) -> list[int]:
        """Number of tokens of each doc."""
        return [*map(int, self._lengths)]

    def _read_binary(self, name: str, width: int) -> Iterator[bytes]:
        """Yield the bytes of each doc."""
        with self._find(name) as unpacker:
            _read_size(unpacker)
            for length in self.lengths:
                yield _read(unpacker, width * length)

    @contextmanager
    def _find(self, key: str, *, is_needed: bool = True) -> Iterator[Any]:
        """Open the file, and yield an unpacker at the value of a key; None if the key is missing."""
        with self.path.open("rb") as file:
            unpacker = Unpacker(io.BufferedReader(_Decompressed(file), CHUNK), raw=False)
            for _ in range(unpacker.read_map_header()):
                name = unpacker.unpack()
                if name == key:
                    yield unpacker
                    return
                if name in BINARY:
                    for _ in _chunks(unpacker, _read_size(unpacker)):
                        pass
                else:
                    unpacker.skip()
            if is_needed:
                raise KeyError(key)
            yield None


class _Decompressed(io.RawIOBase):
    """What a compressed file holds."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decompressor = zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = b""
        while not data and not self._decompressor.eof:
            compressed = self._decompressor.unconsumed_tail or self._file.read(CHUNK)
            if not compressed:
                raise EOFError(ENDS_EARLY)
            try:
                data = self._decompressor.decompress(compressed, len(buffer))
            except zlib.error as err:
                raise ValueError(str(err)) from err
        buffer[: len(data)] = data
        return len(data)


class SpanNames(NamedTuple):
    """The hashes of a span's names."""

    id: int
    kb_id: int
    label: int


class GroupReader:
    """Reads what the spans of a doc are called, without the doc."""

    def __init__(self) -> None:
        # It looks for decoders of other packages when it is made.
        self._unpacker: Any = Unpacker(raw=False)

    def read(self, groups: bytes | None) -> dict[str, list[SpanNames]]:
        """Read the names of the spans of each group, from span groups as they are stored."""
        if not groups or groups == NO_GROUPS:
            return {}
        packed = self._load(groups)
        # Older files have a list of groups, whose names are their keys.
        keys_of = (
            packed if isinstance(packed, dict) else {each: [self._load(each)["name"]] for each in packed}
        )
        return {
            key: [SpanNames(*_SPAN.unpack(span)) for span in self._load(group)["spans"]]
            for group, keys in keys_of.items()
            for key in keys
        }

    def _load(self, data: bytes) -> Any:
        self._unpacker.feed(data)
        return self._unpacker.unpack()


def _read_size(unpacker: Any) -> int:
    """Read the header of binary data, which would be read as a whole."""
    n_bytes = BIN_SIZES[_read(unpacker, 1)]
    return int.from_bytes(_read(unpacker, n_bytes), "big")


def _read(unpacker: Any, n_bytes: int) -> bytes:
    """Read bytes, all of them or none."""
    data: bytes = unpacker.read_bytes(n_bytes)
    if len(data) < n_bytes:
        raise EOFError(ENDS_EARLY)
    return data


def _chunks(unpacker: Any, n_bytes: int, width: int = 1) -> Iterator[bytes]:
    """Read bytes in chunks that are multiples of a width."""
    size = CHUNK // width * width
    for start in range(0, n_bytes, size):
        yield _read(unpacker, min(size, n_bytes - start))
