"""Files and folders are written whole or not at all, and nothing else is lost for them."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from spacy_xner import atomic
from spacy_xner.atomic import check_apart, new_file, new_folder

Writer = Callable[[Path], AbstractContextManager[Path]]
# Dies, as by SIGKILL, at one of the steps of replacing a folder.
KILLED = """
import os, sys
from pathlib import Path
from spacy_xner.atomic import new_folder
target, n_steps = Path(sys.argv[1]), int(sys.argv[2])
rename = Path.rename
def step(self, other):
    global n_steps
    n_steps -= 1
    if n_steps < 0:
        os._exit(9)
    return rename(self, other)
Path.rename = step
with new_folder(target, replace=True) as part:
    (part / "new").touch()
    if n_steps < 0:
        os._exit(9)
os._exit(9)
"""


def names(folder: Path) -> list[str]:
    """List what a folder holds, hidden entries too."""
    return sorted(path.name for path in folder.iterdir())


def fail_to_write(path: Path) -> None:
    with new_file(path) as part:
        part.write_text("half")
        raise KeyError


def fail_to_fill(path: Path) -> None:
    with new_folder(path, replace=True) as part:
        (part / "half").touch()
        raise KeyError


def test_file_appears_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    with new_file(path) as part:
        part.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert names(tmp_path / "new") == ["file.txt"]


def test_failure_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(KeyError):
        fail_to_write(path)
    assert (path.read_text(), names(tmp_path)) == ("old", ["file.txt"])


def test_folder_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    for name in ("old", "new"):
        with new_folder(path, replace=True) as part:
            (part / name).touch(mode=0o600)
    assert (names(path), names(tmp_path)) == (["new"], ["folder"])
    # As readable as the folder, whatever the umask.
    assert (path / "new").stat().st_mode & 0o044 == path.stat().st_mode & 0o044


def test_failure_keeps_the_old_folder(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old").touch()
    with pytest.raises(KeyError):
        fail_to_fill(path)
    assert (names(path), names(tmp_path)) == (["old"], ["folder"])


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    for name in ("file", "folder"):
        (tmp_path / name).symlink_to(tmp_path / "real" / name)
    with new_file(tmp_path / "file") as part:
        part.touch()
    with new_folder(tmp_path / "folder"):
        pass
    assert names(tmp_path / "real") == ["file", "folder"]
    assert (tmp_path / "file").is_symlink()
    assert (tmp_path / "folder").is_symlink()


def test_what_is_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError, match=r"must not be a folder, found .*folder. Choose"):
        fail_to_write(tmp_path / "folder")
    (tmp_path / "folder" / "letter").touch()
    with (
        pytest.raises(FileExistsError, match=r"must be empty or new, found files in .*folder. Choose"),
        new_folder(tmp_path / "folder"),
    ):
        raise AssertionError
    with pytest.raises(FileExistsError, match=r"must be empty or new, found a file: .*letter. Choose"):
        fail_to_fill(tmp_path / "folder" / "letter")
    assert names(tmp_path / "folder") == ["letter"]


@pytest.mark.parametrize("write", [new_file, new_folder])
def test_one_process_at_a_time_writes_a_target(tmp_path: Path, write: Writer) -> None:
    path = tmp_path / "target"
    with write(path) as part:
        if write is new_file:
            part.touch()
        with (
            pytest.raises(BlockingIOError, match=r"Only one process at a time may write .*, found another"),
            write(path),
        ):
            raise AssertionError
        with write(tmp_path / "other") as other:
            if write is new_file:
                other.touch()
    assert names(tmp_path) == ["other", "target"]


@pytest.mark.parametrize(("n_steps", "left"), [(-1, "old"), (0, "old"), (1, None)])
def test_a_killed_run_leaves_nothing_that_the_next_keeps(
    tmp_path: Path, n_steps: int, left: str | None
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "old").touch()
    command = [sys.executable, "-c", KILLED, str(target), str(n_steps)]
    assert subprocess.run(command, check=False, timeout=60).returncode == 9
    # Whole or absent.
    assert (names(target) if target.exists() else None) == (left and [left])
    assert names(tmp_path)[0] == ".target.spacy-xner"
    # The next run gives an absent one its name back, even if it fails.
    with pytest.raises(KeyError):
        fail_to_fill(target)
    assert (names(tmp_path), names(target)) == (["target"], [left or "old"])


@pytest.mark.parametrize("kind", ["file", "link", "broken link"])
def test_nothing_is_written_through_what_has_the_working_name(tmp_path: Path, kind: str) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "data").touch()
    place = tmp_path / ".target.spacy-xner"
    if kind == "file":
        place.touch()
    else:
        place.symlink_to(precious if kind == "link" else tmp_path / "nowhere")
    for write in (new_file, new_folder):
        with (
            pytest.raises(FileExistsError, match=r"found a file or link\. Remove it"),
            write(tmp_path / "target"),
        ):
            raise AssertionError
    assert names(precious) == ["data"]
    assert names(tmp_path) == [".target.spacy-xner", "precious"]


def test_links_in_what_a_killed_run_left_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "data").touch()
    left = tmp_path / ".target.spacy-xner"
    left.mkdir()
    (left / "link").symlink_to(tmp_path / "precious")
    with new_folder(tmp_path / "target"):
        pass
    assert names(tmp_path) == ["precious", "target"]
    assert names(tmp_path / "precious") == ["data"]


@pytest.mark.parametrize("has_locks", [True, False])
def test_file_systems_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_locks: bool) -> None:
    def refuse(*args: Any) -> None:
        raise OSError(9, "Bad file descriptor")  # as NFS does

    if has_locks:
        monkeypatch.setattr(atomic.fcntl, "flock", refuse)
    else:
        monkeypatch.setattr(atomic, "fcntl", None)
    with new_file(tmp_path / "file") as part:
        part.write_text("whole")
        assert part.parent.name.startswith(".file.spacy-xner.")
    assert names(tmp_path) == ["file"]


def test_another_process_may_fill_a_new_folder_meanwhile(tmp_path: Path) -> None:
    target = tmp_path / "target"

    def write() -> None:
        with new_folder(target):
            target.mkdir()
            (target / "of another").touch()

    with pytest.raises(FileExistsError, match="must be empty or new"):
        write()
    assert names(target) == ["of another"]


def test_output_must_not_be_what_it_is_made_from(tmp_path: Path) -> None:
    folder, file = tmp_path / "folder", tmp_path / "folder" / "file"
    folder.mkdir()
    file.touch()
    (tmp_path / "link").symlink_to(file)
    os.link(file, tmp_path / "hard")
    for output, source in (
        (file, file),
        (tmp_path / "link", file),
        (file, tmp_path / "link"),
        (folder, file),
    ):
        with pytest.raises(FileExistsError, match="The output must not be what it is made from, found"):
            check_apart(output, tmp_path / "other", source)
    # Renamed into its place, a file does not change what else bears its name.
    check_apart(tmp_path / "hard", file)
    check_apart(folder / "new", folder, tmp_path / "none")
