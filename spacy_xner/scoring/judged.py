"""Predicted entities with their probabilities, and whether they are right."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from spacy.tokens import Doc, Span

from .pairs import DocPair
from .spans import all_entities

CharSpanKey = tuple[int, int, str]


class Judged(NamedTuple):
    """A prediction.

    Attributes:
        score: Its probability, from 0 to 1.
        is_right: Whether the gold has it.
    """

    score: float
    is_right: bool


@dataclass
class JudgedCorpus:
    """The predictions of a component on a corpus.

    Attributes:
        entities: Predicted entities by label.
        texts: Texts whose probability is known; right if all their entities are, and none is missing.
        n_gold: Gold entities by label.
    """

    entities: dict[str, list[Judged]] = field(default_factory=dict)
    texts: list[Judged] = field(default_factory=list)
    n_gold: Counter[str] = field(default_factory=Counter)

    def all_entities(self) -> list[Judged]:
        """Return the predicted entities of all labels."""
        return [entity for entities in self.entities.values() for entity in entities]


def judge(examples: Iterable[DocPair], labels: Collection[str], key: str | None = "xner") -> JudgedCorpus:
    """Compare predicted entities that have scores with the gold.

    Entities predicted where the gold leaves tokens open are left out, and so are texts with such tokens.

    Args:
        examples: Docs predicted from the text of their references.
        labels: Labels that count.
        key: Span group of the predicted entities; None for ``doc.ents``.
    """
    corpus = JudgedCorpus()
    for eg in examples:
        gold = {_place(span) for span in all_entities(eg.reference, key) if span.label_ in labels}
        is_annotated = key in eg.reference.spans or eg.reference.has_annotation("ENT_IOB")
        if not is_annotated:
            continue
        corpus.n_gold.update(label for *_, label in gold)
        unknown = [] if key in eg.reference.spans else _open_characters(eg.reference)
        spans = [span for span in all_entities(eg.predicted, key) if span.label_ in labels]
        for span in spans:
            score = span._.xner_score
            if score is not None and not any(_overlaps(span, place) for place in unknown):
                judged = Judged(score, _place(span) in gold)
                corpus.entities.setdefault(span.label_, []).append(judged)
        score = eg.predicted._.xner_score
        if score is not None and not unknown:
            corpus.texts.append(Judged(score, {_place(span) for span in spans} == gold))
    return corpus


def judge_texts(examples: Iterable[DocPair], labels: Iterable[str]) -> JudgedCorpus:
    """Compare the labels of texts with the gold, as if each text had an entity of each label.

    Labels that all texts of the gold have, or none, are left out.
    """
    corpus, examples = JudgedCorpus(), list(examples)
    for label in labels:
        known = [eg for eg in examples if label in eg.reference.cats]
        judged = [Judged(eg.predicted.cats.get(label, 0.0), eg.reference.cats[label] > 0.5) for eg in known]
        n_gold = sum(text.is_right for text in judged)
        if 0 < n_gold < len(judged):
            corpus.entities[label], corpus.n_gold[label] = judged, n_gold
    return corpus


def _place(span: Span) -> CharSpanKey:
    return (span.start_char, span.end_char, span.label_)


def _open_characters(doc: Doc) -> Sequence[tuple[int, int]]:
    """Return the characters of tokens that the gold does not annotate."""
    return [(token.idx, token.idx + len(token)) for token in doc if token.ent_iob == 0]


def _overlaps(span: Span, place: tuple[int, int]) -> bool:
    return bool(span.start_char < place[1] and place[0] < span.end_char)
