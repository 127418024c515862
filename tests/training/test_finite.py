"""Training stops where a loss, a gradient or a weight is NaN or infinite, and says where."""

import math
import os
from pathlib import Path

import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import DocBin
from thinc.api import Adam, Optimizer
from torch import nn

from spacy_xner.errors import NonFiniteError
from spacy_xner.models.execution import get_execution
from spacy_xner.nn.model import Network, clip_gradient
from spacy_xner.training.optimizer import build_adamw_v1

from ..conftest import make_examples, make_nlp, train_nlp
from ..test_cli import ROOT, invoke

WHERE = r"at update 2 of 'xner', with texts that begin with '张伟 .*', 'Send to Anna .*'\. Lower the learning"


@pytest.fixture
def nlp(tiny: Path) -> Language:
    """Return a pipeline after one update."""
    return train_nlp(tiny, n_steps=1)


def network_of(nlp: Language) -> Network:
    return get_execution(nlp.get_pipe("xner").model).network


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_training(value: float, nlp: Language) -> None:
    network = network_of(nlp)
    bias = network.head.output.bias
    with torch.no_grad():
        bias[0], kept = value, bias[0].item()
    before = {name: x.clone() for name, x in network.state_dict().items()}
    with pytest.raises(NonFiniteError, match=rf"found a loss of (nan|inf) {WHERE}"):
        nlp.update(make_examples(nlp), sgd=build_adamw_v1())
    for name, x in network.state_dict().items():
        torch.testing.assert_close(x, before[name], equal_nan=True, rtol=0, atol=0)
    # What was accumulated is gone.
    with torch.no_grad():
        bias[0] = kept
    nlp.update(make_examples(nlp), sgd=build_adamw_v1())


@pytest.mark.parametrize("sgd", [build_adamw_v1(), build_adamw_v1(grad_clip=0.0), Adam(0.001)])
@pytest.mark.parametrize(
    "name", ["head.output.weight", "encoder.transformer.embeddings.word_embeddings.weight"]
)
def test_a_gradient_that_is_not_finite_stops_training(name: str, sgd: Optimizer, nlp: Language) -> None:
    nlp.update(make_examples(nlp), sgd=False)
    gradient = network_of(nlp).get_parameter(name).grad
    (gradient._values() if gradient.is_sparse else gradient)[0, 0] = math.inf
    before = {key: x.clone() for key, x in network_of(nlp).state_dict().items()}
    with pytest.raises(NonFiniteError, match=rf"found gradients with a norm of inf {WHERE}"):
        nlp.get_pipe("xner").finish_update(sgd)
    assert all(torch.equal(x, before[key]) for key, x in network_of(nlp).state_dict().items())
    assert nlp.update(make_examples(nlp), sgd=sgd)["xner"] > 0.0


def test_texts_are_shown_without_control_characters(tiny: Path) -> None:
    nlp = make_nlp(tiny)
    examples = make_examples(nlp, [("Anna Schmidt \x1b[31m", [("Anna Schmidt", "PER")])])
    nlp.initialize(lambda: examples)
    with torch.no_grad():
        network_of(nlp).head.output.bias.fill_(math.nan)
    with pytest.raises(NonFiniteError) as caught:
        nlp.update(examples, sgd=False)
    assert r"'Anna Schmidt \x1b[31m'" in str(caught.value)


@pytest.mark.parametrize("storage", ["float32", "bfloat16"])
def test_weights_that_are_not_finite_are_not_saved(storage: str, nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path)
    expected = [doc.to_json() for doc in nlp.pipe(eg.text for eg in make_examples(nlp))]
    nlp.get_pipe("xner").weights.storage = storage
    with torch.no_grad():
        network_of(nlp).head.output.weight[0, 0] = math.nan
    for save in (lambda: nlp.to_disk(tmp_path), nlp.to_bytes):
        with pytest.raises(NonFiniteError, match=r"finite to be saved, found others in head\.output\.weight"):
            save()
    loaded = spacy.load(tmp_path)
    assert [doc.to_json() for doc in loaded.pipe(eg.text for eg in make_examples(nlp))] == expected


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:The learning rate must be low")
def test_a_training_that_diverges_is_stopped(tiny: Path, tmp_path: Path) -> None:
    nlp = make_nlp(tiny)
    DocBin(docs=[eg.reference for eg in make_examples(nlp)]).to_disk(tmp_path / "slips.spacy")
    code, _, err = invoke(
        "train", ROOT / "configs" / "cpu.cfg", "--output", tmp_path / "out", "--device", "cpu",
        "--paths.train", tmp_path / "slips.spacy", "--paths.dev", tmp_path / "slips.spacy",
        "--paths.encoder", tiny, "--vars.max_steps", 20, "--vars.warmup_steps", 1,
        "--vars.eval_frequency", 2, "--vars.learn_rate", 1e38,
    )  # fmt: skip
    assert code == 1
    assert "must be finite in training, found a loss of nan at update 3 of 'xner'" in err.replace(
        os.linesep, " "
    )
    best = spacy.load(tmp_path / "out" / "model-best")
    assert all(x.isfinite().all() for x in network_of(best).state_dict().values())


def test_norm_of_gradients_is_that_of_torch() -> None:
    layers = nn.ModuleList([nn.Linear(3, 2), nn.Embedding(5, 3, sparse=True), nn.Linear(1, 1)])
    twin = nn.ModuleList([nn.Linear(3, 2), nn.Embedding(5, 3), nn.Linear(1, 1)])
    twin.load_state_dict(layers.state_dict())
    for part in (layers, twin):
        part[0](part[1](torch.tensor([0, 2, 2]))).sum().backward()
    clip_gradient(layers.parameters(), 0.5)
    nn.utils.clip_grad_norm_(twin.parameters(), 0.5)
    for ours, theirs in zip(layers.parameters(), twin.parameters(), strict=True):
        assert (ours.grad is None) == (theirs.grad is None)
        if theirs.grad is not None:
            torch.testing.assert_close(ours.grad.to_dense(), theirs.grad)
