"""Finished annotations, as Label Studio sends them, in a folder with a file for each."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import srsly

from ...atomic import new_file

Row = dict[str, Any]


class Change(NamedTuple):
    """What an event of Label Studio changes.

    Attributes:
        finished: Tasks with the annotation that is new or has changed.
        deleted_annotations: Numbers of annotations.
        deleted_tasks: Numbers of tasks.
    """

    finished: list[Row]
    deleted_annotations: list[int]
    deleted_tasks: list[int]


def read_event(event: Mapping[str, Any]) -> Change:
    """Read an event of a webhook, or what Label Studio sends to train on.

    Events of other kinds, and what lacks a number, data or results, change nothing.

    Source: Label Studio's `webhooks.models.WebhookAction` and `ml.api_connector.MLApi.train`.
    """
    action, project = event.get("action"), event.get("project")
    own: Row = project if isinstance(project, dict) else {"id": project}
    shared = {"project": _to_number(own.get("id")), "label_config": own.get("label_config")}
    finished: list[Row] = []
    if action in ("ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_CREATED"):
        pairs = zip(_as_rows(event.get("task")), _as_rows(event.get("annotation")), strict=False)
        finished = [_make_task(task, annotation, shared) for task, annotation in pairs]
    elif action is None:
        shared["label_config"] = event.get("label_config")
        tasks = _as_rows(event.get("annotations"))
        finished = [
            _make_task(task, each, shared) for task in tasks for each in _as_rows(task.get("annotations"))
        ]
    numbers = {
        name: [each["id"] for each in _as_rows(event.get(name)) if _is_number(each.get("id"))]
        for name in ("annotations", "tasks")
        if isinstance(action, str) and action.endswith("_DELETED")
    }
    kept = [task for task in finished if _is_readable(task)]
    return Change(kept, numbers.get("annotations", []), numbers.get("tasks", []))


def _make_task(task: Row, annotation: Row, shared: Row) -> Row:
    return {"id": task.get("id"), **shared, "data": task.get("data"), "annotations": [annotation]}


def _is_readable(task: Row) -> bool:
    (annotation,) = task["annotations"]
    numbers = (task["project"], task["id"], annotation.get("id"))
    return (
        all(map(_is_number, numbers))
        and isinstance(task["data"], dict)
        and isinstance(task["label_config"], str)
        and isinstance(annotation.get("result"), list)
    )


def _is_number(value: object) -> bool:
    return type(value) is int and value >= 0


def _to_number(value: object) -> object:
    """Return the number of a project; some requests have its time of creation, too: ``1.1700000000``."""
    number = str(value).partition(".")[0]
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 20 else value


def _as_rows(value: object) -> list[Row]:
    rows = value if isinstance(value, list) else [value]
    return [row for row in rows if isinstance(row, dict)]


class AnnotationFolder:
    """A folder of annotations, one file each, named by the numbers of project, task and annotation.

    Several processes may write to it: each file is written whole.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def apply(self, change: Change, project: int | None = None) -> int:
        """Write and delete what an event changes, and return the number of annotations that changed."""
        for task in change.finished:
            with new_file(self.path / _name(task)) as part:
                srsly.write_json(part, task)
        scope = "*" if project is None else str(project)
        patterns = [
            *(f"{scope}-*-{number}.json" for number in change.deleted_annotations),
            *(f"{scope}-{number}-*.json" for number in change.deleted_tasks),
        ]
        gone = {file for pattern in patterns for file in self.path.glob(pattern)}
        for file in gone:
            file.unlink(missing_ok=True)
        return len(change.finished) + len(gone)

    def list_versions(self) -> dict[str, int]:
        """Return when each file was written, in nanoseconds, by its name."""
        return {file.name: file.stat().st_mtime_ns for file in sorted(self.path.glob("*-*-*.json"))}

    def read_tasks(self, names: Iterable[str]) -> Iterator[Row]:
        """Read tasks, each with all its annotations in these files."""
        tasks: dict[tuple[int, int], Row] = {}
        for name in names:
            try:
                task = srsly.read_json(self.path / name)
            except (ValueError, OSError):  # deleted meanwhile
                continue
            known = tasks.get((task["project"], task["id"]))
            others = known["annotations"] if known else []
            tasks[task["project"], task["id"]] = {**task, "annotations": [*others, *task["annotations"]]}
        yield from tasks.values()


def _name(task: Row) -> str:
    return f"{task['project']}-{task['id']}-{task['annotations'][0]['id']}.json"
