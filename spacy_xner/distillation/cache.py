"""Soft targets that a teacher gave once, kept in memory or in a file."""

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import srsly

from ..types import Entity, SoftTargets

# Bytes of the file that are read through a memory map.
MAPPED = 2**34


class TargetCache:
    """An SQLite database of soft targets, read through a memory map; probabilities take two bytes each.

    Args:
        path: The file, made if it is not there, or None to keep all in memory.
        teacher: Tells this teacher's soft targets from those of others in the same file.

    Raises:
        OSError: If the file is no such database, or its folder is missing.
    """

    def __init__(self, path: Path | None, teacher: bytes) -> None:
        self.path = path
        self.teacher = teacher
        try:
            self._db = sqlite3.connect(":memory:" if path is None else path, isolation_level=None)
            self._db.execute(f"PRAGMA mmap_size = {MAPPED}")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS lessons (key BLOB PRIMARY KEY, head TEXT, log_probs BLOB)"
            )
        except sqlite3.Error as err:
            raise OSError(
                f"The teacher's cache must be a file that this program made, or a new one in a folder that "
                f"is there, found {path}: {err}. Name another file."
            ) from err

    def key(self, words: Sequence[str], spaces: Sequence[bool]) -> bytes:
        """Make the key of a text as it is cut into tokens."""
        digest = hashlib.blake2b(self.teacher, digest_size=16)
        for word, has_space in zip(words, spaces, strict=True):
            digest.update(word.encode("utf-8", "surrogatepass") + (b"\x01" if has_space else b"\x00"))
        return digest.digest()

    def __contains__(self, key: bytes) -> bool:
        return self._db.execute("SELECT 1 FROM lessons WHERE key = ?", (key,)).fetchone() is not None

    def get(self, key: bytes) -> SoftTargets | None:
        """Look up soft targets."""
        row = self._db.execute("SELECT head, log_probs FROM lessons WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        head = srsly.json_loads(row[0])
        log_probs = np.frombuffer(row[1], dtype=np.float16).reshape(-1, max(len(head["tags"]), 1))
        entities, spans = ([Entity(*span) for span in head[name]] for name in ("entities", "spans"))
        return SoftTargets(tuple(head["tags"]), log_probs, entities, spans)

    def add(self, soft_targets: Sequence[tuple[bytes, SoftTargets]]) -> None:
        """Keep soft targets, all of them or none."""
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
