"""Going on with a trained pipeline: its optimizer, what is trained, and what was set in Python."""

import copy
import gc
import pickle
import weakref
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from spacy.language import Language
from spacy.util import load_config, load_model_from_config
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification

from spacy_xner import adopt
from spacy_xner.models.execution import get_execution
from spacy_xner.nn.encoder.lora import count_parameters
from spacy_xner.nn.model import Network
from spacy_xner.training.optimizer import build_adamw_v1

from ..conftest import SLIPS, TOKENIZER, make_examples, make_nlp, train_nlp, write_checkpoint

CONFIGS = Path(__file__).parents[2] / "configs"
TEXTS = [text for text, _ in SLIPS]
LORA = {"@architectures": "spacy_xner.LoRA.v1", "rank": 4, "targets": ["query", "key", "value"]}


def network_of(nlp: Language, name: str = "xner") -> Network:
    return get_execution(nlp.get_pipe(name).model).network


def weights_of(nlp: Language, name: str = "xner") -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in network_of(nlp, name).state_dict().items()}


def changed(nlp: Language, before: dict[str, torch.Tensor], name: str = "xner") -> set[str]:
    return {key for key, value in weights_of(nlp, name).items() if not torch.equal(before[key], value)}


def scores_of(nlp: Language) -> list[float]:
    return [score for doc in nlp.pipe(TEXTS) for score in doc.spans["xner"].attrs["scores"]]


def with_cats(examples: list[Any]) -> list[Any]:
    for example in examples:
        is_slip = bool(example.reference.ents)
        example.reference.cats = {"SLIP": float(is_slip), "OTHER": float(not is_slip)}
    return examples


def copies(nlp: Language, folder: Path) -> list[Language]:
    """Return the pipeline as loaded from disk, from bytes, from a pickle, and as a deep copy."""
    nlp.to_disk(folder)
    from_bytes = type(nlp).from_config(nlp.config).from_bytes(nlp.to_bytes())
    return [spacy.load(folder), from_bytes, pickle.loads(pickle.dumps(nlp)), copy.deepcopy(nlp)]


@pytest.mark.parametrize("config", sorted(path.stem for path in CONFIGS.glob("*.cfg")))
def test_a_pipeline_of_each_config_trains_on(
    config: str, tiny: Path, trained: Language, tmp_path: Path
) -> None:
    """explosion/spaCy#8511 and #8174: [training.optimizer] refers to [vars]."""
    trained.to_disk(tmp_path / "base")
    names = {"encoder": tiny, "base": tmp_path / "base", "teacher": tmp_path / "base"}
    template = load_config(CONFIGS / f"{config}.cfg")
    overrides: dict[str, Any] = {
        f"paths.{key}": str(x) for key, x in names.items() if key in template["paths"]
    }
    overrides |= {"vars.warmup_steps": 2, "vars.max_steps": 9}
    overrides |= {"vars.layers": 2} if "layers" in template["vars"] else {}
    nlp = load_model_from_config(load_config(CONFIGS / f"{config}.cfg", overrides=overrides), auto_fill=True)
    examples = with_cats(make_examples(nlp))
    assert nlp.initialize(lambda: examples).learn_rate == 0.0
    name = nlp.pipe_names[0]
    for other in [nlp, *copies(nlp, tmp_path / "trained")]:
        assert other.create_optimizer().learn_rate == 0.0
        sgd = other.resume_training()
        before = weights_of(other, name)
        other.update(examples)
        other.update(examples, sgd=sgd)
        assert "head.output.weight" in changed(other, before, name)
        # A later training can still be set up at the top of the config.
        assert other.config["training"]["optimizer"]["learn_rate"]["total_steps"] == "${vars.max_steps}"


def test_a_pipeline_is_freed_as_soon_as_it_is_not_used(tiny: Path) -> None:
    nlp = make_nlp(tiny)
    copied = copy.deepcopy(nlp)
    alive = weakref.ref(nlp)
    gc.disable()
    del nlp
    gc.enable()
    assert alive() is None
    assert copied.create_optimizer().learn_rate == pytest.approx(5e-6)


def test_a_shared_encoder_keeps_the_time_of_one(tiny: Path) -> None:
    nlp = make_nlp(tiny)
    shared = {"@architectures": "spacy_xner.SharedEncoder.v1"}
    nlp.add_pipe("xcat", config={"model": {"encoder": shared}, "device": "cpu"})
    examples = with_cats(make_examples(nlp))
    nlp.initialize(lambda: examples)
    sgd = build_adamw_v1(learn_rate=[0.001, 0.002, 0.003, 0.004, 0.005])
    rates = []
    for _ in range(4):
        nlp.update(examples, sgd=sgd)
        rates.append(sgd.learn_rate)
    assert rates == [0.001, 0.002, 0.003, 0.004]


@pytest.mark.parametrize("adapter_only", [False, True])
def test_only_adapters_train_on(adapter_only: bool, tiny: Path, tmp_path: Path) -> None:
    """huggingface/peft#463, where training on changed nothing, or all."""
    nlp = train_nlp(tiny, n_steps=3, encoder_lora=LORA | {"adapter_only": adapter_only})
    n_trained = count_parameters(network_of(nlp))[0]
    examples = make_examples(nlp)
    for other in copies(nlp, tmp_path / "nlp"):
        trained = {name for name, x in network_of(other).named_parameters() if x.requires_grad}
        assert all(".lora_" in name or name.startswith("head.") for name in trained)
        expected = scores_of(other)
        other.update(examples, sgd=False)
        assert count_parameters(network_of(other))[0] == n_trained
        # New adapters change nothing before they are trained.
        assert scores_of(other) == expected
        before = weights_of(other)
        for _ in range(2):
            other.update(examples, sgd=build_adamw_v1(learn_rate=1e-3))
        names = changed(other, before)
        assert any(".lora_" in name for name in names)
        assert all(".lora_" in name or name.startswith("head.") for name in names)


@pytest.mark.parametrize("adapter_only", [False, True])
@pytest.mark.parametrize("lora", [None, LORA])
def test_a_new_model_trains_what_it_is_set_to(
    adapter_only: bool, lora: dict[str, Any] | None, tiny: Path, tmp_path: Path
) -> None:
    old = train_nlp(
        tiny, n_steps=3, encoder_lora=LORA | {"adapter_only": adapter_only}, encoder_freeze="embeddings"
    )
    old.to_disk(tmp_path)
    nlp = make_nlp(tiny, encoder_lora=lora)
    nlp.config["initialize"]["components"]["xner"] = {"init_from": str(tmp_path)}
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    network = network_of(nlp)
    n_trained, n_all = count_parameters(network)
    assert (n_trained == n_all) == (lora is None)
    assert sum(".lora_" in name for name, _ in network.named_parameters()) == (12 if lora else 0)
    assert scores_of(nlp) == pytest.approx(scores_of(old), abs=1e-5)


@pytest.mark.parametrize("freeze", ["embeddings", 1, ["encoder.layer.1.*"]])
def test_frozen_parts_stay_frozen(freeze: object, tiny: Path, tmp_path: Path) -> None:
    nlp = train_nlp(tiny, n_steps=1, encoder_freeze=freeze)
    frozen = {name for name, x in network_of(nlp).named_parameters() if not x.requires_grad}
    examples = make_examples(nlp)
    for other in copies(nlp, tmp_path / "nlp"):
        before = weights_of(other)
        other.update(examples, sgd=build_adamw_v1(learn_rate=1e-3))
        assert frozen
        assert not frozen & changed(other, before)


@pytest.mark.parametrize("factory", ["xner", "xcat"])
def test_frozen_parts_of_adopted_checkpoints_stay_frozen(factory: str, tiny: Path, tmp_path: Path) -> None:
    kind = AutoModelForTokenClassification if factory == "xner" else AutoModelForSequenceClassification
    names = ["O", "B-PER", "I-PER"] if factory == "xner" else ["SLIP", "OTHER"]
    checkpoint = write_checkpoint(tmp_path / "checkpoint", tiny, names, kind)
    nlp = adopt(checkpoint, device="cpu")
    nlp.config["components"][factory]["model"]["freeze"] = "embeddings"
    nlp = type(nlp).from_config(nlp.config)
    nlp("Anna")
    examples = with_cats(make_examples(nlp, [("Anna Schmidt here", [("Anna Schmidt", "PER")])]))
    for other in [nlp, *copies(nlp, tmp_path / "nlp")]:
        frozen = {name for name, x in network_of(other, factory).named_parameters() if not x.requires_grad}
        before = weights_of(other, factory)
        other.update(examples, sgd=build_adamw_v1(learn_rate=1e-3))
        assert frozen
        assert not frozen & changed(other, before, factory)
        assert changed(other, before, factory)


CHANGES: dict[str, dict[str, Any]] = {
    "xner": {"threshold": 0.25, "spans_key": "found", "overwrite": True},
    "xcat": {"threshold": {"OTHER": 0.75}},
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_set_in_python_is_saved(name: str, tiny: Path, tmp_path: Path) -> None:
    nlp = spacy.blank("xx", config=TOKENIZER)
    encoder = {"@architectures": "spacy_xner.Encoder.v1", "name": str(tiny)}
    nlp.add_pipe(name, config={"model": {"encoder": encoder}, "device": "cpu"})
    nlp.initialize(lambda: with_cats(make_examples(nlp)))
    for key, value in CHANGES[name].items():
        setattr(nlp.get_pipe(name), key, value)
    for other in copies(nlp, tmp_path / "nlp"):
        assert {key: getattr(other.get_pipe(name), key) for key in CHANGES[name]} == CHANGES[name]
    # What is set on loading, or edited in the config, is newer.
    edited = spacy.load(tmp_path / "nlp", config={f"components.{name}.threshold": 0.125}).get_pipe(name)
    assert edited.threshold == 0.125
    with pytest.raises(ValueError, match=r"threshold must be from 0 to 1, found 'high'\. Change it\."):
        edited.threshold = "high"
    edited.threshold = 0.5
    edited.threshold = 0.125
    assert "threshold" not in edited.cfg
