"""What is measured of a training beside its losses: learning rate, norms of gradients, speed."""

from collections.abc import Sequence
from timeit import default_timer as timer
from typing import Any

from spacy.language import Language
from spacy.training import Example
from thinc.api import Optimizer

from ..models.shim import find_shim
from .batcher import parts_of
from .optimizer import AdamW


class Meter:
    """Measures the steps of a training, without the time that it takes to score and save.

    Args:
        nlp: The pipeline.
        optimizer: The optimizer of the training.
    """

    def __init__(self, nlp: Language, optimizer: Optimizer) -> None:
        self._nlp = nlp
        self._optimizer = optimizer
        self._next_rate = self._rate = float(optimizer.learn_rate)
        self._n_texts, self._seconds, self._start = 0, 0.0, timer()

    def restart(self) -> None:
        """Begin to measure: after a step was scored and saved."""
        self._n_texts, self._seconds, self._start = 0, 0.0, timer()

    def pause(self) -> None:
        """Stop the time: before a step is scored."""
        self._seconds = timer() - self._start

    def add(self, batch: Sequence[Example]) -> None:
        """Count a step that was done."""
        self._n_texts += sum(len(parts_of(eg.reference)) for eg in batch)
        # The optimizer already has that of the next one.
        self._rate, self._next_rate = self._next_rate, float(self._optimizer.learn_rate)

    def read(self) -> dict[str, Any]:
        """Return the learning rate and the norms of the last step, and the texts a second since `restart`."""
        return {
            "learn_rate": self._rate,
            "grad_norms": self._read_norms(),
            "texts_per_second": self._n_texts / self._seconds if self._seconds else None,
        }

    def _read_norms(self) -> dict[str, float]:
        """Return the norm of the gradient of each component before clipping, where our optimizer has it."""
        if not isinstance(self._optimizer, AdamW):
            return {}
        norms = {}
        for name, pipe in self._nlp.pipeline:
            shim = find_shim(getattr(pipe, "model", None))
            norm = None if shim is None else self._optimizer.gradient_norm(shim.execution.network)
            if norm is not None:
                norms[name] = norm
        return norms
