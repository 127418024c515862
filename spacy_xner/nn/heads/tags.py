"""The tags of a head as integers: gold entities to tags, and tag paths to entities."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeGuard

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ...schemes import Scheme, TagScheme
from ...types import Entity, EntityList, Gold, SoftTargets
from .base import AnyHead
from .lattice import BoolArray, IntArray, Lattice, TagRuns, best_paths, path_probabilities


class GoldTags(NamedTuple):
    """The tags of a batch, as far as they are annotated.

    Attributes:
        tags: Index of the gold tag, 0 where it is unknown. Shape: ``(batch, tokens)``.
        known: Whether the token was annotated. Shape: ``(batch, tokens)``.
        allowed: Whether a tag agrees with the gold. Where that is unknown, all do; outside all entities,
            ``O`` and the tags of open labels do. Shape: ``(batch, tokens, tags)``.
    """

    tags: Tensor
    known: Tensor
    allowed: Tensor


class TagSet(nn.Module):
    """The tags of some labels, with the legal moves between them as log-space masks.

    All tables are computed once, so that neither training nor prediction handles tags as strings.

    Args:
        labels: Entity types, in the order of their tags.
        scheme: BIO, BIOES or BIOS.
    """

    start: Tensor
    moves: Tensor
    end: Tensor

    def __init__(self, labels: Sequence[str], scheme: Scheme) -> None:
        super().__init__()
        self.labels = tuple(labels)
        self.scheme: Scheme = scheme
        tag_scheme = TagScheme(scheme)
        self.names = tag_scheme.tag_names(self.labels)
        self.index = {name: i for i, name in enumerate(self.names)}
        # Label of each tag, empty for O.
        self.tag_labels = ("", *(label for label in self.labels for _ in tag_scheme.alphabet))
        # For each label, the tags of first, inside, last and only tokens of its entities.
        self._tags_of = {
            label: [self.index[tag_scheme.join(letter, label)] for letter in tag_scheme.letters[:4]]
            for label in self.labels
        }
        # (labels,) each
        first, inside, last, single = np.array(list(self._tags_of.values()), dtype=np.int64).reshape(-1, 4).T
        self._is_start = self._flags([*first, *single])
        self._is_inner = self._flags([*inside, *last])
        # The tag with which an entity would continue after each tag; -1 after one that marks the last token.
        self._onward: IntArray = np.full(len(self.names), -1, dtype=np.int64)
        onward = np.where(inside == last, inside, -1)
        for tags in (first, inside, last):
            self._onward[tags] = onward
        self._onward[single] = np.where(single == first, onward, -1)
        start, moves, end = tag_scheme.legal_moves(self.labels)
        # Masks follow the module to its device, but are derived from the labels: not saved.
        self.register_buffer("start", _log_mask(start), persistent=False)
        self.register_buffer("moves", _log_mask(moves), persistent=False)
        self.register_buffer("end", _log_mask(end), persistent=False)

    @property
    def start_labels(self) -> tuple[str, ...]:
        """Label of each tag that starts an entity, empty for others: each entity has one of them."""
        pairs = zip(self.tag_labels, self._is_start, strict=True)
        return tuple(label if is_start else "" for label, is_start in pairs)

    def __len__(self) -> int:
        return len(self.names)

    def encode(self, gold: Sequence[Gold], mask: Tensor) -> GoldTags:
        """Convert gold entities to tags.

        Args:
            gold: One entry for each text.
            mask: True at real tokens. Shape: ``(batch, tokens)``.

        Returns:
            Tensors on the device of the mask.

        Raises:
            ValueError: If an entity has a label that this head does not know, or if entities overlap.
        """
        tags = np.zeros(mask.shape, dtype=np.int64)
        known = np.zeros(mask.shape, dtype=bool)
        for row, text in enumerate(gold):
            self._write(text, tags[row])
            known[row, : len(text.known)] = text.known
        made = torch.from_numpy(tags).to(mask.device), torch.from_numpy(known).to(mask.device)
        return GoldTags(*made, self._allowed(gold, *made))

    def _write(self, text: Gold, tags: IntArray) -> None:
        """Write the tags of one text. Shape of ``tags``: ``(tokens,)``."""
        done, n_tokens = 0, len(text.known)
        for start, end, label, _ in text.entities:
            if label not in self._tags_of:
                raise ValueError(
                    f"Gold labels must be among the model's ({', '.join(self.labels)}), found {label!r}. "
                    "Initialize the component again to add labels."
                )
            if not done <= start < end <= n_tokens:
                raise ValueError(
                    f"Gold entities must follow one another within their {n_tokens} tokens to be written as "
                    f"tags, found one from {start} to {end}. Keep the longer one of two that overlap."
                )
            self._write_entity(tags, start, end, label)
            done = end

    def _write_entity(self, tags: IntArray, start: int, end: int, label: str) -> None:
        first, inside, last, single = self._tags_of[label]
        if end - start == 1:
            tags[start] = single
            return
        tags[start:end] = inside
        tags[start], tags[end - 1] = first, last

    def _allowed(self, gold: Sequence[Gold], tags: Tensor, known: Tensor) -> Tensor:
        """Return the tags that agree with the gold. Shape: ``(batch, tokens, tags)``."""
        allowed = one_hot(tags, len(self)).bool() | ~known.unsqueeze(2)
        if any(text.open for text in gold):
            # (batch, tags)
            is_open = torch.tensor([[label in text.open for label in self.tag_labels] for text in gold])
            is_outside = known & (tags == 0)
            allowed |= is_outside.unsqueeze(2) & is_open.to(tags.device).unsqueeze(1)
        return allowed

    def shared(self, other: "TagSet") -> tuple[list[int], list[int]]:
        """List the indices of the tags that both have, here and there; in BIO, E and S are I and B."""
        to_bio = TagScheme(self.scheme).to_bio
        sources = {name: name if name in other.index else to_bio(name) for name in self.names}
        pairs = [(self.index[a], other.index[b]) for a, b in sources.items() if b in other.index]
        return [here for here, _ in pairs], [there for _, there in pairs]

    def decode(self, emissions: Tensor, mask: Tensor, transitions: Sequence[Tensor] = ()) -> list[EntityList]:
        """Find the best legal path of each text, and its entities with their probabilities.

        Args:
            emissions: Log-space score of each tag at each token. Shape: ``(batch, tokens, tags)``.
            mask: True at real tokens, right-padded; no row is empty. Shape: ``(batch, tokens)``.
            transitions: Log-space scores of starts, moves and ends, or none. Shapes as those of `Lattice`.

        Returns:
            The entities of each text, in text order. The probability of an entity is that of its tags, in its
            full extent, among all legal sequences; the probability of a text is that of the path.
        """
        lattice = self._lattice(emissions, mask, transitions)
        paths = best_paths(lattice)
        row, start = np.nonzero(self._is_start[paths])
        is_end = paths != 0
        # Paths are legal: an entity continues wherever an inner tag follows.
        is_end[:, :-1] &= ~self._is_inner[paths[:, 1:]]
        end = np.nonzero(is_end)[1] + 1
        tags = paths[row, start]
        scores = path_probabilities(lattice, paths, TagRuns(row, start, end, self._onward[tags]))
        entities = [EntityList() for _ in paths]
        for text, score in zip(entities, scores.paths, strict=True):
            text.score = score
        parts = (x.tolist() for x in (row, start, end, tags))
        for i, first, stop, tag, score in zip(*parts, scores.runs, strict=True):
            entities[i].append(Entity(first, stop, self.tag_labels[tag], score))
        return entities

    def entity_probabilities(
        self,
        emissions: Tensor,
        mask: Tensor,
        entities: Sequence[Sequence[Entity]],
        transitions: Sequence[Tensor] = (),
    ) -> list[list[float]]:
        """Compute the probability of any entities, as `decode` does of those on the best path.

        Args:
            emissions: As for `decode`.
            mask: As for `decode`.
            entities: Entities of each text, which may overlap.
            transitions: As for `decode`.

        Returns:
            Probabilities of each text's entities; 0 for unknown labels.
        """
        known = [
            (row, ent) for row, text in enumerate(entities) for ent in text if ent.label in self._tags_of
        ]
        # One path for each entity, since they may overlap.
        row, start, end = np.array([(row, *ent[:2]) for row, ent in known], dtype=np.int64).reshape(-1, 3).T
        lattice = self._lattice(emissions[row], mask[row], transitions)
        paths = np.zeros((len(known), mask.shape[1]), dtype=np.int64)
        for path, (_, ent) in zip(paths, known, strict=True):
            self._write_entity(path, *ent[:3])
        place = np.arange(len(known))
        runs = TagRuns(place, start, end, self._onward[paths[place, start]])
        scores = iter(path_probabilities(lattice, paths, runs).runs if known else ())
        return [[next(scores) if ent.label in self._tags_of else 0.0 for ent in text] for text in entities]

    def _lattice(self, emissions: Tensor, mask: Tensor, transitions: Sequence[Tensor]) -> Lattice:
        """Make a lattice without illegal moves, on the CPU.

        An accelerator would have to be waited for at each of a thousand small steps.
        """
        legal = (self.start, self.moves, self.end)
        moves = tuple(a + b for a, b in zip(transitions, legal, strict=True)) if transitions else legal
        return Lattice._make([*(part.cpu() for part in (emissions, mask, *moves)), None])

    def _flags(self, tags: Sequence[int]) -> BoolArray:
        flags = np.zeros(len(self.names), dtype=bool)
        flags[tags] = True
        return flags


class TagHead(Protocol):
    """A head with one linear layer from token vectors to tag scores."""

    tags: TagSet
    output: nn.Linear


def is_tag_head(head: AnyHead) -> TypeGuard[TagHead]:
    """Return whether a head has one linear layer to tag scores.

    From Python 3.12 on, ``isinstance`` does not see the submodules of a torch module in a protocol.
    """
    has_tags = isinstance(getattr(head, "tags", None), TagSet)
    return has_tags and isinstance(getattr(head, "output", None), nn.Linear)


def inherit_output(head: TagHead, origin: AnyHead) -> tuple[list[int], list[int]]:
    """Copy the output rows of all tags that another head has too.

    Returns:
        Indices of these tags, in the head and in its origin.

    Raises:
        ValueError: If the other head has no rows for tags, or rows of another width.
    """
    if not is_tag_head(origin):
        raise ValueError(
            "init_from must have a softmax or CRF head for this model to start from, found "
            f"{type(origin).__name__}. Use a model with such a head."
        )
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
    names: tuple[str, ...], log_probs: Tensor, mask: Tensor, entities: Sequence[list[Entity]]
) -> list[SoftTargets]:
    """Make the soft targets of each text.

    Args:
        names: The tags.
        log_probs: Log-probability of each tag. Shape: ``(batch, tokens, tags)``.
        mask: True at real tokens. Shape: ``(batch, tokens)``.
        entities: The entities of each text. Students that score spans learn that no others are possible.
    """
    sizes = mask.sum(dim=1).tolist()
    return [
        SoftTargets(names, row[:size], ents, ents)
        for row, size, ents in zip(log_probs.cpu().numpy(), sizes, entities, strict=True)
    ]


def _log_mask(allowed: Sequence[bool] | Sequence[Sequence[bool]]) -> Tensor:
    # From lists, NumPy makes large tables ten times as fast as torch.
    flags = torch.from_numpy(np.array(allowed, dtype=bool))
    return torch.zeros(flags.shape).masked_fill(~flags, float("-inf"))
