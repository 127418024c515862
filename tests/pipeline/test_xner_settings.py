"""Bad settings, labels and damaged pipelines: one-line errors."""

import pickle
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from torch import nn

from spacy_xner.models.entity import build_entity_model_v1
from spacy_xner.models.settings import build_encoder_v1
from spacy_xner.nn.heads.pointer import PointerHead

from ..conftest import SLIPS, make_examples, make_nlp


def test_uninitialized_pipeline_is_refused(tiny: Path) -> None:
    with pytest.raises(ValueError, match="must be initialized before use"):
        make_nlp(tiny)("text")


def test_labels_of_a_trained_pipeline_are_fixed(trained: Language) -> None:
    nlp = pickle.loads(pickle.dumps(trained))
    other = make_examples(nlp, [("张伟", [("张伟", "HERO")])])
    with pytest.raises(
        ValueError, match=r"must be among the model's \(COURIER, LOC, PER, PHONE\), found 'HERO'"
    ):
        nlp.update(other)
    with pytest.raises(ValueError, match="Labels must be added before initialization, found 'HERO'"):
        nlp.get_pipe("xner").add_label("HERO")
    assert nlp.get_pipe("xner").add_label("PER") == 0


def test_labels_come_from_config_or_data(tiny: Path) -> None:
    nlp = make_nlp(tiny)
    nlp.get_pipe("xner").add_label("ZOO")
    nlp.initialize(lambda: make_examples(nlp))
    assert nlp.get_pipe("xner").labels == ("ZOO", "COURIER", "LOC", "PER", "PHONE")
    nlp = make_nlp(tiny)
    nlp.config["initialize"]["components"]["xner"] = {"labels": ["PER", "LOC"]}
    nlp.initialize(lambda: make_examples(nlp))
    assert nlp.get_pipe("xner").label_data == ["PER", "LOC"]


def test_initialize_refuses_examples_without_labels(tiny: Path) -> None:
    nlp = make_nlp(tiny)
    with pytest.raises(ValueError, match="must have at least 1 label, found none"):
        nlp.initialize(lambda: make_examples(nlp, SLIPS[-1:]))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"threshold": 2.0}, "threshold must be from 0 to 1, found 2.0"),
        ({"threshold": "high"}, "^threshold must be from 0 to 1, found 'high'. Change it.$"),
        ({"threshold": "0.5"}, "^threshold must be from 0 to 1, found '0.5'. Change it.$"),
        ({"threshold": [0.5]}, "^threshold must be from 0 to 1, found \\[0.5\\]. Change it.$"),
        ({"threshold": True}, "^threshold must be from 0 to 1, found True. Change it.$"),
        ({"threshold": None}, "^threshold must be from 0 to 1, found None. Change it.$"),
        ({"max_batch_pieces": 0}, "max_batch_pieces must be at least 1"),
        ({"precision": "fp1"}, "precision must be auto, fp32, bf16, fp16, int8 with backend"),
    ],
)
def test_bad_settings_are_refused_on_creation(tiny: Path, config: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_nlp(tiny, **config)


@pytest.mark.parametrize(
    ("component", "head", "protocol", "missing"),
    [
        ("xner", "BiLSTM", "base.Head", "decode, distill_loss, inherit, is_nested, loss, soft_targets"),
        ("xner", "ExclusiveHead", "base.Head", "decode, is_nested, soft_targets"),
        ("xcat", "SoftmaxHead", "text.TextHead", "is_exclusive, probabilities"),
    ],
)
def test_what_is_no_head_for_a_component_is_refused(
    tiny: Path, component: str, head: str, protocol: str, missing: str
) -> None:
    encoder = {"@architectures": "spacy_xner.Encoder.v1", "name": str(tiny)}
    model = {"encoder": encoder, "head": {"@architectures": f"spacy_xner.{head}.v1"}}
    with pytest.raises(ValueError, match=f"heads.{protocol}, but {head} lacks {missing}\\. Add"):
        spacy.blank("xx").add_pipe(component, config={"model": model})


def make_headless(width: int, labels: Sequence[str]) -> nn.Module:
    """Make, as a plain function does, what is no head: its class is not known before."""
    return nn.Linear(width, len(labels))


def make_nested(width: int, labels: Sequence[str]) -> nn.Module:
    """Make, as a plain function does, a head whose entities may overlap."""
    return PointerHead(width, labels)


@pytest.mark.parametrize(
    ("make_head", "message"),
    [
        (make_headless, r"but Linear lacks decode, .* labels, .* width\. Add"),
        (make_nested, r"with is_nested must be made by its class .* found <function make_nested"),
    ],
)
def test_head_of_a_plain_function_is_checked_when_it_is_made(
    tiny: Path, make_head: Callable[..., nn.Module], message: str
) -> None:
    model = build_entity_model_v1(build_encoder_v1(str(tiny)), make_head)
    with pytest.raises(ValueError, match=message):
        model.initialize(X=[spacy.blank("xx")("a")], Y=["PER"])


def initialize_and_update(nlp: Language) -> None:
    """Initialize a pipeline and update it once."""
    nlp.initialize(lambda: make_examples(nlp))
    nlp.update(make_examples(nlp))


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"device": "abacus"}, "device must be auto, cpu, cuda"),
        ({"precision": "fp16"}, "precision must be fp32, bf16 or auto for training, found fp16"),
        ({"encoder_window": 100_000}, "window must be 3 to 128 pieces"),
        ({"encoder_overlap": 5000}, "overlap must be 0 to"),
    ],
)
def test_bad_settings_are_refused_on_use(tiny: Path, settings_: dict[str, object], message: str) -> None:
    nlp = make_nlp(tiny, **settings_)
    with pytest.raises(ValueError, match=message):
        initialize_and_update(nlp)


@pytest.mark.parametrize("name", ["weights.safetensors", "xner.json", "tokenizer.json"])
def test_damaged_pipeline_folder_is_refused_in_one_line(trained: Language, tmp_path: Path, name: str) -> None:
    trained.to_disk(tmp_path)
    file = tmp_path / "xner" / "model" / name
    file.write_bytes(file.read_bytes()[:20])
    with pytest.raises(ValueError, match="must contain the files of one saved model, but they do not load"):
        spacy.load(tmp_path)
    file.unlink()
    with pytest.raises(OSError, match=f"but {name} is missing"):
        spacy.load(tmp_path)
