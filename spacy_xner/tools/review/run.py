"""Reviews a corpus by a model, or by pipelines that are trained on parts of it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from spacy.language import Language

from ...corpus.reading.options import ReadOptions
from ...loading import load
from ...scoring.counts import EntityReport
from .corpus import read_corpus
from .findings import Judgement, find_errors
from .folds import train_folds
from .judging import judge
from .result import Review
from .scores import score_judgements


def review(
    corpus: str | Path,
    model: str | Path | None = None,
    *,
    folds: int | None = None,
    config: str | Path | None = None,
    device: str = "auto",
    format: str = "auto",
    options: ReadOptions | None = None,
    overrides: Mapping[str, Any] | None = None,
    progress: IO[str] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Review:
    """Find what is probably labelled wrongly in a corpus.

    A model sees few errors in the texts that it was trained on, since it has learned them. With `folds`, each
    part of the corpus is judged by a pipeline that was trained on the others; near duplicates are in the same
    part.

    Args:
        corpus: The corpus, in any format.
        model: A pipeline that was not trained on it: a folder or an installed package. None with `folds`.
        folds: Number of parts; None with `model`.
        config: Training config for `folds`; None to choose one by the corpus, as `train` does.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        format: Name of the corpus's format; ``auto`` detects it.
        options: Options of its reader.
        overrides: Settings of the config by dotted name, such as ``{"vars.max_steps": 500}``.
        progress: Where the progress of the trainings is written; None for nowhere.
        on_progress: Called with the number of texts judged and their total.

    Raises:
        OSError: If the corpus, the model, the config or the encoder does not exist.
        ValueError: If there is not exactly one of `model` and `folds`, the corpus has no annotation or cannot
            be split, or the model computes no probabilities.

    Examples:
        >>> import spacy_xner
        >>> result = spacy_xner.review("dev.spacy", "pipeline", device="cpu")
        >>> len(result.judgements), result.findings
        (4, [])
    """
    if (model is None) == (folds is None):
        raise ValueError(
            "A review must have either a model or a number of folds, found "
            f"{'neither' if model is None else 'both'}. Name a model, or set --folds 5."
        )
    placed = read_corpus(Path(corpus), format, options)
    docs = [doc for doc, _ in placed]
    judgements: dict[int, Judgement] = {}
    reports: list[EntityReport] = []

    def judge_part(nlp: Language, part: Sequence[int]) -> list[Judgement]:
        results = []
        for i, judgement in zip(part, judge(nlp, [docs[i] for i in part]), strict=True):
            judgements[i] = judgement
            results.append(judgement)
            if on_progress is not None:
                on_progress(len(judgements), len(docs))
        return results

    if folds is None:
        judge_part(load(str(model), device), range(len(docs)))
    else:
        parts = train_folds(docs, folds, config=config, device=device, overrides=overrides, progress=progress)
        for held_out, nlp in parts:
            reports.append(score_judgements(judge_part(nlp, held_out)))
    ordered = [judgements[i] for i in range(len(docs))]
    return Review(find_errors(ordered), ordered, [place for _, place in placed], reports)
