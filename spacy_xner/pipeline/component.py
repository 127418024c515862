"""What the components share: labels, device, learning from a batch, files.

Nothing here imports torch or transformers: see `factory`.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any, TypeVar

import srsly
from spacy import util
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Model, Optimizer, set_dropout_rate

from .interfaces import Batch, Teacher
from .labels import log_labels
from .runtime import check_runtime

Found = TypeVar("Found")
INIT_SAMPLE = 10


class Component(TrainablePipe):  # type: ignore[misc]
    """A component around a thinc model that holds a torch module.

    Args:
        vocab: The pipeline's vocabulary.
        model: A `spacy_xner.EntityModel.v1` or `spacy_xner.TextModel.v1`.
        name: The component's name.
        device: ``auto``, or a torch device.
        precision: ``fp32``, ``bf16``, ``fp16``, ``int8`` or ``auto``.
        max_batch_pieces: Pieces that go through the encoder at once, padding included.
        backend: ``torch`` or ``onnx``.
        scorer: Scores examples.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[Any, Any],
        name: str,
        *,
        device: str,
        precision: str,
        max_batch_pieces: int,
        backend: str,
        scorer: Callable[..., dict[str, Any]] | None,
    ) -> None:
        self.vocab = vocab
        self.model = model
        self.name = name
        self.cfg: dict[str, Any] = {"labels": []}
        self.scorer = scorer
        self.teacher: Teacher | None = None
        self._runtime: dict[str, Any] = {}
        self.configure(device=device, precision=precision, max_batch_pieces=max_batch_pieces, backend=backend)

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels, in the model's order; of a checkpoint that is adopted, its own."""
        if not self.cfg["labels"] and "adopt" in self.model.attrs:
            self.cfg["labels"] = list(self.model.attrs["adopt"](self.model))
        return tuple(self.cfg["labels"])

    @property
    def hide_labels(self) -> bool:
        """Whether `Language.pipe_labels` goes without these labels: those of a checkpoint not loaded yet."""
        return "adopt" in self.model.attrs and not self.model.attrs["is_initialized"](self.model)

    @property
    def label_data(self) -> list[str]:
        """Labels as ``spacy init labels`` writes them."""
        return list(self.labels)

    @property
    def device(self) -> str:
        """The device as it was asked for. Setting it moves the model when it is next used."""
        return str(self._runtime["device"])

    @device.setter
    def device(self, device: str) -> None:
        self.configure(device=device)

    def configure(self, **settings: Any) -> None:
        """Change device, precision, max_batch_pieces or backend for as long as the component lives.

        A pipeline is saved with what its config says of them.

        Raises:
            ValueError: If they are not right, or not together.
        """
        runtime = self._runtime | settings
        check_runtime(runtime["backend"], runtime["precision"], runtime["max_batch_pieces"])
        self.model.attrs["configure"](self.model, **runtime)
        self._runtime = runtime

    def add_label(self, label: str) -> int:
        """Add a label before initialization.

        Returns:
            1, or 0 if it was there.
        """
        if label in self.labels:
            return 0
        if self.model.attrs["is_initialized"](self.model):
            raise ValueError(
                f"Labels must be added before initialization, found {label!r} added to a trained model. "
                "Initialize the component again."
            )
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
        """Load the encoder and make a head for the labels.

        Args:
            get_examples: Gives examples, to read labels from and to set up layers.
            nlp: The pipeline.
            labels: Labels, as `label_data` gives them; if None, those of `init_from` and of the examples.
            init_from: What the model goes on from, its encoder and its labels: a trained pipeline (folder or
                installed package) with such a component; for entities also a Hugging Face
                token-classification checkpoint (folder or hub id).
            teacher: A `spacy_xner.Teacher.v1` or `spacy_xner.TextTeacher.v1`, which has its say in training
                and is not saved.

        Raises:
            OSError: If there is nothing to go on from.
            ValueError: If there are too few labels, or what there is cannot be gone on from.
        """
        validate_get_examples(get_examples, f"{type(self).__name__}.initialize")
        old: tuple[str, ...] = ()
        if init_from is not None:
            old = self.model.attrs["set_origin"](self.model, init_from, self.name)
        if labels is None:
            found = self._find_labels(eg.reference for eg in get_examples())
            first = list(dict.fromkeys([*old, *self.labels]))
            labels = [*first, *sorted(found - set(first))]
        if len(labels) < self.min_labels:
            raise ValueError(
                f"Component {self.name!r} must have at least {self.min_labels} labels, found "
                f"{', '.join(labels) or 'none'}. Check that the corpus has such annotation, or give "
                "labels in [initialize.components]."
            )
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
    def _find_labels(self, docs: Iterable[Doc]) -> set[str]:
        """Find the labels of annotated docs."""

    @property
    def min_labels(self) -> int:
        """How many labels there must be."""
        return 1

    def run(self, docs: Sequence[Doc], read: str, nothing: Found) -> list[Found]:
        """Run the model over docs, in groups of its own choice.

        Args:
            docs: The docs.
            read: The model's attribute that reads its scores, such as ``decode``.
            nothing: What is found in a doc without tokens.
        """
        found = [nothing] * len(docs)
        groups = self.model.attrs["plan"](self.model, docs, is_train=False)
        scored = ((group, self.model.predict([docs[i] for i in group])) for group in groups)
        # A GPU computes the next group's scores while this one's are read: its work is waited for only there.
        for (group, scores), _ in pairwise(chain(scored, [([], None)])):
            for i, value in zip(group, self.model.attrs[read](self.model, scores), strict=True):
                found[i] = value
        return found

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch of examples.

        Args:
            examples: Annotated docs. What of them is not annotated is left out of the loss.
            drop: Dropout of the token vectors; that inside the encoder is its own.
            sgd: The optimizer, or None (or False, as `spacy train` has it) to only add up gradients.
            losses: Losses to add to, by component name: the mean over what is annotated.

        Returns:
            The losses.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, f"{type(self).__name__}.update")
        set_dropout_rate(self.model, drop)
        batch = self._make_batch(examples)
        for group in self.model.attrs["plan"](self.model, batch.docs, is_train=True):
            scores, backprop = self.model.begin_update([batch.docs[i] for i in group])
            loss = self._find_loss(batch, group, scores)
            backprop(loss)
            losses[self.name] += loss.item()
        if sgd:
            self.finish_update(sgd)
        return losses

    def finish_update(self, sgd: Optimizer) -> None:
        """Update the weights from the gradients that were added up."""
        self.model.finish_update(sgd)
        self.model.attrs["finish_shared"](self.model, sgd)

    def get_loss(self, examples: Iterable[Example], scores: Any) -> tuple[float, Any]:
        """Find the gold loss of examples whose docs the model has scored together.

        Returns:
            The mean over what is annotated as a number, and as what the model's callback takes.
        """
        gold = self._gold(examples)
        batch = Batch([], gold, [None] * len(gold))
        loss = self._find_loss(batch, range(len(gold)), scores)
        return loss.item(), loss

    @abstractmethod
    def _gold(self, examples: Iterable[Example]) -> list[Any]:
        """Read what examples say of their predicted docs."""

    def _make_batch(self, examples: Sequence[Example]) -> Batch:
        """Make what is learned from examples, and from a teacher."""
        docs, gold = [eg.predicted for eg in examples], self._gold(examples)
        if self.teacher is None:
            return Batch(docs, gold, [None] * len(docs))
        batch = self.teacher.augment_batch(docs, gold)
        if self.model.layers and len(batch.docs) > len(docs):
            raise ValueError(
                "A teacher's texts must run through the component's own encoder, but this one listens to "
                "another, which has not seen them. Set texts = null, or use spacy_xner.Encoder.v1."
            )
        return batch

    def _find_loss(self, batch: Batch, group: Sequence[int], scores: Any) -> Any:
        """Weigh gold and teacher, each the mean over what is annotated or taught in the whole batch."""
        attrs = self.model.attrs
        loss = attrs["loss"](self.model, scores, [batch.gold[i] for i in group]) / batch.n_known
        targets = [batch.targets[i] for i in group]
        if batch.alpha == 1.0 or all(target is None for target in targets):
            return batch.alpha * loss
        taught = attrs["distill_loss"](self.model, scores, targets, batch.temperature) / batch.n_taught
        return batch.alpha * loss + (1.0 - batch.alpha) * taught

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write a folder: labels as JSON, the model as JSON and safetensors."""
        serialize: dict[str, Callable[[Path], None]] = {
            "cfg": lambda p: srsly.write_json(p, {**self.cfg, "labels": self.label_data}),
            "model": lambda p: self.model.shims[0].to_disk(p),
        }
        for i, layer in enumerate(self.model.layers):
            serialize[f"layer{i}"] = layer.to_disk
        util.to_disk(path, serialize, exclude)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "Component":
        """Read what `to_disk` wrote, and nothing else."""
        deserialize: dict[str, Callable[[Path], Any]] = {
            "cfg": lambda p: self.cfg.update(srsly.read_json(p)),
            "model": lambda p: self.model.shims[0].from_disk(p),
        }
        for i, layer in enumerate(self.model.layers):
            deserialize[f"layer{i}"] = layer.from_disk
        util.from_disk(path, deserialize, exclude)
        return self
