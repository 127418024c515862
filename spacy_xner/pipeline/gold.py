"""What the gold entities of a corpus teach."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from spacy.tokens import Doc, Span
from spacy.training import Example

from ..errors import XnerWarning
from ..scoring.spans import all_entities
from ..scripts import has_unspaced
from ..types import Gold
from .interfaces import CorpusSummary


@dataclass(slots=True)
class LostGold:
    """Counts gold entities that are not learned as they are annotated.

    Attributes:
        n_untrimmed: They begin or end with a white-space token.
        n_split: They begin or end inside a token of the pipeline.
        n_uncut: Tokens of several characters of a script written without spaces that have no annotation:
            `Example.from_dict` has left out what begins or ends inside them.
    """

    n_untrimmed: int = 0
    n_split: int = 0
    n_uncut: int = 0

    def add(self, predicted: Doc, reference: Doc, spans: Iterable[Span]) -> None:
        """Count those of a gold doc, given the doc that the pipeline has tokenized, and its gold entities."""
        if not reference.has_annotation("ENT_IOB", require_complete=True):
            self.n_uncut += sum(not t.ent_iob and len(t) > 1 and has_unspaced(t.text) for t in reference)
        for span in spans:
            self.n_untrimmed += span[0].is_space or span[-1].is_space
            start, end = span.start_char, span.end_char
            is_split = predicted.char_span(start, end) is None
            self.n_split += is_split and predicted.text[start:end] == span.text

    def warn(self, tokenizer: str = "the pipeline") -> bool:
        """Warn about them, given the name of the tokenizer; returns whether there are any."""
        if self.n_untrimmed:
            warnings.warn(
                f"{self.n_untrimmed} gold entities begin or end with white space: they are learned without "
                "it, and not at all if nothing else is left.",
                XnerWarning,
                stacklevel=2,
            )
        if self.n_split or self.n_uncut:
            lost = f"{self.n_split} gold entities begin or end inside a token of {tokenizer}: they"
            if not self.n_split:
                lost = f"{self.n_uncut} tokens of {tokenizer} hold text without spaces: entities inside them"
            warnings.warn(
                f"{lost} are not learned. Set the tokenizer that the corpus was converted for, such as "
                'tokenizer = {"@tokenizers": "spacy_xner.Tokenizer.v2"} under [nlp], in Python '
                'config={"nlp": {"tokenizer": {"@tokenizers": "spacy_xner.Tokenizer.v2"}}} of spacy.blank.',
                XnerWarning,
                stacklevel=2,
            )
        return bool(self.n_untrimmed or self.n_split or self.n_uncut)


class EntityCorpus:
    """What can be learned from the entities of a corpus.

    Args:
        key: Key of the span groups that hold gold entities; None if only ``doc.ents`` does.
    """

    def __init__(self, key: str | None) -> None:
        self.key = key
        self.labels: set[str] = set()
        self.other_keys: set[str] = set()
        self.n_entities = 0
        self.lost = LostGold()
        self.has_entities = False
        self.has_tokens = False

    def add(self, example: Example) -> None:
        """Count the entities of a gold doc."""
        reference = example.reference
        spans = all_entities(reference, self.key)
        self.labels.update(span.label_ for span in chain(reference.ents, spans))
        self.other_keys.update(key for key, group in reference.spans.items() if len(group))
        self.n_entities += len(spans)
        self.lost.add(example.predicted, reference, spans)

    def add_gold(self, gold: Gold) -> None:
        """Note whether gold that is aligned to the tokens of the model has anything to learn."""
        self.has_entities |= bool(gold.entities)
        self.has_tokens |= any(gold.known)

    def summarize(self, component: str) -> CorpusSummary:
        """Return the labels, and whether anything can be learned.

        Raises:
            ValueError: If all entities are where the component does not read them.
        """
        if not self.n_entities and self.other_keys:
            keys = ", ".join(map(repr, sorted(self.other_keys)))
            here = "doc.ents" if self.key is None else f"doc.ents or doc.spans[{self.key!r}]"
            how = (
                "Use a head for entities that overlap, such as spacy_xner.GlobalPointerHead.v1, and set its "
                "component's spans_key to the key"
                if self.key is None
                else "Set the component's spans_key to the key"
            )
            raise ValueError(
                f"Component {component!r} must have examples with entities in {here}, found entities only in "
                f"doc.spans under {keys}. {how}."
            )
        return CorpusSummary(self.labels, self.has_entities if self.n_entities else self.has_tokens)
