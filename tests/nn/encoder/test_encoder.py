"""The encoder against the library's own forward pass."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModel

from spacy_xner.hub.encoder import build_transformer, dump_config, load_checkpoint
from spacy_xner.nn.encoder.encoder import Encoder, Specials, plan_batches
from spacy_xner.nn.encoder.pieces import Pieces
from spacy_xner.nn.encoder.trimming import freeze, layer_index
from spacy_xner.nn.encoder.windows import plan_windows
from spacy_xner.nn.runtime.runner import run_layers

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


def test_token_longer_than_a_window_is_the_mean_of_all_its_pieces(tiny: Path) -> None:
    encoder = make_encoder(tiny, capacity=8, overlap=2)
    ids = list(range(5, 19))
    with torch.no_grad():
        whole = encoder([Pieces([*ids, 20], [14, 1])], 1000)[0]
        windows = plan_windows([14, 1], 8, 2)
        parts = [
            encoder([Pieces([*ids, 20][w.start : w.end], [1] * (w.end - w.start))], 1000)[0][
                w.keep_start - w.start : w.keep_end - w.start
            ]
            for w in windows
        ]
    pieces = torch.cat(parts)
    assert len(windows) > 2
    torch.testing.assert_close(whole, torch.stack([pieces[:14].mean(0), pieces[14]]))


def test_cls_is_the_mean_of_the_windows(tiny: Path) -> None:
    encoder = make_encoder(tiny, "cls", capacity=8, overlap=4)
    long, short = Pieces(list(range(5, 23)), [1] * 18), Pieces([7, 8], [2])
    with torch.no_grad():
        vectors = encoder([long, short], 1000)
        windows = [Pieces(long.ids[start : start + 8], [1] * 8) for start in (0, 4, 8, 10)]
        expected = encoder(windows, 1000).mean(0)
        torch.testing.assert_close(vectors[0], expected)
        torch.testing.assert_close(vectors[1], encoder([short], 1000)[0])
        prefix, suffix, _ = encoder.specials
        hidden = encoder.transformer(torch.tensor([[*prefix, 7, 8, *suffix]])).last_hidden_state
    torch.testing.assert_close(vectors[1, 0], hidden[0, 0])
    assert vectors.shape == (2, 1, encoder.width)


def test_cls_needs_a_special_piece(tiny: Path) -> None:
    transformer = load_checkpoint(str(tiny)).transformer
    with pytest.raises(ValueError, match="pooling must be first, last or mean for an encoder without"):
        Encoder(transformer, Specials((), (2,), 1), pooling="cls", capacity=8, overlap=2)
    encoder = Encoder(transformer, Specials((), (2,), 1), pooling="mean", capacity=8, overlap=2)
    assert encoder.n_special() == 1
    assert encoder.eval()([Pieces([5, 6], [1, 1])], 100).shape == (1, 2, transformer.config.hidden_size)


def test_runner_takes_the_place_of_the_layers_without_gradients(tiny: Path) -> None:
    encoder, calls = make_encoder(tiny), []
    with torch.no_grad():
        expected = encoder(TEXTS, 1000)

    def run(vectors: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        calls.append(mask)
        return run_layers(encoder.transformer, vectors, mask)

    encoder.runner = run  # type: ignore[assignment]
    with torch.no_grad():
        torch.testing.assert_close(encoder(TEXTS, 1000), expected)
    n_special = encoder.n_special()
    assert sorted(n for mask in calls for n in mask.sum(1).tolist()) == [
        n + n_special for n in sorted(len(text.ids) for text in TEXTS)
    ]
    n_calls = len(calls)
    assert encoder(TEXTS, 1000).requires_grad
    assert len(calls) == n_calls


def test_gradient_of_the_word_embeddings_can_be_sparse(tiny: Path) -> None:
    encoder = make_encoder(tiny)
    weight = encoder.transformer.get_input_embeddings().weight
    grads = []
    for is_sparse in (True, False):
        encoder.set_sparse_gradient(is_sparse=is_sparse)
        weight.grad = None
        encoder(TEXTS, 1000).square().sum().backward()
        assert weight.grad.is_sparse == is_sparse
        grads.append(weight.grad.to_dense() if is_sparse else weight.grad)
    torch.testing.assert_close(*grads)


def test_texts_may_be_short_or_many(tiny: Path) -> None:
    encoder = make_encoder(tiny, "first", capacity=8, overlap=4)
    generator = random.Random(1)
    texts = []
    for _ in range(12):
        counts = [generator.randint(1, 3) for _ in range(generator.randint(1, 20))]
        texts.append(Pieces([generator.randint(5, 30) for _ in range(sum(counts))], counts))
    with torch.no_grad():
        together = encoder(texts, 200)
        for row, text in enumerate(texts):
            alone = encoder([text], 200)[0]
            torch.testing.assert_close(together[row, : len(text.counts)], alone, atol=1e-5, rtol=1e-4)
            assert (together[row, len(text.counts) :] == 0).all()


def test_batches_keep_to_the_budget_in_any_order(tiny: Path) -> None:
    encoder, shapes = make_encoder(tiny), []
    n_special = encoder.n_special()
    encoder.transformer.register_forward_pre_hook(
        lambda module, args, kwargs: shapes.append(tuple(kwargs["input_ids"].shape)), with_kwargs=True
    )
    lengths = [40, 2, 30, 3, 40, 2, 35, 50, 4, 3]
    texts = [Pieces([7] * n, [1] * n) for n in lengths]
    with torch.no_grad():
        encoder(texts, 100)
    assert sum(rows for rows, _ in shapes) == len(texts)
    assert all(rows * length <= 100 for rows, length in shapes)
    # Long beside long, short beside short.
    n_padding = sum(rows * length for rows, length in shapes) - sum(lengths) - n_special * len(texts)
    assert n_padding < 30


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
    # The padding may be as large as the cost, or a tenth of the rest, whichever is more.
    assert plan_batches([10, 40, 40], 1000, 30) == [(0, 3)]
    assert plan_batches([10, 41, 41], 1000, 30) == [(0, 1), (1, 3)]
    assert plan_batches([100] * 10 + [110], 5000, 30) == [(0, 11)]
    assert plan_batches([100] * 10 + [111], 5000, 30) == [(0, 10), (10, 11)]
    assert plan_batches([4, 4, 4], 12, 0) == [(0, 3)]
    assert plan_batches([4, 4, 4], 11, 0) == [(0, 2), (2, 3)]
    assert plan_batches([4, 40, 40], 12) == [(0, 1), (1, 2), (2, 3)]


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
