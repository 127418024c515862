"""Label Studio's JSON: tasks, each with texts in ``data`` and the results of its annotations.

Source: Label Studio's documentation, "Label Studio JSON format of annotated tasks".
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from statistics import fmean
from tempfile import TemporaryFile
from typing import TextIO

from ...errors import CorpusError
from ...types import Record
from ..annotation.offsets import RawRecord, RawSpan, read_offsets
from ..reading.json_items import Row
from ..reading.options import WriteOptions
from ..reading.session import ReadSession
from ..reading.sniff import FileHead
from .label_studio_project import Project, Task, TaskKeys, Text, clean_surface, list_tasks, survey_project
from .label_studio_results import ANNOTATIONS, Choice, Region, Results, strip_markup
from .losses import UNANNOTATED, WITHOUT_ENTITIES, choose_labels

KINDS = (*ANNOTATIONS, "predictions")
# Returns what the texts of a task with some keys are.
FindKeys = Callable[[tuple[str, ...]], TaskKeys | None]
# Keys of a task that nobody has annotated.
UNLABELLED = {"data", "id", "meta", "drafts"}


def recognizes_label_studio(head: FileHead) -> bool:
    """Return whether the first object is a task: it has data, and annotations with results, or no others."""
    row = head.first
    if not isinstance(row.get("data"), dict):
        return False
    first = next((row[name][:1] for name in KINDS if isinstance(row.get(name), list)), None)
    return row.keys() <= UNLABELLED if first is None else all(not _is_other(each) for each in first)


def _is_other(annotation: object) -> bool:
    return isinstance(annotation, dict) and "result" not in annotation


def read_label_studio(session: ReadSession) -> Iterator[Record]:
    """Read the labels and choices of each task: of the ground truth, or else of the newest annotation.

    A task with several labelled texts gives a record for each, and a dialogue one for each utterance. Tasks
    without an annotation or with none that can be read, other annotations, and other results are counted and
    left out.

    Raises:
        CorpusError: If a task is bad.
    """
    with TemporaryFile() as file:
        project = survey_project(session, file)
        # The tasks of a file have the same keys.
        find_keys = lru_cache(project.find_keys)

        def list_texts(session: ReadSession) -> Iterator[tuple[str, RawRecord]]:
            tasks = session.read_each(list_tasks(file), partial(_read_task, session, project, find_keys))
            return ((where, raw) for where, texts in tasks for raw in texts)

        yield from read_offsets(session, list_texts, lambda session, where, raw: raw)


def _read_task(
    session: ReadSession, project: Project, find_keys: FindKeys, task: Task
) -> tuple[str, list[RawRecord]] | None:
    keys = None if task.texts is None else find_keys(tuple(task.texts))
    annotation = task.prediction if project.reads_predictions else task.annotation
    try:
        if task.texts is None or keys is None or annotation is None:
            raise KeyError
        results, n_others, n_skipped = annotation
        if results is None:
            session.leave_out("tasks without an annotation")
            return None
        for _ in range(n_others):
            session.leave_out("other annotations of a task")
        for _ in range(n_skipped):
            session.leave_out("skipped annotations")
        if _is_readable(session, results):
            return task.where, list(_make_records(session, project, results, keys, texts=task.texts))
    except CorpusError:
        raise
    except (LookupError, TypeError, AttributeError, ValueError):
        session.fail(
            task.where,
            "expected a task of Label Studio with its text in data, and annotations with results, found "
            "another shape.",
        )
    return None


def _is_readable(session: ReadSession, results: Results) -> bool:
    """Count what is not read, and return whether the rest can stand for the task."""
    for kind in results.unread:
        session.leave_out(kind)
    if results.n_misplaced:
        session.leave_out("tasks with entities whose places cannot be read")
    elif results.unread and not (results.regions or results.choices):
        session.leave_out("tasks of which no result can be read")
    else:
        return True
    return False


def _make_records(
    session: ReadSession, project: Project, results: Results, keys: TaskKeys, *, texts: dict[str, Text]
) -> Iterator[RawRecord]:
    """Make a record of each labelled text of a task."""
    chosen = [keys.by_control[choice.to_name] for choice in results.choices]
    for key in dict.fromkeys([*keys.entities, *chosen]) or [keys.likely]:
        regions = [region for region in results.regions if keys.by_control[region.to_name] == key]
        choices = [choice for choice, own in zip(results.choices, chosen, strict=True) if own == key]
        has_entities = key in keys.entities or not project.keys
        text = texts[key]
        if isinstance(text, list):
            for _ in choices:
                session.leave_out("labels of whole dialogues")
            yield from _read_dialogue(text, regions) if has_entities else ()
            continue
        if key in keys.pages:
            page = strip_markup(text)
            text, regions = page.lay_out(), [page.shift(region) for region in regions]
        spans = [span for region in regions for span in _make_spans(region, text)]
        cats = [label for choice in choices for label in _name_labels(project, choice)]
        yield RawRecord(text, spans if has_entities else None, cats if choices else None)


def _read_dialogue(utterances: list[str], regions: list[Region]) -> Iterator[RawRecord]:
    """Make a record of each utterance."""
    spans: list[list[RawSpan]] = [[] for _ in utterances]
    for region in regions:
        if region.utterance is None:
            raise TypeError
        spans[region.utterance] += _make_spans(region, utterances[region.utterance])
    return map(RawRecord, utterances, spans)


def _make_spans(region: Region, text: str) -> list[RawSpan]:
    surface = clean_surface(region.surface, text) if isinstance(region.surface, str) else region.surface
    return [RawSpan(region.start, region.end, label, surface) for label in region.labels]


def _name_labels(project: Project, choice: Choice) -> list[str]:
    """Return the chosen labels, with the name of their control if others have the same label."""
    return [f"{choice.from_name}={label}" if project.names_controls else label for label in choice.labels]


def write_label_studio(records: Iterable[Record], file: TextIO, options: WriteOptions) -> Counter[str]:
    """Write tasks to import, for an interface with ``<Labels name="label" toName="text">``.

    Predictions are written as such, to be corrected there; gold as annotations.

    Returns:
        Number of items that were lost, by kind.
    """
    lost: Counter[str] = Counter()
    # Texts by whether they are annotated with entities, and have any; and those with labels of their own.
    n_texts: Counter[bool | None] = Counter()
    n_classified = 0
    file.write("[")
    for i, record in enumerate(records):
        result = _write_results(record, i, lost, options)
        n_texts[None if record.spans is None else bool(record.spans)] += 1
        n_classified += record.cats is not None
        done: Row = {"result": result}
        if options.predictions:
            done |= {"model_version": "spacy-xner"}
            done |= {"score": fmean(span.score for span in record.spans)} if record.spans else {}
        name = "predictions" if options.predictions else "annotations"
        task = {"data": {"text": record.text}, name: [done]}
        file.write(("," if i else "") + "\n" + json.dumps(task, ensure_ascii=False))
    file.write("\n]\n")
    # The reader takes a project for one of entities if any task has one, or if there is no choice.
    if n_texts[True] or not n_classified:
        lost[UNANNOTATED] += n_texts[None]
    else:
        lost[WITHOUT_ENTITIES] += n_texts[False]
    return +lost


def _write_results(record: Record, number: int, lost: Counter[str], options: WriteOptions) -> list[Row]:
    result: list[Row] = [
        {
            "id": f"{number}-{n}",
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "value": {"start": start, "end": end, "text": record.text[start:end], "labels": [label]},
        }
        | ({"score": score} if options.predictions else {})
        for n, (start, end, label, score) in enumerate(record.spans or ())
    ]
    chosen = choose_labels(record, lost)
    if record.cats is not None:
        place = {"from_name": "choice", "to_name": "text", "type": "choices", "id": f"{number}-choice"}
        result.append({**place, "value": {"choices": chosen}})
    return result
