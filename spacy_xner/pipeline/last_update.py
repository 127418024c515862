"""Where training fails: the last update of a component.

This module must not import torch or transformers. See `factories`.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from spacy.tokens import Doc

from ..errors import NonFiniteError

# Texts in an error message, and characters of each.
MAX_TEXTS, MAX_SHOWN = 3, 40


class LastUpdate(NamedTuple):
    """The last update of a component.

    Attributes:
        number: Number of the update since the component was created or loaded, from 1.
        component: Name of the component.
        texts: Beginnings of its first texts.
    """

    number: int = 0
    component: str = ""
    texts: tuple[str, ...] = ()

    def next(self, component: str, docs: Sequence[Doc]) -> "LastUpdate":
        """Return the update after this one."""
        return LastUpdate(self.number + 1, component, tuple(doc.text[:MAX_SHOWN] for doc in docs[:MAX_TEXTS]))

    def check_loss(self, loss: float) -> None:
        """Check the loss of the update.

        Raises:
            NonFiniteError: If it is NaN or infinite.
        """
        if not math.isfinite(loss):
            raise self.explain(f"a loss of {loss}")

    def explain(self, reason: str) -> NonFiniteError:
        """Make the error that stops training at this update."""
        texts = ", ".join(map(repr, self.texts))
        return NonFiniteError(
            f"Losses and gradients must be finite in training, found {reason} at update {self.number} of "
            f"{self.component!r}, with texts that begin with {texts}. Lower the learning rate, or correct "
            "these texts. The weights are still those before this update."
        )
