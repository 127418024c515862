"""Scores of a pipeline on raw text."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example

from .nn.device import resolve_device
from .pipes.xner import XNER
from .scoring import score_entities


def load(model: str, device: str = "auto") -> Language:
    """Load a pipeline, its ``xner`` components on a device.

    Args:
        model: A folder or an installed package.
        device: As the component's setting; ``auto`` leaves each component its own.

    Raises:
        OSError: If there is no such pipeline.
        ValueError: If the device is not there.
    """
    if device != "auto":
        resolve_device(device)
    nlp = spacy.load(model)
    for name, pipe in nlp.pipeline:
        if nlp.get_pipe_meta(name).factory == "xner" and device != "auto":
            cast(XNER, pipe).device = device
    return nlp


def evaluate(
    model: str,
    corpus: Path,
    *,
    device: str = "auto",
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Score a pipeline on the raw text of a corpus, as `score_entities` does.

    Args:
        model: A folder or an installed package.
        corpus: A ``.spacy`` file.
        device: As the component's setting.
        on_progress: Called with texts done and their number.

    Raises:
        OSError: If pipeline or corpus are missing.
        ValueError: If the corpus has no annotated text.
    """
    if not corpus.is_file():
        raise FileNotFoundError(
            f"The corpus must be a .spacy file, found no {corpus}. Make it with: spacy-xner convert"
        )
    nlp = load(model, device)
    gold = list(DocBin().from_disk(corpus).get_docs(nlp.vocab))
    examples = []
    for done, example in enumerate(predict_examples(nlp, gold), start=1):
        examples.append(example)
        if on_progress is not None:
            on_progress(done, len(gold))
    scores = score_entities(examples)
    if scores is None:
        raise ValueError(
            f"The corpus must have annotated texts, found none in {corpus}. Check its conversion."
        )
    return scores


def predict_examples(nlp: Language, gold: list[Doc]) -> Iterator[Example]:
    """Predict the texts of gold docs anew, from the raw text on."""
    for doc, reference in zip(nlp.pipe(doc.text for doc in gold), gold, strict=True):
        yield Example(doc, reference)
