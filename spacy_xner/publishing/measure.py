"""Scores of a pipeline and of its checkpoint, as ``transformers.pipeline`` runs it, on the same texts."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import filter_spans
from transformers import pipeline

from ..corpus.docbin import read_docs
from ..hub.encoder import quiet_io
from ..nn.encoder.units import Aggregation
from ..nn.runtime.device import resolve_device
from ..pipeline.xcat import TextClassifier
from ..scoring.entities import count_entities
from ..scoring.pairs import Prediction
from ..scoring.texts import score_texts
from ..scoring.thresholds import DEFAULT_THRESHOLD

Progress = Callable[[int, int], None]
Spans = set[tuple[int, int, str]]
NO_ANNOTATION = "The corpus must have texts annotated for {!r}, found none in {}. Check its conversion."


class Row(NamedTuple):
    """Scores of one way to run a model.

    Attributes:
        name: ``pipeline``, or how transformers runs it: its ``aggregation_strategy``.
        score: The score, from 0 to 1.
        same: Share of the texts with the entities or labels of the pipeline, from 0 to 1.
    """

    name: str
    score: float
    same: float


class Measured(NamedTuple):
    """Scores of a pipeline, and of its checkpoint in transformers.

    Attributes:
        measure: What was measured: F1 of entities, accuracy or micro F1 of labels.
        n_texts: Number of texts.
        rows: The pipeline first.
    """

    measure: str
    n_texts: int
    rows: list[Row]


def measure(
    nlp: Language,
    name: str,
    folder: Path,
    corpus: Path,
    strategies: Sequence[Aggregation],
    *,
    on_progress: Progress | None = None,
) -> Measured:
    """Score a component, and the checkpoint that was written of it, on raw texts.

    Args:
        nlp: The pipeline.
        name: Name of the component.
        folder: Folder of the checkpoint.
        corpus: A ``.spacy`` file.
        strategies: Values of ``aggregation_strategy`` for entities.
        on_progress: Called with the number of texts scored and their total.

    Raises:
        OSError: If the corpus is missing.
        ValueError: If it has no annotation for the component.
    """
    pipe: Any = nlp.get_pipe(name)
    gold = [doc for doc in read_docs(corpus, nlp.vocab) if _is_annotated(doc, pipe)]
    if not gold:
        raise ValueError(NO_ANNOTATION.format(name, corpus))
    is_text = isinstance(pipe, TextClassifier)
    total = len(gold) * (2 if is_text else 1 + len(strategies))
    with nlp.select_pipes(enable=[name]):
        ours = list(_track(nlp.pipe(doc.text for doc in gold), 0, total, on_progress))
    compare = _compare_texts if is_text else _compare_entities
    rows: list[Row] = []
    for i, strategy in enumerate([None] if is_text else strategies, start=1):
        runner = load_runner(folder, pipe.device, strategy)
        theirs = list(_track(_run(runner, gold), i * len(gold), total, on_progress))
        first, row = compare(pipe, gold, ours, theirs)
        rows = [*(rows or [first]), row._replace(name=strategy or "transformers")]
    label_measure = "accuracy" if is_text and pipe.is_exclusive else "micro F1"
    return Measured(label_measure if is_text else "F1", len(gold), rows)


def load_runner(folder: Path, device: str, strategy: Aggregation | None) -> Any:
    """Load a checkpoint as transformers does: a tagger with a strategy, else a classifier of texts."""
    settings: dict[str, Any] = {"top_k": None, "truncation": True}
    task = "text-classification"
    if strategy is not None:
        settings, task = {"aggregation_strategy": strategy}, "token-classification"
    with quiet_io():
        return pipeline(task, model=str(folder), device=resolve_device(device), **settings)


def read_spans(text: str, entities: Iterable[dict[str, Any]]) -> Spans:
    """Read the entities that transformers returns, without white space around them."""
    spans = set()
    for ent in entities:
        part = text[ent["start"] : ent["end"]]
        if part.strip():
            start = ent["start"] + len(part) - len(part.lstrip())
            spans.add((start, start + len(part.strip()), ent["entity_group"]))
    return spans


def _is_annotated(doc: Doc, pipe: Any) -> bool:
    if isinstance(pipe, TextClassifier):
        return any(label in doc.cats for label in pipe.labels)
    return bool(doc.has_annotation("ENT_IOB"))


def _run(runner: Any, gold: Iterable[Doc]) -> Iterator[Any]:
    with warnings.catch_warnings():
        # About words in scripts without spaces, and sequences of texts on a GPU.
        warnings.simplefilter("ignore", UserWarning)
        for doc in gold:
            yield runner([doc.text])[0]


def _track(items: Iterable[Any], done: int, total: int, on_progress: Progress | None) -> Iterator[Any]:
    for n, item in enumerate(items, start=done + 1):
        yield item
        if on_progress is not None:
            on_progress(n, total)


def _compare_entities(
    pipe: Any, gold: Sequence[Doc], ours: Sequence[Doc], theirs: Sequence[Any]
) -> tuple[Row, Row]:
    read = [read_spans(doc.text, found) for doc, found in zip(gold, theirs, strict=True)]
    docs = [make_doc(doc, spans) for doc, spans in zip(ours, read, strict=True)]
    pairs = [[_locate(doc.ents) for doc in part] for part in (ours, docs)]
    same = [a == b for a, b in zip(*pairs, strict=True)]
    scores = [count_entities(map(Prediction, part, gold)).micro()["f"] for part in (ours, docs)]
    return _make_rows(scores, same)


def _compare_texts(
    pipe: TextClassifier, gold: Sequence[Doc], ours: Sequence[Doc], theirs: Sequence[Any]
) -> tuple[Row, Row]:
    docs = [Doc(doc.vocab, words=[doc.text or " "]) for doc in ours]
    for doc, rows in zip(docs, theirs, strict=True):
        doc.cats = {row["label"]: row["score"] for row in rows}
    same = [set(pipe.choose(a.cats)) == set(_choose(pipe, b.cats)) for a, b in zip(ours, docs, strict=True)]
    scores = [
        score_texts(
            map(Prediction, part, gold),
            labels=pipe.labels,
            is_exclusive=pipe.is_exclusive,
            threshold=threshold,
        )
        for part, threshold in ((ours, pipe.threshold), (docs, DEFAULT_THRESHOLD))
    ]
    return _make_rows([part["cats_score"] for part in scores], same)


def _choose(pipe: TextClassifier, cats: dict[str, float]) -> list[str]:
    """Choose labels as users of transformers do: the most probable one, or those from one half up."""
    if pipe.is_exclusive:
        return [max(pipe.labels, key=lambda label: cats[label])]
    return [label for label in pipe.labels if cats[label] >= DEFAULT_THRESHOLD]


def _locate(ents: Iterable[Span]) -> Spans:
    return {(ent.start_char, ent.end_char, ent.label_) for ent in ents}


def make_doc(doc: Doc, spans: Spans) -> Doc:
    """Make a doc with a token for each character, since transformers' entities may begin inside of tokens."""
    copy = Doc(doc.vocab, words=list(doc.text), spaces=[False] * len(doc.text))
    # Pieces may share a character: a space that the tokenizer adds before a text has that of the first one.
    flat = filter_spans([Span(copy, *span) for span in sorted(spans)])
    copy.set_ents(flat, default="outside")
    return copy


def _make_rows(scores: Sequence[float], same: Sequence[bool]) -> tuple[Row, Row]:
    first, second = scores
    return Row("pipeline", first, 1.0), Row("", second, sum(same) / len(same))
