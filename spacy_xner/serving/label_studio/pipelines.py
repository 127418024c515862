"""What a pipeline predicts."""

from spacy.language import Language

from ...pipeline.xcat import TextClassifier
from .results import Classes, Known


def describe(nlp: Language) -> Known:
    """Return the labels of a pipeline: of entities, and of texts."""
    entities: list[str] = []
    classes: list[Classes] = []
    for name, pipe in nlp.pipeline:
        labels = tuple(map(str, getattr(pipe, "labels", ())))
        produces = nlp.get_pipe_meta(name).assigns
        if isinstance(pipe, TextClassifier):
            classes.append(Classes(labels, pipe.is_exclusive, pipe.threshold))
        elif "doc.cats" in produces:
            classes.append(Classes(labels, is_exclusive=nlp.get_pipe_meta(name).factory == "textcat"))
        elif "doc.ents" in produces:
            entities += labels
    return Known(tuple(dict.fromkeys(entities)), tuple(classes))
