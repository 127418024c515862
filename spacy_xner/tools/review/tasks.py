"""A corpus to correct in place, the most suspicious texts first, with both versions of each."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path

import srsly

from ...atomic import new_file
from ...corpus.formats.registry import get_writer
from ...corpus.reading.options import WriteOptions
from ...types import CharSpan, Record
from .findings import Finding
from .result import Review

# Where a text stands, and what is probably wrong in it.
Facts = dict[str, str]


def write_tasks(review: Review, path: str | Path, format: str) -> Counter[str]:
    """Write all texts of a corpus for correction, the most suspicious first.

    Args:
        review: The review.
        path: The file.
        format: ``label-studio``, with the model's version as a prediction beside the annotation; or
            ``doccano``, where the metadata of a text say what the model has instead.

    Returns:
        Number of items of the annotation that were lost, by kind.

    Raises:
        ValueError: If the format is another.
    """
    check_format(format)
    findings: defaultdict[int, list[Finding]] = defaultdict(list)
    for finding in review.findings:
        findings[finding.text].append(finding)
    order = [*findings, *(i for i in range(len(review.judgements)) if i not in findings)]
    facts = [{"place": review.places[i], "review": _explain(review, findings.get(i, ()))} for i in order]
    gold, lost = _render([review.judgements[i].gold for i in order], format, WriteOptions())
    predicted = [review.judgements[i].predicted for i in order]
    text = TASK_FORMATS[format](gold, predicted, facts)
    with new_file(Path(path)) as part:
        part.write_text(text, encoding="utf-8")
    return lost


def _to_label_studio(gold: str, predicted: Sequence[Record], facts: Sequence[Facts]) -> str:
    """Add the model's version to each task, and to its data what is probably wrong."""
    versions, _ = _render(predicted, "label-studio", WriteOptions(predictions=True))
    tasks = zip(srsly.json_loads(gold), srsly.json_loads(versions), facts, strict=True)
    merged = [{**task, **version, "data": {**task["data"], **each}} for task, version, each in tasks]
    return str(srsly.json_dumps(merged, indent=1)) + "\n"


def _to_doccano(gold: str, predicted: Sequence[Record], facts: Sequence[Facts]) -> str:
    """Add what is probably wrong to each line, of which doccano makes metadata."""
    # Texts may have other line breaks.
    lines = zip(gold.removesuffix("\n").split("\n"), facts, strict=True)
    return "".join(f"{srsly.json_dumps({**srsly.json_loads(line), **each})}\n" for line, each in lines)


TASK_FORMATS: dict[str, Callable[[str, Sequence[Record], Sequence[Facts]], str]] = {
    "label-studio": _to_label_studio,
    "doccano": _to_doccano,
}


def check_format(format: str) -> None:
    """Check the name of a format of tasks.

    Raises:
        ValueError: If it is another.
    """
    if format not in TASK_FORMATS:
        names = " or ".join(TASK_FORMATS)
        raise ValueError(f"The format of tasks must be {names}, found {format!r}. Choose one of these.")


def _render(records: Sequence[Record], format: str, options: WriteOptions) -> tuple[str, Counter[str]]:
    file = StringIO()
    lost = get_writer(format)(records, file, options)
    return file.getvalue(), lost


def _explain(review: Review, findings: Sequence[Finding]) -> str:
    """Say what is probably wrong in a text."""
    return "; ".join(
        f"{each.kind}: gold {_describe(review, each, each.gold, each.gold_score)}, "
        f"model {_describe(review, each, each.predicted, each.score)}"
        for each in findings
    )


def _describe(review: Review, finding: Finding, span: CharSpan | None, score: float) -> str:
    if span is None:
        return f"none ({score:.3f})"
    start, end, label, _ = span
    return f"{label} {start}-{end} {review.text_of(finding)[start:end]!r} ({score:.3f})"
