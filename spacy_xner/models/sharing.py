"""The encoder of another component of the pipeline, which computes each text's vectors once for both."""

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
        settings: Which component, and whether its encoder is trained too.
    """

    def __init__(self, settings: SharedEncoder) -> None:
        self.settings = settings
        self.pipeline: Language | None = None

    def join(self, nlp: Language) -> None:
        """Remember the pipeline, and let the other component keep its vectors from the first text on."""
        self.pipeline = nlp
        if self.settings.component in nlp.component_names:
            self.find_owner()

    def find_owner(self) -> ModelShim:
        """Find the model whose encoder is shared, which then keeps vectors for others.

        Raises:
            ValueError: If there is no such component of this package, or its encoder has no token vectors.
        """
        name, nlp = self.settings.component, self.pipeline
        pipe = nlp.get_pipe(name) if nlp is not None and name in nlp.component_names else None
        owner = find_shim(getattr(pipe, "model", None))
        if owner is None or owner.encoder is None or not owner.encoder.has_token_vectors:
            raise ValueError(
                "A shared encoder must belong to a component xner or xcat and compute vectors of tokens, "
                f"found none in {name!r}. Name another in spacy_xner.SharedEncoder.v1."
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
        """Check that the borrower is still in the pipeline.

        Raises:
            ValueError: If it was moved to another.
        """
        pipes = [] if self.pipeline is None else [pipe for _, pipe in self.pipeline.components]
        if all(shim.execution.source is not self for shim in _shims(pipes)):
            raise ValueError(
                f"A component that shares the encoder of {self.settings.component!r} must stay in its "
                "pipeline, found it in another. Train it there, or give it its own encoder."
            )

    def finish_update(self, optimizer: Optimizer) -> None:
        """Update the encoder from the gradients of the borrower's loss, if it is to be trained."""
        if self.settings.train:
            self.find_owner().finish_update(optimizer)

    def encode(self, docs: Sequence[Doc], *, is_train: bool) -> list[Tensor]:
        """Return the token vectors of docs: those that were just computed, or else new ones.

        Args:
            docs: At least one of them with a token.
            is_train: Whether the loss that is computed from them may train the encoder.
        """
        self._check_member()
        owner = self.find_owner().execution
        is_trained = is_train and self.settings.train
        owner.network.train(is_trained)
        with torch.set_grad_enabled(is_trained), owner.autocast():
            if is_train or owner.cache is None:
                return _rows(docs, owner.encode(docs, is_train=True)[0])
            cached = [owner.cache.get(doc) for doc in docs]
            missing = [doc for doc, rows in zip(docs, cached, strict=True) if rows is None]
            new = iter(_rows(missing, owner.encode(missing, is_train=True)[0]) if missing else ())
            return [next(new) if rows is None else rows for rows in cached]


def _rows(docs: Sequence[Doc], vectors: Tensor) -> list[Tensor]:
    """Cut the padding off the vectors of each doc."""
    return [rows[: len(doc)] for doc, rows in zip(docs, vectors, strict=True)]


def _shims(pipes: Iterable[object]) -> Iterator[ModelShim]:
    """Iterate over the models of this package among some components."""
    for pipe in pipes:
        shim = find_shim(getattr(pipe, "model", None))
        if shim is not None:
            yield shim
