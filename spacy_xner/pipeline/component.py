"""Base class of both components: labels, device, training, serialization.

This module must not import torch or transformers. See `factories`.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any, Generic, TypeVar

from spacy import util
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Optimizer, set_dropout_rate

from ..bounds import check_range
from ..errors import NonFiniteError
from .interfaces import (
    Adopted,
    AnyGold,
    AnyModel,
    Batch,
    Distillable,
    Loss,
    Scores,
    Task,
    Teacher,
    Weights,
    check_distillable,
    check_listener,
)
from .labels import check_addable, check_labels, check_saved_labels, log_labels, merge_labels
from .last_update import LastUpdate
from .runtime import RuntimeSettings, check_runtime
from .sealing import read_cfg, seal

Annotation = TypeVar("Annotation")
Scorer = Callable[..., dict[str, Any]]
INIT_SAMPLE = 10


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
        self._last_update = LastUpdate()
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
        weights: Weights = self.model.shims[0]  # type: ignore[assignment]
        return weights

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
            ValueError: If there are too few labels, or training cannot start from `init_from`.
        """
        validate_get_examples(get_examples, f"{type(self).__name__}.initialize")
        if teacher is not None:
            check_distillable(self.task, self.name)
        old = () if init_from is None else self.task.resume_from(self.model, init_from, self.name)
        if labels is None:
            annotated = self._collect_labels(eg.reference for eg in get_examples())
            labels = merge_labels(old, self.labels, annotated)
        check_labels(labels, self.min_labels, self.name)
        self.cfg["labels"] = list(labels)
        sample = [eg.x for eg in islice(get_examples(), INIT_SAMPLE)]
        self.model.initialize(X=sample, Y=self.labels)
        if init_from is not None:
            log_labels(init_from, old, self.labels)
        self.teacher = teacher
        if teacher is not None:
            teacher.initialize(
                get_examples, nlp, labels=self.labels, device=self.device, read_gold=self._gold
            )

    @abstractmethod
    def _collect_labels(self, docs: Iterable[Doc]) -> set[str]:
        """Collect the labels of annotated docs."""

    @property
    def min_labels(self) -> int:
        """Smallest number of labels that the component can be trained on."""
        return 1

    def predict_groups(
        self,
        docs: Sequence[Doc],
        reader: Callable[[AnyModel, Scores], Sequence[Annotation]],
        empty: Annotation,
    ) -> list[Annotation]:
        """Run the model over docs in groups of similar length, and return one result per doc.

        Args:
            docs: The docs.
            reader: Converts the scores of a group to one result per doc, such as the task's ``decode``.
            empty: The result for a doc without tokens.
        """
        results = [empty] * len(docs)
        groups = self._plan(docs, is_train=False)
        scored = ((group, self.model.predict([docs[i] for i in group])) for group in groups)
        # Look one group ahead, so that a GPU computes its scores while those of this group are decoded.
        for (group, scores), _ in pairwise(chain(scored, [([], None)])):
            for i, result in zip(group, reader(self.model, scores), strict=True):
                results[i] = result
        return results

    def _plan(self, docs: Sequence[Doc], *, is_train: bool) -> list[list[int]]:
        """Group docs to run through the model together, as lists of indices."""
        lengths = [len(doc) for doc in docs]
        # A listener layer needs all docs at once, in the batch that the upstream component processed.
        if self.model.layers or len(docs) == 1:
            return [list(range(len(docs)))] if any(lengths) else []
        return self.weights.plan(lengths, is_train=is_train)

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

        Returns:
            The losses.

        Raises:
            ValueError: If `drop` is out of range.
            NonFiniteError: If the loss or a gradient is NaN or infinite; the weights stay as they are.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, f"{type(self).__name__}.update")
        check_range("drop", drop, 0.0, 1.0)
        set_dropout_rate(self.model, drop)
        batch = self._make_batch(examples)
        self._last_update = self._last_update.next(self.name, batch.docs)
        counts = self._count(batch)
        for group in self._plan(batch.docs, is_train=True):
            scores, backprop = self.model.begin_update([batch.docs[i] for i in group])
            loss = self._compute_loss(batch, group, scores, counts)
            backprop(loss)
            losses[self.name] += self._check_loss(loss.item())
        if sgd:
            self.finish_update(sgd)
        return losses

    def finish_update(self, sgd: Optimizer) -> None:
        """Update the weights from the accumulated gradients; raises NonFiniteError if any is not finite."""
        try:
            self.model.finish_update(sgd)
        except NonFiniteError as err:
            raise self._last_update.explain(str(err)) from err

    def _check_loss(self, loss: float) -> float:
        """Return the loss of a part of a batch; if it is not finite, its gradients must not be used."""
        try:
            self._last_update.check_loss(loss)
        except NonFiniteError:
            self.weights.discard_gradients()
            raise
        return loss

    def get_loss(self, examples: Iterable[Example], scores: Scores) -> tuple[float, Loss]:
        """Compute the mean gold loss of examples scored together, as a number and as input of backprop."""
        gold = self._gold(examples)
        batch = Batch([], gold, [None] * len(gold))
        loss = self._compute_loss(batch, range(len(gold)), scores, self._count(batch))
        return loss.item(), loss

    @abstractmethod
    def _gold(self, examples: Iterable[Example]) -> list[AnyGold]:
        """Read the gold annotation of examples, aligned to the tokens of their predicted docs."""

    @abstractmethod
    def _count_annotated(self, gold: Sequence[AnyGold]) -> int:
        """Count the annotated tokens or texts, over which the gold loss is summed."""

    def _make_batch(self, examples: Sequence[Example]) -> Batch[AnyGold]:
        """Combine the gold annotation of examples with a teacher's output, if there is a teacher."""
        docs, gold = [eg.predicted for eg in examples], self._gold(examples)
        if self.teacher is None:
            return Batch(docs, gold, [None] * len(docs))
        batch = self.teacher.augment_batch(docs, gold)
        check_listener(self.model, batch, len(docs))
        return batch

    def _count(self, batch: Batch[AnyGold]) -> tuple[int, int]:
        """Count the tokens or texts with gold annotation and those with a teacher; at least 1 each."""
        n_annotated = self._count_annotated(batch.gold[: len(batch.gold) - batch.n_unlabelled])
        n_taught = sum(target.n_taught for target in batch.targets if target is not None)
        return max(n_annotated, 1), max(n_taught, 1)

    def _compute_loss(
        self, batch: Batch[AnyGold], group: Sequence[int], scores: Scores, counts: tuple[int, int]
    ) -> Loss:
        """Compute the weighted sum of gold and teacher loss of a group, each divided by the batch's count."""
        n_annotated, n_taught = counts
        loss = self.task.loss(self.model, scores, [batch.gold[i] for i in group]) / n_annotated
        targets = [batch.targets[i] for i in group]
        if batch.alpha == 1.0 or all(target is None for target in targets):
            return batch.alpha * loss
        assert isinstance(self.task, Distillable)  # checked at initialization
        distill_loss = self.task.distill_loss(self.model, scores, targets, batch.temperature) / n_taught
        return batch.alpha * loss + (1.0 - batch.alpha) * distill_loss

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write a folder: labels as JSON, the model as JSON and safetensors."""
        write: dict[str, Callable[[Path], Any]] = {
            "cfg": lambda p: p.write_text(seal({**self.cfg, "labels": self.label_data}), encoding="utf-8"),
            "model": self.weights.save,
        }
        write |= {f"layer{i}": layer.to_disk for i, layer in enumerate(self.model.layers)}
        util.to_disk(path, write, exclude)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "Component[AnyGold]":
        """Load a folder written by `to_disk`; needs no other files.

        Raises:
            OSError: If a file is missing.
            ValueError: If a file is damaged, or the files are not those of one component.
        """
        read: dict[str, Callable[[Path], Any]] = {
            "cfg": lambda p: self.cfg.update(read_cfg(p, verify=self.verify)),
            "model": lambda p: self.weights.load(p, verify=self.verify),
        }
        read |= {f"layer{i}": layer.from_disk for i, layer in enumerate(self.model.layers)}
        exclude = set(exclude)
        util.from_disk(path, read, exclude)
        if not exclude & {"cfg", "model"}:
            own = self.task.labels(self.model) if isinstance(self.task, Adopted) else self.weights.labels
            check_saved_labels(self.cfg["labels"], own, Path(path))
        return self
