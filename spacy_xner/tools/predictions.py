"""Predictions on the raw text of a corpus."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..corpus.docbin import check_docbins, read_docs
from ..corpus.unpacking import count_docs, make_doc, stream_parts
from ..scoring.pairs import Prediction

Progress = Callable[[int, int], None]


def predict_corpus(nlp: Language, corpus: Path, on_progress: Progress | None = None) -> list[Prediction]:
    """Predict the raw texts of a corpus, and keep all of them.

    Raises:
        OSError: If the corpus is missing.
    """
    gold = read_docs(corpus, nlp.vocab)
    predictions = []
    for done, prediction in enumerate(predict(nlp, gold), start=1):
        predictions.append(prediction)
        if on_progress is not None:
            on_progress(done, len(gold))
    return predictions


def stream_predictions(
    nlp: Language,
    corpus: Path,
    add: Callable[[Prediction], None],
    on_progress: Progress | None = None,
    *,
    on_batch: Callable[[Sequence[Prediction]], None] | None = None,
) -> None:
    """Predict the raw texts of a corpus, as many at a time as the pipeline does, and forget them.

    Their words go with them: they are in a memory zone of the pipeline, and in vocabularies of their own.

    Args:
        nlp: The pipeline.
        corpus: The corpus.
        add: Called with each prediction, whose docs must not be used after it.
        on_progress: Called with the number of texts done and their total.
        on_batch: Called with the predictions of a batch, after each of them was added.

    Raises:
        OSError: If the corpus is missing.
        ValueError: If a file of it is of another format.
    """
    total, done = count_docs(corpus), 0
    parts = stream_parts(check_docbins(corpus))
    while batch := [*islice(parts, nlp.batch_size)]:
        vocab = Vocab()
        gold = [make_doc(part, vocab) for part in batch]
        with nlp.memory_zone():
            predictions: list[Prediction] = []
            for prediction in predict(nlp, gold):
                add(prediction)
                done += 1
                if on_batch is not None:
                    predictions.append(prediction)
                if on_progress is not None:
                    on_progress(done, total)
            if on_batch is not None:
                on_batch(predictions)
            # Of this zone.
            del prediction, predictions


def predict(nlp: Language, gold: Sequence[Doc]) -> Iterator[Prediction]:
    """Predict the raw texts of gold docs."""
    for doc, reference in zip(nlp.pipe(doc.text for doc in gold), gold, strict=True):
        yield Prediction(doc, reference)
