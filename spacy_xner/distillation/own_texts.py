"""A teacher's own texts: as many as are due with each batch, over and over."""

from collections.abc import Sequence
from itertools import cycle

from spacy.tokens import Doc


class OwnTexts:
    """Gives texts without labels, on which only a teacher speaks.

    Args:
        docs: The texts; there may be none.
        share: How many come with each example.
    """

    def __init__(self, docs: Sequence[Doc], share: float) -> None:
        self._docs = cycle(docs)
        self._share = share if docs else 0.0
        self._n_due = 0.0

    def take(self, n_examples: int) -> list[Doc]:
        """Give as many as are due with some examples."""
        self._n_due += n_examples * self._share
        n_texts = int(self._n_due)
        self._n_due -= n_texts
        return [next(self._docs).copy() for _ in range(n_texts)]
