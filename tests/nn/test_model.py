"""The network: what is dropped, pooled, padded and masked."""

import pytest
import torch
from torch import nn

from spacy_xner.nn.encoder.encoder import Encoder, Specials
from spacy_xner.nn.encoder.pieces import Pieces
from spacy_xner.nn.heads.text import MultiLabelHead
from spacy_xner.nn.model import Network
from spacy_xner.nn.necks.pooling import MeanPooling
from spacy_xner.nn.necks.sequence import SelfAttention

from .heads.conftest import LABELS, WIDTH, make_head


def make_network(neck: nn.Module | None = None, pooling: nn.Module | None = None) -> Network:
    torch.manual_seed(0)
    head = make_head("softmax") if pooling is None else MultiLabelHead(WIDTH, LABELS)
    return Network(None, neck, pooling, head).eval()


@pytest.fixture
def vectors() -> torch.Tensor:
    return torch.randn(2, 3, WIDTH, generator=torch.Generator().manual_seed(2))


MASK = torch.tensor([[True, True, True], [True, False, False]])


def test_dropout_is_of_the_token_vectors_and_only_in_training(vectors: torch.Tensor) -> None:
    network = make_network()
    plain = network(vectors, MASK)
    torch.testing.assert_close(plain, network.head(vectors))
    network.dropout.p = 1.0
    assert torch.equal(network(vectors, MASK), plain)
    dropped = network.train()(vectors, MASK)
    torch.testing.assert_close(dropped, network.head(torch.zeros_like(vectors)))
    network.dropout.p = 0.5
    torch.manual_seed(1)
    dropped = network(vectors, MASK)
    torch.manual_seed(1)
    # What stays is doubled.
    torch.testing.assert_close(dropped, network.head(nn.functional.dropout(vectors, 0.5)))
    assert not torch.allclose(dropped, plain)


def test_a_network_drops_nothing_by_default(vectors: torch.Tensor) -> None:
    network = make_network().train()
    assert network.training
    torch.testing.assert_close(network(vectors, MASK), network.head(vectors))


def test_modes_reach_all_parts() -> None:
    network = make_network(SelfAttention(WIDTH, hidden_width=4, n_heads=1, dropout=0.5, residual=True))
    for mode in (True, False):
        assert network.train(mode) is network
        assert {part.training for part in network.modules()} == {mode}
    # Where the mode is set already, parts that were switched by hand stay.
    network.neck.train()
    assert network.eval() is network
    assert network.neck.training


def test_neck_then_pooling_then_head(vectors: torch.Tensor) -> None:
    neck = SelfAttention(WIDTH, hidden_width=4, n_heads=1, dropout=0.0, residual=True)
    network = make_network(neck, MeanPooling(WIDTH))
    mixed = neck(vectors, MASK)
    expected = network.head(torch.stack([mixed[0].mean(0), mixed[1, 0]]))
    torch.testing.assert_close(network(vectors, MASK), expected)


def test_vectors_of_another_layer_are_padded(vectors: torch.Tensor) -> None:
    padded, mask = make_network().pad([vectors[0], vectors[1, :1]])
    assert torch.equal(mask, MASK)
    assert torch.equal(padded[mask], vectors[MASK])
    assert (padded[~mask] == 0).all()
    # A text without tokens may have rows of any width.
    padded, mask = make_network().pad([torch.zeros(0, 1), vectors[0]])
    assert mask.tolist() == [[False] * 3, [True] * 3]
    assert torch.equal(padded[1], vectors[0])
    assert (padded[0] == 0).all()


class Table(nn.Module):
    """Takes the place of a transformer: its vectors are those of the pieces alone."""

    def __init__(self) -> None:
        super().__init__()
        self.config = type("Config", (), {"hidden_size": WIDTH})
        self.table = nn.Embedding(30, WIDTH)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> object:
        return type("Output", (), {"last_hidden_state": self.table(input_ids)})


@pytest.mark.parametrize("pooling", ["first", "cls"])
def test_tokens_of_an_encoder_have_a_mask(pooling: str) -> None:
    table = Table()
    encoder = Encoder(table, Specials((1,), (2,), 0), pooling=pooling, capacity=8, overlap=2)
    network = Network(encoder, None, None, make_head("softmax"))
    vectors, mask = network.encode([Pieces([5, 6, 7], [2, 1]), Pieces([8], [1])], 100)
    if pooling == "cls":
        assert mask.tolist() == [[True], [True]]
        expected = table.table(torch.tensor([[1], [1]]))
    else:
        assert mask.tolist() == [[True, True], [True, False]]
        expected = table.table(torch.tensor([[5, 7], [8, 0]])) * mask[:, :, None]
    torch.testing.assert_close(vectors, expected)
