"""The database of a cache is closed with it."""

import gc
import sqlite3
from pathlib import Path

import pytest

from spacy_xner.distillation.cache import TargetCache


@pytest.mark.parametrize("is_file", [True, False])
def test_cache_closes_its_database(tmp_path: Path, is_file: bool) -> None:
    cache = TargetCache(tmp_path / "cache.db" if is_file else None, b"")
    database = cache._db
    assert database.execute("SELECT count(*) FROM lessons").fetchone() == (0,)
    del cache
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        database.execute("SELECT 1")


def test_cache_closes_what_is_no_database(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    (tmp_path / "cache.db").write_text("not a database, but a file of some length\n" * 99)
    with pytest.raises(OSError, match="must be a cache file or a new file"):
        TargetCache(tmp_path / "cache.db", b"")
    gc.collect()
    assert not recwarn.list
