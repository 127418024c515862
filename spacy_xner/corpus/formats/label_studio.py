"""Label Studio's JSON: tasks, each with a text in ``data`` and the results of its annotations.

Source: Label Studio's documentation, "Label Studio JSON format of annotated tasks".
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any, TextIO

from ...errors import CorpusError
from ...types import Record
from ..annotation.offsets import Items, RawRecord, RawSpan, read_offsets
from ..reading.json_items import Row, json_items
from ..reading.lines import FIX_HINT
from ..reading.options import ReadCounts, ReadOptions, WriteOptions
from ..reading.sniff import Head

ANNOTATIONS = ("annotations", "completions")


def recognizes_label_studio(head: Head) -> bool:
    """Tell a file of tasks."""
    return isinstance(head.first.get("data"), dict)


def read_label_studio(path: Path, options: ReadOptions, counts: ReadCounts) -> Iterator[Record]:
    """Read the first annotation of each task that was not cancelled; its labels and choices.

    Tasks without one, annotations after the first, and results of other kinds are counted.

    Raises:
        CorpusError: If a task is bad.
    """

    def make_items(path: Path, own: ReadCounts) -> Items:
        # What is looked at first is not counted twice.
        return json_items(partial(_parse, own))(path, own)

    return read_offsets(path, make_items, options, counts)


def _parse(counts: ReadCounts, where: str, task: Row) -> RawRecord | None:
    try:
        text = _text(task["data"])
        every: list[Row] = next((task[name] for name in ANNOTATIONS if name in task), [])
        done = [each for each in every if not each.get("was_cancelled")]
        if not done:
            counts.leave_out("tasks that nobody has annotated")
            return None
        for _ in done[1:]:
            counts.leave_out("annotations after a task's first")
        spans: list[RawSpan] = []
        cats: list[str] | None = None
        for result in done[0]["result"]:
            kind, value = result["type"], result["value"]
            if kind == "labels":
                surface = value.get("text")
                spans += [RawSpan(value["start"], value["end"], each, surface) for each in value["labels"]]
            elif kind == "choices":
                cats = [*(cats or []), *value["choices"]]
            else:
                counts.leave_out(f"results of type {kind}")
        if not all(isinstance(offset, int) for span in spans for offset in span[:2]):
            raise TypeError
    except (KeyError, TypeError, AttributeError, ValueError) as err:
        raise CorpusError(
            f"{where}: expected a task of Label Studio with its text in data, and annotations with results, "
            f"found another shape.{FIX_HINT}"
        ) from err
    return RawRecord(text, spans, cats)


def _text(data: dict[str, Any]) -> str:
    """Take the text, whatever it is named: the longest string."""
    texts = [value for value in data.values() if isinstance(value, str)]
    return data["text"] if isinstance(data.get("text"), str) else max(texts, key=len)


def write_label_studio(records: Iterable[Record], file: TextIO, options: WriteOptions) -> Counter[str]:
    """Write tasks to import, for an interface with ``<Labels name="label" toName="text">``.

    What a model has found is a prediction, to be corrected there; gold is an annotation.
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
            for n, (start, end, label, score) in enumerate(record.spans)
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
