"""The classifier of an adopted token-classification checkpoint, decoded as in transformers."""

from collections.abc import Sequence
from statistics import fmean
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from ...schemes import OUTSIDE, ROLES, TagScheme, is_label_first, join_roles
from ...types import Entity, Gold
from .base import AnyHead
from .losses import adjust_logits
from .softmax import make_output, tag_loss

# Suitable letters for a piece by whether it is an entity's first and last, in order of preference.
SUITABLE_LETTERS = {(True, True): "SBI", (True, False): "BI", (False, True): "EI", (False, False): "I"}
FIXED_LABELS = (
    "init_from must not be set for an adopted checkpoint, which keeps its labels, found it set. To train "
    "with other labels, use spacy_xner.EntityModel.v1 or spacy_xner.TextModel.v1."
)


class Role(NamedTuple):
    """A parsed tag.

    Attributes:
        label: Entity type; empty for the outside tag.
        letter: Letter of BIO or BIOES; empty for a tag without one.
    """

    label: str
    letter: str

    @property
    def role(self) -> str:
        """Role of the letter. A tag without a letter may begin or continue an entity."""
        return ROLES.get(self.letter, "I") if self.label else ""


def read_roles(tags: Sequence[str]) -> list[Role]:
    """Parse the tags of any scheme; letters come first, or last if they do in all tags."""
    scheme = TagScheme(label_first=is_label_first(tags))
    return [_role(tag, scheme) for tag in tags]


def _role(tag: str, scheme: TagScheme) -> Role:
    if tag == OUTSIDE:
        return Role("", "")
    letter, label = scheme.parse(tag) or ("", tag)
    return Role(label, letter)


class CheckpointHead(nn.Module):
    """A linear layer over the tags of a checkpoint, in any scheme. Each piece gets the most probable tag.

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
        """Compute the tag scores of each piece. Shape: ``(batch, pieces, tags)``."""
        scores: Tensor = self.output(vectors)
        return scores

    def inherit(self, origin: AnyHead) -> None:
        """Refuse to copy rows from another head.

        Raises:
            ValueError: Always, because the rows come from the checkpoint.
        """
        raise ValueError(FIXED_LABELS)

    def loss(self, scores: Tensor, mask: Tensor, gold: Sequence[Gold]) -> Tensor:
        """Sum the cross-entropy over the annotated pieces.

        Where labels are open, all tags that agree with the annotation count as right.

        Args:
            scores: Tag scores. Shape: ``(batch, pieces, tags)``.
            mask: True at real pieces. Shape: ``(batch, pieces)``.
            gold: Gold annotation of each text, on pieces.

        Returns:
            A scalar, not normalized.

        Raises:
            ValueError: If a gold label is not among the checkpoint's.
        """
        allowed = torch.zeros(scores.shape, dtype=torch.bool)
        known = torch.zeros(mask.shape, dtype=torch.bool)
        for row, text in enumerate(gold):
            n = len(text.known)
            known[row, :n] = torch.tensor(text.known)
            allowed[row] = self._outside(text.open)
            for ent in text.entities:
                allowed[row, ent.start : ent.end] = False
                for i in range(ent.start, ent.end):
                    allowed[row, i, self._tag(ent, i)] = True
        known, allowed = known.to(mask.device), allowed.to(mask.device)
        scores = adjust_logits(scores.float(), gold, [role.label for role in self.roles])
        log_probs = scores[known].log_softmax(dim=-1)
        return tag_loss(log_probs, allowed[known], log_probs.new_ones(len(log_probs)))

    def decode_units(self, probs: Tensor) -> list[tuple[str, str, float]]:
        """Return label, letter and probability of the most probable tag of each piece or word.

        Args:
            probs: Tag probabilities. Shape: ``(units, tags)``.
        """
        best = probs.max(dim=1)
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [(*self.roles[tag], score) for tag, score in pairs]

    def _outside(self, labels: Sequence[str]) -> Tensor:
        """Return which tags agree with ``O``: itself and those of open labels. Shape: ``(tags,)``."""
        return torch.tensor([not role.label or role.label in labels for role in self.roles])

    def _tag(self, ent: Entity, i: int) -> int:
        """Choose the tag of a piece of an entity: the most suitable one that the checkpoint has."""
        known = {role.role: tag for tag, role in enumerate(self.roles) if role.label == ent.label}
        if not known:
            raise ValueError(
                f"Gold labels must be among the checkpoint's ({', '.join(self.types)}), found {ent.label!r}. "
                "Use spacy_xner.EntityModel.v1 with init_from to add labels."
            )
        letters = SUITABLE_LETTERS[i == ent.start, i == ent.end - 1]
        return next((known[letter] for letter in letters if letter in known), min(known.values()))


def group_units(units: Sequence[tuple[str, str, float]]) -> list[Entity]:
    """Group adjacent units with the same label into entities, as transformers does.

    The probability of an entity is the mean over its units.

    Args:
        units: Label, letter and probability of each piece or word of a text.
    """
    entities = join_roles([(Role(label, letter).role, label) for label, letter, _ in units])
    return [ent._replace(score=fmean(unit[2] for unit in units[ent.start : ent.end])) for ent in entities]
