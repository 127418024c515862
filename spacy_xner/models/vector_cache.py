"""A bounded cache of token vectors, for components that share an encoder."""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from spacy.tokens import Doc
from torch import Tensor

# Capacity in tokens, about 200 MB at width 768.
MAX_TOKENS = 1 << 16


class VectorCache:
    """Token vectors of recently predicted docs; an entry lives no longer than its doc.

    Docs are in two halves: when the newer one is full, it takes the place of the older one. Threads need no
    lock, since nothing iterates over the entries. If two of them meet, some docs are encoded again.
    """

    def __init__(self) -> None:
        self._new: WeakKeyDictionary[Doc, Tensor] = WeakKeyDictionary()
        self._old: WeakKeyDictionary[Doc, Tensor] = WeakKeyDictionary()
        # Tokens that were added to the newer half.
        self._n_tokens = 0

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
            if self._n_tokens + len(doc) > MAX_TOKENS // 2:
                self._old, self._new, self._n_tokens = self._new, WeakKeyDictionary(), 0
            # A copy, because a view would keep the whole batch in memory.
            self._new[doc] = rows[: len(doc)].detach().clone()
            self._n_tokens += len(doc)

    def get(self, doc: Doc) -> Tensor | None:
        """Return the vectors of a doc, ``(tokens, width)``, or None if they are not cached."""
        rows = self._new.get(doc, self._old.get(doc))
        return rows if rows is not None and len(rows) == len(doc) else None

    def clear(self) -> None:
        """Remove all entries, after a change of the weights."""
        self.__init__()  # type: ignore[misc]
