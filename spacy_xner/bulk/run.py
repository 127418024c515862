"""Predict files into a folder of parts, and go on with what was begun."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from spacy.util import get_package_path, is_package

from ..atomic import check_apart, sole_writer
from ..errors import check_range
from ..models.manifest import digest_file
from .files import FileState, find_files, is_url
from .job import Identity, Job, JobFolder
from .parts import cut_parts
from .prediction import Engine, LocalEngine, Task
from .reading import FORMATS as SOURCE_FORMATS
from .reading import Source, check_encoding, detect_format
from .rendering import FORMATS, build_schema


@dataclass(frozen=True, slots=True)
class JobOptions:
    """What is read and written, and how.

    Attributes:
        format: Format of the output: ``jsonl`` or ``parquet``.
        source_format: Format of all sources: ``text``, ``jsonl``, ``csv``, ``tsv`` or ``parquet``; None to go
            by their endings.
        text_column: Column or key of the texts.
        encoding: Encoding of the sources.
        part_rows: Greatest number of rows in a part.
    """

    format: str = "jsonl"
    source_format: str | None = None
    text_column: str = "text"
    encoding: str = "utf-8"
    part_rows: int = 2000

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            ValueError: If one is not valid.
        """
        if self.format not in FORMATS:
            raise ValueError(
                f"The format of predictions in a folder must be jsonl or parquet, found {self.format!r}. "
                "Choose one of them."
            )
        if self.source_format not in (None, *SOURCE_FORMATS):
            raise ValueError(
                f"The format of sources must be one of {', '.join(SOURCE_FORMATS)}, found "
                f"{self.source_format!r}. Choose one of them."
            )
        check_encoding(self.encoding)
        check_range("part-rows", self.part_rows, 1)

    def make_source(self, state: FileState) -> Source:
        """Return how to read a file."""
        format = self.source_format or detect_format(state.name)
        return Source(state.name, state.path, format, self.text_column, self.encoding)


def predict_files(
    model: str | Path,
    sources: Sequence[str | Path],
    output: str | Path,
    *,
    options: JobOptions | None = None,
    device: str = "auto",
    engine: Engine | None = None,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> int:
    """Predict the texts of files into a folder, part by part, and go on with a job that was broken off.

    Args:
        model: Folder or installed package of a pipeline.
        sources: Files or folders, by path or by URL of a file system that pyarrow knows.
        output: Folder of the parts. Rows have an ``index``, and names of parts the same order.
        options: What is read and written, and how.
        device: ``cpu``, ``cuda`` or ``mps`` for all components; ``auto`` keeps their settings.
        engine: What predicts the parts; None for this process.
        overwrite: Whether to start anew instead of going on.
        on_progress: Takes the number of finished rows, and of all rows.

    Returns:
        Number of rows that were predicted now.

    Raises:
        OSError: If there is no such model or source, or the folder has something else in it.
        ValueError: If an option is not valid, or the folder has the predictions of another job.
        CorpusError: If a row is bad; then nothing is predicted yet.

    Examples:
        >>> from pathlib import Path
        >>> from spacy_xner.bulk import predict_files
        >>> _ = Path("texts.jsonl").write_text('{"text": "Send to Anna Schmidt"}', encoding="utf-8")
        >>> predict_files("pipeline", ["texts.jsonl"], "predicted", device="cpu")
        1
        >>> Path("predicted", "part-00000.jsonl").read_text(encoding="utf-8")[:62]
        '{"index": 0, "source": "texts.jsonl", "text": "Send to Anna Sc'
    """
    options = options or JobOptions()
    folder = JobFolder(Path(output))
    names = [str(source) for source in sources]
    check_apart(folder.path, *(Path(name) for name in names if not is_url(name)))
    if options.format == "parquet":
        # It fails without pyarrow.
        build_schema()
    states = _list_states(names)
    identity = _identify(str(model), states, options)
    task = Task(_locate(str(model)), device, list(map(options.make_source, states)), options.format)
    with sole_writer(folder.path):
        job = _prepare(folder, identity, task.sources, options.part_rows, overwrite=overwrite)
        return _run(job, folder, task, engine or LocalEngine(), on_progress)


def _list_states(names: Sequence[str]) -> list[FileState]:
    states = [state for name in names for state in find_files(name)]
    repeated = [name for name, count in Counter(state.name for state in states).items() if count > 1]
    if repeated:
        raise ValueError(f"A source must be named once, found {repeated[0]} again. Remove it.")
    return states


def _prepare(
    folder: JobFolder, identity: Identity, sources: Sequence[Source], part_rows: int, *, overwrite: bool
) -> Job:
    """Return the job of a folder, which is as it should be, or a new one."""
    if overwrite:
        folder.check_replaceable()
    earlier = None if overwrite else folder.read_job()
    if earlier is not None:
        identity.check(earlier.identity, folder.path)
        return earlier
    job = Job(identity, list(cut_parts(sources, part_rows)))
    folder.clear()
    folder.write_job(job, is_complete=False)
    return job


def _run(
    job: Job,
    folder: JobFolder,
    task: Task,
    engine: Engine,
    on_progress: Callable[[int, int], None] | None,
) -> int:
    finished = folder.find_finished(job)
    parts = [part for part in job.parts if part.number not in finished]
    total = job.n_rows
    n_before = n_done = total - sum(part.n_rows for part in parts)
    if parts:
        folder.write_job(job, is_complete=False)
        for part, content in engine(task, parts):
            folder.write_part(job, part, content)
            n_done += part.n_rows
            if on_progress is not None:
                on_progress(n_done, total)
    folder.write_job(job, is_complete=True)
    return n_done - n_before


def _identify(model: str, states: Sequence[FileState], options: JobOptions) -> Identity:
    return Identity(
        {"name": model, "digest": digest_model(model)},
        asdict(options),
        {state.name: {"size": state.size, "modified": state.modified} for state in states},
    )


def _locate(model: str) -> str:
    """Return a model's name for workers, which may run in other folders."""
    folder = Path(model).expanduser()
    return str(folder.resolve()) if folder.exists() else model


def digest_model(model: str) -> str:
    """Compute the SHA-256 of a pipeline's files, in hexadecimal digits.

    Raises:
        OSError: If it is neither a folder nor an installed package.
    """
    folder = Path(model).expanduser()
    if not folder.is_dir():
        if not is_package(model):
            raise FileNotFoundError(
                f"A pipeline must be a folder or an installed package, found no {model}. Check the path."
            )
        folder = get_package_path(model)
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.suffix != ".pyc":
            digest.update(f"{file.relative_to(folder).as_posix()}\n{digest_file(file).sha256}\n".encode())
    return digest.hexdigest()
