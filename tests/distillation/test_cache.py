"""A cache returns what was stored or nothing, and closes its database."""

import gc
import json
import random
import sqlite3
from contextlib import closing
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from spacy_xner.distillation.cache import TargetCache
from spacy_xner.types import Entity, SoftTargets

TAGS = ("O", "B-PER", "I-PER")


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


def make_targets(seed: int) -> SoftTargets:
    log_probs = -np.random.default_rng(seed).random((5, 3)).astype(np.float16)
    return SoftTargets(TAGS, log_probs, [Entity(0, 2, "PER", 0.5)], [Entity(0, 2, "PER", 0.5)])


def are_equal(one: SoftTargets, other: SoftTargets) -> bool:
    return (one.tags, one.entities, one.spans) == (
        other.tags,
        other.entities,
        other.spans,
    ) and np.array_equal(one.log_probs, other.log_probs)


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Path, dict[bytes, SoftTargets]]:
    """A cache file, and what is in it by key."""
    cache = TargetCache(tmp_path / "cache.db", b"teacher")
    targets = {cache.key([str(i)], [False]): make_targets(i) for i in range(20)}
    cache.add(list(targets.items()))
    return tmp_path / "cache.db", targets


def test_rows_of_earlier_versions_are_read() -> None:
    cache = TargetCache(None, b"teacher")
    key = cache.key(["Anna", "B\u00f6"], [True, False])
    assert key.hex() == "d7152184529ba6d1e50c68611838a761"
    assert len({cache.key(["a", "b"], spaces) for spaces in product([True, False], repeat=2)}) == 4
    head = '{"tags":["O","B-PER"],"entities":[[0,1,"PER",0.5]],"spans":[[0,1,"PER",0.5]]'
    digest = ',"digest":"229e5504505b91b014664ebc5769be14"'
    log_probs = bytes.fromhex("00C200B8000080C8")
    # The first versions wrote no digest.
    for text in (f"{head}{digest}}}", f"{head}}}"):
        cache._db.execute("INSERT OR REPLACE INTO lessons VALUES (?, ?, ?)", (key, text, log_probs))
        soft = cache.get(key)
        assert soft is not None
        assert (soft.tags, soft.entities, soft.spans) == (("O", "B-PER"), *[[Entity(0, 1, "PER", 0.5)]] * 2)
        assert soft.log_probs.tolist() == [[-3.0, -0.5], [0.0, -9.0]]


def test_certain_and_impossible_tags_are_kept() -> None:
    cache = TargetCache(None, b"teacher")
    given = SoftTargets(TAGS, np.array([[0.0, -1e9, -20.0]]), [], [])
    cache.add([(b"a", given)])
    soft = cache.get(b"a")
    assert soft is not None
    assert soft.log_probs.tolist() == [[0.0, -6e4, -20.0]]
    # A rounding error above 0 is certain, too.
    cache.add([(b"a", given._replace(log_probs=np.array([[1e-6, -3.0, -20.0]])))])
    soft = cache.get(b"a")
    assert soft is not None
    assert soft.log_probs.tolist() == [[0.0, -3.0, -20.0]]


@pytest.mark.parametrize("column", ["key", "head", "log_probs"])
def test_changed_rows_are_computed_again(stored: tuple[Path, dict[bytes, SoftTargets]], column: str) -> None:
    path, targets = stored
    rng = random.Random(0)
    cache = TargetCache(path, b"teacher")
    for key, value in cache._db.execute(f"SELECT key, {column} FROM lessons").fetchall():
        data = bytearray(value)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(7)
        new = bytes(data).decode() if column == "head" else bytes(data)
        cache._db.execute(f"UPDATE lessons SET {column} = ? WHERE key = ?", (new, key))
    for key, expected in targets.items():
        value = cache.get(key)
        # A change of the name of the digest itself changes nothing else.
        assert value is None or (column == "head" and are_equal(value, expected))
        assert (key in cache) == (value is not None)
        cache.add([(key, expected)])
        assert are_equal(cache.get(key), expected)  # type: ignore[arg-type]


def test_rows_under_the_key_of_another_text_are_computed_again(
    stored: tuple[Path, dict[bytes, SoftTargets]],
) -> None:
    path, targets = stored
    first, second, *_ = targets
    cache = TargetCache(path, b"teacher")
    cache._db.execute("DELETE FROM lessons WHERE key = ?", (second,))
    cache._db.execute("UPDATE lessons SET key = ? WHERE key = ?", (second, first))
    assert cache.get(second) is None


@pytest.mark.parametrize(
    "head", [None, 3, "", "[]", "{}", '{"tags": 3}', '{"tags": ["O"], "entities": [[1]]}']
)
def test_rows_of_other_types_are_computed_again(
    stored: tuple[Path, dict[bytes, SoftTargets]], head: object
) -> None:
    path, targets = stored
    cache = TargetCache(path, b"teacher")
    cache._db.execute("UPDATE lessons SET head = ?", (head,))
    assert all(cache.get(key) is None for key in targets)


def test_rows_of_an_older_version_are_read(stored: tuple[Path, dict[bytes, SoftTargets]]) -> None:
    path, targets = stored
    cache = TargetCache(path, b"teacher")
    for key, text in cache._db.execute("SELECT key, head FROM lessons").fetchall():
        head = {name: value for name, value in json.loads(text).items() if name != "digest"}
        cache._db.execute("UPDATE lessons SET head = ? WHERE key = ?", (json.dumps(head), key))
    assert all(are_equal(cache.get(key), expected) for key, expected in targets.items())  # type: ignore[arg-type]
    # One of them has a probability above 1.
    key = next(iter(targets))
    cache._db.execute("UPDATE lessons SET log_probs = ? WHERE key = ?", (b"\x00\x3c" * 15, key))
    assert cache.get(key) is None


def read_all(path: Path, keys: list[bytes]) -> dict[bytes, SoftTargets | None] | str:
    """Return what a cache has of these keys, or its error."""
    try:
        cache = TargetCache(path, b"teacher")
        with closing(cache._db):
            return {key: cache.get(key) for key in keys}
    except OSError as err:
        return str(err)


def test_damaged_files_give_what_was_stored_or_one_line(
    stored: tuple[Path, dict[bytes, SoftTargets]],
) -> None:
    path, targets = stored
    gc.collect()
    data, rng, outcomes = path.read_bytes(), random.Random(0), set()
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(rng.choice([1, 1, 64])):
            damaged[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged[: rng.choice([None, None, len(data) // 2])])
        found = read_all(path, list(targets))
        if isinstance(found, str):
            assert "The teacher's cache" in found
            assert "\n" not in found
            outcomes.add("error")
        else:
            assert all(value is None or are_equal(value, targets[key]) for key, value in found.items())
            outcomes.add("less" if None in found.values() else "same")
        for file in path.parent.iterdir():
            file.unlink()
    assert outcomes == {"error", "same", "less"}
