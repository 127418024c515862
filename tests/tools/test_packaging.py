"""Wheels of a pipeline and of this package. The project's test installs and runs them."""

import zipfile
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

import pytest
from spacy.language import Language
from typer.testing import CliRunner

from spacy_xner.cli import app
from spacy_xner.tools.packaging import find_own, write_own_wheel


def test_own_wheel_is_complete_and_the_same_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in a clone that was built: its folder comes first, and has no metadata of an installation.
    (tmp_path / "spacy_xner.egg-info").mkdir()
    (tmp_path / "spacy_xner.egg-info" / "PKG-INFO").write_text("Name: spacy-xner\nVersion: 9\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    wheels = [write_own_wheel(tmp_path / name) for name in ("a", "b")]
    assert wheels[0].read_bytes() == wheels[1].read_bytes()
    with zipfile.ZipFile(wheels[0]) as wheel:
        names = wheel.namelist()
        metadata = f"spacy_xner-{find_own().version}.dist-info"
        assert {"spacy_xner/__init__.py", "spacy_xner/py.typed", "spacy_xner/tools/synth/slips.yml"} <= {
            *names
        }
        assert {f"{metadata}/{name}" for name in ("METADATA", "WHEEL", "entry_points.txt")} <= {*names}
        # Nothing about this installation, such as where it is.
        assert not [name for name in names if "direct_url" in name or name.endswith((".pyc", ".pth"))]
        rows = [row.split(",") for row in wheel.read(f"{metadata}/RECORD").decode().splitlines()]
        assert [row[0] for row in rows] == names
        for name, digest, size in rows[:-1]:
            content = wheel.read(name)
            assert int(size) == len(content)
            assert digest == f"sha256={urlsafe_b64encode(sha256(content).digest()).decode().rstrip('=')}"


def test_what_cannot_be_packaged_is_refused(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path / "model")
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "xx_slips-0.0.0-py3-none-any.whl").write_text("mine", encoding="utf-8")
    for words, message in (
        (("none", "--name", "slips"), "A pipeline to package must be a folder with meta.json"),
        (("model", "--name", "slips"), "The wheel must be new, found"),
        (("model", "--name", "my slips"), "spaCy cannot package"),
    ):
        model, *options = words
        args = ["package", str(tmp_path / model), str(tmp_path / "packages"), *options]
        result = CliRunner().invoke(app, args)
        assert (result.exit_code, message in result.stderr) == (1, True), result.output
        assert "\n" not in result.stderr.strip()
    assert [file.name for file in (tmp_path / "packages").iterdir()] == ["xx_slips-0.0.0-py3-none-any.whl"]


@pytest.mark.slow
def test_both_wheels_are_written(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path / "model")
    args = ["package", str(tmp_path / "model"), str(tmp_path / "new" / "packages"), "--name", "slips"]
    result = CliRunner().invoke(app, args)
    assert result.exit_code == 0, result.output
    own = f"spacy_xner-{find_own().version}-py3-none-any.whl"
    files = sorted(file.name for file in (tmp_path / "new" / "packages").iterdir())
    assert files == [own, "xx_slips-0.0.0-py3-none-any.whl"]
    assert f"pip install --find-links {tmp_path / 'new' / 'packages'} xx_slips" in result.stderr
