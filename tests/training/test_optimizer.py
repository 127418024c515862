"""AdamW against torch's own, and its parameter groups."""

from pathlib import Path

import pytest
import torch
from spacy.util import registry
from thinc.api import Config, Linear, Model, Optimizer, chain

from spacy_xner.errors import XnerWarning
from spacy_xner.models.execution import get_execution
from spacy_xner.training.optimizer import Factors, build_adamw_v1

from ..conftest import make_examples, make_nlp


def test_step_equals_torch() -> None:
    torch.manual_seed(0)
    ours, theirs = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    theirs.load_state_dict(ours.state_dict())
    groups = [
        {"params": [theirs.weight], "weight_decay": 0.1},
        {"params": [theirs.bias], "weight_decay": 0.0},
    ]
    reference = torch.optim.AdamW(groups, lr=0.01)
    sgd = build_adamw_v1(learn_rate=0.01, head_factor=1.0, weight_decay=0.1, grad_clip=0.5)
    for _ in range(3):
        x = torch.randn(4, 3)
        for module in (ours, theirs):
            (module(x) ** 2).sum().backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
        reference.step()
        reference.zero_grad()
        sgd.step_module(ours)
    torch.testing.assert_close(ours.state_dict(), theirs.state_dict())
    assert all(parameter.grad is None for parameter in ours.parameters())


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        ("encoder.transformer.encoder.layer.11.output.dense.weight", 1.0),
        ("encoder.transformer.encoder.layer.9.output.dense.weight", 0.25),
        ("encoder.transformer.embeddings.word_embeddings.weight", 0.5**12),
        ("encoder.transformer.final_norm.weight", 1.0),
        ("head.output.weight", 20.0),
        ("neck.lstm.weight", 20.0),
        ("head.transitions.transitions", 200.0),
    ],
)
def test_factors_by_part(name: str, factor: float) -> None:
    assert Factors(20.0, 200.0, 0.5).of(name, 12) == pytest.approx(factor)


def test_no_decay_on_norms_biases_and_transitions(tiny: Path) -> None:
    nlp = make_nlp(tiny, "CRFHead")
    nlp.initialize(lambda: make_examples(nlp))
    module = get_execution(nlp.get_pipe("xner").model).network
    steppers = build_adamw_v1()._make_steppers(module)
    groups = [group for stepper in steppers for group in stepper.param_groups]
    decayed = {id(p) for group in groups if group["weight_decay"] for p in group["params"]}
    assert sum(len(group["params"]) for group in groups) == len(list(module.parameters()))
    for name, parameter in module.named_parameters():
        plain = "LayerNorm" in name or name.endswith("bias") or "transitions" in name
        assert (id(parameter) in decayed) != plain, name


@pytest.mark.parametrize("is_stepped", [True, False], ids=["spacy train", "loop of nlp.update"])
def test_learning_rate_follows_the_schedule(is_stepped: bool) -> None:
    config = Config().from_str("""
[optimizer]
@optimizers = "spacy_xner.AdamW.v1"

[optimizer.learn_rate]
@schedules = "warmup_linear.v1"
initial_rate = 0.1
warmup_steps = 2
total_steps = 4
""")
    sgd = registry.resolve(config)["optimizer"]
    assert isinstance(sgd, Optimizer)
    module = torch.nn.Linear(1, 1)

    def next_rate() -> float:
        module(torch.ones(1, 1)).sum().backward()
        sgd.step_module(module)
        if is_stepped:
            sgd.step_schedules()
        return sgd._steppers[module][0].param_groups[0]["lr"] / 5.0

    assert [next_rate() for _ in range(5)] == pytest.approx([0.0, 0.05, 0.1, 0.05, 0.0])
    with pytest.warns(XnerWarning, match=r"found 0 at step 5: its schedule has ended"):
        assert next_rate() == 0.0
    assert next_rate() == 0.0


def test_thinc_layers_are_stepped_too() -> None:
    model: Model = chain(Linear(2, 3), Linear(1, 2))
    x, y = model.ops.alloc2f(4, 3) + 1, model.ops.alloc2f(4, 1) + 1
    model.initialize(x, y)
    sgd = build_adamw_v1(learn_rate=0.05)
    losses = []
    for _ in range(30):
        predicted, backprop = model.begin_update(x)
        losses.append(float(((predicted - y) ** 2).sum()))
        backprop(predicted - y)
        model.finish_update(sgd)
    assert losses[-1] < losses[0] / 4
