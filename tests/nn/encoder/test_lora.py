"""Adapters by peft: their formula, what is trained, and how they are merged."""

import pytest
import torch
from torch import nn

from spacy_xner.nn.encoder.lora import adapter_state, add_lora, count_parameters, is_adapter, merged_state


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(6, 6)
        self.key = nn.Linear(6, 6)
        self.out_query = nn.Linear(6, 6)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        hidden: torch.Tensor = self.out_query(self.query(vectors) * self.key(vectors))
        return hidden


@pytest.fixture
def block() -> Block:
    torch.manual_seed(1)
    return Block().eval()


def fill(block: Block) -> None:
    """Give the adapters weights that change the output."""
    for name, parameter in block.named_parameters():
        if is_adapter(name):
            nn.init.normal_(parameter)


def test_adapters_add_a_product_of_low_rank(block: Block) -> None:
    vectors = torch.randn(5, 6)
    before = block(vectors)
    add_lora(block, rank=2, alpha=6.0, dropout=0.0, targets=["query"])
    # They begin without effect.
    torch.testing.assert_close(block(vectors), before)
    fill(block)
    state = block.state_dict()
    down, up = (state[f"query.lora_{part}.default.weight"] for part in "AB")
    assert down.shape == (2, 6)
    expected = nn.functional.linear(vectors, state["query.base_layer.weight"], state["query.base_layer.bias"])
    torch.testing.assert_close(block.query(vectors), expected + 3.0 * vectors @ down.T @ up.T)
    # Names must end as the targets do, at a dot.
    assert type(block.out_query) is nn.Linear
    assert type(block.key) is nn.Linear


def test_only_adapters_are_trained(block: Block) -> None:
    n_all = 3 * (6 * 6 + 6)
    assert count_parameters(block) == (n_all, n_all)
    add_lora(block, rank=2, alpha=4.0, dropout=0.0, targets=["query", "key"])
    trained = {name for name, parameter in block.named_parameters() if parameter.requires_grad}
    assert trained == {f"{layer}.lora_{part}.default.weight" for layer in ("query", "key") for part in "AB"}
    assert count_parameters(block) == (2 * 2 * 2 * 6, n_all + 2 * 2 * 2 * 6)
    assert adapter_state(block).keys() == trained
    assert {name for name, _ in block.named_parameters() if is_adapter(name)} == trained


@pytest.mark.parametrize("mode", [True, False])
def test_dropout_is_in_the_mode_of_the_transformer(block: Block, mode: bool) -> None:
    block.train(mode)
    add_lora(block, rank=2, alpha=4.0, dropout=1.0, targets=["query"])
    fill(block)
    assert {part.training for part in block.modules()} == {mode}
    vectors = torch.randn(5, 6)
    without = block.query.base_layer(vectors)
    # With all of an adapter's input dropped, nothing of it is left.
    assert torch.allclose(block.query(vectors), without) == mode


def test_merged_weights_compute_the_same(block: Block) -> None:
    names = set(block.state_dict())
    add_lora(block, rank=2, alpha=4.0, dropout=0.0, targets=["query", "out_query"])
    fill(block)
    vectors = torch.randn(5, 6)
    merged = merged_state(block)
    assert set(merged) == names
    other = Block()
    other.load_state_dict(merged)
    torch.testing.assert_close(other(vectors), block(vectors))
    assert not any(value.requires_grad for value in merged.values())


def test_targets_are_found_at_any_depth(block: Block) -> None:
    layers = nn.Sequential(block, nn.Sequential(Block()))
    add_lora(layers, rank=2, alpha=4.0, dropout=0.0, targets=["query"])
    trained = {name for name, parameter in layers.named_parameters() if parameter.requires_grad}
    assert trained == {f"{at}.query.lora_{part}.default.weight" for at in ("0", "1.0") for part in "AB"}


def test_targets_must_be_linear_layers(block: Block) -> None:
    with pytest.raises(ValueError, match=r"found 'uery'\. It has query, key, out_query\. Choose"):
        add_lora(block, rank=2, alpha=4.0, dropout=0.0, targets=["query", "uery"])
