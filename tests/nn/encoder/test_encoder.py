"""The encoder against the library's own forward pass."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModel

from spacy_xner.hub.encoder import build_transformer, dump_config, load_checkpoint
from spacy_xner.nn.encoder.encoder import Encoder, plan_batches
from spacy_xner.nn.encoder.pieces import Pieces
from spacy_xner.nn.encoder.trimming import freeze, layer_index

ARCHS = ["xlm-roberta", "bert", "deberta-v2", "modernbert"]
TEXTS = [Pieces([7, 8, 9, 10, 11], [1, 3, 1]), Pieces([12, 13], [2]), Pieces(list(range(5, 25)), [4] * 5)]


def make_encoder(folder: Path, pooling: str = "mean", capacity: int = 60, overlap: int = 10) -> Encoder:
    """Make an encoder in evaluation mode."""
    checkpoint = load_checkpoint(str(folder))
    encoder = Encoder(
        checkpoint.transformer, checkpoint.specials, pooling=pooling, capacity=capacity, overlap=overlap
    )
    return encoder.eval()


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("pooling", ["first", "last", "mean"])
def test_encoder_matches_the_library(tiny_encoders: Callable[..., Path], arch: str, pooling: str) -> None:
    folder = tiny_encoders(arch)
    encoder = make_encoder(folder, pooling)
    model = AutoModel.from_pretrained(folder).eval()
    prefix, suffix, _ = encoder.specials
    with torch.no_grad():
        pooled = encoder(TEXTS, 1000)
        for row, text in enumerate(TEXTS):
            ids = torch.tensor([[*prefix, *text.ids, *suffix]])
            pieces = iter(model(input_ids=ids).last_hidden_state[0, len(prefix) :])
            for token, count in enumerate(text.counts):
                vectors = torch.stack([next(pieces) for _ in range(count)])
                expected = {"first": vectors[0], "last": vectors[-1], "mean": vectors.mean(0)}[pooling]
                torch.testing.assert_close(pooled[row, token], expected, atol=1e-5, rtol=1e-4)
            assert (pooled[row, len(text.counts) :] == 0).all()


@pytest.mark.parametrize("arch", ARCHS)
def test_specials_are_those_of_the_tokenizer(tiny_encoders: Callable[..., Path], arch: str) -> None:
    specials = load_checkpoint(str(tiny_encoders(arch))).specials
    assert (len(specials.prefix), len(specials.suffix)) == (1, 1)


def test_batching_changes_nothing(tiny: Path) -> None:
    encoder = make_encoder(tiny)
    with torch.no_grad():
        torch.testing.assert_close(encoder(TEXTS, 1), encoder(TEXTS, 1000))


def test_long_text_takes_vectors_from_its_windows(tiny: Path) -> None:
    encoder = make_encoder(tiny, capacity=8, overlap=4)
    text = Pieces(list(range(5, 17)), [1] * 12)
    with torch.no_grad():
        long = encoder([text], 1000)[0]
        first = encoder([Pieces(text.ids[:8], [1] * 8)], 1000)[0]
        last = encoder([Pieces(text.ids[4:], [1] * 8)], 1000)[0]
    torch.testing.assert_close(long, torch.cat([first[:6], last[2:]]))


def test_plan_batches_keeps_to_the_budget() -> None:
    lengths = [1, 1, 2, 5, 5, 6, 40]
    groups = plan_batches(lengths, 12)
    assert [i for first, last in groups for i in range(first, last)] == list(range(len(lengths)))
    assert all(last - first == 1 or lengths[last - 1] * (last - first) <= 12 for first, last in groups)
    assert plan_batches([], 12) == []


def test_plan_batches_splits_where_padding_would_grow() -> None:
    assert plan_batches([10] * 10 + [50] * 2, 1000) == [(0, 12)]
    assert plan_batches([10] * 10 + [50] * 2, 1000, 30) == [(0, 10), (10, 12)]
    assert plan_batches([10] * 10 + [11] * 10, 1000, 30) == [(0, 20)]


@pytest.mark.parametrize("arch", ARCHS)
def test_freeze_embeddings_and_layers(tiny_encoders: Callable[..., Path], arch: str) -> None:
    transformer = load_checkpoint(str(tiny_encoders(arch))).transformer
    frozen = freeze(transformer, 1)
    assert any("embeddings" in name for name in frozen)
    assert {layer_index(name) for name in frozen} == {None, 0}
    for name, parameter in transformer.named_parameters():
        assert parameter.requires_grad == (name not in frozen)


def test_freeze_embeddings_leaves_the_layers(tiny: Path) -> None:
    transformer = load_checkpoint(str(tiny)).transformer
    frozen = freeze(transformer, "embeddings")
    assert {name.partition(".")[0] for name in frozen} == {"embeddings"}
    assert freeze(transformer, None) == []
    assert freeze(transformer, 0) == []


def test_freeze_refuses_what_matches_nothing(tiny: Path) -> None:
    transformer = load_checkpoint(str(tiny)).transformer
    with pytest.raises(ValueError, match=r"found 'nope\.\*', which matches none"):
        freeze(transformer, ["nope.*"])
    with pytest.raises(ValueError, match="0 to 2 layers of this encoder, found 3"):
        freeze(transformer, 3)


@pytest.mark.parametrize("arch", ARCHS)
def test_transformer_rebuilds_from_config_and_weights(tiny_encoders: Callable[..., Path], arch: str) -> None:
    transformer = load_checkpoint(str(tiny_encoders(arch))).transformer.eval()
    state = transformer.state_dict()
    again = build_transformer(dump_config(transformer), dict(state)).eval()
    assert again.state_dict().keys() == state.keys()
    assert all(torch.equal(value, state[name]) for name, value in again.state_dict().items())
    ids = torch.tensor([[2, 7, 8, 3]])
    torch.testing.assert_close(again(input_ids=ids)[0], transformer(input_ids=ids)[0])


@pytest.mark.parametrize("name", ["./nowhere", "no-such-org/no-such-model"])
def test_wrong_encoder_name_is_one_clear_error(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(OSError, match=f"An encoder must be a hub id or a folder .* found '{name}'") as caught:
        load_checkpoint(name)
    assert "\n" not in str(caught.value)
