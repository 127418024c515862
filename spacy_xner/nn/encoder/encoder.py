"""Computes one vector for each token from piece ids, with any Hugging Face encoder."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from ..runtime.runner import Runner
from .pieces import Pieces
from .windows import Window, plan_windows

Pooling = Literal["first", "last", "mean", "cls"]
# Padding that costs about as much as running another batch, in pieces: little on a CPU, much elsewhere.
CPU_SPLIT_COST, OTHER_SPLIT_COST = 64, 4096
MAX_PADDING = 0.1


class Specials(NamedTuple):
    """The special pieces that an encoder expects around a text.

    Attributes:
        prefix: Ids before the text.
        suffix: Ids after it.
        pad_id: Id at padding.
    """

    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    pad_id: int


class Encoder(nn.Module):
    """Runs texts through a transformer in windows, and pools pieces to tokens.

    Args:
        transformer: A Hugging Face model that returns ``last_hidden_state``.
        specials: Special pieces around each window.
        pooling: Which pieces of a token make its vector. ``cls`` makes one vector for the whole text: that of
            the special piece before it, averaged over the windows.
        capacity: Pieces in a window, without the special ones.
        overlap: Pieces that two windows of a long text share.
    """

    def __init__(
        self, transformer: nn.Module, specials: Specials, *, pooling: Pooling, capacity: int, overlap: int
    ) -> None:
        super().__init__()
        self.transformer = transformer
        self.specials = specials
        self.pooling = pooling
        self.capacity = capacity
        self.overlap = overlap
        # Replaces the layers of the transformer where no gradient is needed; None to use them.
        self.runner: Runner | None = None
        self.width: int = transformer.config.hidden_size  # type: ignore[union-attr, assignment]
        if pooling == "cls" and not specials.prefix:
            raise ValueError(
                "pooling must be first, last or mean for an encoder without a special piece before the text, "
                "found cls. Change it."
            )

    def n_special(self) -> int:
        """Count the special pieces around a window."""
        return len(self.specials.prefix) + len(self.specials.suffix)

    def set_sparse_gradient(self, *, is_sparse: bool) -> None:
        """Make the gradient of the word embeddings row-sparse: only the pieces of a batch have rows in it.

        A dense gradient is as large as the table: 96 million numbers or more, nearly all of them zero.
        """
        self.transformer.get_input_embeddings().sparse = is_sparse  # type: ignore[operator]

    def forward(self, texts: Sequence[Pieces], max_batch_pieces: int) -> Tensor:
        """Compute token vectors.

        Args:
            texts: Pieces of each text.
            max_batch_pieces: Pieces that are run through the transformer at once, padding included.

        Returns:
            Token vectors, zero at padding. Shape: ``(batch, tokens, width)``. With ``cls`` there is one for
            each text.
        """
        windows = [(row, window) for row, text in enumerate(texts) for window in self._plan_windows(text)]
        windows.sort(key=lambda item: item[1].end - item[1].start)
        lengths = [window.end - window.start + self.n_special() for _, window in windows]
        n_tokens = 1 if self.pooling == "cls" else max(len(text.counts) for text in texts)
        pooled = [_PooledPieces(text, self.pooling, row * n_tokens) for row, text in enumerate(texts)]
        vectors, slots = [], []
        split_cost = CPU_SPLIT_COST if self._device().type == "cpu" else OTHER_SPLIT_COST
        for first, last in plan_batches(lengths, max_batch_pieces, split_cost):
            hidden, slot = self._run(windows[first:last], texts, pooled)
            vectors.append(hidden)
            slots.extend(slot)
        means = self._pool(torch.cat(vectors), slots, len(texts) * n_tokens)
        return means.view(len(texts), n_tokens, self.width)

    def _plan_windows(self, text: Pieces) -> list[Window]:
        n_pieces = len(text.ids)
        # Most texts fit one window.
        if n_pieces <= self.capacity:
            return [Window(0, n_pieces, 0, n_pieces)]
        return plan_windows(text.counts, self.capacity, self.overlap)

    def _device(self) -> torch.device:
        return next(self.transformer.parameters()).device

    def _run(
        self,
        windows: Sequence[tuple[int, Window]],
        texts: Sequence[Pieces],
        pooled: Sequence["_PooledPieces"],
    ) -> tuple[Tensor, list[int]]:
        """Run some windows; return the vectors of the pooled pieces, and the token slot of each."""
        prefix, suffix, pad_id = self.specials
        rows = [[*prefix, *texts[row].ids[w.start : w.end], *suffix] for row, w in windows]
        length = max(map(len, rows))
        device = self._device()
        # (windows, pieces)
        piece_ids = send([ids + [pad_id] * (length - len(ids)) for ids in rows], device)
        sizes = send([len(ids) for ids in rows], device)
        mask = (torch.arange(length, device=device) < sizes[:, None]).long()
        # (windows * pieces, width)
        hidden = self._transform(piece_ids, mask).flatten(0, 1)
        positions: list[int] = []
        slots: list[int] = []
        for i, (row, window) in enumerate(windows):
            if self.pooling == "cls":
                positions.append(i * length)
                slots.append(row)
                continue
            offset = i * length + len(prefix) - window.start
            for piece, slot in pooled[row].between(window.keep_start, window.keep_end):
                positions.append(offset + piece)
                slots.append(slot)
        return hidden[send(positions, device)], slots

    def _transform(self, piece_ids: Tensor, mask: Tensor) -> Tensor:
        """Compute vectors of pieces. Shape: ``(batch, pieces, width)``."""
        if self.runner is not None and not torch.is_grad_enabled():
            rows: Tensor = self.transformer.get_input_embeddings()(piece_ids)  # type: ignore[operator]
            return self.runner(rows, mask)
        hidden: Tensor = self.transformer(input_ids=piece_ids, attention_mask=mask).last_hidden_state
        return hidden

    def _pool(self, vectors: Tensor, slots: Sequence[int], n_slots: int) -> Tensor:
        """Average the vectors of each slot. Shape: ``(slots, width)``."""
        index = send(slots, vectors.device)
        sums = vectors.new_zeros(n_slots, vectors.shape[1]).index_add(0, index, vectors)
        if self.pooling not in ("mean", "cls"):
            return sums
        return sums / torch.bincount(index, minlength=n_slots).clamp(min=1)[:, None]


class NoPooler(nn.Module):
    """Takes the place of an encoder's pooler, and has no weights."""

    def forward(self, vectors: Tensor, *args: object, **kwargs: object) -> Tensor:
        """Return the vectors as they are: some encoders, such as ALBERT, use the result."""
        return vectors


class _PooledPieces:
    """The pieces of a text that make token vectors, each with the slot of its token.

    Args:
        text: The pieces of the text.
        pooling: Which pieces of a token are used.
        first_slot: Slot of the first token.
    """

    def __init__(self, text: Pieces, pooling: Pooling, first_slot: int) -> None:
        self.pairs: list[tuple[int, int]] = []
        start = 0
        # For each piece, the index in `pairs` of the first entry at or after it.
        self.index = [0]
        for slot, count in enumerate(text.counts, start=first_slot):
            picked = {"first": (0,), "last": (count - 1,)}.get(pooling, range(count))
            for piece in range(count):
                if piece in picked:
                    self.pairs.append((start + piece, slot))
                self.index.append(len(self.pairs))
            start += count

    def between(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the pooled pieces from ``start`` to ``end``, each with its slot."""
        return self.pairs[self.index[start] : self.index[end]]


def send(values: Sequence[int] | Sequence[Sequence[int]], device: torch.device) -> Tensor:
    """Copy numbers to a device, without waiting for pending work of a GPU."""
    copied = torch.tensor(values)
    if device.type != "cuda":
        return copied.to(device)
    return copied.pin_memory().to(device, non_blocking=True)


def plan_batches(
    lengths: Sequence[int], max_batch_pieces: int, split_cost: int | None = None
) -> list[tuple[int, int]]:
    """Group sorted lengths so that each group, padded to its longest, stays within a budget.

    Args:
        lengths: Pieces of each item, ascending.
        max_batch_pieces: Pieces in a group, padding included. A longer item is a group by itself.
        split_cost: A group also ends where the next item would add more pieces of padding than this, and
            more than a tenth of the group; None for no such limit.

    Returns:
        Index ranges, ends exclusive.
    """
    groups = []
    first = filled = 0
    for i, length in enumerate(lengths):
        padded = length * (i - first + 1)
        padding = padded - filled - length
        is_wasteful = split_cost is not None and padding > max(split_cost, MAX_PADDING * filled)
        if i > first and (padded > max_batch_pieces or is_wasteful):
            groups.append((first, i))
            first, filled = i, 0
        filled += length
    if lengths:
        groups.append((first, len(lengths)))
    return groups
