"""Shared fixtures: tiny random encoders, toy slips, and pipelines built from them. No network needed."""

import gc
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from transformers import AutoModelForTokenClassification, AutoTokenizer

from spacy_xner.nn.runtime.int8 import has_int8
from spacy_xner.tools.encoders.tiny import write_tiny

# pytest-xdist runs one process per core, so more threads would only compete for it.
if "PYTEST_XDIST_WORKER" in os.environ:
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"

needs_int8 = pytest.mark.skipif(not has_int8(), reason="needs a CPU with VNNI")

TOKENIZER = {"nlp": {"tokenizer": {"@tokenizers": "spacy_xner.Tokenizer.v2"}}}

SLIPS = [
    ("张伟 13800138000 北京市海淀区", [("张伟", "PER"), ("13800138000", "PHONE"), ("北京市海淀区", "LOC")]),
    ("Send to Anna Schmidt, DHL Express", [("Anna Schmidt", "PER"), ("DHL Express", "COURIER")]),
    ("顺丰速运 收件人李娜 Tel 020-8888", [("顺丰速运", "COURIER"), ("李娜", "PER"), ("020-8888", "PHONE")]),
    ("nothing to find in this line", []),
]


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Block network connections, except in tests marked ``network``."""

    def refuse(*args: object) -> None:
        raise OSError("A test tried to reach the network.")

    if request.node.get_closest_marker("network") is None:
        monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def _two_threads() -> Iterator[None]:
    """Run the test with a pool of two threads, which does not survive a fork."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(scope="session")
def tiny_encoders(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that returns the folder of a tiny encoder, written once per architecture."""
    folders: dict[str, Path] = {}

    def get(arch: str = "xlm-roberta") -> Path:
        if arch not in folders:
            folder = tmp_path_factory.mktemp("encoders") / arch
            write_tiny(folder, [text for text, _ in SLIPS], vocab_size=300, arch=arch)
            folders[arch] = folder
        return folders[arch]

    return get


@pytest.fixture(scope="session")
def tiny(tiny_encoders: Callable[..., Path]) -> Path:
    """Return the folder of a tiny XLM-R."""
    return tiny_encoders()


def count_docs() -> int:
    """Count the docs that are in memory."""
    # Lazy objects warn when they are asked for their class.
    return sum(issubclass(type(each), Doc) for each in gc.get_objects())


def write_checkpoint(
    folder: Path,
    encoder: Path,
    names: list[str],
    kind: Any = AutoModelForTokenClassification,
    **config: object,
) -> Path:
    """Save a random classifier with confident predictions as a transformers checkpoint."""
    torch.manual_seed(3)
    ids = {name: i for i, name in enumerate(names)}
    model = kind.from_pretrained(encoder, id2label=dict(enumerate(names)), label2id=ids, **config)
    for name, weight in model.named_parameters():
        is_top = not name.startswith(model.base_model_prefix) or ".pooler." in name
        if is_top and weight.dim() == 2:
            torch.nn.init.normal_(weight, std=0.7)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(encoder).save_pretrained(folder)
    return folder


def make_nlp(encoder: Path | str, head: str = "SoftmaxHead", **settings: object) -> Language:
    """Build an uninitialized pipeline; prefixes ``encoder_`` and ``head_`` mark settings of its parts."""
    nlp = spacy.blank("xx", config=TOKENIZER)
    parts: dict[str, dict[str, object]] = {"encoder": {"name": str(encoder)}, "head": {}, "pipe": {}}
    neck = settings.pop("neck", None)
    for key, value in settings.items():
        part, _, rest = key.partition("_")
        parts[part if part in parts else "pipe"][rest if part in parts else key] = value
    model = {
        "@architectures": "spacy_xner.EntityModel.v1",
        "encoder": {"@architectures": "spacy_xner.Encoder.v1", **parts["encoder"]},
        "neck": neck if neck is None else {"@architectures": f"spacy_xner.{neck}.v1"},
        "head": {"@architectures": f"spacy_xner.{head}.v1", **parts["head"]},
    }
    nlp.add_pipe("xner", config={"model": model, "device": "cpu", **parts["pipe"]})
    return nlp


def make_examples(nlp: Language, slips: list[tuple[str, list[tuple[str, str]]]] = SLIPS) -> list[Example]:
    """Build examples of slips; each entity is annotated at its first occurrence."""
    examples = []
    for text, entities in slips:
        doc = nlp.make_doc(text)
        spans = [
            doc.char_span(text.index(part), text.index(part) + len(part), label) for part, label in entities
        ]
        doc.set_ents(spans, default="outside")
        examples.append(Example(nlp.make_doc(text), doc))
    return examples


def train_nlp(
    encoder: Path | str,
    head: str = "SoftmaxHead",
    n_steps: int = 40,
    slips: list[tuple[str, list[tuple[str, str]]]] = SLIPS,
    **settings: object,
) -> Language:
    """Train a pipeline until it overfits the toy slips."""
    from spacy_xner.training.optimizer import build_adamw_v1

    torch.manual_seed(0)
    nlp = make_nlp(encoder, head, **settings)
    examples = make_examples(nlp, slips)
    nlp.initialize(lambda: examples)
    sgd = build_adamw_v1(learn_rate=5e-3, head_factor=2.0, transitions_factor=10.0)
    for _ in range(n_steps):
        nlp.update(examples, sgd=sgd)
    return nlp


@pytest.fixture(scope="session")
def trained(tiny: Path) -> Language:
    """Return a pipeline that has overfitted the toy slips. Tests must not change it."""
    return train_nlp(tiny)


def entities_of(doc: object) -> list[tuple[str, str]]:
    """List the entities of a doc as texts and labels."""
    return [(ent.text, ent.label_) for ent in doc.ents]  # type: ignore[attr-defined]
