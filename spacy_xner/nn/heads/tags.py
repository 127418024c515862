"""The tag inventory of a head as tensors: what may follow what, and entities to tag indices and back."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ...schemes import Scheme, TagScheme
from ...types import Entity, Gold, SoftTargets
from .base import AnyHead
from .lattice import Lattice, viterbi
from .marginals import TagSpan, span_probabilities


class TagSet(nn.Module):
    """The tags of some labels, with the legal moves between them as log-space masks.

    Args:
        labels: Entity types, in the order of their tags.
        scheme: BIO or BIOES.
    """

    start: Tensor
    moves: Tensor
    end: Tensor

    def __init__(self, labels: Sequence[str], scheme: Scheme = "BIO") -> None:
        super().__init__()
        self.labels = tuple(labels)
        self.scheme: Scheme = scheme
        self._tagging = TagScheme(scheme)
        self.names = self._tagging.tag_names(labels)
        self.index = {name: i for i, name in enumerate(self.names)}
        n_letters = (len(self.names) - 1) // max(len(self.labels), 1)
        # Label of each tag, empty for O.
        self.tag_labels = ("", *(label for label in self.labels for _ in range(n_letters)))
        start, moves, end = self._tagging.legal_moves(self.labels)
        # Masks follow the module to its device, but are derived from the labels: not saved.
        self.register_buffer("start", _log_mask(start), persistent=False)
        self.register_buffer("moves", _log_mask(moves), persistent=False)
        self.register_buffer("end", _log_mask(end), persistent=False)

    def __len__(self) -> int:
        return len(self.names)

    def encode(self, gold: Sequence[Gold], mask: Tensor) -> tuple[Tensor, Tensor]:
        """Make tag indices of gold entities.

        Args:
            gold: One entry for each text.
            mask: True at real tokens. Shape: ``(batch, tokens)``.

        Returns:
            Tags (0 where unknown) and where they are known. Both ``(batch, tokens)``, on the mask's device.

        Raises:
            ValueError: If an entity has a label that this head does not know.
        """
        tags = torch.zeros(mask.shape, dtype=torch.long)
        known = torch.zeros(mask.shape, dtype=torch.bool)
        for row, (entities, is_known, _) in enumerate(gold):
            names = self._tagging.encode(entities, len(is_known))
            try:
                tags[row, : len(names)] = torch.tensor([self.index[name] for name in names])
            except KeyError as err:
                label = (self._tagging.parse(err.args[0]) or ("", ""))[1]
                msg = f"Gold labels must be among the model's ({', '.join(self.labels)}), found {label!r}. "
                raise ValueError(msg + "Initialize the component again to add labels.") from None
            known[row, : len(names)] = torch.tensor(is_known)
        return tags.to(mask.device), known.to(mask.device)

    def allowed(self, gold: Sequence[Gold], tags: Tensor, known: Tensor) -> Tensor:
        """Find the tags that agree with the gold: all where it knows nothing, else its own.

        Outside all entities, these are ``O`` and the tags of labels that the gold leaves open.

        Args:
            gold: One entry for each text.
            tags: Its tags, as `encode` gives them. Shape: ``(batch, tokens)``.
            known: Where they are known. Shape: ``(batch, tokens)``.

        Returns:
            Shape: ``(batch, tokens, tags)``.
        """
        allowed = one_hot(tags, len(self)).bool() | ~known.unsqueeze(2)
        for row, (_, _, labels) in enumerate(gold):
            index = torch.tensor([i for i, label in enumerate(self.tag_labels) if label in labels])
            if len(index):
                # (tokens, open tags)
                allowed[row, :, index.to(tags.device)] |= (known[row] & (tags[row] == 0))[:, None]
        return allowed

    def shared(self, other: "TagSet") -> tuple[list[int], list[int]]:
        """List the indices of the tags that both have, here and there; in BIO, E and S are I and B."""
        sources = {name: name if name in other.index else self._tagging.to_bio(name) for name in self.names}
        pairs = [(self.index[a], other.index[b]) for a, b in sources.items() if b in other.index]
        return [here for here, _ in pairs], [there for _, there in pairs]

    def decode(self, lattice: Lattice) -> list[list[Entity]]:
        """Find the best legal path of each text and its entities with their probabilities."""
        # An accelerator would be waited for at each of a thousand small steps.
        lattice = Lattice(*(part.cpu() for part in lattice))
        paths = viterbi(lattice)
        found = [self._tagging.decode([self.names[tag] for tag in path]) for path in paths]
        spans = [self._span(row, ent) for row, entities in enumerate(found) for ent in entities]
        scores = iter(span_probabilities(lattice, spans))
        return [[ent._replace(score=next(scores)) for ent in entities] for entities in found]

    def _span(self, row: int, ent: Entity) -> TagSpan:
        here = ent._replace(start=0, end=ent.end - ent.start)
        tags = (self.index[name] for name in self._tagging.encode([here], here.end))
        # In BIO an entity goes on as long as its I; in BIOES its last tag says where it ends.
        return TagSpan(
            row, ent.start, tuple(tags), self.index[f"I-{ent.label}"] if self.scheme == "BIO" else -1
        )


@runtime_checkable
class TagHead(Protocol):
    """A head with one linear layer from token vectors to tag scores."""

    tags: TagSet
    output: nn.Linear


def inherit_output(head: TagHead, origin: AnyHead) -> tuple[list[int], list[int]]:
    """Copy the output rows of all tags that another head has too.

    Returns:
        Indices of these tags, in the head and in its origin.

    Raises:
        ValueError: If the other head has no rows for tags, or rows of another width.
    """
    if not isinstance(origin, TagHead):
        raise ValueError(f"init_from must have a head that scores tags, found {type(origin).__name__}.")
    if origin.output.in_features != head.output.in_features:
        raise ValueError(
            f"init_from must have token vectors of width {head.output.in_features} as this model, found "
            f"{origin.output.in_features}. Use the same encoder and neck."
        )
    here, there = head.tags.shared(origin.tags)
    with torch.no_grad():
        head.output.weight[here] = origin.output.weight[there].to(head.output.weight)
        head.output.bias[here] = origin.output.bias[there].to(head.output.bias)
    return here, there


def tag_targets(
    names: tuple[str, ...], log_probs: Tensor, mask: Tensor, found: Sequence[list[Entity]]
) -> list[SoftTargets]:
    """Make the soft targets of each text.

    Args:
        names: The tags.
        log_probs: Log-probability of each. Shape: ``(batch, tokens, tags)``.
        mask: True at real tokens. Shape: ``(batch, tokens)``.
        found: The entities of each text; to students that score spans, no others are probable.
    """
    sizes = mask.sum(dim=1).tolist()
    return [
        SoftTargets(names, row[:size], entities, entities)
        for row, size, entities in zip(log_probs.cpu().numpy(), sizes, found, strict=True)
    ]


def _log_mask(allowed: Sequence[bool] | Sequence[Sequence[bool]]) -> Tensor:
    flags = torch.tensor(allowed)
    return torch.zeros(flags.shape).masked_fill(~flags, float("-inf"))
