"""Private operators of torch are used only where they run and are right."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from spacy_xner.nn.runtime.int8 import has_int8
from spacy_xner.nn.runtime.operators import agrees
from spacy_xner.nn.runtime.probe import SAMPLE, watch_linear

ONES = torch.ones(3)


def fail(error: type[Exception]) -> Callable[[], Tensor]:
    def compute() -> Tensor:
        raise error

    return compute


def test_what_agrees() -> None:
    assert agrees(lambda: ONES * 1.00005, ONES)
    assert not agrees(lambda: ONES * 1.001, ONES)
    assert agrees(lambda: ONES * 1.001, ONES, rtol=0.01)
    for error in (AttributeError, RuntimeError, TypeError):
        assert not agrees(fail(error), ONES)
    with pytest.raises(KeyError):
        agrees(fail(KeyError), ONES)


def test_processors_with_the_instructions_have_int8() -> None:
    """Otherwise all tests of 8-bit layers would be skipped in silence."""
    info = Path("/proc/cpuinfo")
    if not info.is_file() or "vnni" not in info.read_text(encoding="utf-8", errors="replace"):
        pytest.skip("needs a CPU with VNNI")
    assert has_int8()


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(50, 4)
        self.dense = nn.Linear(4, 3)
        self.deep = nn.Sequential(nn.Linear(3, 2), nn.ReLU())

    def get_input_embeddings(self) -> nn.Embedding:
        return self.table

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        assert bool(attention_mask.all())
        hidden: Tensor = self.deep(self.dense(self.table(input_ids)))
        return hidden


def test_inputs_and_outputs_of_linear_layers() -> None:
    torch.manual_seed(0)
    encoder, seen = Encoder(), {}

    def watch(name: str, layer: nn.Linear, rows: Tensor, output: Tensor) -> None:
        assert rows.shape == (*SAMPLE, layer.in_features)
        assert torch.equal(output, nn.functional.linear(rows, layer.weight, layer.bias))
        assert not output.requires_grad
        seen[name] = rows

    state = torch.get_rng_state()
    watch_linear(encoder, watch)
    assert list(seen) == ["dense", "deep.0"]
    # Pieces of all kinds, the same each time; the caller's random numbers stay.
    assert len(seen["dense"].flatten(0, 1).unique(dim=0)) > 40
    assert torch.equal(torch.get_rng_state(), state)
    first = seen["dense"]
    watch_linear(encoder, watch)
    assert torch.equal(seen["dense"], first)
    # Nothing watches afterwards, whatever happened.
    seen.clear()
    encoder(torch.zeros(1, 1, dtype=torch.long), ONES)
    with pytest.raises(ZeroDivisionError):
        watch_linear(encoder, lambda *_: 1 / 0)
    encoder(torch.zeros(1, 1, dtype=torch.long), ONES)
    assert not seen
