"""A cache of soft targets, in memory or in a file."""

import hashlib
import sqlite3
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import srsly

from ..types import Entity, SoftTargets

# Bytes of the file that SQLite may map into memory.
MMAP_BYTES = 2**34


class TargetCache:
    """An SQLite database of soft targets, with log-probabilities in half precision.

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
        return self._db.execute("SELECT 1 FROM lessons WHERE key = ?", (key,)).fetchone() is not None

    def get(self, key: bytes) -> SoftTargets | None:
        """Return the soft targets with this key, or None."""
        row = self._db.execute("SELECT head, log_probs FROM lessons WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        head = srsly.json_loads(row[0])
        log_probs = np.frombuffer(row[1], dtype=np.float16).reshape(-1, max(len(head["tags"]), 1))
        entities, spans = ([Entity(*span) for span in head[name]] for name in ("entities", "spans"))
        return SoftTargets(tuple(head["tags"]), log_probs, entities, spans)

    def add(self, soft_targets: Sequence[tuple[bytes, SoftTargets]]) -> None:
        """Store soft targets by key, all or none of them."""
        rows = [
            (
                key,
                srsly.json_dumps(
                    {
                        "tags": list(tags),
                        "entities": list(map(list, entities)),
                        "spans": list(map(list, spans)),
                    }
                ),
                log_probs.clip(-6e4, 0).astype(np.float16).tobytes(),
            )
            for key, (tags, log_probs, entities, spans) in soft_targets
        ]
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR REPLACE INTO lessons VALUES (?, ?, ?)", rows)
        self._db.execute("COMMIT")


def _close(db: sqlite3.Connection) -> None:
    # The garbage collector may run in another thread, which must not close it.
    with suppress(sqlite3.ProgrammingError):
        db.close()
