"""Base class of both components: labels, device, training, serialization.

This module must not import torch or transformers. See `factories`.
"""

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Generic

from spacy import util
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Optimizer, set_dropout_rate

from ..errors import NonFiniteError
from .batches import encode_groups, get_weights, prepare_update, run_groups, sum_loss
from .interfaces import (
    Adopted,
    AnyGold,
    AnyModel,
    CorpusSummary,
    Loss,
    Scores,
    Task,
    Teacher,
    TextVectors,
    Weights,
    check_distillable,
)
from .labels import check_addable, check_labels, is_placeholder, log_labels, merge_labels
from .rates import check_frequency
from .runtime import RuntimeSettings, check_runtime
from .saving import read_folder, write_folder
from .setting import restore_settings

Scorer = Callable[..., dict[str, Any]]
# Examples that determine sizes; texts in an error message, and characters of each.
INIT_SAMPLE, MAX_TEXTS, MAX_SHOWN = 10, 3, 40


class Component(TrainablePipe, Generic[AnyGold]):  # type: ignore[misc]
    """A component around a thinc model that holds a torch network. See `make_xner` for the settings."""

    def __init__(
        self,
        vocab: Vocab,
        model: AnyModel,
        name: str,
        *,
        runtime: RuntimeSettings,
        verify: bool,
        scorer: Scorer | None,
    ) -> None:
        self.vocab = vocab
        self.model = model
        self.task: Task[Any, AnyGold] = model.attrs["task"]
        self.name = name
        # For errors: the number of updates, and how some texts of the last one begin.
        self._n_updates, self._last_texts = 0, [""]
        self.cfg: dict[str, Any] = {"labels": []}
        self.configured: dict[str, Any] = {}
        self.scorer = scorer
        self.teacher: Teacher[AnyGold] | None = None
        self.verify = verify
        self._runtime = runtime
        self.configure()

    @property
    def weights(self) -> Weights:
        """The part of the model that holds the torch network."""
        return get_weights(self.model)

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels, in the model's order. Loads an adopted checkpoint on first use."""
        if not self.cfg["labels"] and isinstance(self.task, Adopted):
            self.cfg["labels"] = list(self.task.labels(self.model))
        return tuple(self.cfg["labels"])

    @property
    def hide_labels(self) -> bool:
        """Whether `Language.pipe_labels` omits the labels, as for an adopted checkpoint not yet loaded."""
        return isinstance(self.task, Adopted) and not self.weights.is_initialized

    @property
    def label_data(self) -> list[str]:
        """Labels in the form that ``spacy init labels`` writes."""
        return list(self.labels)

    @property
    def device(self) -> str:
        """The requested device. After a change, the model moves there on its next use."""
        return self._runtime["device"]

    @device.setter
    def device(self, device: str) -> None:
        self.configure(device=device)

    def configure(self, **changes: Any) -> None:
        """Change device, precision, max_batch_pieces or backend, without changing the pipeline's config.

        Raises:
            ValueError: If a value is unknown, or two values are incompatible.
        """
        runtime: RuntimeSettings = {**self._runtime, **changes}  # type: ignore[typeddict-item]
        check_runtime(runtime)
        self.weights.configure(**runtime)
        self._runtime = runtime

    def add_label(self, label: str) -> int:
        """Add a label before initialization; returns 1, or 0 if the component already has it."""
        if label in self.labels:
            return 0
        check_addable(label, is_initialized=self.weights.is_initialized)
        self.cfg["labels"].append(label)
        self._add_strings()
        return 1

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Sequence[str] | None = None,
        init_from: str | None = None,
        teacher: Any = None,
    ) -> None:
        """Load the encoder and create a head for the labels.

        Args:
            get_examples: Returns the training examples.
            nlp: The pipeline.
            labels: Labels, as in `label_data`; None for those of `init_from` and the examples.
            init_from: Trained model for a warm start: a pipeline (folder or installed package) with a
                component of the same factory, or for entities also a token-classification checkpoint.
            teacher: A `spacy_xner.Teacher.v1` or `spacy_xner.TextTeacher.v1`. It is not saved.

        Raises:
            OSError: If `init_from` does not exist.
            ValueError: If there are too few labels, the examples have nothing to learn or invalid annotation,
                or training cannot start from `init_from`.
        """
        validate_get_examples(get_examples, f"{type(self).__name__}.initialize")
        check_frequency(nlp)
        if teacher is not None:
            check_distillable(self.task, self.name)
        old = () if init_from is None else self.task.resume_from(self.model, init_from, self.name)
        corpus = self._read_corpus(get_examples(), labels=labels, nlp=nlp)
        if labels is None:
            labels = merge_labels(old, self.labels, corpus.labels)
        check_labels(labels, self.min_labels, self.name)
        # A teacher may also teach unlabelled texts.
        if teacher is None and not is_placeholder(get_examples()):
            corpus.check(self.name)
        self.cfg["labels"] = list(labels)
        self._add_strings()
        self.model.initialize(X=[eg.x for eg in islice(get_examples(), INIT_SAMPLE)], Y=self.labels)
        if init_from is not None:
            log_labels(init_from, old, self.labels)
        self.teacher = teacher
        if teacher is not None:
            teacher.initialize(
                get_examples, nlp, labels=self.labels, device=self.device, read_gold=self._gold
            )

    @abstractmethod
    def _read_corpus(
        self, examples: Iterable[Example], *, labels: Sequence[str] | None, nlp: Language | None
    ) -> CorpusSummary:
        """Read the labels of all examples; raises a ValueError if their annotation cannot be learned."""

    @property
    def min_labels(self) -> int:
        """Smallest number of labels that the component can be trained on."""
        return 1

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Predict docs in batches; only those that fail go to an error handler, not their whole batch."""
        for docs in util.minibatch(stream, size=batch_size):  # type: ignore[no-untyped-call]
            try:
                self.set_annotations(docs, self.predict(docs))
            except Exception:
                if self.get_error_handler() is util.raise_error:
                    raise
                docs = [doc for doc in map(self, docs) if doc is not None]
            yield from docs

    def text_vectors(self, docs: Iterable[Doc]) -> TextVectors:
        """Compute the mean of the encoder's token vectors for each doc. See `encode_groups`."""
        return encode_groups(self.model, list(docs))

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Update the model from a batch of examples.

        Args:
            examples: Annotated docs. Missing annotation does not contribute to the loss.
            drop: Dropout of the token vectors, from 0 to 1; the encoder's config sets the dropout inside it.
            sgd: The optimizer, or None (False from `spacy train`) to accumulate gradients only.
            losses: Losses by component name, to add this one to: the mean over annotated tokens or texts.

        Raises:
            ValueError: If `drop` is out of range.
            NonFiniteError: If the loss or a gradient is NaN or infinite; the weights stay as they are.
        """
        losses, examples = {} if losses is None else losses, list(examples)
        losses.setdefault(self.name, 0.0)
        validate_examples(examples, f"{type(self).__name__}.update")
        if not 0.0 <= drop <= 1.0:
            raise ValueError(f"drop must be from 0 to 1, found {drop}. Change it.")
        set_dropout_rate(self.model, drop)
        batch, groups, counts = prepare_update(
            self.model, self.teacher, examples, self._gold, self._count_annotated
        )
        self._n_updates += 1
        self._last_texts = [doc.text[:MAX_SHOWN] for doc in batch.docs[:MAX_TEXTS]]
        losses[self.name] += self._check_loss(run_groups(self.model, batch, groups, counts))
        if sgd:
            self.finish_update(sgd)
        return losses

    def finish_update(self, sgd: Optimizer) -> None:
        """Update the weights from the accumulated gradients; raises NonFiniteError if any is not finite."""
        try:
            self.model.finish_update(sgd)
        except NonFiniteError as err:
            self.weights.discard_gradients()
            raise self._explain(str(err)) from err

    def _check_loss(self, loss: float) -> float:
        """Return the loss of a batch; if it is not finite, its gradients must not be used."""
        if not math.isfinite(loss):
            self.weights.discard_gradients()
            raise self._explain(f"a loss of {loss}")
        return loss

    def _explain(self, reason: str) -> NonFiniteError:
        """Make the error that stops training at the last update."""
        texts = ", ".join(map(repr, self._last_texts))
        return NonFiniteError(
            f"Losses and gradients must be finite in training, found {reason} at update {self._n_updates} of "
            f"{self.name!r}, with texts that begin with {texts}. Lower the learning rate, or correct these "
            "texts. The weights are still those before this update."
        )

    def get_loss(self, examples: Iterable[Example], scores: Scores) -> tuple[float, Loss]:
        """Compute the mean gold loss of examples scored together, as a number and as input of backprop."""
        gold = self._gold(examples)
        loss = self.task.loss(self.model, scores, gold) / max(self._count_annotated(gold), 1)
        return loss.item(), loss

    def sum_loss(self, examples: Iterable[Example]) -> tuple[float, int]:
        """Sum the gold loss of predicted docs, without dropout; also count what `update` divides it by."""
        gold = self._gold(examples := list(examples))
        count = self._count_annotated(gold)
        return (sum_loss(self.model, [eg.predicted for eg in examples], gold) if count else 0.0), count

    @abstractmethod
    def _gold(self, examples: Iterable[Example]) -> list[AnyGold]:
        """Read the gold annotation of examples, aligned to the tokens of their predicted docs."""

    @abstractmethod
    def _count_annotated(self, gold: Sequence[AnyGold]) -> int:
        """Count the annotated tokens or texts, over which the gold loss is summed."""

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write a folder: labels as JSON, the model as JSON and safetensors."""
        write_folder(self, path, exclude)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "Component[AnyGold]":
        """Load a folder written by `to_disk`; needs no other files. See `saving.read_folder` for errors."""
        read_folder(self, path, set(exclude))
        return self._finish_loading()

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "Component[AnyGold]":
        """Load what `to_bytes` returned."""
        super().from_bytes(bytes_data, exclude=exclude)
        return self._finish_loading()

    def _finish_loading(self) -> "Component[AnyGold]":
        restore_settings(self)
        self._add_strings()
        return self

    def _add_strings(self) -> None:
        """Add the labels to the vocabulary, where spaCy looks names up by their hashes."""
        for label in self.cfg["labels"]:
            self.vocab.strings.add(label)
