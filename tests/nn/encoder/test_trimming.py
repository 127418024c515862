"""Which layers are kept."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModel

from spacy_xner.hub.encoder import build_transformer, dump_config
from spacy_xner.nn.encoder.trimming import _spread, freeze, keep_layers, layer_index


@pytest.mark.parametrize(
    ("n_kept", "kept"), [(6, [0, 2, 4, 7, 9, 11]), (1, [0]), (12, list(range(12))), (2, [0, 11]), (13, [])]
)
def test_layers_are_spread_as_in_distilbert(n_kept: int, kept: list[int]) -> None:
    assert _spread(n_kept, 12) == kept


@pytest.mark.parametrize("arch", ["xlm-roberta", "bert", "deberta-v2"])
def test_a_cut_transformer_is_rebuilt_from_its_config(tiny_encoders: Callable[..., Path], arch: str) -> None:
    transformer = AutoModel.from_pretrained(tiny_encoders(arch)).eval()
    ids = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        bottom = transformer(ids, output_hidden_states=True).hidden_states[1]
    keep_layers(transformer, None)
    assert transformer.config.num_hidden_layers == 2
    keep_layers(transformer, [0])
    rebuilt = build_transformer(dump_config(transformer), transformer.state_dict()).eval()
    with torch.no_grad():
        torch.testing.assert_close(rebuilt(ids).last_hidden_state, bottom)


@pytest.mark.parametrize("what", [0, 3, [2], []])
def test_layers_that_are_not_there(tiny: Path, what: int | list[int]) -> None:
    with pytest.raises(ValueError, match="layers must be 1 to 2, or indices from 0 to 1"):
        keep_layers(AutoModel.from_pretrained(tiny), what)


def test_layers_that_differ_are_not_cut(tiny_encoders: Callable[..., Path]) -> None:
    folder = tiny_encoders("modernbert")
    with pytest.raises(ValueError, match="layers must be null for ModernBertModel, whose layers differ"):
        keep_layers(AutoModel.from_config(AutoConfig.from_pretrained(folder)), 1)


@pytest.mark.parametrize("types", [None, ["full_attention"] * 2, ["full_attention", "sliding_attention"]])
def test_types_of_layers_are_kept_with_them(tiny: Path, types: list[str] | None) -> None:
    transformer = AutoModel.from_pretrained(tiny)
    if types is not None:
        transformer.config.layer_types = types
    layers = list(transformer.encoder.layer)
    if types is not None and len(set(types)) > 1:
        with pytest.raises(ValueError, match=r"whose layers differ, found 1\. Use an encoder with identical"):
            keep_layers(transformer, 1)
        assert list(transformer.encoder.layer) == layers
        return
    keep_layers(transformer, [1])
    assert list(transformer.encoder.layer) == layers[1:]
    assert transformer.config.num_hidden_layers == 1
    assert getattr(transformer.config, "layer_types", None) == (types and types[:1])


def test_transformers_without_a_list_of_layers_are_not_cut(tiny: Path) -> None:
    transformer = torch.nn.Linear(2, 2)
    transformer.config = AutoConfig.from_pretrained(tiny)
    with pytest.raises(ValueError, match="layers must be null for Linear, whose layers differ"):
        keep_layers(transformer, 1)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("encoder.layer.11.attention.self.query.weight", 11),
        ("layers.0.attn.Wqkv.weight", 0),
        ("h.layer.norm.layers.2.bias", 2),
        ("embeddings.LayerNorm.0", None),
        ("encoder.layer.norm", None),
        ("layer", None),
    ],
)
def test_layer_in_the_name_of_a_parameter(name: str, index: int | None) -> None:
    assert layer_index(name) == index


def test_parameters_are_frozen_by_name(tiny: Path) -> None:
    names = [name for name, _ in AutoModel.from_pretrained(tiny).named_parameters()]
    for what, expected in (
        ("encoder.layer.1.*", [name for name in names if name.startswith("encoder.layer.1.")]),
        (["*.query.weight", "pooler.*"], [n for n in names if n.endswith("query.weight") or "pooler" in n]),
        (2, [name for name in names if "embeddings" in name or "encoder.layer" in name]),
    ):
        transformer = AutoModel.from_pretrained(tiny)
        assert freeze(transformer, what) == expected
        assert [name for name, p in transformer.named_parameters() if not p.requires_grad] == expected
    with pytest.raises(ValueError, match="0 to 2 layers of this encoder, found -1"):
        freeze(transformer, -1)
    with pytest.raises(ValueError, match=rf"Its parameters are named {', '.join(names[:3])}, \.\.\."):
        freeze(transformer, "nope")
