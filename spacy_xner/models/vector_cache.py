"""A bounded cache of token vectors, for components that share an encoder."""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from spacy.tokens import Doc
from torch import Tensor

# Capacity in tokens, about 200 MB at width 768; the oldest docs are evicted first.
MAX_TOKENS = 1 << 16


class VectorCache:
    """Token vectors of recently predicted docs; an entry lives no longer than its doc."""

    def __init__(self) -> None:
        self._rows: WeakKeyDictionary[Doc, Tensor] = WeakKeyDictionary()

    def __reduce__(self) -> tuple[type["VectorCache"], tuple[()]]:
        """Copy and pickle as an empty cache."""
        return VectorCache, ()

    def put(self, docs: Sequence[Doc], vectors: Tensor) -> None:
        """Add the vectors of docs.

        Args:
            docs: The docs.
            vectors: Shape: ``(batch, tokens, width)``.
        """
        for doc, rows in zip(docs, vectors, strict=True):
            # A copy, because a view would keep the whole batch in memory.
            self._rows[doc] = rows[: len(doc)].detach().clone()
        n_tokens = sum(len(rows) for rows in self._rows.values())
        for doc in list(self._rows) if n_tokens > MAX_TOKENS else []:
            n_tokens -= len(self._rows.pop(doc))
            if n_tokens <= MAX_TOKENS:
                break

    def get(self, doc: Doc) -> Tensor | None:
        """Return the vectors of a doc, ``(tokens, width)``, or None if they are not cached."""
        rows = self._rows.get(doc)
        return rows if rows is not None and len(rows) == len(doc) else None

    def clear(self) -> None:
        """Remove all entries, after a change of the weights."""
        self._rows.clear()
