"""A trained model that tells what it sees in texts: any pipeline with entities, or a checkpoint."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, cast

import numpy as np
from spacy.pipeline import Pipe
from spacy.tokens import Doc, Span
from tokenizers import Tokenizer

from ..loading import is_checkpoint, load, load_tagger
from ..models.execution import get_execution
from ..models.warm_start import component_names
from ..nn.heads.distill import FLOOR
from ..pipeline.xner import EntityRecognizer
from ..schemes import OUTSIDE
from ..training.batcher import parts_of
from ..types import NO_TARGETS, Entity, SoftTargets, TextSoftTargets
from .cache import TargetCache

Task = Literal["entities", "cats"]
# Components that can teach without telling more than what they write to a doc.
FACTORIES: dict[Task, tuple[str, ...]] = {
    "entities": ("ner", "beam_ner", "entity_ruler", "span_ruler"),
    "cats": ("xcat", "textcat", "textcat_multilabel"),
}
DUTIES: dict[Task, tuple[str, str]] = {
    "entities": ("find entities", "xner or ner"),
    "cats": ("classify texts", "xcat or textcat"),
}
# Texts whose soft targets are computed, and kept, at once.
GROUP = 256


class Cut(NamedTuple):
    """A text as the student's tokenizer cut it.

    Attributes:
        words: The tokens.
        spaces: For each, whether a space follows it.
    """

    words: tuple[str, ...]
    spaces: tuple[bool, ...]


class TeacherModel:
    """A trained model, run on the student's tokens, each text once.

    Args:
        name: A pipeline (folder or installed package), or a Hugging Face token-classification checkpoint.
        device: Where it runs.
        cache: The file for what it says, or None to keep that in memory.
        task: What it teaches: entities, or labels of texts (``cats``).

    Raises:
        OSError: If there is no such model.
        ValueError: If it finds no entities, or does not classify texts.
    """

    def __init__(
        self, name: str, *, device: str = "auto", cache: Path | None = None, task: Task = "entities"
    ) -> None:
        self.name = name
        # Of a checkpoint, the tags of the student's own tokens are wanted, not entities in texts cut whole.
        by_token = task == "entities" and is_checkpoint(name)
        self.nlp = load_tagger(name, device) if by_token else load(name, device)
        self.task = task
        self.component = next(iter(component_names(self.nlp)), None) if task == "entities" else None
        self.labels = self._find_labels()
        self.cache = TargetCache(cache, b"" if cache is None else self._digest())

    @property
    def has_probabilities(self) -> bool:
        """Whether it tells probabilities of tags, not only entities."""
        return self.component is not None

    @property
    def tokenizer(self) -> Tokenizer:
        """What cuts its words into pieces.

        Raises:
            ValueError: If it has none of its own.
        """
        if self.component is None:
            raise ValueError(
                'texts must be a file for a teacher that tells only entities, found "vocabulary". Name one.'
            )
        cutter = get_execution(cast(EntityRecognizer, self.nlp.get_pipe(self.component)).model).cutter
        if cutter is None:
            raise ValueError(
                "texts must be a file for a teacher whose encoder is a component of its own, found "
                '"vocabulary". Name one.'
            )
        return cutter.tokenizer

    def shared_labels(self, labels: Sequence[str]) -> frozenset[str]:
        """Find the labels that it shares with a student.

        Raises:
            ValueError: If there are none.
        """
        found = frozenset(self.labels) & frozenset(labels)
        if not found:
            raise ValueError(
                f"The teacher must share labels with the student ({', '.join(labels)}), found "
                f"{', '.join(self.labels)} in {self.name}. Set init_from too, or name another teacher."
            )
        return found

    def precompute(self, cuts: Sequence[Cut], on_progress: Callable[[int, int], None] | None = None) -> int:
        """Compute and keep the soft targets of all texts that it has not seen.

        Returns:
            How many there were.
        """
        missing = {}
        for cut in cuts:
            key = self.cache.key(*cut)
            if key not in missing and key not in self.cache:
                missing[key] = cut
        # Texts of like length go through the encoder together.
        todo = sorted(missing.items(), key=lambda item: len(item[1].words))
        for start in range(0, len(todo), GROUP):
            group = todo[start : start + GROUP]
            soft_targets = self._compute([cut for _, cut in group])
            self.cache.add([(key, soft) for (key, _), soft in zip(group, soft_targets, strict=True)])
            if on_progress is not None:
                on_progress(min(start + GROUP, len(todo)), len(todo))
        return len(todo)

    def soft_targets(self, cuts: Sequence[Cut]) -> list[SoftTargets]:
        """Tell what it sees in texts."""
        found = self._recall(cuts)
        if len(found) < len(cuts):
            self.precompute(cuts)
            found = self._recall(cuts)
        return found

    def text_targets(self, cuts: Sequence[Cut]) -> list[TextSoftTargets]:
        """Return the output on whole texts."""
        return [TextSoftTargets(soft.tags, soft.log_probs[0]) for soft in self.soft_targets(cuts)]

    def targets_for(self, doc: Doc) -> SoftTargets:
        """Tell what it sees in a doc; of texts strung together, what it sees in each alone."""
        soft_targets = self.soft_targets(cuts_of(doc))
        if len(soft_targets) == 1:
            return soft_targets[0]
        tags = soft_targets[0].tags
        log_probs = np.full((len(doc), len(tags)), FLOOR, dtype=np.float16)
        if OUTSIDE in tags:
            # White space between two texts.
            log_probs[:, tags.index(OUTSIDE)] = 0.0
        entities: list[Entity] = []
        spans: list[Entity] = []
        for (start, end), soft in zip(parts_of(doc), soft_targets, strict=True):
            log_probs[start:end] = soft.log_probs
            for whole, part in ((entities, soft.entities), (spans, soft.spans)):
                whole += [ent._replace(start=start + ent.start, end=start + ent.end) for ent in part]
        return SoftTargets(tags, log_probs, entities, spans)

    def _recall(self, cuts: Sequence[Cut]) -> list[SoftTargets]:
        """Give the soft targets that it has; fewer than texts if some are missing."""
        found = (self.cache.get(self.cache.key(*cut)) for cut in cuts)
        return [soft for soft in found if soft is not None]

    def _compute(self, cuts: Sequence[Cut]) -> list[SoftTargets]:
        vocab = self.nlp.vocab
        docs = [Doc(vocab, words=list(cut.words), spaces=list(cut.spaces)) for cut in cuts]
        for name, pipe in self.nlp.pipeline:
            if name == self.component:
                return cast(EntityRecognizer, pipe).soft_targets(docs)
            docs = list(cast(Pipe, pipe).pipe(docs))
        if self.task == "cats":
            return [self._text_targets(doc) for doc in docs]
        found = ([Entity(ent.start, ent.end, ent.label_) for ent in doc.ents] for doc in docs)
        return [NO_TARGETS._replace(entities=entities) for entities in found]

    def _text_targets(self, doc: Doc) -> SoftTargets:
        """Compute the log-probability of each label, as the one row that the cache keeps of a text."""
        found = np.array([[doc.cats.get(label, 0.0) for label in self.labels]])
        return SoftTargets(self.labels, np.log(found.clip(min=np.exp(FLOOR))), [])

    def _find_labels(self) -> tuple[str, ...]:
        if self.component is not None:
            return cast(EntityRecognizer, self.nlp.get_pipe(self.component)).labels
        found = [
            label
            for name in self.nlp.pipe_names
            if self.nlp.get_pipe_meta(name).factory in FACTORIES[self.task]
            for label in cast(Pipe, self.nlp.get_pipe(name)).labels
        ]
        if not found:
            do, names = DUTIES[self.task]
            raise ValueError(
                f"A teacher must {do}, but {self.name} has only "
                f"{', '.join(self.nlp.pipe_names) or 'no components'}. Name a pipeline with {names}."
            )
        return tuple(dict.fromkeys(found))

    def _digest(self) -> bytes:
        """Make what tells this teacher from others: all its weights and settings."""
        digest = hashlib.blake2b(self.nlp.to_bytes())
        # One file may hold what a pipeline says of entities and what it says of texts.
        digest.update(b"" if self.task == "entities" else self.task.encode())
        return digest.digest()


def cut_doc(tokens: Doc | Span) -> Cut:
    """Give the tokens of a doc, or of a part of one that is a text by itself."""
    spaces = [bool(token.whitespace_) for token in tokens]
    # The space after the last token of a part is that of the whole.
    spaces[-1:] = [False] * len(spaces[-1:])
    return Cut(tuple(token.text for token in tokens), tuple(spaces))


def cuts_of(doc: Doc) -> list[Cut]:
    """Cut a doc into the texts that it was strung together of, each as its tokens."""
    return [cut_doc(doc[start:end]) for start, end in parts_of(doc)]
