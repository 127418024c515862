"""Standard input and output, names of options, help: what all commands have in common."""

import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from spacy import displacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab
from typer.main import get_command
from typer.testing import CliRunner

import spacy_xner
from spacy_xner.cli import app
from spacy_xner.cli.command import replace_names
from spacy_xner.cli.parts import echo
from spacy_xner.pipeline.colors import COLORS

from .conftest import SLIPS, make_examples
from .test_cli import CONLL, invoke

SENTENCE = re.compile(r"[A-Z-].*[.)]", re.DOTALL)


def list_commands() -> Iterator[tuple[str, object]]:
    """List all commands with their names."""
    waiting = [("", get_command(app))]
    while waiting:
        name, command = waiting.pop()
        yield name, command
        waiting += [(f"{name} {key}".strip(), part) for key, part in getattr(command, "commands", {}).items()]


def test_help_is_in_sentences_with_examples() -> None:
    for name, command in list_commands():
        lines = command.help.splitlines()  # type: ignore[attr-defined]
        assert SENTENCE.fullmatch(lines[0]), name
        for param in command.params:  # type: ignore[attr-defined]
            assert SENTENCE.fullmatch(param.help), (name, param.name, param.help)
        if not hasattr(command, "commands"):
            assert any(line.strip().startswith("spacy-xner ") for line in lines), name
            assert {"--quiet", "-q"} <= {opt for param in command.params for opt in param.opts}, name  # type: ignore[attr-defined]


def test_commands_are_listed_by_task_and_flags_without_a_type() -> None:
    code, out, _ = invoke("-h")
    assert code == 0
    assert "--version             -V        Show the version and exit." in out
    assert "--install-completion" in out
    assert "bool" not in out
    places = [out.index(f"\n│ {name} ") for name in ("encoder", "convert", "train", "predict", "shrink")]
    assert places == sorted(places)
    code, out, _ = invoke("export", "--help")
    assert (code, "bool" in out) == (0, False)
    assert "--overwrite,--force" in out
    assert invoke("--version")[1] == f"spacy-xner {spacy_xner.__version__}\n"


def test_other_names_of_options() -> None:
    names = {"--texts", "--device", "-o"}
    for args, expected in (
        (["--corpus", "a", "--corpus=b"], ["--texts", "a", "--texts=b"]),
        (["-g", "1", "--gpu-id=0"], ["--device", "cuda:1", "--device=cuda:0"]),
        (["--gpu-id", "-1", "x"], ["--device", "cpu", "x"]),
        (["--show", "--", "--corpus"], ["--show", "--", "--corpus"]),
    ):
        assert replace_names(args, names) == expected
    assert replace_names(["--corpus", "--gpu-id"], {"--corpus"}) == ["--corpus", "--gpu-id"]


def test_corpus_comes_from_standard_input_and_goes_to_standard_output(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["convert", "-", "-", "--json"], input=CONLL)
    docs = list(DocBin().from_bytes(result.stdout_bytes).get_docs(Vocab()))
    assert (result.exit_code, [len(doc.ents) for doc in docs]) == (0, [2, 1])
    assert json.loads(result.stderr)["n_texts"] == 2
    (tmp_path / "x.spacy").write_bytes(result.stdout_bytes)
    code, out, err = invoke("export", tmp_path / "x.spacy", "-")
    assert (code, err, json.loads(out.splitlines()[1])["text"]) == (0, "", "Bo met")
    result = CliRunner().invoke(app, ["convert", "-", "-"], input="Bo\tB-PER\nx\tO\tO\n")
    assert result.stderr.startswith("Error: <stdin>:2: expected 2 columns")
    result = CliRunner().invoke(app, ["inspect", "-", "--html", "-", "--quiet"], input=CONLL)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("<!")


def test_texts_come_from_standard_input(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path / "nlp")
    args = ["predict", str(tmp_path / "nlp"), "-"]
    result = CliRunner().invoke(app, args, input=SLIPS[0][0].encode("gb18030"))
    assert result.stdout.startswith(f"{SLIPS[0][0]}\n    PER ")
    assert result.stderr.startswith("Warning: <stdin>: encoding gb18030")
    result = CliRunner().invoke(app, [*args, "--format", "conll"], input=SLIPS[0][0])
    assert result.stdout.splitlines()[1:3] == [f"# text = {SLIPS[0][0]}", "张\tB-PER"]
    # The input is looked for before the pipeline is loaded.
    assert "none.txt must exist" in invoke("predict", "nowhere", tmp_path / "none.txt")[2]


def test_quiet_commands_print_results_alone(tmp_path: Path) -> None:
    (tmp_path / "in.conll").write_text(CONLL, encoding="utf-8")
    args = ("convert", tmp_path / "in.conll", tmp_path / "x.spacy", "-f")
    code, out, err = invoke(*args)
    assert (code, "n_texts: 2" in out, err) == (0, True, f"Wrote {tmp_path / 'x.spacy'}\n")
    assert invoke(*args, "--quiet") == (0, "", "")
    code, out, err = invoke(*args, "--quiet", "--json")
    assert (json.loads(out)["n_texts"], err) == (2, "")


def test_name_of_the_output_decides(tmp_path: Path, trained: Language) -> None:
    (tmp_path / "in.conll").write_text(CONLL, encoding="utf-8")
    code, _, err = invoke("convert", tmp_path / "in.conll", tmp_path / "x.jsonl")
    assert (code, "The output must end in .spacy, or have no ending" in err) == (1, True)
    DocBin(docs=[eg.reference for eg in make_examples(trained)]).to_disk(tmp_path / "x.spacy")
    for name, start in (("a.IOB", "# global"), ("a", "{"), ("a.jsonl", "{"), ("a.label-studio", "[")):
        assert invoke("export", tmp_path / "x.spacy", tmp_path / name)[0] == 0
        assert (tmp_path / name).read_text("utf-8").startswith(start)
    trained.to_disk(tmp_path / "nlp")
    for command in (
        ("export", tmp_path / "x.spacy", tmp_path / "y.csv"),
        ("predict", tmp_path / "nlp", tmp_path / "in.conll", "-o", tmp_path / "y.csv"),
    ):
        code, _, err = invoke(*command)
        assert (code, "found '.csv'. Choose another name, or set --format to one of" in err) == (1, True)
    assert not (tmp_path / "y.csv").exists()


@pytest.mark.parametrize("encoding", ["cp936", "ascii", "utf-8"])
def test_json_means_the_same_in_any_encoding(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["Straße 顺丰 \U0001f600", "\x1b\ud800"]
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    echo(json.dumps(texts, ensure_ascii=False))
    stream.flush()
    written = stream.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    assert json.loads(written) == texts
    assert ("ß" in written) == (encoding == "utf-8")


def test_errors_about_files_say_what_to_do(trained: Language, tmp_path: Path, corpus_file: Path) -> None:
    out, text, folder = tmp_path / "out", tmp_path / "texts.txt", tmp_path / "folder"
    out.mkdir()
    for name in ("model-best", "model-last"):
        trained.to_disk(out / name)
    folder.mkdir()
    text.write_text(SLIPS[0][0], encoding="utf-8")
    for command, message in (
        (
            ("evaluate", out, corpus_file),
            f"found model-best and model-last in {out}. Use {out}/model-best.",
        ),
        (("predict", folder, text), f"found neither in {folder}. Check the path."),
        (("predict", text, text), f"found the file {text}"),
        (("predict", "nowhere", text), "must be a folder or an installed package, found no nowhere"),
        (("evaluate", out / "model-best", text), f"spacy-xner convert {text} texts.spacy"),
        (("export", text, "-"), f"The corpus must be a .spacy file, found another format in {text}."),
        (("predict", out, folder), f"The texts must be in a file, found the folder {folder}."),
        (("evaluate", out / "model-best", corpus_file, "-o", folder, "-f"), "must not be a folder"),
        (("convert", text, text / "x.spacy"), f"{text} must be a folder, found a file."),
        (("export", corpus_file, text / "below" / "x.jsonl"), f"{text / 'below'} must be in a folder"),
    ):
        code, shown, err = invoke(*command)
        assert (code, shown, err.count("\n"), "Errno" in err) == (1, "", 1, False), err
        assert message in err


@pytest.fixture
def corpus_file(trained: Language, tmp_path: Path) -> Path:
    """The toy slips as a DocBin."""
    DocBin(docs=[eg.reference for eg in make_examples(trained)]).to_disk(tmp_path / "slips.spacy")
    return tmp_path / "slips.spacy"


def test_files_of_which_no_text_can_be_read_give_other_advice(tmp_path: Path) -> None:
    def convert(rows: object, *options: str) -> str:
        (tmp_path / "in.json").write_text(json.dumps(rows), encoding="utf-8")
        code, _, err = invoke("convert", tmp_path / "in.json", tmp_path / "x.spacy", *options)
        assert (code, err.count("\n")) == (1, 1)
        return err

    marks = [{"von": 0, "bis": 4, "art": "PER"}]
    err = convert([{"zettel": "Anna met Bo", "marken": marks}] * 3)
    assert err.endswith("found no text in 'zettel', 'marken'. Name its key with --fields text=KEY.\n")
    task = {"id": 1, "data": {"text": "Anna met Bo"}, "annotations": [], "predictions": []}
    err = convert([task] * 3)
    assert err.endswith("found none but 3 tasks without an annotation. Annotate them, or check the format.\n")


def test_displacy_has_colours_for_labels_of_slips(trained: Language) -> None:
    page = displacy.render(trained(SLIPS[0][0]), style="ent", page=True, jupyter=False)
    assert all(COLORS[label] in page for label in ("PER", "PHONE"))


def test_scores_survive_json(trained: Language) -> None:
    doc = trained(SLIPS[0][0])
    again = Doc(trained.vocab).from_json(json.loads(json.dumps(doc.to_json(underscore=["xner_score"]))))
    scores = [ent._.xner_score for ent in doc.ents]
    assert [ent._.xner_score for ent in again.ents] == scores
    assert [span._.xner_score for span in again.spans["xner"]] == scores
    assert all(scores)
