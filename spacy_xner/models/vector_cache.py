"""One component's encoder for another: its token vectors are kept as long as the docs, up to a limit."""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from spacy.tokens import Doc
from torch import Tensor

# Vectors kept at once, the oldest make way: about 200 MB at width 768.
MAX_TOKENS = 1 << 16


class VectorCache:
    """Token vectors of docs that have just been predicted."""

    def __init__(self) -> None:
        self._rows: WeakKeyDictionary[Doc, Tensor] = WeakKeyDictionary()

    def __reduce__(self) -> tuple[type["VectorCache"], tuple[()]]:
        """Be empty in a copy of the pipeline."""
        return VectorCache, ()

    def put(self, docs: Sequence[Doc], vectors: Tensor) -> None:
        """Keep the vectors of some docs.

        Args:
            docs: The docs.
            vectors: Shape: ``(batch, tokens, width)``.
        """
        for doc, rows in zip(docs, vectors, strict=True):
            # A copy, so that no batch is kept for the sake of one doc.
            self._rows[doc] = rows[: len(doc)].detach().clone()
        n_tokens = sum(len(rows) for rows in self._rows.values())
        for doc in list(self._rows) if n_tokens > MAX_TOKENS else []:
            n_tokens -= len(self._rows.pop(doc))
            if n_tokens <= MAX_TOKENS:
                break

    def get(self, doc: Doc) -> Tensor | None:
        """Give a doc's vectors, ``(tokens, width)``; None if there are none. They go when the doc does."""
        rows = self._rows.get(doc)
        return rows if rows is not None and len(rows) == len(doc) else None

    def clear(self) -> None:
        """Forget all, as the weights have changed."""
        self._rows.clear()
