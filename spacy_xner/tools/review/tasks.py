"""A corpus to correct in place, the most suspicious texts first, with both versions of each."""

from collections import defaultdict
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


def write_tasks(review: Review, path: str | Path, format: str) -> None:
    """Write all texts of a corpus for correction, the most suspicious first.

    Args:
        review: The review.
        path: The file.
        format: ``label-studio``, with the model's version as a prediction beside the annotation; or
            ``doccano``, where the metadata of a text say what the model has instead.

    Raises:
        ValueError: If the format is another.
    """
    check_format(format)
    findings: defaultdict[int, list[Finding]] = defaultdict(list)
    for finding in review.findings:
        findings[finding.text].append(finding)
    order = [*findings, *(i for i in range(len(review.judgements)) if i not in findings)]
    text = TASK_FORMATS[format](review, order, findings)
    with new_file(Path(path)) as part:
        part.write_text(text, encoding="utf-8")


def _to_label_studio(review: Review, order: Sequence[int], findings: dict[int, list[Finding]]) -> str:
    options = WriteOptions(predictions=True)
    versions = [
        srsly.json_loads(_write(records, "label-studio", each))
        for records, each in zip(_list_versions(review, order), (WriteOptions(), options), strict=True)
    ]
    tasks = []
    for i, gold, predicted in zip(order, *versions, strict=True):
        facts = {"place": review.places[i], "review": _explain(review, findings.get(i, ()))}
        tasks.append({**gold, **predicted, "data": {**gold["data"], **facts}})
    return str(srsly.json_dumps(tasks, indent=1)) + "\n"


def _to_doccano(review: Review, order: Sequence[int], findings: dict[int, list[Finding]]) -> str:
    gold, _ = _list_versions(review, order)
    rows = map(srsly.json_loads, _write(gold, "doccano", WriteOptions()).splitlines())
    return "".join(
        srsly.json_dumps({**row, "place": review.places[i], "review": _explain(review, findings.get(i, ()))})
        + "\n"
        for i, row in zip(order, rows, strict=True)
    )


TASK_FORMATS: dict[str, Callable[[Review, Sequence[int], dict[int, list[Finding]]], str]] = {
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


def _list_versions(review: Review, order: Sequence[int]) -> tuple[list[Record], list[Record]]:
    judgements = [review.judgements[i] for i in order]
    return [each.gold for each in judgements], [each.predicted for each in judgements]


def _write(records: Sequence[Record], format: str, options: WriteOptions) -> str:
    file = StringIO()
    get_writer(format)(records, file, options)
    return file.getvalue()


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
