"""A cache of soft targets, in memory or in a file."""

import hashlib
import sqlite3
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import srsly

from ..types import Entity, SoftTargets

# Stands before the digest at the end of a row's JSON.
DIGEST = ',"digest":"'
# Bytes of the file that SQLite may map into memory.
MMAP_BYTES = 2**34


class TargetCache:
    """An SQLite database of soft targets, with log-probabilities in half precision and a digest of each row.

    Args:
        path: The file, created if it does not exist; None to keep the soft targets in memory.
        teacher: Digest of the teacher: one file may hold the soft targets of several.

    Raises:
        OSError: If the file is not such a database, or its folder does not exist.
    """

    def __init__(self, path: Path | None, teacher: bytes) -> None:
        self.path = path
        self.teacher = teacher
        try:
            self._db = sqlite3.connect(":memory:" if path is None else path, isolation_level=None)
            # Damaged text may not be UTF-8.
            self._db.text_factory = bytes
            weakref.finalize(self, _close, self._db)
            self._db.execute(f"PRAGMA mmap_size = {MMAP_BYTES}")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            # The names of table and columns are those of older cache files.
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS lessons (key BLOB PRIMARY KEY, head TEXT, log_probs BLOB)"
            )
        except sqlite3.Error as err:
            raise OSError(
                "The teacher's cache must be a cache file or a new file in an existing folder, found "
                f"{path}: {err}. Name another file."
            ) from err

    def key(self, words: Sequence[str], spaces: Sequence[bool]) -> bytes:
        """Compute the key of a tokenized text."""
        digest = hashlib.blake2b(self.teacher, digest_size=16)
        for word, has_space in zip(words, spaces, strict=True):
            digest.update(word.encode("utf-8", "surrogatepass") + (b"\x01" if has_space else b"\x00"))
        return digest.digest()

    def __contains__(self, key: bytes) -> bool:
        return self._fetch("SELECT 1 FROM lessons WHERE key = ?", key) is not None

    def get(self, key: bytes) -> SoftTargets | None:
        """Return the soft targets with this key, or None. Damaged ones are removed.

        Raises:
            OSError: If the file is damaged beyond that.
        """
        row = self._fetch("SELECT head, log_probs FROM lessons WHERE key = ?", key)
        if row is None:
            return None
        try:
            return _decode(key, *row)
        except (ValueError, TypeError, AttributeError, KeyError):
            self._fetch("DELETE FROM lessons WHERE key = ?", key)
            return None

    def add(self, soft_targets: Sequence[tuple[bytes, SoftTargets]]) -> None:
        """Store soft targets by key, all or none of them.

        Raises:
            OSError: If the file cannot be written.
        """
        rows = [(key, *_encode(key, targets)) for key, targets in soft_targets]
        with self._one_line_errors():
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR REPLACE INTO lessons VALUES (?, ?, ?)", rows)
            self._db.execute("COMMIT")

    def _fetch(self, statement: str, key: bytes) -> Any:
        """Run a statement about a key, and return the first row of its result, or None."""
        with self._one_line_errors():
            return self._db.execute(statement, (key,)).fetchone()

    @contextmanager
    def _one_line_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as err:
            if self._db.in_transaction:
                self._db.rollback()
            raise OSError(
                f"The teacher's cache {self.path} must be readable and writable, found: {err}. Free some "
                "space; or delete the file, and it is computed again."
            ) from err


def _encode(key: bytes, targets: SoftTargets) -> tuple[str, bytes]:
    """Serialize soft targets, with a digest that also covers their key."""
    tags, log_probs, entities, spans = targets
    head = {"tags": list(tags), "entities": list(map(list, entities)), "spans": list(map(list, spans))}
    text = str(srsly.json_dumps(head))[:-1]
    data = log_probs.clip(-6e4, 0).astype(np.float16).tobytes()
    return f'{text}{DIGEST}{_digest(key, text, data)}"}}', data


def _decode(key: bytes, head_text: bytes, data: bytes) -> SoftTargets:
    """Parse what `_encode` returned, now or in an older version that wrote no digest.

    Raises:
        ValueError: If something has changed. Other damage raises what the parsers raise.
    """
    text = head_text.decode()
    content, mark, digest = text.rpartition(DIGEST)
    if mark and digest[:-2] != _digest(key, content, data):
        raise ValueError("the digest differs")
    head = srsly.json_loads(text)
    # (tokens, tags)
    log_probs = np.frombuffer(data, dtype=np.float16).reshape(-1, max(len(head["tags"]), 1))
    if not (log_probs <= 0).all():
        raise ValueError("log-probabilities are at most 0")
    entities, spans = ([Entity(*span) for span in head[name]] for name in ("entities", "spans"))
    return SoftTargets(tuple(head["tags"]), log_probs, entities, spans)


def _digest(key: bytes, text: str, data: bytes) -> str:
    digest = hashlib.blake2b(key, digest_size=16)
    digest.update(text.encode("utf-8", "surrogatepass"))
    digest.update(data)
    return digest.hexdigest()


def _close(db: sqlite3.Connection) -> None:
    # The garbage collector may run in another thread, which must not close it.
    with suppress(sqlite3.ProgrammingError):
        db.close()
