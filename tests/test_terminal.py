"""What commands print and how they end: nothing that a terminal obeys, one line, an exit code."""

import json
import logging
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import DocBin

from spacy_xner.cli.parts import UNSAFE, clean, echo, one_line_errors, progress_bar, show

from .conftest import SLIPS, make_examples
from .test_cli import invoke

# Colours, a title, an 8-bit control sequence, bidirectional overrides, a bell, a line that is written over.
HOSTILE = "\x1b[31mred\x1b]0;title\x07 \x9b2J \u202egnirts\u2066 \x7f\x08\rnew"
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))
JSON_VALUES = st.recursive(
    ANY_TEXT, lambda part: st.lists(part, max_size=3) | st.dictionaries(ANY_TEXT, part, max_size=3)
)

# Fills its disk, in a process of its own: files may not grow.
FULL_DISK = """
import resource, sys
from pathlib import Path
from typer.testing import CliRunner
from spacy_xner.cli import app
folder = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
for args in (
    ["encoder", "tiny", folder / "tiny", "--corpus", folder / "texts.txt", "--overwrite"],
    ["convert", folder / "in.jsonl", folder / "out.spacy", "--overwrite"],
    ["convert", folder / "in.jsonl", folder / "out"],
):
    result = CliRunner().invoke(app, list(map(str, args)))
    print(result.exit_code, repr(result.exception), result.stderr.strip().splitlines()[-1])
"""


@given(ANY_TEXT)
def test_clean_text_has_nothing_that_a_terminal_obeys(text: str) -> None:
    assert not UNSAFE.search(clean(text))
    assert clean(clean(text)) == clean(text)
    # No other control character is left, and none that reorders text.
    assert all(c in "\n\t" or c.isprintable() or ord(c) > 0x9F for c in clean(text))


@given(JSON_VALUES)
def test_clean_json_means_the_same(value: object) -> None:
    assert json.loads(clean(json.dumps(value, ensure_ascii=False))) == value


def test_plain_text_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    text = "\t张伟, Zoë and 👩‍👩‍👧 [red]\nשלום مرحبا"
    echo(text)
    assert capsys.readouterr().out == f"{text}\n"


def test_predictions_are_printed_safely(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path / "nlp")
    line = HOSTILE.replace("\r", "") + SLIPS[0][0]
    (tmp_path / "texts.txt").write_text(f"{line}\n", encoding="utf-8")
    code, out, _ = invoke("predict", tmp_path / "nlp", tmp_path / "texts.txt")
    assert (code, UNSAFE.search(out)) == (0, None)
    assert r"\u001b[31mred" in out
    code, out, _ = invoke("predict", tmp_path / "nlp", tmp_path / "texts.txt", "--json")
    assert (code, UNSAFE.search(out)) == (0, None)
    assert json.loads(out)["text"] == line


def test_labels_and_facts_are_printed_safely(tmp_path: Path, trained: Language) -> None:
    doc = make_examples(trained, [("Bo", [("Bo", HOSTILE)])])[0].reference
    DocBin(docs=[doc]).to_disk(tmp_path / "in.spacy")
    for format in ("jsonl", "doccano"):
        assert invoke("export", tmp_path / "in.spacy", tmp_path / "out", "--format", format, "-f")[0] == 0
        for args in (
            ("convert", tmp_path / "out", tmp_path / "a.spacy", "-f"),
            ("inspect", tmp_path / "out"),
        ):
            code, out, err = invoke(*args)
            assert (code, UNSAFE.search(out + err)) == (0, None)
            assert r"\u001b[31mred" in out
            out = invoke(*args, "--json")[1]
            assert UNSAFE.search(out) is None
            assert json.dumps(HOSTILE) in json.dumps(json.loads(out))


def test_names_of_files_are_printed_safely_and_in_one_line(tmp_path: Path) -> None:
    name = f"{HOSTILE}\n[red]x".replace("/", "")
    for args in (("evaluate", "x", tmp_path / name), ("convert", tmp_path / name, tmp_path / "y.spacy")):
        code, out, err = invoke(*args)
        assert (code, out, UNSAFE.search(err)) == (1, "", None)
        (line,) = [line for line in err.splitlines() if line.startswith("Error: ")]
        assert re.search(r"\\(x|u00)1b\[31mred", line)
        assert "[red]x" in line


def test_titles_of_progress_bars_are_printed_safely(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with progress_bar("Converting") as on_progress:
        on_progress(1, 1)
    # Only a terminal has one.
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress_bar("Converting [red]\x1b[2J") as on_progress:
        on_progress(1, 1)
    assert r"Converting [red]\u001b[2J" in capsys.readouterr().err


def test_warnings_and_log_lines_are_printed_safely(capsys: pytest.CaptureFixture[str]) -> None:
    logger, lines = logging.getLogger("spacy"), []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger.addHandler(handler)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with one_line_errors():
            warnings.warn(f"two\nlines {HOSTILE}", UserWarning, stacklevel=1)
            logger.error("Labels from %s", HOSTILE)
    logger.error("%s", "\x1b")
    logger.removeHandler(handler)
    one_line = clean(HOSTILE.replace("\r", " "))
    assert capsys.readouterr().err == f"Warning: two lines {one_line}\n"
    assert lines == [f"Labels from {clean(HOSTILE)}", "\x1b"]


def test_facts_are_printed_as_text_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    show({"\x1b": ["\u202e"], "b": {"\x9b": 1}}, as_json=False)
    assert capsys.readouterr().out == "\\u001b: \n  \\u202e\nb: \\u009b 1\n"
    show({"\x1b": ["\u202e"]}, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"\x1b": ["\u202e"]}


def test_interrupted_command_ends_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as end, one_line_errors():
        raise KeyboardInterrupt
    assert (end.value.exit_code, capsys.readouterr().err) == (130, "Interrupted.\n")


def test_closed_output_is_quiet() -> None:
    code = (
        "import typer\n"
        "from spacy_xner.cli.parts import echo, one_line_errors\n"
        "app = typer.Typer()\n"
        "@app.command()\n"
        "@one_line_errors()\n"
        "def write() -> None:\n"
        "    for _ in range(100_000): echo('x' * 100)\n"
        "app()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"x" * 100 + b"\n"
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


@pytest.mark.slow
def test_full_disk_leaves_the_old_state(tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("\n".join(text for text, _ in SLIPS), encoding="utf-8")
    lines = [json.dumps({"text": f"Anna {i} met Bo {i * i}", "spans": []}) for i in range(2000)]
    (tmp_path / "in.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "out.spacy").write_bytes(b"old")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FULL_DISK, str(tmp_path)],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    assert len(result.stdout.splitlines()) == 3
    for line in result.stdout.splitlines():
        assert line.startswith("1 SystemExit(1) Error: ")
        assert "File too large" in line
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_output_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "a", "spans": []}\n', encoding="utf-8")
    for target in ("/proc/none/out.spacy", tmp_path / "in.jsonl" / "out.spacy", "/dev/null/out.spacy"):
        code, out, err = invoke("convert", tmp_path / "in.jsonl", target)
        assert (code, out) == (1, "")
        assert err.splitlines()[-1].startswith("Error: ")
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]
