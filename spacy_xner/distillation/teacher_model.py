"""The teacher's side: a trained pipeline or checkpoint, run once on each text of the student."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias, cast

import numpy as np
from spacy.tokens import Doc, Span
from tokenizers import Tokenizer

from ..loading import is_checkpoint, load, load_tagger
from ..models.execution import get_execution
from ..models.warm_start import component_names
from ..nn.heads.distill import FLOOR
from ..nn.runtime.exchange import collect, first_value
from ..nn.runtime.processes import rank, world_size
from ..pipeline.xner import EntityRecognizer
from ..schemes import OUTSIDE
from ..training.batcher import parts_of
from ..types import NO_TARGETS, Entity, SoftTargets, TextSoftTargets
from .cache import TargetCache

Task = Literal["entities", "cats"]
# What components of a task write to a doc. Some, such as spacy-llm's, do not say what they write.
ASSIGNS: dict[Task, str] = {"entities": "doc.ents", "cats": "doc.cats"}
# spaCy's that write entities but say so otherwise.
RULERS = ("span_ruler",)
# Per task, what a teacher must do, and which components do it.
REQUIREMENTS: dict[Task, tuple[str, str]] = {
    "entities": ("find entities", "xner or ner"),
    "cats": ("classify texts", "xcat or textcat"),
}
# Number of texts whose soft targets are computed and stored at once.
CHUNK_SIZE = 256


class TokenizedText(NamedTuple):
    """A text as tokenized by the student.

    Attributes:
        words: The tokens.
        spaces: For each token, whether a space follows it.
    """

    words: tuple[str, ...]
    spaces: tuple[bool, ...]


KeyedText: TypeAlias = tuple[bytes, TokenizedText]


class TeacherModel:
    """A trained model that is run on the student's tokens, once per text.

    Args:
        name: A pipeline (folder or installed package), or a Hugging Face token-classification checkpoint.
        device: Device of the model.
        cache: Cache file of its soft targets; None to keep them in memory.
        task: ``entities``, or ``cats`` for labels of texts.

    Raises:
        OSError: If there is no such model.
        ValueError: If it has no component for the task.
    """

    def __init__(
        self, name: str, *, device: str = "auto", cache: Path | None = None, task: Task = "entities"
    ) -> None:
        self.name = name
        # A checkpoint must tag the student's tokens; `load` would adopt it, so that it tags its own pieces.
        tags_tokens = task == "entities" and is_checkpoint(name)
        self.nlp = load_tagger(name, device) if tags_tokens else load(name, device)
        self.task = task
        self.component = next(iter(component_names(self.nlp)), None) if task == "entities" else None
        self.labels = self._collect_labels()
        digest = b"" if cache is None else self._digest()
        self.cache = TargetCache(cache if rank() == 0 else None, digest)

    @property
    def has_probabilities(self) -> bool:
        """Whether the output has probabilities of tags, besides entities."""
        return self.component is not None

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the encoder.

        Raises:
            ValueError: If there is none.
        """
        if self.component is None:
            raise ValueError(
                'texts must be a file for a teacher without an encoder, found "vocabulary". Name a file.'
            )
        cutter = get_execution(cast(EntityRecognizer, self.nlp.get_pipe(self.component)).model).cutter
        if cutter is None:
            raise ValueError(
                "texts must be a file for a teacher whose encoder is another component, found "
                '"vocabulary". Name a file.'
            )
        return cutter.tokenizer

    def shared_labels(self, labels: Sequence[str]) -> frozenset[str]:
        """Return the labels that the teacher shares with a student.

        Raises:
            ValueError: If there are none.
        """
        shared = frozenset(self.labels) & frozenset(labels)
        if not shared:
            raise ValueError(
                f"The teacher must share labels with the student ({', '.join(labels)}), found "
                f"{', '.join(self.labels)} in {self.name}. Set init_from too, or name another teacher."
            )
        return shared

    def precompute(
        self, texts: Sequence[TokenizedText], on_progress: Callable[[int, int], None] | None = None
    ) -> int:
        """Compute and cache the soft targets of all texts that are not in the cache.

        Returns:
            The number of these texts.
        """
        todo = self._list_missing(texts)
        for start in range(0, len(todo), CHUNK_SIZE):
            chunk = todo[start : start + CHUNK_SIZE]
            self.cache.add(self._compute_keyed(chunk))
            if on_progress is not None:
                on_progress(start + len(chunk), len(todo))
        return len(todo)

    def precompute_together(self, texts: Sequence[TokenizedText]) -> int:
        """Compute soft targets as `precompute` does; of several processes that train, each a share of them.

        All processes know all of them in the end. Process 0 alone uses the cache file.
        """
        if world_size() == 1:
            return self.precompute(texts)
        todo = first_value(self._list_missing(texts))
        for start in range(0, len(todo), CHUNK_SIZE):
            chunk = todo[start : start + CHUNK_SIZE]
            for part in collect(self._compute_keyed(chunk[rank() :: world_size()])):
                self.cache.add(part)
        keys = dict.fromkeys(self.cache.key(*text) for text in texts)
        new = {key for key, _ in todo}
        known = [(key, self.cache.get(key)) for key in keys if key not in new] if rank() == 0 else []
        self.cache.add([(key, soft) for key, soft in first_value(known) if soft is not None])
        return len(todo)

    def _list_missing(self, texts: Sequence[TokenizedText]) -> list[KeyedText]:
        """List the texts that are not in the cache, each once, with their keys."""
        missing = {}
        for text in texts:
            key = self.cache.key(*text)
            if key not in missing and key not in self.cache:
                missing[key] = text
        # Sorted, texts of similar length go through the encoder together.
        return sorted(missing.items(), key=lambda item: len(item[1].words))

    def _compute_keyed(self, texts: Sequence[KeyedText]) -> list[tuple[bytes, SoftTargets]]:
        soft_targets = self._compute([text for _, text in texts])
        return [(key, soft) for (key, _), soft in zip(texts, soft_targets, strict=True)]

    def soft_targets(self, texts: Sequence[TokenizedText]) -> list[SoftTargets]:
        """Return the soft targets of texts, from the cache where possible."""
        cached = self._look_up(texts)
        if len(cached) < len(texts):
            self.precompute(texts)
            cached = self._look_up(texts)
        return cached

    def text_targets(self, texts: Sequence[TokenizedText]) -> list[TextSoftTargets]:
        """Return the soft targets of texts as a whole."""
        return [TextSoftTargets(soft.tags, soft.log_probs[0]) for soft in self.soft_targets(texts)]

    def targets_for(self, doc: Doc) -> SoftTargets:
        """Return the soft targets of a doc. The parts of a concatenated doc are predicted separately."""
        soft_targets = self.soft_targets(tokenized_parts(doc))
        if len(soft_targets) == 1:
            return soft_targets[0]
        tags = soft_targets[0].tags
        log_probs = np.full((len(doc), len(tags)), FLOOR, dtype=np.float16)
        if OUTSIDE in tags:
            # The white space between two parts.
            log_probs[:, tags.index(OUTSIDE)] = 0.0
        entities: list[Entity] = []
        spans: list[Entity] = []
        for (start, end), soft in zip(parts_of(doc), soft_targets, strict=True):
            if tags:
                log_probs[start:end] = soft.log_probs
            for merged, part in ((entities, soft.entities), (spans, soft.spans)):
                merged += [ent._replace(start=start + ent.start, end=start + ent.end) for ent in part]
        return SoftTargets(tags, log_probs, entities, spans)

    def _look_up(self, texts: Sequence[TokenizedText]) -> list[SoftTargets]:
        """Return the cached soft targets of texts, skipping texts that are not in the cache."""
        cached = (self.cache.get(self.cache.key(*text)) for text in texts)
        return [soft for soft in cached if soft is not None]

    def _compute(self, texts: Sequence[TokenizedText]) -> list[SoftTargets]:
        # The words of texts stay no longer than their docs.
        with self.nlp.memory_zone():
            return self._predict(texts)

    def _predict(self, texts: Sequence[TokenizedText]) -> list[SoftTargets]:
        vocab = self.nlp.vocab
        docs = [Doc(vocab, words=list(text.words), spaces=list(text.spaces)) for text in texts]
        for name, pipe in self.nlp.pipeline:
            if name == self.component:
                return cast(EntityRecognizer, pipe).soft_targets(docs)
            # A component of another package may be a plain function of a doc.
            docs = list(pipe.pipe(docs)) if hasattr(pipe, "pipe") else [pipe(doc) for doc in docs]
        if self.task == "cats":
            return [self._text_targets(doc) for doc in docs]
        predicted = ([Entity(ent.start, ent.end, ent.label_) for ent in doc.ents] for doc in docs)
        return [NO_TARGETS._replace(entities=entities) for entities in predicted]

    def _text_targets(self, doc: Doc) -> SoftTargets:
        """Return the log-probability of each label as a single row, which is how the cache stores a text."""
        # (1, labels)
        probs = np.array([[doc.cats.get(label, 0.0) for label in self.labels]])
        return SoftTargets(self.labels, np.log(probs.clip(min=np.exp(FLOOR))), [])

    def _collect_labels(self) -> tuple[str, ...]:
        if self.component is not None:
            return cast(EntityRecognizer, self.nlp.get_pipe(self.component)).labels
        labels = [
            label for name in self._writers() for label in getattr(self.nlp.get_pipe(name), "labels", ())
        ]
        if not labels:
            purpose, names = REQUIREMENTS[self.task]
            raise ValueError(
                f"A teacher must {purpose}, found {', '.join(self.nlp.pipe_names) or 'no components'} in "
                f"{self.name}. Name a pipeline with {names}."
            )
        return tuple(dict.fromkeys(labels))

    def _writers(self) -> list[str]:
        """Return the names of the components that write what the task is about."""
        metas = {name: self.nlp.get_pipe_meta(name) for name in self.nlp.pipe_names}
        writers = [
            name
            for name, meta in metas.items()
            if ASSIGNS[self.task] in meta.assigns or (self.task == "entities" and meta.factory in RULERS)
        ]
        return writers or [name for name, meta in metas.items() if not meta.assigns]

    def _digest(self) -> bytes:
        """Compute a digest of all weights and settings, and of the task."""
        digest = hashlib.blake2b(self.nlp.to_bytes())
        # One cache file may hold a pipeline's soft targets of entities and of texts.
        digest.update(b"" if self.task == "entities" else self.task.encode())
        return digest.digest()


def tokenized(tokens: Doc | Span) -> TokenizedText:
    """Return the tokens of a doc, or of one part of a concatenated doc, as a separate text."""
    spaces = [bool(token.whitespace_) for token in tokens]
    # In a concatenated doc, the space after the last token of a part separates it from the next.
    spaces[-1:] = [False] * len(spaces[-1:])
    return TokenizedText(tuple(token.text for token in tokens), tuple(spaces))


def tokenized_parts(doc: Doc) -> list[TokenizedText]:
    """Return the texts that a doc was concatenated from, or the doc itself, tokenized."""
    return [tokenized(doc[start:end]) for start, end in parts_of(doc)]
