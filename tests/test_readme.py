"""The Python examples of both READMEs run, and both show the same commands."""

import re
from pathlib import Path

import pytest
from spacy.language import Language

ROOT = Path(__file__).parent.parent


def blocks(name: str, language: str) -> list[str]:
    """List the code blocks of a README in one language."""
    text = (ROOT / name).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_python_examples_run(
    name: str,
    trained: Language,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "training").mkdir()
    trained.to_disk(tmp_path / "training" / "model-best")
    monkeypatch.chdir(tmp_path)
    examples = blocks(name, "python")
    assert len(examples) == 2
    for example in examples:
        exec(compile(example, name, "exec"), {})
    assert "[" in capsys.readouterr().out


def test_both_readmes_show_the_same_examples() -> None:
    assert blocks("README.md", "python") == blocks("README.zh-CN.md", "python")
    without_comments = [
        [re.sub(r" *#.*", "", block) for block in blocks(name, "bash")]
        for name in ("README.md", "README.zh-CN.md")
    ]
    assert without_comments[0] == without_comments[1]
