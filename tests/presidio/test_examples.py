"""The examples in docstrings, and the package without Presidio."""

import doctest
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from spacy.language import Language

import spacy_xner.presidio


@pytest.mark.parametrize("name", ["XnerNlpEngine", "XnerRecognizer", "create_analyzer"])
def test_examples_run(name: str, world: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.to_disk(tmp_path / "pipeline")
    monkeypatch.chdir(tmp_path)
    doc = inspect.getdoc(getattr(spacy_xner.presidio, name)) or ""
    example = doctest.DocTestParser().get_doctest(doc.split("Examples:\n")[1], {}, name, None, None)
    failed, tried = doctest.DocTestRunner().run(example)
    assert failed == 0
    assert tried


def test_without_presidio_one_line_says_what_to_install() -> None:
    code = "import sys; sys.modules['presidio_analyzer'] = None\nimport spacy_xner.presidio"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == (
        "ImportError: spacy_xner.presidio needs the package presidio-analyzer. Install it with: "
        'pip install "spacy-xner[presidio]"'
    )
