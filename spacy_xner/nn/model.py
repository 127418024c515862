"""Encoder, neck and head as one torch graph."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from .encoder.encoder import Encoder
from .encoder.pieces import Pieces
from .heads.base import AnyHead
from .runtime.device import send


class EntityModule(nn.Module):
    """From pieces, or from token vectors that another layer made, to a head's scores.

    Args:
        encoder: Makes token vectors; None if they come from outside.
        neck: Changes token vectors, ``(vectors, mask) -> vectors``, or None.
        head: Scores them.
    """

    def __init__(self, encoder: Encoder | None, neck: nn.Module | None, head: AnyHead) -> None:
        super().__init__()
        self.encoder = encoder
        self.neck = neck
        self.head: AnyHead = head
        self.dropout = nn.Dropout(0.0)

    def train(self, mode: bool = True) -> "EntityModule":  # noqa: FBT001, FBT002 - torch's signature
        """Set the module up for training or prediction, all at once; nothing to do if it is."""
        return self if self.training == mode else super().train(mode)

    @property
    def device(self) -> torch.device:
        """The device of the head, which is that of everything else."""
        return next(self.head.parameters()).device

    @property
    def width(self) -> int:
        """Width of the encoder's token vectors."""
        assert self.encoder is not None  # only asked where there is one
        return self.encoder.width

    def encode(self, texts: Sequence[Pieces], max_batch_pieces: int) -> tuple[Tensor, Tensor]:
        """Compute token vectors of texts with our own encoder.

        Returns:
            Token vectors ``(batch, tokens, width)`` and their mask ``(batch, tokens)``; with the pooling
            ``cls``, one vector for each text, as if it were of one token.
        """
        assert self.encoder is not None  # the thinc model calls this only where there is one
        vectors = self.encoder(texts, max_batch_pieces)
        counts = [1 if self.encoder.pooling == "cls" else len(text.counts) for text in texts]
        return vectors, self._mask(counts)

    def pad(self, vectors: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Pad token vectors from outside. Shapes as `encode` returns them."""
        return pad_sequence(list(vectors), batch_first=True), self._mask([len(rows) for rows in vectors])

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Score token vectors with neck and head."""
        vectors = self.dropout(vectors)
        if self.neck is not None:
            vectors = self.neck(vectors, mask)
        scores: Tensor = self.head(vectors)
        return scores

    def _mask(self, lengths: Sequence[int]) -> Tensor:
        sizes = send(lengths, self.device)
        return torch.arange(max(lengths), device=self.device) < sizes[:, None]
