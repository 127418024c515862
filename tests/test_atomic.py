"""Files and folders are written whole or not at all, and nothing else is lost for them."""

from pathlib import Path

import pytest

from spacy_xner.atomic import new_file, new_folder


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
