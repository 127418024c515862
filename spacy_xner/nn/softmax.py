"""Each token's tag on its own, decoded along the best path of legal tags."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ..types import Entity
from .head import Gold
from .lattice import Lattice
from .tags import TagSet


class SoftmaxHead(nn.Module):
    """A linear layer with a softmax over BIO tags.

    Args:
        width: Width of the token vectors.
        labels: Entity types.
    """

    def __init__(self, width: int, labels: Sequence[str]) -> None:
        super().__init__()
        self.labels = tuple(labels)
        self.width = width
        self.tags = TagSet(labels)
        self.output = make_output(width, len(self.tags))

    def forward(self, vectors: Tensor) -> Tensor:
        """Score the tags of each token. Shape: ``(batch, tokens, tags)``."""
        scores: Tensor = self.output(vectors)
        return scores

    def loss(self, scores: Tensor, mask: Tensor, gold: Sequence[Gold]) -> Tensor:
        """Sum the cross-entropy of the annotated tokens."""
        tags, known = self.tags.encode(gold, mask)
        return cross_entropy(scores[known].float(), tags[known], reduction="sum")

    def decode(self, scores: Tensor, mask: Tensor) -> list[list[Entity]]:
        """Find the entities on the best legal path.

        An entity's probability is that of its tags, in its full extent, among all legal sequences.
        """
        emissions = scores.float().log_softmax(dim=-1)
        return self.tags.decode(Lattice(emissions, mask, self.tags.start, self.tags.moves, self.tags.end))


def make_output(width: int, n_tags: int) -> nn.Linear:
    """Make the layer from token vectors to tag scores, initialised as in BERT."""
    output = nn.Linear(width, n_tags)
    nn.init.normal_(output.weight, std=0.02)
    nn.init.zeros_(output.bias)
    return output
