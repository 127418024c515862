"""The torch network of encoder, neck, pooling and head, and the clipping of its gradients."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from ..errors import NonFiniteError
from .encoder.encoder import Encoder, send
from .encoder.pieces import Pieces
from .heads.base import AnyHead


class Network(nn.Module):
    """Computes a head's scores from pieces, or from the token vectors of another layer.

    Args:
        encoder: Computes token vectors; None if another layer computes them.
        neck: Transforms token vectors, ``(vectors, mask) -> vectors``, or None.
        pooling: Pools the vectors of a text into one, ``(vectors, mask) -> (batch, width)``; None for a head
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
        """Switch between training and prediction; does nothing if the mode is already set."""
        if self.training != mode:
            for child in self.children():
                child.train(mode)
            # Last: another thread that sees the new mode finds all modules in it.
            self.training = mode
        return self

    @property
    def device(self) -> torch.device:
        """The device of all parameters."""
        return next(self.head.parameters()).device

    def encode(self, texts: Sequence[Pieces], max_batch_pieces: int) -> tuple[Tensor, Tensor]:
        """Compute the vectors of texts with the network's encoder.

        Args:
            texts: The pieces of each text.
            max_batch_pieces: Pieces per batch of the encoder, padding included.

        Returns:
            Vectors and mask. Shapes: ``(batch, tokens, width)`` and ``(batch, tokens)``. With the pooling
            ``cls``, there is one vector per text: ``tokens`` is 1.
        """
        assert self.encoder is not None  # callers check that there is an encoder
        vectors = self.encoder(texts, max_batch_pieces)
        counts = [1] * len(texts) if self.encoder.pooling == "cls" else [len(text.counts) for text in texts]
        return vectors, self._mask(counts)

    def pad(self, vectors: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Pad the token vectors of another layer.

        Args:
            vectors: Vectors of each text, at least one of which has a token; without tokens, the width does
                not matter: spacy-transformers has 0 there. Shape: ``(tokens, width)``.

        Returns:
            Vectors and mask. Shapes: ``(batch, tokens, width)`` and ``(batch, tokens)``.
        """
        width = max(rows.shape[1] for rows in vectors)
        rows = [part if len(part) else part.new_zeros(0, width) for part in vectors]
        return pad_sequence(rows, batch_first=True), self._mask([len(part) for part in vectors])

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Compute the head's scores from token vectors.

        Args:
            vectors: Token vectors. Shape: ``(batch, tokens, width)``.
            mask: True at real tokens. Shape: ``(batch, tokens)``.

        Returns:
            Scores of tokens or texts. Shape: ``(batch, tokens, ...)`` or ``(batch, ...)``.
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


def clip_gradient(parameters: Iterable[nn.Parameter], max_norm: float = 0.0) -> Tensor:
    """Scale the gradients of all parameters so that their total norm is at most `max_norm`.

    Like `torch.nn.utils.clip_grad_norm_`, which does not take row-sparse gradients.

    Args:
        parameters: The parameters. Those without a gradient are ignored.
        max_norm: Greatest norm; 0 to scale nothing.

    Returns:
        The norm before.

    Raises:
        NonFiniteError: If the norm is NaN or infinite. The gradients are cleared.
    """
    trained = [parameter for parameter in parameters if parameter.grad is not None]
    grads = []
    for parameter in trained:
        assert parameter.grad is not None  # chosen above
        if parameter.grad.is_sparse:
            # Sum repeated rows first: the norm is that of the sum.
            parameter.grad = parameter.grad.coalesce()
            grads.append(parameter.grad.values())
        else:
            grads.append(parameter.grad)
    total = nn.utils.get_total_norm(grads, foreach=True)
    if not total.isfinite():
        for parameter in trained:
            parameter.grad = None
        raise NonFiniteError(f"gradients with a norm of {total.item()}")
    if max_norm:
        factor = (max_norm / (total + 1e-6)).clamp(max=1.0)
        for grad in grads:
            grad.mul_(factor)
    return total
