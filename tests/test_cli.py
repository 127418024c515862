"""The command line, from files to scores, and its one-line errors."""

import json
import re
import shutil
from functools import partial
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import DocBin
from typer.testing import CliRunner

from spacy_xner.cli import app
from spacy_xner.distillation.unlabelled import generate_texts
from spacy_xner.models.execution import get_execution

from .conftest import SLIPS, make_examples, train_nlp

ROOT = Path(__file__).parent.parent
CONLL = "张\tB-PER\n伟\tI-PER\nDHL\tB-COURIER\n\nBo\tB-PER\nmet\tO\n"


def invoke(*args: object) -> tuple[int, str, str]:
    """Run the command line; return exit code, output and errors."""
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def corpus(trained: Language, tmp_path: Path) -> Path:
    """The toy slips as a DocBin."""
    path = tmp_path / "slips.spacy"
    DocBin(docs=[eg.reference for eg in make_examples(trained)]).to_disk(path)
    return path


@pytest.fixture
def folder(trained: Language, tmp_path: Path) -> Path:
    """The trained pipeline on disk."""
    trained.to_disk(tmp_path / "nlp")
    return tmp_path / "nlp"


def test_convert(tmp_path: Path) -> None:
    (tmp_path / "in.conll").write_text(CONLL, encoding="utf-8")
    code, out, _ = invoke("convert", tmp_path / "in.conll", tmp_path / "out.spacy", "--json")
    assert code == 0
    assert json.loads(out)["entities"] == {"PER": 2, "COURIER": 1}
    assert (tmp_path / "out.spacy").is_file()


def test_convert_warns_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "in.conll").write_text("Bo\tB-PER\n\nBo\tI-PER\n", encoding="utf-8")
    code, out, err = invoke("convert", tmp_path / "in.conll", tmp_path / "out.spacy", "--show-repairs")
    assert code == 0
    assert "Warning: 1 illegal tags were repaired: I read as B 1." in err
    assert "in.conll:3: I-PER read as B-PER" in out
    code, _, err = invoke("convert", tmp_path / "in.conll", tmp_path / "out.spacy", "--strict", "-f")
    assert code == 1
    assert "in.conll:3: tags must be legal in IOB2" in err


def test_export_writes_what_convert_reads(tmp_path: Path) -> None:
    (tmp_path / "in.conll").write_text(CONLL, encoding="utf-8")
    assert invoke("convert", tmp_path / "in.conll", tmp_path / "shards", "--shard-size", "1")[0] == 0
    assert len(list((tmp_path / "shards").iterdir())) == 2
    reports = []
    for format in ("conll", "jsonl", "doccano", "label-studio"):
        written = tmp_path / f"out.{format}"
        assert invoke("export", tmp_path / "shards", written, "--format", format, "--scheme", "BIOES")[0] == 0
        reports.append(json.loads(invoke("convert", written, tmp_path / "again.spacy", "--json", "-f")[1]))
    assert all(report["entities"] == {"PER": 2, "COURIER": 1} for report in reports)
    assert "BIOES" in reports[0]["notes"][1]
    code, _, err = invoke("export", tmp_path / "shards", tmp_path / "x", "--format", "brat")
    assert (code, "format must be one of label-studio, doccano, jsonl, conll" in err) == (1, True)
    assert not (tmp_path / "x").exists()
    code, _, err = invoke(
        "export", tmp_path / "shards", tmp_path / "x", "--scheme", "BOI", "--format", "conll"
    )
    assert (code, "A scheme must be one of" in err) == (1, True)
    assert not (tmp_path / "x").exists()


def test_export_warns_of_what_is_lost(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "a\\nb", "spans": []}\n', encoding="utf-8")
    assert invoke("convert", tmp_path / "in.jsonl", tmp_path / "x.spacy", "--allow-empty")[0] == 0
    code, _, err = invoke("export", tmp_path / "x.spacy", tmp_path / "x", "--format", "conll", "--plain")
    assert (code, err) == (0, f"Wrote {tmp_path / 'x'}\n")
    assert (tmp_path / "x").read_text("utf-8") == "a\tO\nb\tO\n\n"
    code, _, err = invoke("export", tmp_path / "x.spacy", tmp_path / "x.conll")
    assert "Warning: 1 texts whose line ends became spaces." in err


def test_convert_bad_line_ends_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "in.conll").write_text("Bo\tB-PER\nx\tO\tO\ny\tO\n", encoding="utf-8")
    code, out, err = invoke("convert", tmp_path / "in.conll", tmp_path / "out.spacy")
    assert (code, out) == (1, "")
    assert "in.conll:2: expected 2 columns, found 3" in err
    assert not (tmp_path / "out.spacy").exists()
    assert invoke("convert", tmp_path / "in.conll", tmp_path / "out.spacy", "--skip-bad")[0] == 1


def test_evaluate(folder: Path, corpus: Path, tmp_path: Path) -> None:
    code, out, _ = invoke(
        "evaluate", folder, corpus, "--device", "cpu", "--output", tmp_path / "m" / "s.json"
    )
    assert code == 0
    assert "micro (strict)     100.00  100.00  100.00" in out
    assert json.loads((tmp_path / "m" / "s.json").read_text())["strict"]["micro"]["f"] == 1.0
    assert json.loads(invoke("evaluate", folder, corpus, "--json")[1])["accuracy"] == 1.0
    code, out, err = invoke("evaluate", folder, corpus, "--device", "cpu")
    assert code == 0
    assert invoke("evaluate", folder, corpus, "--device", "cpu", "--seqeval") == (0, out, err)


@pytest.mark.parametrize(
    ("model", "data", "device", "message"),
    [
        ("nowhere", "slips.spacy", "cpu", "nowhere"),
        ("nowhere", "none.spacy", "cpu", "must be a .spacy file, or a folder of such files, found no"),
        ("nlp", "none.spacy", "cpu", "must be a .spacy file, or a folder of such files, found no"),
        ("nlp", "slips.spacy", "abacus", "device must be auto, cpu, cuda"),
    ],
)
def test_evaluate_errors(
    folder: Path, corpus: Path, tmp_path: Path, model: str, data: str, device: str, message: str
) -> None:
    code, _, err = invoke("evaluate", tmp_path / model, tmp_path / data, "--device", device)
    assert code == 1
    assert message in err


def test_predict(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text(SLIPS[0][0] + "\n\n" + SLIPS[3][0], encoding="utf-8")
    code, out, _ = invoke("predict", folder, tmp_path / "texts.txt")
    assert code == 0
    shown = [re.sub(r"\d\.\d\d", "0.00", line) for line in out.splitlines()]
    assert shown[:4] == [
        SLIPS[0][0],
        "    PER    0.00  张伟",
        "    PHONE  0.00  13800138000",
        "    LOC    0.00  北京市海淀区",
    ]
    # Neither an empty text nor one without entities has lines below it.
    assert shown[4:] == ["", SLIPS[3][0]]
    lines = invoke("predict", folder, tmp_path / "texts.txt", "--json")[1].splitlines()
    spans = json.loads(lines[0])["spans"]
    assert (spans[0]["start"], spans[0]["end"], spans[0]["label"]) == (0, 2, "PER")
    assert 0.5 < spans[0]["score"] <= 1
    # An empty line stays, so that lines of output are lines of input.
    assert json.loads(lines[1]) == {"text": "", "spans": []}
    assert json.loads(lines[2]) == {"text": SLIPS[3][0], "spans": []}


def test_predictions_come_back_as_gold(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text(SLIPS[0][0] + "\n", encoding="utf-8")
    tasks = tmp_path / "tasks.json"
    code, out, err = invoke(
        "predict", folder, tmp_path / "texts.txt", "-o", tasks, "--format", "label-studio"
    )
    assert (code, out, err) == (0, "", f"Wrote {tasks}\n")
    (task,) = json.loads(tasks.read_text("utf-8"))
    # As Label Studio exports it when somebody has agreed.
    tasks.write_text(json.dumps([task | {"annotations": task.pop("predictions")}]), encoding="utf-8")
    code, out, _ = invoke("convert", tasks, tmp_path / "gold.spacy", "--json")
    assert json.loads(out)["entities"] == {"PER": 1, "PHONE": 1, "LOC": 1}


def test_predict_counts_what_a_format_loses(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text(f"{SLIPS[0][0]}\n\n{SLIPS[3][0]}\n \n", encoding="utf-8")
    output = tmp_path / "out.conll"
    code, _, err = invoke("predict", folder, tmp_path / "texts.txt", "-o", output)
    assert (code, err) == (0, f"Wrote {output}\nWarning: 2 texts without a token.\n")
    assert output.read_text("utf-8").count("# text = ") == 2


@pytest.mark.parametrize(
    ("name", "end"),
    [("utf-8-sig", "\n"), ("utf-16", "\r\n"), ("gb18030", "\r\n"), ("big5hkscs", "\n"), ("utf-8", "\r")],
)
def test_predict_reads_any_encoding_and_keeps_the_places_of_lines(
    folder: Path, tmp_path: Path, name: str, end: str
) -> None:
    texts = ["王芳在上海住，電話是", "", SLIPS[0][0], " ", "DHL"]
    (tmp_path / "texts.txt").write_bytes(end.join(texts).replace("張", "张").encode(name, "replace"))
    expected = (tmp_path / "texts.txt").read_bytes().decode(name).split(end)
    code, out, err = invoke("predict", folder, tmp_path / "texts.txt", "--json")
    assert code == 0
    assert [json.loads(line)["text"] for line in out.splitlines()] == expected
    warned = err.startswith(f"Warning: {tmp_path / 'texts.txt'}: encoding ")
    assert warned == (not name.startswith("utf-8"))


def test_texts_can_be_read_in_an_encoding_by_its_name(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_bytes("石川晃\n".encode("euc_jp"))
    code, _, err = invoke("predict", folder, path)
    assert (code, err.count("\n")) == (1, 1)
    assert "texts.txt:1: the encoding of a text must be certain, found " in err
    code, out, _ = invoke("predict", folder, path, "--encoding", "euc_jp", "--json")
    assert (code, json.loads(out)["text"]) == (0, "石川晃")
    assert "--encoding must be one that Python knows" in invoke("predict", folder, path, "--encoding", "x")[2]
    for command in ("tiny", "prune"):
        args = ("encoder", command, *([tmp_path / "tiny"] if command == "prune" else []), tmp_path / command)
        assert "the encoding of a text must be certain" in invoke(*args, "--corpus", path)[2]
        assert invoke(*args, "--corpus", path, "--encoding", "euc_jp")[0] == 0


def test_device() -> None:
    assert json.loads(invoke("device", "cpu", "--json")[1])["device"] == "cpu"
    assert "device: cpu" in invoke("device", "cpu")[1]
    assert invoke("device", "abacus")[0] == 1


def test_encoder_tiny_and_prune(tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("\n".join(text for text, _ in SLIPS), encoding="utf-8")
    assert invoke("encoder", "tiny", tmp_path / "tiny", "--texts", tmp_path / "texts.txt")[0] == 0
    code, out, _ = invoke(
        "encoder",
        "prune",
        tmp_path / "tiny",
        tmp_path / "pruned",
        "--texts",
        tmp_path / "texts.txt",
        "--json",
    )
    assert code == 0
    assert json.loads(out)["rows_after"] <= json.loads(out)["rows_before"]
    code, _, err = invoke("encoder", "tiny", tmp_path / "tiny", "--texts", tmp_path / "texts.txt")
    assert code == 1
    assert "must be empty or new" in err


def run_train(tmp_path: Path, corpus: Path, tiny: Path, *extra: object) -> tuple[int, str, str]:
    """Train a few steps with the shipped config."""
    return invoke(
        "train", ROOT / "configs" / "cpu.cfg", "--output", tmp_path / "out", "--device", "cpu",
        "--paths.train", corpus, "--paths.dev", corpus, "--paths.encoder", tiny,
        "--vars.max_steps", 4, "--vars.eval_frequency", 2, *extra,
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_train_writes_a_pipeline_and_the_same_from_the_same_seed(
    tmp_path: Path, corpus: Path, tiny: Path
) -> None:
    weights = []
    for name in ("a", "b"):
        code, out, err = run_train(tmp_path / name, corpus, tiny, *(["--quiet"] if name == "b" else []))
        assert code == 0, err
        # spaCy's table is progress: it goes to standard error, in no colours.
        assert ("LOSS XNER" in err) == (name == "a")
        assert "LOSS" not in out
        assert "\x1b" not in out + err
        weights.append((tmp_path / name / "out/model-last/xner/model/weights.safetensors").read_bytes())
    assert weights[0] == weights[1]
    nlp = spacy.load(tmp_path / "a" / "out" / "model-last")
    assert nlp.get_pipe("xner").labels == ("COURIER", "LOC", "PER", "PHONE")
    assert nlp.config["components"]["xner"]["device"] == "auto"


def test_train_finds_mistakes_first(tmp_path: Path, corpus: Path, tiny: Path, trained: Language) -> None:
    assert "paths.train must name a .spacy file, found no" in run_train(tmp_path, tmp_path / "none", tiny)[2]
    assert (
        "An encoder must be a hub id or a folder" in run_train(tmp_path, corpus, tmp_path / "no" / "such")[2]
    )
    code, _, err = invoke("train", tmp_path / "none.cfg")
    assert code == 1
    assert "The config must be a file" in err
    assert (
        "paths.train must name a .spacy file, found null" in invoke("train", ROOT / "configs" / "cpu.cfg")[2]
    )
    empty, other, broken = (tmp_path / name for name in ("empty.spacy", "other.spacy", "broken.spacy"))
    DocBin(docs=[trained.make_doc("nothing")]).to_disk(empty)
    assert "must hold entities, found none" in run_train(tmp_path, empty, tiny)[2]
    broken.write_bytes(b"no DocBin")
    assert "must name a .spacy file, but" in run_train(tmp_path, broken, tiny)[2]
    examples = make_examples(trained, [("Bo", [("Bo", "HERO")])])
    DocBin(docs=[examples[0].reference]).to_disk(other)
    assert "found also HERO" in run_train(tmp_path, corpus, tiny, "--paths.dev", other)[2]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("config", "path", "settings"),
    [
        ("extend.cfg", "base", ("--paths.texts", "vocabulary")),
        ("extend.cfg", "base", ("--vars.alpha", "auto", "--vars.confidence", "0.5")),
        ("distill_small.cfg", "teacher", ("--vars.layers", "1")),
    ],
)
def test_train_with_a_teacher(
    tmp_path: Path,
    corpus: Path,
    folder: Path,
    config: str,
    path: str,
    settings: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(
        "spacy_xner.distillation.entity_teacher.generate_texts", partial(generate_texts, n_texts=20)
    )
    steps = ("--vars.max_steps", 2, "--vars.warmup_steps", 1, "--vars.eval_frequency", 1)
    files = ("--paths.train", corpus, "--paths.dev", corpus, f"--paths.{path}", folder)
    code, _, err = invoke(
        "train", ROOT / "configs" / config, "--output", tmp_path / "out", *files, *steps, *settings
    )
    assert code == 0, err
    assert f"Labels from {folder}: copied: COURIER, LOC, PER, PHONE; new: none; dropped: none" in caplog.text
    assert f"Teacher {folder}: " in caplog.text
    shutil.rmtree(folder)
    nlp = spacy.load(tmp_path / "out" / "model-last")
    assert nlp.get_pipe("xner").labels == ("COURIER", "LOC", "PER", "PHONE")
    n_layers = get_execution(nlp.get_pipe("xner").model).network.encoder.transformer.config.num_hidden_layers
    assert n_layers == (1 if config == "distill_small.cfg" else 2)
    code, _, err = invoke("train", ROOT / "configs" / config, *files[:4])
    assert code == 1
    assert "initialize.components.xner.teacher.name must name a pipeline or a checkpoint, found null" in err
    assert f"or with --paths.{path} FOLDER." in err


def test_dev_may_have_labels_of_the_base(
    tmp_path: Path, corpus: Path, folder: Path, trained: Language
) -> None:
    new = tmp_path / "new.spacy"
    DocBin(docs=[make_examples(trained, [("Bo", [("Bo", "HERO")])])[0].reference]).to_disk(new)
    steps = ("--vars.max_steps", 2, "--vars.warmup_steps", 1, "--vars.eval_frequency", 1)
    files = ("--paths.train", new, "--paths.dev", corpus, "--paths.base", folder)
    code, _, err = invoke("train", ROOT / "configs" / "extend.cfg", "-o", tmp_path / "out", *files, *steps)
    assert code == 0, err
    assert spacy.load(tmp_path / "out" / "model-last").get_pipe("xner").labels[-1] == "HERO"


def test_evaluate_before(folder: Path, corpus: Path, tiny: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    train_nlp(tiny, slips=[(text, [e for e in ents if e[1] == "PER"]) for text, ents in SLIPS]).to_disk(old)
    code, out, _ = invoke("evaluate", folder, corpus, "--before", old)
    assert code == 0
    rows = [line.split() for line in out.splitlines()[2:]]
    assert rows == [
        ["COURIER", "new", "100.00", "new"],
        ["LOC", "new", "100.00", "new"],
        ["PER", "100.00", "100.00", "0.00"],
        ["PHONE", "new", "100.00", "new"],
        ["all", "old", "100.00", "100.00", "0.00"],
        ["all", "new", "new", "100.00", "new"],
    ]
    code, out, _ = invoke("evaluate", old, corpus, "--before", folder, "--json")
    change = json.loads(out)["change"]
    assert change["PHONE"] == {"before": 1.0, "after": 0.0, "loss": 1.0}
    assert change["all old"]["before"] == 1.0
    assert 0 < change["all old"]["loss"] < 1
    assert "all new" not in change
    assert json.loads(out)["after"]["strict"]["per_type"]["PER"]["f"] == 1.0


def test_teacher_check(folder: Path, corpus: Path, tmp_path: Path) -> None:
    code, out, err = invoke("teacher-check", folder, corpus, "--json", "--cache", tmp_path / "cache")
    assert (code, err.splitlines()[-1]) == (0, f"Wrote {tmp_path / 'cache'}")
    check = json.loads(out)
    assert (check["n_texts"], check["agreement"], check["seen"]) == (4, 1.0, 0.0)
    assert check["shared"] == ["COURIER", "LOC", "PER", "PHONE"]
    assert 0 < check["entropy"] < 0.3
    assert (check["alpha"], check["rarity"]) == (0.5, 1.0)
    assert (tmp_path / "cache").is_file()
    code, out, _ = invoke("teacher-check", folder, corpus)
    assert (
        "advice: Old and new labels overlap, and the teacher's F1 against the gold on shared labels is 100"
        in out
    )
    code, _, err = invoke("teacher-check", folder, tmp_path / "nothing.spacy")
    assert code == 1
    assert "The corpus must be a .spacy file" in err
