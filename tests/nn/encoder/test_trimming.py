"""Which layers are kept."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModel

from spacy_xner.hub.encoder import build_transformer, dump_config
from spacy_xner.nn.encoder.trimming import _spread, keep_layers


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
