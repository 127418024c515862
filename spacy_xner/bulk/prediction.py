"""Parts predicted in this process; also what each worker of an engine does."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple, TypeAlias

from spacy.language import Language

from ..corpus.export import doc_to_record
from ..loading import load
from ..types import Record
from .parts import Part, read_part
from .reading import Source
from .rendering import PredictedRow, render_rows
from .streaming import pipe_texts


@dataclass(frozen=True, slots=True)
class Task:
    """What all workers have in common.

    Attributes:
        model: Folder or installed package of the pipeline.
        device: Its device.
        sources: The sources.
        format: Format of the output, ``jsonl`` or ``parquet``.
    """

    model: str
    device: str
    sources: Sequence[Source]
    format: str


class PredictedPart(NamedTuple):
    """A part, and the content of its file."""

    part: Part
    content: bytes


# Predicts parts, and yields them in any order.
Engine: TypeAlias = Callable[[Task, Sequence[Part]], Iterator[PredictedPart]]


def predict_part(nlp: Language, task: Task, part: Part) -> bytes:
    """Return the content of a part's file.

    Raises:
        OSError: If its source cannot be read.
        CorpusError: If its source is not as it was.
    """
    return render_part(_predict_rows(nlp, task, [part]), task, part)


def _predict_rows(nlp: Language, task: Task, parts: Sequence[Part], n_process: int = 1) -> Iterator[Record]:
    """Yield the texts of parts with what is predicted, in order."""
    texts = (row.text for part in parts for row in read_part(task.sources, part))
    return map(doc_to_record, pipe_texts(nlp, texts, n_process))


def render_part(records: Iterable[Record], task: Task, part: Part) -> bytes:
    """Return the content of a part's file, from its texts.

    Raises:
        ValueError: If there are less than when its source was read first.
    """
    name = task.sources[part.source].name
    rows = [PredictedRow(number, name, record) for number, record in enumerate(records, part.first)]
    if len(rows) != part.n_rows:
        raise ValueError(
            f"{name} must not change while it is read, found {len(rows)} of {part.n_rows} rows from line "
            f"{part.line} on. Start anew with --overwrite."
        )
    return render_rows(rows, task.format)


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """Predicts parts in this process, or in several that spaCy starts.

    Attributes:
        n_process: Number of processes, as of ``nlp.pipe``.
    """

    n_process: int = field(default=1)

    def __call__(self, task: Task, parts: Sequence[Part]) -> Iterator[PredictedPart]:
        """Yield the parts in order.

        Args:
            task: What to do.
            parts: The parts.
        """
        nlp = load(task.model, task.device)
        if self.n_process == 1:
            for part in parts:
                yield PredictedPart(part, predict_part(nlp, task, part))
            return
        records = _predict_rows(nlp, task, parts, self.n_process)
        for part in parts:
            yield PredictedPart(part, render_part(islice(records, part.n_rows), task, part))
