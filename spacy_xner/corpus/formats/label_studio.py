"""Label Studio's JSON: tasks, each with a text in ``data`` and the results of its annotations.

Source: Label Studio's documentation, "Label Studio JSON format of annotated tasks".
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from statistics import fmean
from typing import Any, TextIO

from ...types import Record
from ..annotation.offsets import RawRecord, RawSpan, read_offsets
from ..reading.json_items import Row, read_json
from ..reading.options import WriteOptions
from ..reading.session import ReadSession
from ..reading.sniff import FileHead

ANNOTATIONS = ("annotations", "completions")


def recognizes_label_studio(head: FileHead) -> bool:
    """Return whether the first object is a task."""
    return isinstance(head.first.get("data"), dict)


def read_label_studio(session: ReadSession) -> Iterator[Record]:
    """Read the labels and choices of each task's first annotation that was not cancelled.

    Tasks without one, further annotations, and results of other types are counted and left out.

    Raises:
        CorpusError: If a task is bad.
    """
    return read_offsets(session, read_json, _parse)


def _parse(session: ReadSession, where: str, task: Row) -> RawRecord | None:
    try:
        text = _text(task["data"])
        annotations: list[Row] = next((task[name] for name in ANNOTATIONS if name in task), [])
        done = [each for each in annotations if not each.get("was_cancelled")]
        if not done:
            session.leave_out("tasks without an annotation")
            return None
        for _ in done[1:]:
            session.leave_out("annotations after a task's first")
        return RawRecord(text, *_read_results(session, done[0]["result"]))
    except (KeyError, TypeError, AttributeError, ValueError):
        session.fail(
            where,
            "expected a task of Label Studio with its text in data, and annotations with results, found "
            "another shape.",
        )


def _read_results(session: ReadSession, results: list[Row]) -> tuple[list[RawSpan] | None, list[str] | None]:
    """Read the entities of an annotation, and its choices: None where it has only the other."""
    spans: list[RawSpan] = []
    cats: list[str] | None = None
    for result in results:
        kind, value = result["type"], result["value"]
        if kind == "labels":
            labels = _as_list(value["labels"])
            spans += [RawSpan(value["start"], value["end"], label, value.get("text")) for label in labels]
        elif kind == "choices":
            cats = [*(cats or []), *_as_list(value["choices"])]
        elif isinstance(kind, str):
            session.leave_out(f"results of type {kind}")
        else:
            raise TypeError
    return (spans if spans or cats is None else None), cats


def _as_list(value: object) -> list[str]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _text(data: dict[str, Any]) -> str:
    """Return the text: the longest string, if none is named so."""
    texts = [value for value in data.values() if isinstance(value, str)]
    return data["text"] if isinstance(data.get("text"), str) else max(texts, key=len)


def write_label_studio(records: Iterable[Record], file: TextIO, options: WriteOptions) -> Counter[str]:
    """Write tasks to import, for an interface with ``<Labels name="label" toName="text">``.

    Predictions are written as such, to be corrected there; gold as annotations.
    """
    file.write("[")
    for i, record in enumerate(records):
        result = [
            {
                "id": f"{i}-{n}",
                "from_name": "label",
                "to_name": "text",
                "type": "labels",
                "value": {"start": start, "end": end, "text": record.text[start:end], "labels": [label]},
            }
            | ({"score": score} if options.predictions else {})
            for n, (start, end, label, score) in enumerate(record.spans or ())
        ]
        chosen = [label for label, value in (record.cats or {}).items() if value >= 0.5]
        if record.cats is not None:
            place = {"from_name": "choice", "to_name": "text", "type": "choices", "id": f"{i}-choice"}
            result.append({**place, "value": {"choices": chosen}})
        done: Row = {"result": result}
        if options.predictions:
            done |= {"model_version": "spacy-xner"}
            done |= {"score": fmean(span.score for span in record.spans)} if record.spans else {}
        name = "predictions" if options.predictions else "annotations"
        task = {"data": {"text": record.text}, name: [done]}
        file.write(("," if i else "") + "\n" + json.dumps(task, ensure_ascii=False))
    file.write("\n]\n")
    return Counter()
