"""What the folder of a service that trains holds: annotations, models, and which model is the current one."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import srsly

from ...atomic import new_file
from .annotations import AnnotationFolder

# Of accepted models, these are kept: the first, the current one, and so many before it.
KEPT_BEFORE = 1


@dataclass(frozen=True)
class State:
    """What has been decided so far.

    Attributes:
        source: The pipeline that the folder began with: its path or name.
        model: Number of the current model; 0 for the pipeline that the folder began with.
        trained: Names and times of the annotations that the last training knew.
        message: Outcome of the last training, in one line; empty before the first.
    """

    source: str
    model: int = 0
    trained: dict[str, int] = field(default_factory=dict)
    message: str = ""


class TrainFolder:
    """The folder of a service that trains.

    Args:
        path: The folder, which is made if it is missing.
        source: The pipeline to begin with: its path, or its name as a package.

    Attributes:
        model: Number of the model that was the current one when this was made.

    Raises:
        ValueError: If the folder began with another pipeline.
    """

    def __init__(self, path: Path, source: str) -> None:
        self.path = path
        self.annotations = AnnotationFolder(path / "annotations")
        self.source = str(Path(source).resolve()) if Path(source).exists() else source
        path.mkdir(parents=True, exist_ok=True)
        state = self.read()
        self.model = state.model
        if state.source != self.source:
            raise ValueError(
                f"The train folder {path} must be that of one pipeline, found one that began with "
                f"{state.source}. Name another folder for {self.source}."
            )

    def read(self) -> State:
        """Read what has been decided."""
        try:
            text = (self.path / "state.json").read_text("utf-8")
        except FileNotFoundError:
            return State(self.source)
        return State(**srsly.json_loads(text))

    def write(self, state: State) -> None:
        """Write what has been decided."""
        with new_file(self.path / "state.json") as part:
            srsly.write_json(part, asdict(state))

    def log(self, row: dict[str, Any]) -> None:
        """Add a line on a training to ``log.jsonl``."""
        with (self.path / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(srsly.json_dumps(row) + "\n")

    def model_path(self, number: int) -> Path:
        """Return the folder of a model."""
        return self.path / "models" / str(number)

    def find_model(self, number: int) -> str:
        """Return where a model is; 0 is the pipeline that the folder began with."""
        return str(self.model_path(number)) if number else self.source

    def list_models(self) -> list[int]:
        """Return the numbers of the models that are kept, in order."""
        names = [entry.name for entry in (self.path / "models").glob("*") if entry.is_dir()]
        return sorted(int(name) for name in names if name.isdecimal())

    def list_old_models(self) -> list[int]:
        """Return the numbers of the models that are no longer kept."""
        return self.list_models()[1 : -1 - KEPT_BEFORE]

    def count_new(self) -> int:
        """Count the annotations that are new, changed or deleted since the last training."""
        return count_changes(self.annotations.list_versions(), self.read().trained)


def count_changes(now: dict[str, int], before: dict[str, int]) -> int:
    """Count the annotations that differ."""
    return len(dict(now.items() ^ before.items()))
