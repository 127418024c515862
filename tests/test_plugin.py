"""A package installed elsewhere adds heads, a neck, a loss and a corpus format by entry points alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
from catalogue import RegistryError

PLUGIN = Path(__file__).parent / "plugin"
TRAIN = """
import sys
import spacy
import torch
from spacy.training import Example
from spacy_xner.training.optimizer import build_adamw_v1

slips = {
    "Send to Anna Schmidt, DHL Express": [(8, 20, "PER"), (22, 33, "COURIER")],
    "nothing to find in this line": [],
}
heads = {"RunHead": {"scale": 2.0}, "BrierHead": {}}
for name, settings in heads.items():
    torch.manual_seed(0)
    nlp = spacy.blank("xx", config={"nlp": {"tokenizer": {"@tokenizers": "spacy_xner.Tokenizer.v2"}}})
    model = {
        "@architectures": "spacy_xner.EntityModel.v1",
        "encoder": {"@architectures": "spacy_xner.Encoder.v1", "name": sys.argv[1]},
        "neck": {"@architectures": "xner_plugin.Neighbours.v1"},
        "head": {"@architectures": f"xner_plugin.{name}.v1", **settings},
    }
    nlp.add_pipe("xner", config={"model": model, "device": "cpu"})
    examples = [Example.from_dict(nlp.make_doc(text), {"entities": ents}) for text, ents in slips.items()]
    nlp.initialize(lambda: examples)
    optimizer = build_adamw_v1(learn_rate=5e-3, head_factor=2.0)
    for _ in range(40):
        nlp.update(examples, sgd=optimizer)
    nlp.to_disk(f"{sys.argv[2]}/{name}")
    for doc in spacy.load(f"{sys.argv[2]}/{name}").pipe(slips):
        print(name, [(ent.text, ent.label_, ent._.xner_score > 0.5) for ent in doc.ents])
"""
CONVERT = """
import sys
import spacy_xner

for line in spacy_xner.read_records(sys.argv[1]):
    print(line.text, [line.text[span.char_start : span.char_end] for span in line.spans])
report = spacy_xner.convert(sys.argv[1], sys.argv[2], format="brackets")
print(report.reading.notes, report.entities)
try:
    list(spacy_xner.read_records(sys.argv[3], "brackets"))
except ValueError as err:
    print(err)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the plug-in."""
    folder = tmp_path_factory.mktemp("plugin")
    shutil.copytree(PLUGIN, folder / "source")
    options = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target", folder / "site")
    subprocess.run([sys.executable, "-m", "pip", "install", *options, folder / "source"], check=True)
    return folder / "site"


def run(site: Path, code: str, *args: Path) -> list[str]:
    """Run code in a fresh interpreter that sees the plug-in; returns the lines that it prints."""
    env = {**os.environ, "PYTHONPATH": str(site), "PYTHONIOENCODING": "utf-8", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, args)]
    done = subprocess.run(command, capture_output=True, env=env, check=False, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_heads_neck_and_loss_of_a_plugin(site: Path, tiny: Path, tmp_path: Path) -> None:
    assert run(site, TRAIN, tiny, tmp_path) == [
        "RunHead [('Anna Schmidt', 'PER', True), ('DHL Express', 'COURIER', True)]",
        "RunHead []",
        "BrierHead [('Anna Schmidt', 'PER', True), ('DHL Express', 'COURIER', True)]",
        "BrierHead []",
    ]
    # Only the entry points of the plug-in, which this process does not see, know its names.
    with pytest.raises(RegistryError, match="xner_plugin"):
        spacy.load(tmp_path / "RunHead")


def test_corpus_format_of_a_plugin(site: Path, tmp_path: Path) -> None:
    (tmp_path / "slips.txt").write_text("[PER Anna] met [PER Bo]\nby [COURIER DHL]\n", encoding="utf-8")
    (tmp_path / "bad.txt").write_text("[PER Anna] met\n[Bo]\n", encoding="utf-8")
    lines = run(site, CONVERT, tmp_path / "slips.txt", tmp_path / "slips.spacy", tmp_path / "bad.txt")
    assert lines[:3] == [
        "Anna met Bo ['Anna', 'Bo']",
        "by DHL ['DHL']",
        "['format brackets'] {'PER': 2, 'COURIER': 1}",
    ]
    assert "bad.txt:2: brackets must hold a label and a text, found others." in lines[3]
    assert (tmp_path / "slips.spacy").is_file()
