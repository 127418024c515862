"""What all tasks of a Label Studio export tell about its project: which texts are labelled, and how."""

import pickle
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from os import SEEK_END
from typing import IO, Any, NamedTuple

from ..annotation.convention import CONVENTIONS
from ..annotation.detection import cut_text
from ..annotation.raw import RawSpan
from ..reading.json_items import Row, read_json
from ..reading.session import ReadSession
from .label_studio_results import ANNOTATIONS, Annotation, Region, Results, read_annotation, strip_markup

# A text, or the utterances of a dialogue.
Text = str | list[str]
# Keys that most projects have for the text, in this order.
TEXTS = ("text", "content", "body", "sentence", "dialogue")
# What offsets may count.
COUNTED = [each for each in CONVENTIONS if each.units != "bytes" and not each.is_inclusive]
# Tasks in which the texts of entities are looked up.
SAMPLE_TASKS = 2000
# Tasks that are written at once.
BATCH = 100
_LINK = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*://|data:|/data/)\S*\s*", re.IGNORECASE)


class TaskKeys(NamedTuple):
    """The texts of a task.

    Attributes:
        by_control: Key of the text of each control.
        entities: Keys of those that are labelled with entities.
        pages: Keys of pages.
        likely: Key of the most likely one.
    """

    by_control: dict[str, str]
    entities: list[str]
    pages: set[str]
    likely: str


class Project(NamedTuple):
    """What is the same for all tasks of a file.

    Attributes:
        reads_predictions: Whether predictions are read, as no task has an annotation.
        texts: Keys of texts, the most likely first.
        keys: Key of the text of each control.
        entity_names: Controls of texts that are labelled with entities.
        pages: Controls of pages, whose offsets count text without markup.
        names_controls: Whether labels of texts need the name of their control, as others have the same label.
    """

    reads_predictions: bool
    texts: list[str]
    keys: dict[str, str]
    entity_names: list[str]
    pages: set[str]
    names_controls: bool

    def find_keys(self, texts: Collection[str]) -> "TaskKeys | None":
        """Return what the texts of a task with these keys are; None if none of them is a text."""
        known = [key for key in self.texts if key in texts]
        keys = {name: known[0] if len(known) == 1 else key for name, key in self.keys.items()}
        keys = {name: key for name, key in keys.items() if key in texts}
        entities = dict.fromkeys(keys[name] for name in self.entity_names if name in keys)
        pages = {keys[name] for name in self.pages if name in keys}
        return TaskKeys(keys, [*entities], pages, known[0]) if known else None


@dataclass(slots=True)
class _Survey:
    """What the tasks so far have.

    Attributes:
        n_tasks: Tasks with an annotation.
        n_empty: Those whose annotation has no result.
        entities: Controls of texts with entities, and how many they have.
        pages: Controls of pages.
        others: Controls of texts with choices.
        hits_by_key: For each key, the number of entities whose own text is at their offsets, by control.
        choices: For each choice, the controls that have it.
        unread: Other results.
    """

    n_tasks: int = 0
    n_empty: int = 0
    entities: Counter[str] = field(default_factory=Counter)
    pages: set[str] = field(default_factory=set)
    others: dict[str, None] = field(default_factory=dict)
    hits_by_key: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    choices: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    unread: Counter[str] = field(default_factory=Counter)

    def add(self, results: Results, texts: Mapping[str, Text]) -> None:
        """Add the results of a task's annotation."""
        self.n_tasks += 1
        self.n_empty += not (results.regions or results.choices or results.unread)
        if results.unread:
            self.unread.update(results.unread)
        for choice in results.choices:
            self.others[choice.to_name] = None
            for label in map(str, choice.labels):
                self.choices[label].add(choice.from_name)
        for region in results.regions:
            self.entities[region.to_name] += 1
            if region.is_markup:
                self.pages.add(region.to_name)
        if self.n_tasks <= SAMPLE_TASKS:
            self._find_texts(results.regions, texts)

    def _find_texts(self, regions: list[Region], texts: Mapping[str, Text]) -> None:
        """Count the entities whose own text is at their offsets."""
        regions = [region for region in regions if isinstance(region.surface, str)]
        for is_page in {region.is_markup for region in regions}:
            for key, text in texts.items():
                page = strip_markup(text).text if is_page and isinstance(text, str) else text
                own = [page] if isinstance(page, str) else page
                hits = (each.to_name for each in regions if each.is_markup == is_page and _is_at(each, own))
                self.hits_by_key[key].update(hits)


class Task(NamedTuple):
    """What is read of a task.

    Attributes:
        where: Position of the task, as ``file:line``.
        texts: Its texts and dialogues by their keys; None if the task has another shape.
        annotation: Its annotation.
        prediction: Its prediction; None if a task before it has an annotation.
    """

    where: str
    texts: dict[str, Text] | None
    annotation: Annotation = Annotation(None, 0, 0)
    prediction: Annotation | None = None


def survey_project(session: ReadSession, file: IO[bytes]) -> Project:
    """Read all tasks, write them to a temporary file, and decide what holds for all of them.

    Args:
        session: The session.
        file: Where `list_tasks` will find the tasks: reading them there is faster than decoding JSON again.

    Raises:
        CorpusError: If the file is not JSON, no task has a text, or no result can be read.
    """
    annotated, predicted = _Survey(), _Survey()
    lengths: Counter[str] = Counter()
    not_links: set[str] = set()
    tasks = (_read_task(*item, has_predictions=not annotated.n_tasks) for item in read_json(session))
    while batch := [*islice(tasks, BATCH)]:
        pickle.dump(batch, file, pickle.HIGHEST_PROTOCOL)
        for task in batch:
            _add(annotated, predicted, task)
            for key, text in (task.texts or {}).items():
                lengths[key] += len(text)
                if key not in not_links and not _is_link(text):
                    not_links.add(key)
    reads_predictions = predicted.n_tasks > 0 and not annotated.n_tasks
    survey = predicted if reads_predictions else annotated
    _check_readable(session, survey)
    chosen = session.options.field_names.get("text")
    ranked = [chosen] if chosen else sorted(not_links, key=lambda key: (_rank_name(key), -lengths[key]))
    if lengths and not ranked:
        problem = "expected a task of Label Studio with its text in data, found only links."
        session.fail(1, problem, "Add the texts.")
    keys = _match_keys(session, survey, ranked)
    if reads_predictions:
        session.note("predictions are read, as no task has an annotation")
    names_controls = any(len(controls) > 1 for controls in survey.choices.values())
    return Project(reads_predictions, ranked, keys, list(survey.entities), survey.pages, names_controls)


def _read_task(where: str, row: Row, *, has_predictions: bool) -> Task:
    try:
        texts = find_texts(row["data"])
        annotation = read_annotation(row, ANNOTATIONS)
        prediction = read_annotation(row, ("predictions",)) if has_predictions else None
    except (KeyError, TypeError, AttributeError, ValueError):
        return Task(where, None)
    return Task(where, texts, annotation, prediction)


def _add(annotated: _Survey, predicted: _Survey, task: Task) -> None:
    if task.texts is None:
        return
    try:
        if task.annotation.results is not None:
            annotated.add(task.annotation.results, task.texts)
        if task.prediction is not None and task.prediction.results is not None:
            predicted.add(task.prediction.results, task.texts)
    except (TypeError, ValueError):
        return  # the reader reports it


def list_tasks(file: IO[bytes]) -> Iterator[Task]:
    """Yield the tasks that `survey_project` wrote."""
    size = file.seek(0, SEEK_END)
    file.seek(0)
    while file.tell() < size:
        yield from pickle.load(file)


def _check_readable(session: ReadSession, survey: _Survey) -> None:
    """Check that some result can be read, if there are any.

    Raises:
        CorpusError: If there are only results of other types.
    """
    if survey.unread and not (survey.n_empty or survey.entities or survey.others):
        kinds = ", ".join(f"{kind} {n}" for kind, n in survey.unread.most_common(5))
        session.fail(
            1,
            f"a Label Studio export must have labels or choices of texts, found only {kinds:.300}.",
            "Check that the project labels texts.",
        )


def _match_keys(session: ReadSession, survey: _Survey, ranked: list[str]) -> dict[str, str]:
    """Find the text of each control, by the entities' own texts, by its name, or else the most likely."""
    keys: dict[str, str] = {}
    for name in dict.fromkeys([*survey.entities, *survey.others]):
        hits = {key: counts[name] for key, counts in survey.hits_by_key.items()}
        if not ranked:
            break
        key = max(ranked, key=lambda key: (hits.get(key, 0), key == name, -ranked.index(key)))
        keys[name] = key
        why = "as its control is named" if key == name else "the most likely of all keys"
        if hits.get(key):
            why = f"{hits[key]} of {survey.entities[name]} entities match their text"
        session.note(f"text in {key}: {why}")
    return keys


def _rank_name(key: str) -> int:
    return TEXTS.index(key) if key in TEXTS else len(TEXTS)


def _is_link(text: Text) -> bool:
    return isinstance(text, str) and _LINK.fullmatch(text) is not None


def find_texts(data: Mapping[str, Any]) -> dict[str, Text]:
    """Return the texts and dialogues of a task by their keys."""
    if {*map(type, data.values())} == {str}:
        return {**data}
    inner = {
        f"{key}.{name}": each
        for key, row in data.items()
        if isinstance(row, dict)
        for name, each in row.items()
    }
    texts: dict[str, Text] = {key: each for key, each in {**data, **inner}.items() if isinstance(each, str)}
    for key, value in data.items():
        if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
            texts[key] = [_utterance(row) for row in value]
    return texts


def _utterance(row: Row) -> str:
    strings = {key: value for key, value in row.items() if isinstance(value, str)}
    named = next((strings[key] for key in TEXTS if key in strings), None)
    return max(strings.values(), key=len, default="") if named is None else named


def _is_at(region: Region, texts: Sequence[str]) -> bool:
    """Return whether the text of a region is at its offsets in an utterance, whatever they count."""
    number = region.utterance or 0
    if number >= len(texts):
        return False
    text, span = texts[number], RawSpan(region.start, region.end, "")
    surface = clean_surface(region.surface or "", text).strip()
    cuts = (cut_text(text, *each.locate(text, [span])) for each in COUNTED)
    return any(cut and cut.replace("\r\n", "\n").strip() == surface.replace("\r\n", "\n") for cut in cuts)


def clean_surface(surface: str, text: str) -> str:
    r"""Return an entity's text with line ends, which Label Studio writes as ``\n`` of two characters."""
    return surface if "\\n" in text else surface.replace("\\n", "\n")
