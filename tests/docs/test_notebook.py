"""The notebook runs from its first cell to its last."""

import os
import sys
from pathlib import Path

import pytest
import srsly

from .blocks import ROOT
from .commands import parse

NOTEBOOK = ROOT / "docs" / "notebooks" / "quickstart.ipynb"
# The command line as a program, quick as on the pages.
PROGRAM = """\
#!{python}
import sys
from pathlib import Path
from spacy_xner.cli import app
from tests.docs.commands import Quick
app(Quick(Path(), Path())(sys.argv[1:]))
"""


def _code() -> list[str]:
    cells = srsly.read_json(NOTEBOOK)["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_commands_of_the_notebook_exist() -> None:
    lines = "\n".join(_code()).replace("\\\n", " ").splitlines()
    commands = [line[1:].split() for line in lines if line.startswith("!")]
    assert commands
    for words in commands:
        output = parse(words, b"")
        assert output.code == 0, f"{words}: {output.stderr.decode()}"


@pytest.mark.slow
def test_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient = pytest.importorskip("nbclient")
    import nbformat

    program = tmp_path / "bin" / "spacy-xner"
    program.parent.mkdir()
    program.write_text(PROGRAM.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "work").mkdir()
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": tmp_path / "work"}}
    )
    client.execute()
    shown = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("entities" in data.get("text/html", "") for data in shown) == 2
    assert any("image/svg+xml" in data for data in shown)
