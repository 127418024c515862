"""Encoder folders are written whole, and never replace a folder without an encoder."""

from pathlib import Path

import pytest

from spacy_xner.tools.encoders.folder import new_encoder


def fill(folder: Path, *, overwrite: bool = False) -> None:
    with new_encoder(folder, overwrite=overwrite) as part:
        (part / "config.json").write_text("{}")


def fail(folder: Path) -> None:
    with new_encoder(folder, overwrite=True) as part:
        (part / "half.txt").write_text("")
        raise KeyError


def test_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    fill(tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["config.json"]


def test_overwrite_replaces_an_encoder(tmp_path: Path) -> None:
    fill(tmp_path / "out")
    (tmp_path / "out" / "old.txt").write_text("")
    fill(tmp_path / "out", overwrite=True)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["config.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_overwrite_spares_what_is_no_encoder(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("")
    with pytest.raises(FileExistsError, match=r"must hold an encoder, found no config\.json"):
        fill(tmp_path / "home", overwrite=True)
    with pytest.raises(FileExistsError, match="must be empty or new, found a file"):
        fill(tmp_path / "home" / "letter.txt", overwrite=True)
    assert (tmp_path / "home" / "letter.txt").is_file()


def test_failure_keeps_the_old_encoder(tmp_path: Path) -> None:
    fill(tmp_path / "out")
    (tmp_path / "out" / "old.txt").write_text("")
    with pytest.raises(KeyError):
        fail(tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["config.json", "old.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
