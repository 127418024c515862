"""The encoder of another component of the pipeline, which a text runs through once for both."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from spacy.language import Language
from spacy.tokens import Doc
from torch import Tensor

from .shim import EntityShim
from .vector_cache import VectorStore


def find_source(shim: EntityShim) -> EntityShim:
    """Find the part of the component whose encoder is shared, which then keeps vectors for others.

    Raises:
        ValueError: If there is no such component, or none of ours that has an encoder with token vectors; or
            if the borrower was taken into another pipeline.
    """
    assert shim.shared is not None  # only asked where there is one
    name, nlp = shim.shared.component, shim.pipeline
    if nlp is not None and shim.is_initialized and not any(shim is own for own in _shims(nlp)):
        raise ValueError(
            f"A component that shares the encoder of {name!r} must stay in its pipeline, found it taken into "
            "another. Train it there, or give it an encoder of its own."
        )
    pipe = nlp.get_pipe(name) if nlp is not None and name in nlp.component_names else None
    shims = getattr(getattr(pipe, "model", None), "shims", ())
    source = shims[0] if shims and isinstance(shims[0], EntityShim) else None
    if source is None or not source.has_token_vectors:
        raise ValueError(
            "A shared encoder must be that of a component of ours, with vectors of tokens, found none in "
            f"{name!r}. Name another in spacy_xner.SharedEncoder.v1."
        )
    if source.store is None:
        source.store = VectorStore()
    return source


def _shims(nlp: Language) -> Iterator[Any]:
    for _, pipe in nlp.components:
        yield from getattr(getattr(pipe, "model", None), "shims", ())


def borrow(shim: EntityShim, docs: Sequence[Doc], *, is_train: bool) -> tuple[Tensor, Tensor]:
    """Take token vectors from a shared encoder: those that were just computed, or else new ones.

    Args:
        shim: The borrower's.
        docs: At least one of them with a token.
        is_train: Whether the encoder may be trained by what is made of them.

    Returns:
        Token vectors ``(batch, tokens, width)`` and their mask ``(batch, tokens)``.
    """
    source = find_source(shim)
    is_trained = is_train and shim.shared is not None and shim.shared.train
    source.module.train(is_trained)
    with torch.set_grad_enabled(is_trained), source.autocast():
        if is_train or source.store is None:
            vectors, mask = source.encode(docs)
            return vectors.to(shim.module.device), mask.to(shim.module.device)
        rows = [source.store.get(doc) for doc in docs]
        missing = [doc for doc, known in zip(docs, rows, strict=True) if known is None]
        new = iter(source.encode(missing)[0]) if missing else iter(())
        found = [next(new)[: len(doc)] if row is None else row for doc, row in zip(docs, rows, strict=True)]
    return shim.module.pad([row.to(shim.module.device) for row in found])
