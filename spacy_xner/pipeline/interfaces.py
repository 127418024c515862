"""Protocols between components and their models, tasks and teachers.

This module must not import torch or transformers. See `factories`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Model

from ..types import DistillTarget, Entity, Gold, SoftTargets, TextDistillTarget, TextGold

AnyModel: TypeAlias = Model[Any, Any]
# The output of a model's forward pass and the value of a loss, which are opaque outside torch code.
Scores: TypeAlias = Any
Loss: TypeAlias = Any
# Shape: ``(docs, width)``.
TextVectors: TypeAlias = NDArray[np.floating]

AnyGold = TypeVar("AnyGold", Gold, TextGold)
AnyTarget: TypeAlias = DistillTarget | TextDistillTarget
Annotation = TypeVar("Annotation")
Annotation_co = TypeVar("Annotation_co", covariant=True)
AnyGold_contra = TypeVar("AnyGold_contra", contravariant=True)


class Task(Protocol[Annotation_co, AnyGold_contra]):
    """What a model is trained and used for. Stateless: all state is in the thinc model."""

    def decode(self, model: AnyModel, scores: Scores) -> Sequence[Annotation_co]:
        """Compute the annotation of each scored doc."""
        ...

    def loss(self, model: AnyModel, scores: Scores, gold: Sequence[AnyGold_contra]) -> Loss:
        """Sum the loss over the annotated tokens or texts, without normalization."""
        ...

    def resume_from(self, model: AnyModel, name: str, component: str) -> tuple[str, ...]:
        """Load the trained model that the next initialization starts from.

        Args:
            model: The model.
            name: A pipeline (folder or installed package), or a checkpoint.
            component: Name of the component to prefer if the pipeline has several candidates.

        Returns:
            The labels of the trained model.

        Raises:
            OSError: If there is no such pipeline or checkpoint.
            ValueError: If this model cannot start from it.
        """
        ...


@runtime_checkable
class EntityReader(Protocol):
    """A task whose annotations are entities."""

    @property
    def is_nested(self) -> bool:
        """Whether entities may overlap."""
        ...


@runtime_checkable
class EntityJudge(Protocol):
    """A task whose model knows the probability of any entity, decoded or not."""

    def entity_probabilities(
        self, model: AnyModel, scores: Scores, entities: Sequence[Sequence[Entity]]
    ) -> list[list[float]]:
        """Compute the probability of each of some entities of each scored doc."""
        ...


@runtime_checkable
class TextReader(Protocol):
    """A task whose annotations are labels of whole texts."""

    def is_exclusive(self, model: AnyModel) -> bool:
        """Return whether a text has exactly one label."""
        ...


@runtime_checkable
class Distillable(Protocol):
    """A task whose model can learn from a teacher."""

    def distill_loss(
        self, model: AnyModel, scores: Scores, targets: Sequence[Any], temperature: float
    ) -> Loss:
        """Sum the divergence from the teacher over the taught tokens or texts, without normalization."""
        ...


@runtime_checkable
class Teachable(Distillable, Protocol):
    """A task whose model can also be a teacher."""

    def soft_targets(self, model: AnyModel, scores: Scores) -> list[SoftTargets]:
        """Compute the soft targets of each scored doc, for a student to learn from."""
        ...


@runtime_checkable
class Sharable(Protocol):
    """A task whose model may use the encoder of another component."""

    def join(self, model: AnyModel, nlp: Language) -> None:
        """Connect the model to the pipeline of its component."""
        ...


@runtime_checkable
class Adopted(Protocol):
    """A task with an adopted checkpoint, whose labels are fixed and which is loaded on first use."""

    def labels(self, model: AnyModel) -> tuple[str, ...]:
        """Return the checkpoint's labels; loads the checkpoint on first use."""
        ...


class Weights(Protocol):
    """The part of a model that holds the torch network."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the network's head. There must be weights."""
        ...

    @property
    def is_initialized(self) -> bool:
        """Whether there are weights."""
        ...

    @property
    def encoder_width(self) -> int | None:
        """Width of the model's own encoder, a usual one before initialization; None if it has none."""
        ...

    def configure(self, *, device: str, precision: str, max_batch_pieces: int, backend: str) -> None:
        """Change the settings that may differ between machines. See `make_xner`."""
        ...

    def plan(self, lengths: Sequence[int], *, is_train: bool) -> list[list[int]]:
        """Group docs to run through the model together.

        Args:
            lengths: Lengths of the docs in tokens.
            is_train: Whether the groups are for training, which needs more memory.

        Returns:
            The indices of the docs of each group, without those of docs without tokens.
        """
        ...

    def share(self, docs: Sequence[Doc]) -> list[int]:
        """Choose the docs of a batch that this process runs, if several train together; else all.

        Args:
            docs: The docs, the same in each process.

        Returns:
            Their indices. Each doc is in the share of one process; all shares have about as many pieces.
        """
        ...

    def add_up(self, value: float) -> float:
        """Sum what a share of a batch has, such as its loss, over all processes."""
        ...

    def text_vectors(self, docs: Sequence[Doc]) -> TextVectors:
        """Compute the mean of the encoder's token vectors for each doc, ``(docs, width)``."""
        ...

    def discard_gradients(self) -> None:
        """Clear the gradients that were accumulated for the next update."""
        ...

    def save(self, path: Path) -> None:
        """Write a folder."""
        ...

    def load(self, path: Path, *, verify: bool) -> None:
        """Load a folder written by `save`; with `verify`, check that no file has changed since."""
        ...


class CorpusSummary(NamedTuple):
    """What a component can learn from a corpus.

    Attributes:
        labels: The annotated labels.
        is_annotated: Whether there is anything to learn.
    """

    labels: set[str]
    is_annotated: bool

    def check(self, component: str) -> None:
        """Check that there is anything to learn.

        Raises:
            ValueError: If there is not.
        """
        if not self.is_annotated:
            raise ValueError(
                f"Component {component!r} must have annotated examples, found none that fit its labels and "
                "tokens: there is nothing to learn. Check the conversion of the corpus, and the tokenizer."
            )


def check_distillable(task: Task[Any, Any], component: str) -> None:
    """Check that the model of a component can learn from a teacher.

    Raises:
        ValueError: If it cannot.
    """
    if not isinstance(task, Distillable):
        raise ValueError(
            f"Component {component!r} must have a model that can learn from a teacher, found an adopted "
            "checkpoint. Use spacy_xner.EntityModel.v1 with init_from, or remove the teacher."
        )


@dataclass(frozen=True)
class Batch(Generic[AnyGold]):
    """The input of one update of a component.

    Attributes:
        docs: The docs of the examples, then the teacher's unlabelled texts.
        gold: Gold annotation of each doc.
        targets: The teacher's output for each doc, or None where the student does not learn from it.
        alpha: Weight of the gold loss, from 0 to 1; the weight of the teacher's loss is ``1 - alpha``.
        temperature: Softens the probabilities of teacher and student; above 0.
        n_unlabelled: Number of unlabelled texts, which the mean of the gold loss excludes.
        divisor: What the sum of the teacher's loss is divided by; None for the number of tokens or texts that
            the student learns from the teacher.
    """

    docs: list[Doc]
    gold: list[AnyGold]
    targets: Sequence[AnyTarget | None]
    alpha: float = 1.0
    temperature: float = 1.0
    n_unlabelled: int = 0
    divisor: int | None = None


class Teacher(Protocol[AnyGold]):
    """Adds the output of a trained model to batches."""

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        nlp: Language | None,
        *,
        labels: tuple[str, ...],
        device: str,
        read_gold: Callable[[Iterable[Example]], list[AnyGold]],
    ) -> None:
        """Load the teacher and compute its output on the examples.

        Args:
            get_examples: Returns the training examples.
            nlp: The student's pipeline.
            labels: The student's labels.
            device: The student's device.
            read_gold: The student's reader of gold annotation.
        """
        ...

    def augment_batch(self, docs: list[Doc], gold: list[AnyGold]) -> Batch[AnyGold]:
        """Combine a batch of docs and their gold annotation with the teacher's output."""
        ...


def check_listener(model: AnyModel, batch: Batch[Any], n_examples: int) -> None:
    """Check that a model can run a teacher's unlabelled texts.

    Raises:
        ValueError: If it listens to another component, which has processed only the examples.
    """
    if model.layers and len(batch.docs) > n_examples:
        raise ValueError(
            "A teacher's texts must run through the component's own encoder, found a component that listens "
            "to another, which has not processed them. Set texts = null, or use spacy_xner.Encoder.v1."
        )
