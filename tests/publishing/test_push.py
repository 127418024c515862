"""The repository of a pipeline: its card, its files, and the upload to a hub that runs here."""

import json
import os
import shutil
import subprocess
import sys
import threading
from base64 import b64decode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import spacy
from huggingface_hub import ModelCard, metadata_load
from markdown_it import MarkdownIt
from spacy.language import Language
from transformers import AutoModelForTokenClassification

from spacy_xner.loading import adopt, load
from spacy_xner.publishing.card import CardFacts, escape, make_card
from spacy_xner.publishing.export import export_hf
from spacy_xner.publishing.push import push

from ..conftest import SLIPS, entities_of, train_nlp, write_checkpoint
from ..pipeline import test_xcat
from ..test_cli import invoke
from .conftest import save

ENDPOINT = "http://127.0.0.1:{}"
HOSTILE = ["<script>alert(1)</script>", "a|b", "`x`", "[y](http://z)", "名字", "---", "{{ 7*7 }}"]
SCORES = {
    "ents_p": 0.5,
    "ents_r": 0.25,
    "ents_f": 1 / 3,
    "ents_per_type": {"PER": {"p": 1.0, "r": 0.0, "f": 0.0}},
}


@pytest.fixture
def folder(trained: Language, tmp_path: Path) -> Path:
    """A saved pipeline with scores and a licence."""
    folder = save(trained, tmp_path / "nlp")
    meta = json.loads((folder / "meta.json").read_text("utf-8"))
    meta |= {"license": "MIT", "performance": SCORES, "description": "Courier slips", "author": "Ann"}
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    return folder


def test_dry_run_writes_what_would_be_uploaded(folder: Path, tmp_path: Path, trained: Language) -> None:
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    report = push(folder, "me/slips", output=tmp_path / "up", dry_run=True)
    files = {
        path.relative_to(tmp_path / "up").as_posix()
        for path in (tmp_path / "up").rglob("*")
        if path.is_file()
    }
    assert set(report.files) == files
    assert (report.is_uploaded, report.repo) == (False, "https://huggingface.co/me/slips")
    assert "notes.txt" not in files
    assert {"README.md", "config.cfg", "meta.json", "xner/model/weights.safetensors"} <= files
    for nlp in (spacy.load(tmp_path / "up"), load(tmp_path / "up", "cpu")):
        assert entities_of(nlp(SLIPS[0][0])) == entities_of(trained(SLIPS[0][0]))


def test_card_has_the_metadata_of_the_hub(folder: Path, tmp_path: Path) -> None:
    push(
        *(folder, "me/slips"),
        output=tmp_path / "up",
        dry_run=True,
        languages=["zh", "en"],
        datasets=["me/corpus"],
    )
    file = tmp_path / "up" / "README.md"
    data = metadata_load(file)
    assert data == ModelCard.load(file).data.to_dict()
    assert {key: data[key] for key in data if key != "model-index"} == {
        "language": ["zh", "en"],
        "license": "mit",
        "library_name": "spacy",
        "pipeline_tag": "token-classification",
        "tags": ["spacy", "spacy-xner", "token-classification"],
        "datasets": ["me/corpus"],
    }
    (result,) = data["model-index"][0]["results"]
    assert result["task"] == {"type": "token-classification", "name": "NER"}
    assert {row["name"]: row["value"] for row in result["metrics"]} == {
        "NER Precision": 0.5,
        "NER Recall": 0.25,
        "NER F1": pytest.approx(1 / 3, abs=1e-6),
    }
    text = ModelCard.load(file).text
    for part in (
        "Courier slips",
        "<code>COURIER</code>",
        "| all entities | 50.0 | 25.0 | 33.3 |",
        "MIT",
        "Ann",
    ):
        assert part in text
    assert 'spacy_xner.load(snapshot_download("me/slips"))' in text
    assert "transformers" not in text


def test_card_of_a_pipeline_of_texts(tiny: Path) -> None:
    nlp = test_xcat.make_nlp(tiny)
    test_xcat.train(nlp, test_xcat.ONE, n_steps=1)
    nlp.meta["performance"] = {"cats_score": 0.75, "cats_score_desc": "accuracy", "cats_micro_f": None}
    card = make_card(nlp, CardFacts("me/kinds"))
    data = card.data.to_dict()
    assert (data["pipeline_tag"], data["language"]) == ("text-classification", ["multilingual"])
    assert "license" not in data
    assert data["model-index"][0]["results"][0]["metrics"] == [
        {"type": "accuracy", "value": 0.75, "name": "accuracy"}
    ]
    assert "<code>english</code>, <code>parcel</code>" in card.text.replace("<code>other</code>, ", "")
    assert card.text.count("Not stated.") == 2
    with pytest.raises(ValueError, match="must have an xner or xcat component, found no components"):
        make_card(spacy.blank("xx"), CardFacts("me/none"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MIT", {"license": "mit"}),
        ("CC BY-SA 4.0", {"license": "cc-by-sa-4.0"}),
        ("Apache 2.0", {"license": "apache-2.0"}),
        ("Our own: terms\n", {"license": "other", "license_name": "our-own-terms"}),
    ],
)
def test_licences(trained: Language, name: str, expected: dict[str, str]) -> None:
    data = make_card(trained, CardFacts("me/slips", license=name)).data.to_dict()
    assert {key: data[key] for key in data if key.startswith("license")} == expected


def test_hostile_texts_stay_texts(tiny: Path) -> None:
    text = "张伟 Send to DHL x y"
    slips = [(text, [(part, label) for part, label in zip(text.split(), HOSTILE, strict=False)])]
    nlp = train_nlp(tiny, n_steps=1, slips=slips)
    nlp.meta |= {"description": "".join(HOSTILE) + "\n---\n# x", "author": HOSTILE[0], "license": HOSTILE[1]}
    nlp.meta["performance"] = {
        **SCORES,
        "ents_per_type": dict.fromkeys(HOSTILE, SCORES["ents_per_type"]["PER"]),
    }
    card = make_card(nlp, CardFacts("me/slips"))
    again = ModelCard(str(card))
    assert again.data.to_dict() == card.data.to_dict()
    page = MarkdownIt("commonmark").enable("table").render(again.text)
    for unwanted in ("<script>", 'http://z"', "49", "<h1>x"):
        assert unwanted not in page
    rows = [line for line in again.text.splitlines() if line.startswith("| ")]
    assert {line.count(" | ") for line in rows} == {1, 3}
    assert page.count("<h1>") == 1


def test_lines_and_cells_are_escaped() -> None:
    assert escape("a\n|b `c` <d> *e* [f](g)") == (
        "a &#124;b &#96;c&#96; &lt;d&gt; &#42;e&#42; &#91;f&#93;(g)"
    )


def test_checkpoint_and_wheels_are_uploaded_too(tiny: Path, tmp_path: Path, trained: Language) -> None:
    checkpoint = write_checkpoint(tmp_path / "checkpoint", tiny, ["O", "B-PER", "I-PER"])
    folder = save(adopt(checkpoint, "cpu"), tmp_path / "nlp")
    export_hf(folder, tmp_path / "exported")
    own, wheel = (tmp_path / f"{name}-1.0.0-py3-none-any.whl" for name in ("spacy_xner", "xx_slips"))
    for file in (own, wheel):
        file.write_bytes(b"wheel")
    push(
        folder,
        "me/slips",
        output=tmp_path / "up",
        dry_run=True,
        checkpoint=tmp_path / "exported",
        wheels=[own, wheel],
    )
    assert AutoModelForTokenClassification.from_pretrained(tmp_path / "up").config.id2label[1] == "B-PER"
    # The pipeline, not the checkpoint beside it.
    nlp = load(tmp_path / "up", "cpu")
    assert nlp.path == tmp_path / "up"
    text = ModelCard.load(tmp_path / "up" / "README.md").text
    files = "https://huggingface.co/me/slips/resolve/main"
    assert f"pip install {files}/{own.name} {files}/{wheel.name}\n" in text
    assert 'spacy.load("xx_slips")' in text
    assert 'pipeline("token-classification", model="me/slips", aggregation_strategy="simple")' in text
    assert "It lacks" not in text
    save(train_nlp(tiny, "CRFHead", n_steps=1), tmp_path / "crf")
    export_hf(tmp_path / "crf", tmp_path / "lossy", lossy=True)
    push(tmp_path / "crf", "me/crf", output=tmp_path / "up2", dry_run=True, checkpoint=tmp_path / "lossy")
    assert "It lacks the transitions of the CRF, " in (tmp_path / "up2" / "README.md").read_text("utf-8")


def test_bad_input_is_refused_before_anything_is_written(folder: Path, tiny: Path, tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path / "checkpoint", tiny, ["O", "B-PER", "I-PER"])
    up = tmp_path / "up"
    cases: list[tuple[dict[str, Any], str]] = [
        ({"repo": "a b"}, "A repository must be named as USER/NAME, found 'a b'"),
        ({"repo": "../x/y"}, "A repository must be named as USER/NAME"),
        ({"output": None}, "A dry run must have a folder to write to"),
        ({"model": checkpoint}, "must be a pipeline, found a checkpoint"),
        ({"model": tmp_path / "none"}, "none"),
        ({"checkpoint": folder}, "must be a folder with config.json that export-hf has written"),
        ({"checkpoint": tiny}, "must classify tokens or texts, found 'XLMRobertaModel'"),
        ({"wheels": [tmp_path / "x.whl"]}, "A wheel must be a file that ends in .whl"),
        ({"output": folder}, "must not be what it is made from"),
        ({"output": checkpoint, "overwrite": True}, "must hold what push has written, found config.json"),
        ({"output": checkpoint}, "found files in"),
    ]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    for changes, message in cases:
        settings = {"model": folder, "repo": "me/slips", "output": up, "dry_run": True} | changes
        with pytest.raises((ValueError, OSError)) as err:
            push(settings.pop("model"), settings.pop("repo"), **settings)
        assert message in str(err.value)
        assert "\n" not in str(err.value)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_output_of_an_earlier_run_is_replaced_on_demand(folder: Path, tmp_path: Path) -> None:
    push(folder, "me/slips", output=tmp_path / "up", dry_run=True)
    (tmp_path / "up" / "old.txt").write_text("old", encoding="utf-8")
    code, _, err = invoke("push", folder, "me/slips", "--dry-run", "-o", tmp_path / "up")
    assert (code, "Use --overwrite to replace it" in err) == (1, True)
    code, out, err = invoke("push", folder, "me/slips", "--dry-run", "-o", tmp_path / "up", "--overwrite")
    assert (code, err) == (0, f"Wrote {tmp_path / 'up'}\n")
    assert out.startswith("Would upload ")
    assert out.endswith(" MB, to https://huggingface.co/me/slips\n")
    assert not (tmp_path / "up" / "old.txt").exists()
    code, out, _ = invoke("push", folder, "me/slips", "--dry-run", "-o", tmp_path / "up", "-f", "--json")
    assert json.loads(out)["is_uploaded"] is False


class Hub(BaseHTTPRequestHandler):
    """The part of the hub's API that an upload uses."""

    calls: list[tuple[str, Any]]

    def log_message(self, *args: object) -> None:
        pass

    def _answer(self, value: object, status: int = 200) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        if "/tree/" in self.path:
            names = ["README.md", "xner/model/old.bin", "mine.png"]
            self._answer([{"type": "file", "path": name, "size": 1, "oid": "0"} for name in names])
        else:
            self._answer({"id": "me/slips", "sha": "0" * 40, "siblings": []})

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        lines = [json.loads(line) for line in body.splitlines() if line.strip()]
        self.calls.append((path, lines))
        if self.headers.get("Authorization") != "Bearer hf_test":
            self._answer({"error": "Invalid token"}, 401)
        elif path.endswith("/repos/create"):
            self._answer({"url": f"{ENDPOINT.format(self.server.server_port)}/me/slips", "id": "me/slips"})
        elif "/preupload/" in path:
            names = [file["path"] for file in lines[0]["files"]]
            rows = [{"path": x, "uploadMode": "regular", "shouldIgnore": False} for x in names]
            self._answer({"files": rows})
        elif "/commit/" in path:
            url = f"{ENDPOINT.format(self.server.server_port)}/me/slips/commit/{'1' * 40}"
            self._answer({"commitUrl": url, "commitOid": "1" * 40})
        else:
            self._answer({"errors": [], "warnings": []})


@pytest.fixture
def hub() -> Iterator[HTTPServer]:
    """A hub on a free port."""
    Hub.calls = []
    server = HTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def run_push(
    folder: Path, endpoint: str, *options: str, token: str = "hf_test"
) -> "subprocess.CompletedProcess[str]":
    """Push in a process of its own: huggingface_hub reads the address of the hub when it is imported."""
    env = {**os.environ, "HF_ENDPOINT": endpoint, "HF_TOKEN": token, "HF_HUB_DISABLE_TELEMETRY": "1"}
    env.pop("HF_HUB_OFFLINE", None)
    command = [sys.executable, "-m", "spacy_xner", "push", str(folder), "me/slips", *options]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)


def test_upload_sends_the_files_and_the_card(folder: Path, hub: HTTPServer, tmp_path: Path) -> None:
    done = run_push(folder, ENDPOINT.format(hub.server_port), "--private", "-o", str(tmp_path / "up"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Uploaded ")
    calls = dict(Hub.calls)
    (created,) = calls["/api/repos/create"]
    assert (created["name"], created["organization"]) == ("slips", "me")
    # Releases of huggingface_hub say it in two ways.
    assert created.get("private") is True or created.get("visibility") == "private"
    lines = calls["/api/models/me/slips/commit/main"]
    assert lines[0]["value"]["summary"] == "xx_pipeline 0.0.0"
    sent = {
        line["value"]["path"]: b64decode(line["value"]["content"]) for line in lines if line["key"] == "file"
    }
    for name, content in sent.items():
        assert content == (tmp_path / "up" / name).read_bytes()
    assert {"README.md", "config.cfg", "xner/model/weights.safetensors"} <= set(sent)
    # What an older version of the pipeline had goes; what is not its own stays.
    assert [x["value"]["path"] for x in lines if x["key"] == "deletedFile"] == ["xner/model/old.bin"]


@pytest.mark.slow
def test_refused_upload_is_one_line(folder: Path, hub: HTTPServer) -> None:
    done = run_push(folder, ENDPOINT.format(hub.server_port), token="hf_wrong")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: The hub must accept the upload to me/slips, but refused or")
    assert done.stderr.count("\n") == 1
    assert "hf_wrong" not in done.stderr
    shutil.rmtree(folder)
