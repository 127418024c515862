"""Encoder, neck, pooling and head as one torch graph."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from .encoder.encoder import Encoder, send
from .encoder.pieces import Pieces
from .heads.base import AnyHead


class Network(nn.Module):
    """Compute a head's scores from pieces, or from token vectors of another layer.

    Args:
        encoder: Computes token vectors; None if another layer does.
        neck: Transforms token vectors, ``(vectors, mask) -> vectors``, or None.
        pooling: Reduces the vectors of a text to one, ``(vectors, mask) -> (batch, width)``; None for a head
            that scores tokens.
        head: Scores the vectors of tokens or texts.
    """

    def __init__(
        self, encoder: Encoder | None, neck: nn.Module | None, pooling: nn.Module | None, head: AnyHead
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.neck = neck
        self.pooling = pooling
        self.head: AnyHead = head
        self.dropout = nn.Dropout(0.0)

    def train(self, mode: bool = True) -> "Network":  # noqa: FBT001, FBT002 - torch's signature
        """Switch between training and prediction; a no-op if the mode is set already."""
        return self if self.training == mode else super().train(mode)

    @property
    def device(self) -> torch.device:
        """The device of all parameters."""
        return next(self.head.parameters()).device

    def encode(self, texts: Sequence[Pieces], max_batch_pieces: int) -> tuple[Tensor, Tensor]:
        """Compute the vectors of texts with the network's own encoder.

        Returns:
            Vectors ``(batch, tokens, width)`` and their mask ``(batch, tokens)``. With the pooling ``cls``
            there is one vector for each text.
        """
        assert self.encoder is not None  # callers check for one
        vectors = self.encoder(texts, max_batch_pieces)
        counts = [1] * len(texts) if self.encoder.pooling == "cls" else [len(text.counts) for text in texts]
        return vectors, self._mask(counts)

    def pad(self, vectors: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Pad token vectors of another layer. Shapes as for `encode`."""
        return pad_sequence(list(vectors), batch_first=True), self._mask([len(rows) for rows in vectors])

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Compute the head's scores from token vectors.

        Args:
            vectors: Shape: ``(batch, tokens, width)``.
            mask: True at real tokens. Shape: ``(batch, tokens)``.
        """
        vectors = self.dropout(vectors)
        if self.neck is not None:
            vectors = self.neck(vectors, mask)
        if self.pooling is not None:
            # (batch, width)
            vectors = self.pooling(vectors, mask)
        scores: Tensor = self.head(vectors)
        return scores

    def _mask(self, lengths: Sequence[int]) -> Tensor:
        sizes = send(lengths, self.device)
        return torch.arange(max(lengths), device=self.device) < sizes[:, None]
