"""Each token's tag on its own, decoded along the best path of legal tags."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ..types import Entity, Gold, Target
from .distill import tag_divergence
from .head import Head
from .lattice import Lattice
from .tags import TagSet, inherit_output


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

    @property
    def tag_names(self) -> tuple[str, ...]:
        """BIO tags, in the order of the scores."""
        return self.tags.names

    def forward(self, vectors: Tensor) -> Tensor:
        """Score the tags of each token. Shape: ``(batch, tokens, tags)``."""
        scores: Tensor = self.output(vectors)
        return scores

    def loss(self, scores: Tensor, mask: Tensor, gold: Sequence[Gold]) -> Tensor:
        """Sum the cross-entropy of the annotated tokens: of all tags that agree, where labels are open."""
        tags, known = self.tags.encode(gold, mask)
        scores = scores.float()
        if any(labels for _, _, labels in gold):
            excluded = ~self.tags.allowed(gold, tags, known)
            rest = scores.masked_fill(excluded, float("-inf"))
            return (scores.logsumexp(dim=2) - rest.logsumexp(dim=2))[mask].sum()
        return cross_entropy(scores[known], tags[known], reduction="sum")

    def decode(self, scores: Tensor, mask: Tensor) -> list[list[Entity]]:
        """Find the entities on the best legal path.

        An entity's probability is that of its tags, in its full extent, among all legal sequences.
        """
        emissions = self.log_probs(scores, mask)
        return self.tags.decode(Lattice(emissions, mask, self.tags.start, self.tags.moves, self.tags.end))

    def inherit(self, origin: Head) -> None:
        """Copy the output rows of all tags that another head has too."""
        inherit_output(self, origin)

    def log_probs(self, scores: Tensor, mask: Tensor) -> Tensor:
        """Find the log-probability of each tag. Shape: ``(batch, tokens, tags)``."""
        return scores.float().log_softmax(dim=-1)

    def distill(
        self, scores: Tensor, mask: Tensor, targets: Sequence[Target | None], temperature: float
    ) -> Tensor:
        """Sum the divergence from the teacher over the taught tokens."""
        return tag_divergence(self.log_probs(scores, mask), self.tag_names, targets, temperature)


def make_output(width: int, n_tags: int) -> nn.Linear:
    """Make the layer from token vectors to tag scores, initialised as in BERT."""
    output = nn.Linear(width, n_tags)
    nn.init.normal_(output.weight, std=0.02)
    nn.init.zeros_(output.bias)
    return output
