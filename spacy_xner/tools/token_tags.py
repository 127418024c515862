"""The tag of each token, with its probability, in the form of transformers' ``pipeline("ner")``."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypedDict

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import minibatch

from ..pipeline.interfaces import Teachable
from ..pipeline.xner import EntityRecognizer
from ..schemes import TagScheme
from ..types import NO_TARGETS, Entity, SoftTargets

# Key of ``doc.user_data`` for the tags of its tokens.
TOKEN_TAGS = "xner_token_tags"


class TokenTag(TypedDict):
    """A token with its tag.

    Attributes:
        word: The token.
        entity: Its tag.
        score: The probability of the tag, from 0 to 1; None if it is not known.
        index: Index of the token in its doc.
        start: Offset of its first character.
        end: Offset after its last character.
    """

    word: str
    entity: str
    score: float | None
    index: int
    start: int
    end: int


def pipe_token_tags(nlp: Language, texts: Iterable[str]) -> Iterator[Doc]:
    """Yield the doc of each text, in order, with the tags of its tokens in its ``user_data``.

    A doc must not be used after the next one is asked for. The words of texts do not stay in the vocabulary.

    Args:
        nlp: The pipeline.
        texts: The texts.
    """
    chunk: list[str]
    for chunk in minibatch(texts, nlp.batch_size):  # type: ignore[no-untyped-call]
        with nlp.memory_zone():
            docs = [*nlp.pipe(chunk)]
            for doc, tags in zip(docs, tag_tokens(nlp, docs), strict=True):
                doc.user_data[TOKEN_TAGS] = tags
                yield doc


def tag_tokens(nlp: Language, docs: Sequence[Doc]) -> list[list[TokenTag]]:
    """Return the tags of the tokens of predicted docs: those of ``doc.ents``.

    The scheme is BIOES if that is the scheme of the model's head, else IOB2. Probabilities are those of these
    tags at the token, not calibrated, by the first component that has any. A model that has none of tokens,
    such as an adopted checkpoint, gives all tokens of an entity the score of the entity, and others None.

    Args:
        nlp: The pipeline that has predicted them.
        docs: The docs.
    """
    pipes = (pipe for _, pipe in nlp.pipeline if isinstance(pipe, EntityRecognizer))
    teacher = next((pipe for pipe in pipes if isinstance(pipe.task, Teachable)), None)
    targets = [NO_TARGETS] * len(docs) if teacher is None else teacher.soft_targets(docs)
    return [_tag(doc, soft) for doc, soft in zip(docs, targets, strict=True)]


def _tag(doc: Doc, soft: SoftTargets) -> list[TokenTag]:
    is_bioes = any(tag.startswith("S-") for tag in soft.tags)
    entities = [Entity(ent.start, ent.end, ent.label_) for ent in doc.ents]
    names = TagScheme("BIOES" if is_bioes else "IOB2").encode(entities, len(doc))
    columns = {tag: i for i, tag in enumerate(soft.tags)}
    scores = _entity_scores(doc)
    return [
        {
            "word": token.text,
            "entity": name,
            "score": float(np.exp(soft.log_probs[token.i, columns[name]], dtype=np.float64))
            if name in columns
            else scores.get(token.i),
            "index": token.i,
            "start": token.idx,
            "end": token.idx + len(token),
        }
        for token, name in zip(doc, names, strict=True)
    ]


def _entity_scores(doc: Doc) -> Mapping[int, float | None]:
    """Return the scores of entities by token."""
    return {token.i: ent._.xner_score for ent in doc.ents for token in ent}
