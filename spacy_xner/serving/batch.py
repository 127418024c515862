"""One batch: texts of several requests through a pipeline, and what their docs say as JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from spacy.language import Language
from spacy.tokens import Doc, Span

from ..pipeline.xner import OWN_THRESHOLD, EntityRecognizer
from ..records.xrecord import RecordMaker
from .log import logger
from .offsets import make_encoder
from .schemas import Offsets

# A prediction, in the shape of `spacy_xner.serving.schemas.Prediction`.
Prediction = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PredictOptions:
    """What a request asks for.

    Attributes:
        model: Name of the model; None for the default one.
        threshold: Least probability of an entity; None for the pipeline's own.
        labels: Labels of the entities to return; None for all.
        offsets: What offsets count.
    """

    model: str | None = None
    threshold: float | None = None
    labels: frozenset[str] | None = field(default=None)
    offsets: Offsets = "codepoints"


class Task(NamedTuple):
    """A text to predict."""

    text: str
    options: PredictOptions


def predict_batch(nlp: Language, tasks: Sequence[Task]) -> list[Prediction | None]:
    """Predict texts together.

    Returns:
        Predictions; None for a text on which the pipeline fails, which is logged without the text.
    """
    # The words of texts would stay in the vocabulary for ever.
    with nlp.memory_zone():
        # Inside: an error holds docs, which must not outlive the zone.
        try:
            return [*_read_docs(nlp, _run(nlp, tasks), tasks)]
        except Exception as err:  # components may raise anything
            kind = type(err).__name__
    if len(tasks) > 1:
        return [predict_batch(nlp, [task])[0] for task in tasks]
    logger.error("The pipeline failed on a text of %d characters: %s", len(tasks[0].text), kind)
    return [None]


def _run(nlp: Language, tasks: Sequence[Task]) -> list[Doc]:
    docs = [nlp.make_doc(task.text) for task in tasks]
    for doc, task in zip(docs, tasks, strict=True):
        if task.options.threshold is not None:
            doc.user_data[OWN_THRESHOLD] = task.options.threshold
    return [nlp(docs[0])] if len(docs) == 1 else list(nlp.pipe(docs, batch_size=len(docs)))


def _read_docs(nlp: Language, docs: Iterable[Doc], tasks: Sequence[Task]) -> Iterable[Prediction]:
    keys = [pipe.spans_key for _, pipe in nlp.pipeline if isinstance(pipe, EntityRecognizer)]
    has_records = any(isinstance(pipe, RecordMaker) for _, pipe in nlp.pipeline)
    for doc, task in zip(docs, tasks, strict=True):
        groups = [doc.spans[key] for key in dict.fromkeys(keys) if key in doc.spans]
        spans = [span for group in groups for span in group] if groups else doc.ents
        prediction = {
            "entities": _list_entities(doc, doc.ents, task.options),
            "spans": _list_entities(doc, spans, task.options),
            "cats": dict(doc.cats),
            "score": doc._.xner_score,
        }
        yield prediction | ({"records": doc._.records} if has_records else {})


def _list_entities(doc: Doc, spans: Iterable[Span], options: PredictOptions) -> list[dict[str, Any]]:
    encode = make_encoder(doc.text, options.offsets)
    return [
        {
            "start": encode(span.start_char),
            "end": encode(span.end_char),
            "label": span.label_,
            "text": span.text,
            "score": span._.xner_score,
        }
        for span in spans
        if options.labels is None or span.label_ in options.labels
    ]
