"""Use the encoder of another component of the pipeline, so that each text is encoded once for both."""

from collections.abc import Iterable, Iterator, Sequence

import torch
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Optimizer
from torch import Tensor

from .settings import SharedEncoder
from .shim import ModelShim, find_shim
from .vector_cache import VectorCache


class BorrowedEncoder:
    """The encoder of another component.

    Args:
        settings: The component, and whether the borrower's loss trains its encoder.
    """

    def __init__(self, settings: SharedEncoder) -> None:
        self.settings = settings
        self.pipeline: Language | None = None

    def join(self, nlp: Language) -> None:
        """Store the pipeline, and make the other component cache its vectors if it exists already."""
        self.pipeline = nlp
        if self.settings.component in nlp.component_names:
            self.find_owner()

    def find_owner(self) -> ModelShim:
        """Return the model whose encoder is shared, and make it cache its vectors.

        Raises:
            ValueError: If the component is not an xner or xcat, or its encoder computes no token vectors.
        """
        name, nlp = self.settings.component, self.pipeline
        pipe = nlp.get_pipe(name) if nlp is not None and name in nlp.component_names else None
        owner = find_shim(getattr(pipe, "model", None))
        if owner is None or owner.encoder is None or not owner.encoder.has_token_vectors:
            raise ValueError(
                "A shared encoder must belong to an xner or xcat component and compute token vectors, "
                f"found none in {name!r}. Name another component in spacy_xner.SharedEncoder.v1."
            )
        if owner.execution.cache is None:
            owner.execution.cache = VectorCache()
        return owner

    @property
    def width(self) -> int:
        """Width of the token vectors."""
        encoder = self.find_owner().execution.network.encoder
        assert encoder is not None  # checked by find_owner
        return encoder.width

    def _check_member(self) -> None:
        """Check that the borrower is still in its pipeline.

        Raises:
            ValueError: If the borrower was moved to another pipeline.
        """
        pipes = [] if self.pipeline is None else [pipe for _, pipe in self.pipeline.components]
        if all(shim.execution.source is not self for shim in _shims(pipes)):
            raise ValueError(
                f"A component that shares the encoder of {self.settings.component!r} must stay in its "
                "pipeline, found it in another. Use it in its pipeline, or train it with a separate encoder."
            )

    def finish_update(self, optimizer: Optimizer) -> None:
        """Update the encoder from the gradients of the borrower's loss, if that is to train it."""
        if self.settings.train:
            owner = self.find_owner()
            owner.execution.step(optimizer, owner.id, is_borrowed=True)

    def discard_gradients(self) -> None:
        """Clear the gradients of the encoder and its owner, whose own ones cannot be told apart."""
        if self.settings.train:
            self.find_owner().discard_gradients()

    def encode(self, docs: Sequence[Doc], *, is_train: bool) -> list[Tensor]:
        """Return the token vectors of docs: cached ones in prediction if there are any, else new ones.

        Args:
            docs: The docs, at least one of which has a token.
            is_train: Whether gradients are needed.

        Returns:
            The vectors of each doc. Shape: ``(tokens, width)``.
        """
        self._check_member()
        owner = self.find_owner().execution
        is_trained = is_train and self.settings.train
        owner.prepare(owner.network.dropout.p, is_train=is_trained)
        with torch.set_grad_enabled(is_trained), owner.autocast():
            if is_train or owner.cache is None:
                return _rows(docs, owner.encode(docs, is_train=True)[0])
            cached = [owner.cache.get(doc) for doc in docs]
            missing = [doc for doc, rows in zip(docs, cached, strict=True) if rows is None]
            new = iter(_rows(missing, owner.encode(missing, is_train=True)[0]) if missing else ())
            return [next(new) if rows is None else rows for rows in cached]


def _rows(docs: Sequence[Doc], vectors: Tensor) -> list[Tensor]:
    """Remove the padding from the vectors of each doc."""
    return [rows[: len(doc)] for doc, rows in zip(docs, vectors, strict=True)]


def _shims(pipes: Iterable[object]) -> Iterator[ModelShim]:
    """Iterate over the shims of those components that are from this package."""
    for pipe in pipes:
        shim = find_shim(getattr(pipe, "model", None))
        if shim is not None:
            yield shim
