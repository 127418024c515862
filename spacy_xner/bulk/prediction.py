"""Parts predicted in this process; also what each worker of an engine does."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple, TypeAlias

from spacy.language import Language

from ..corpus.export import doc_to_record
from ..loading import load
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
    texts = (row.text for row in read_part(task.sources, part))
    records = map(doc_to_record, pipe_texts(nlp, texts))
    name = task.sources[part.source].name
    rows = [PredictedRow(index, name, record) for index, record in enumerate(records, part.first)]
    check_rows(task, part, len(rows))
    return render_rows(rows, task.format)


def check_rows(task: Task, part: Part, n_rows: int) -> None:
    """Check that a part has as many rows as when its source was read first.

    Raises:
        ValueError: If it has less.
    """
    if n_rows != part.n_rows:
        raise ValueError(
            f"{task.sources[part.source].name} must not change while it is read, found {n_rows} of "
            f"{part.n_rows} rows from line {part.line} on. Start anew with --overwrite."
        )


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
        texts = (row.text for part in parts for row in read_part(task.sources, part))
        records = map(doc_to_record, pipe_texts(nlp, texts, self.n_process))
        for part in parts:
            name = task.sources[part.source].name
            rows = [
                PredictedRow(index, name, record)
                for index, record in enumerate(islice(records, part.n_rows), part.first)
            ]
            check_rows(task, part, len(rows))
            yield PredictedPart(part, render_rows(rows, task.format))
