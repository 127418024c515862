"""Predictions in a folder, in parts: the side of the command line of `spacy_xner.bulk`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .files import STANDARD
from .parts import note, progress_bar

if TYPE_CHECKING:
    from ..bulk.prediction import Engine

# Sources that have no lines of text.
STRUCTURED = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".gz", ".bz2", ".xz")


class RaySettings(NamedTuple):
    """Options of Ray; None where they are not given."""

    workers: int | None
    threads: int | None
    address: str | None


class FolderPlan(NamedTuple):
    """What is read and written; None for defaults."""

    format: str | None
    source_format: str | None
    text_column: str
    encoding: str | None
    part_rows: int
    device: str


def check_engine(engine: str | None, settings: RaySettings, processes: int) -> None:
    """Check that options of one engine do not stand with another.

    Raises:
        ValueError: If they do.
    """
    if engine is not None and processes > 1:
        raise ValueError("--processes must stand without --engine, found both. Use --workers.")
    misplaced = [f"--{name}" for name, value in settings._asdict().items() if value is not None]
    if engine is None and misplaced:
        raise ValueError(f"{misplaced[0]} must stand with --engine ray, found it alone. Add --engine ray.")


def needs_folder(sources: Sequence[str], output: str | None, engine: str | None) -> bool:
    """Return whether predictions are written into a folder, in parts."""
    if engine is not None or len(sources) > 1 or "://" in sources[0] or sources[0].endswith(".parquet"):
        return True
    if output is None or output == str(STANDARD):
        return False
    path = Path(output)
    # A name without an ending is a file if the source has lines of text, as it has always been.
    is_name = not path.suffix and not path.exists() and sources[0].lower().endswith(STRUCTURED)
    return is_name or output.endswith(("/", "\\")) or path.is_dir() or Path(sources[0]).is_dir()


def choose_engine(engine: str | None, settings: RaySettings, processes: int) -> "Engine":
    """Return what predicts the parts.

    Raises:
        ImportError: If Ray is not installed.
    """
    if engine is None:
        from ..bulk.prediction import LocalEngine

        return LocalEngine(processes)
    try:
        from ..bulk.on_ray import RayEngine
    except ImportError as err:
        from ..bulk.files import explain_missing

        raise explain_missing("--engine ray", err) from err
    return RayEngine(settings.workers or 1, settings.address, settings.threads)


def predict_folder(
    model: str,
    sources: Sequence[str],
    output: str | None,
    *,
    plan: FolderPlan,
    make_engine: "Callable[[], Engine]",
    overwrite: bool,
) -> None:
    """Predict files into a folder, with a progress bar.

    Raises:
        ValueError: If no folder is named, or standard input is a source.
    """
    if output in (None, str(STANDARD)):
        raise ValueError(
            "Several files, URLs, Parquet and --engine must have a folder for the predictions, found no "
            "--output. Name one."
        )
    if str(STANDARD) in sources:
        raise ValueError("The sources of a folder must be files, found -. Write the texts to a file.")
    from ..bulk.run import JobOptions, predict_files

    options = JobOptions(
        plan.format or "jsonl",
        plan.source_format,
        plan.text_column,
        plan.encoding or "utf-8",
        plan.part_rows,
    )
    with progress_bar("Predict") as on_progress:
        n_rows = predict_files(
            model,
            sources,
            str(output),
            options=options,
            device=plan.device,
            engine=make_engine(),
            overwrite=overwrite,
            on_progress=on_progress,
        )
    note(f"Wrote {output}, {n_rows} rows now")
