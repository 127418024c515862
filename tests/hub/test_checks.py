"""Code that comes with a checkpoint is never run; revisions, damaged folders and sizes."""

import json
import shutil
import socket
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import transformers
from huggingface_hub import constants

from spacy_xner.hub.checks import check_sizes, parse_name, read_shapes
from spacy_xner.hub.classifier import classifies_texts, load_classifier
from spacy_xner.hub.encoder import load_checkpoint, load_pretrained, make_config

from ..conftest import write_checkpoint

CODE = "raise SystemExit('code of the checkpoint was run')\n"
LOADERS = [load_pretrained, load_checkpoint, load_classifier, classifies_texts]


def change(file: Path, **values: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | values), encoding="utf-8")


@pytest.fixture
def checkpoint(tiny: Path, tmp_path: Path) -> Path:
    """A checkpoint with code of its own beside it."""
    folder = write_checkpoint(tmp_path / "checkpoint", tiny, ["O", "B-PER", "I-PER"])
    (folder / "own.py").write_text(CODE, encoding="utf-8")
    return folder


@pytest.mark.parametrize("load", LOADERS)
def test_code_of_a_checkpoint_is_refused_in_one_line(
    checkpoint: Path, load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda *args: pytest.fail("asked on the terminal"))
    change(
        checkpoint / "config.json", model_type="own", auto_map={"AutoConfig": "own.C", "AutoModel": "own.M"}
    )
    with pytest.raises(
        OSError, match=r"needs Python code of its own \(auto_map\), which is never run"
    ) as err:
        load(str(checkpoint))
    assert "\n" not in str(err.value)


def test_code_of_a_tokenizer_is_never_run(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda *args: pytest.fail("asked on the terminal"))
    file = checkpoint / "tokenizer_config.json"
    change(file, auto_map={"AutoTokenizer": ["own.T", "own.F"]}, tokenizer_class="OwnTokenizer")
    for load in (load_pretrained, load_classifier):
        # transformers 5 reads tokenizer.json instead.
        refused = pytest.raises(
            OSError, match=r"needs Python code of its own \(auto_map\), which is never run"
        )
        with nullcontext() if transformers.__version__ >= "5" else refused:
            load(str(checkpoint))


def test_known_architectures_load_without_the_code_beside_them(checkpoint: Path) -> None:
    names = {"AutoConfig": "own.C", "AutoModel": "own.M", "AutoModelForTokenClassification": "own.M"}
    change(checkpoint / "config.json", auto_map=names)
    assert load_classifier(str(checkpoint)).names == ["O", "B-PER", "I-PER"]
    assert load_pretrained(str(checkpoint))[0].config.model_type == "xlm-roberta"


def test_names_may_pin_a_revision(tmp_path: Path, tiny: Path) -> None:
    for name, repo, revision in (
        ("user/repo", "user/repo", "main"),
        ("repo@v1.0", "repo", "v1.0"),
        ("user/repo@0123abc", "user/repo", "0123abc"),
        ("user/repo@refs/pr/3", "user/repo", "refs/pr/3"),
    ):
        source = parse_name(name)
        assert (source["pretrained_model_name_or_path"], source["revision"]) == (repo, revision)
        assert source["trust_remote_code"] is False
    # A folder may have such a name.
    folder = shutil.copytree(tiny, tmp_path / "encoder@2")
    assert parse_name(str(folder))["pretrained_model_name_or_path"] == str(folder)
    assert load_pretrained(str(folder))[0].config.model_type == "xlm-roberta"
    with pytest.raises(OSError, match=r"found '\./none@main', which is neither"):
        parse_name("./none@main")


@pytest.mark.parametrize(
    ("name", "value"),
    [("num_hidden_layers", 100_000), ("hidden_size", 10**6), ("vocab_size", 10**9), ("hidden_size", "wide")],
)
def test_damaged_folders_are_refused_in_one_line(
    tiny: Path, tmp_path: Path, name: str, value: object
) -> None:
    folder = shutil.copytree(tiny, tmp_path / "encoder")
    change(folder / "config.json", **{name: value})
    with pytest.raises(OSError, match="An encoder must be a hub id or a folder with") as err:
        load_pretrained(str(folder))
    assert "\n" not in str(err.value)
    assert 'pip install "spacy-xner[mini]"' in str(err.value)
    assert '{"encoder": {"name": "DIR"}}' in str(err.value)


@pytest.mark.parametrize(
    "file", ["model.safetensors", "tokenizer.json", "tokenizer_config.json", "config.json"]
)
def test_damaged_files_are_refused_in_one_line(tiny: Path, tmp_path: Path, file: str) -> None:
    folder = shutil.copytree(tiny, tmp_path / "encoder")
    data = (folder / file).read_bytes()
    for damaged in (data[: len(data) // 2], b"", b"[]", b"\xff" * 100):
        (folder / file).write_bytes(damaged)
        with pytest.raises((OSError, ValueError), match="An encoder must") as err:
            load_pretrained(str(folder))
        assert "\n" not in str(err.value)


def test_sizes_fit_the_weights(tiny_encoders: Callable[..., Path]) -> None:
    for arch in ("xlm-roberta", "bert", "deberta-v2", "modernbert"):
        folder = tiny_encoders(arch)
        config = make_config(json.loads((folder / "config.json").read_text("utf-8")))
        shapes = read_shapes(str(folder))
        assert len(shapes) >= 14
        check_sizes(config, shapes)
        check_sizes(config, {})
        config.num_hidden_layers = len(shapes) + 1
        with pytest.raises(ValueError, match=r"num_hidden_layers in the configuration must fit the weights"):
            check_sizes(config, shapes)


def test_hub_out_of_reach_is_asked_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("transformers.utils.hub._is_offline_mode", False, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    calls = []

    def refuse(*args: object) -> None:
        calls.append(args)
        raise OSError("The network is unreachable.")

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    # Newer versions of the client also ask the hub, once a day, for the names of agents.
    detection = sys.modules.get("huggingface_hub.utils._detect_agent")
    if detection is not None:
        monkeypatch.setattr(detection, "_fetch_registry", lambda: None)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(OSError, match=r"found 'nobody/nothing': We couldn't connect to .* Check the name"):
        classifies_texts("nobody/nothing")
    assert len(calls) == 1
    assert caplog.text == ""
