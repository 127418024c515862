"""The classifier of a token-classification checkpoint with its own tags, read as transformers reads them."""

from collections.abc import Sequence
from statistics import fmean
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from ...schemes import OUTSIDE, ROLES, TagScheme, is_label_first, join_roles
from ...types import Entity, Gold
from .base import AnyHead
from .losses import tag_loss
from .softmax import make_output

# By whether a piece is an entity's first, and its last: what its tag should say, the best first.
FITTING = {(True, True): "SBI", (True, False): "BI", (False, True): "EI", (False, False): "I"}
FIXED_LABELS = (
    "init_from must not be set for an adopted checkpoint, which keeps its labels, found it set. To train "
    "with other labels, use spacy_xner.EntityModel.v1 or spacy_xner.TextModel.v1."
)


class Role(NamedTuple):
    """What a tag says.

    Attributes:
        label: Entity type; empty outside.
        letter: As in BIO and BIOES; empty for a tag that is a type alone.
    """

    label: str
    letter: str

    @property
    def role(self) -> str:
        """The role of the letter; a label without a letter may begin or continue an entity."""
        return ROLES.get(self.letter, "I") if self.label else ""


def read_roles(tags: Sequence[str]) -> list[Role]:
    """Read the tags of any scheme, letters first, or last if all have them there."""
    scheme = TagScheme(label_first=is_label_first(tags))
    return [_role(tag, scheme) for tag in tags]


def _role(tag: str, scheme: TagScheme) -> Role:
    if tag == OUTSIDE:
        return Role("", "")
    letter, label = scheme.parse(tag) or ("", tag)
    return Role(label, letter)


class CheckpointHead(nn.Module):
    """A linear layer to the tags of a checkpoint, of whatever scheme; each piece has the likeliest.

    Args:
        width: Width of the vectors.
        labels: The tags, in the checkpoint's order.
    """

    is_nested: ClassVar[bool] = False

    def __init__(self, width: int, labels: Sequence[str]) -> None:
        super().__init__()
        self.labels = tuple(labels)
        self.width = width
        self.roles = read_roles(self.labels)
        self.types = tuple(dict.fromkeys(role.label for role in self.roles if role.label))
        self.output = make_output(width, len(self.labels))

    def forward(self, vectors: Tensor) -> Tensor:
        """Score the tags of each piece. Shape: ``(batch, pieces, tags)``."""
        scores: Tensor = self.output(vectors)
        return scores

    def inherit(self, origin: AnyHead) -> None:
        """Refuse: its rows are those of its checkpoint."""
        raise ValueError(FIXED_LABELS)

    def loss(self, scores: Tensor, mask: Tensor, gold: Sequence[Gold]) -> Tensor:
        """Sum the cross-entropy over the annotated pieces: of all tags that agree, where labels are open."""
        allowed = torch.zeros(scores.shape, dtype=torch.bool)
        known = torch.zeros(mask.shape, dtype=torch.bool)
        for row, text in enumerate(gold):
            n = len(text.known)
            known[row, :n] = torch.tensor(text.known)
            allowed[row, :n] = self._outside(text.open)
            for ent in text.entities:
                allowed[row, ent.start : ent.end] = False
                for i in range(ent.start, ent.end):
                    allowed[row, i, self._tag(ent, i)] = True
        known, allowed = known.to(mask.device), allowed.to(mask.device)
        log_probs = scores[known].float().log_softmax(dim=-1)
        return tag_loss(log_probs, allowed[known], log_probs.new_ones(len(log_probs)))

    def decode_units(self, probs: Tensor) -> list[tuple[str, str, float]]:
        """Find of each piece or word the label, the letter and the probability of its likeliest tag."""
        best = probs.max(dim=1)
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [(*self.roles[tag], score) for tag, score in pairs]

    def _outside(self, labels: Sequence[str]) -> Tensor:
        """Tell the tags that agree with ``O``: itself, and those of labels that are open."""
        return torch.tensor([not role.label or role.label in labels for role in self.roles])

    def _tag(self, ent: Entity, i: int) -> int:
        """Choose the tag of a piece of an entity: of those that fit there, the first that there is."""
        known = {role.role: tag for tag, role in enumerate(self.roles) if role.label == ent.label}
        if not known:
            raise ValueError(
                f"Gold labels must be among the checkpoint's ({', '.join(self.types)}), found {ent.label!r}. "
                "Use spacy_xner.EntityModel.v1 with init_from to add labels."
            )
        fitting = FITTING[i == ent.start, i == ent.end - 1]
        return next((known[letter] for letter in fitting if letter in known), min(known.values()))


def group_units(found: Sequence[tuple[str, str, float]]) -> list[Entity]:
    """Join the units of each entity, as transformers does: those that follow one another with one label.

    An entity's probability is the mean of its units'.

    Args:
        found: Label, letter and probability of each unit of a text.
    """
    entities = join_roles([(Role(label, letter).role, label) for label, letter, _ in found])
    return [ent._replace(score=fmean(row[2] for row in found[ent.start : ent.end])) for ent in entities]
