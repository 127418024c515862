"""A job in its folder: what is predicted with what, in which parts, and which of them are finished."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

from ..atomic import check_new, check_replaceable, new_file
from ..pipeline.sealing import parse_object
from .parts import Part

MANIFEST, LOG = "manifest.json", "finished.jsonl"
VERSION = 1
Value: TypeAlias = str | int | None


@dataclass(frozen=True, slots=True)
class Identity:
    """What a job must have in common with the one that it goes on with.

    Attributes:
        model: The pipeline: its ``name``, and its ``digest``.
        options: Options that decide what is written.
        sources: Size of each file and when it was changed, by name.
    """

    model: Mapping[str, Value]
    options: Mapping[str, Value]
    sources: Mapping[str, Mapping[str, Value]]

    def check(self, earlier: "Identity", folder: Path) -> None:
        """Check that an earlier job was the same. Its pipeline may be elsewhere now.

        Args:
            earlier: The earlier job.
            folder: Its folder.

        Raises:
            ValueError: If it was not; the message names the first difference.
        """
        for what, now, before in self._list_pairs(earlier):
            if now != before:
                raise ValueError(
                    f"A job must go on as it began: {what} must be {before} as in {folder}, found {now}. "
                    "Choose another folder, or start anew with --overwrite."
                )

    def _list_pairs(self, earlier: "Identity") -> Iterator[tuple[str, object, object]]:
        yield "the digest of the model", self.model["digest"], earlier.model["digest"]
        for name in self.options:
            yield name.replace("_", " "), self.options[name], earlier.options.get(name)
        yield "the sources", ", ".join(self.sources), ", ".join(earlier.sources)
        for name, state in self.sources.items():
            for key, value in state.items():
                yield f"{key} of {name}", value, earlier.sources[name].get(key)


@dataclass(frozen=True, slots=True)
class Job:
    """A job, as its manifest has it.

    Attributes:
        identity: What must not change.
        parts: All parts.
    """

    identity: Identity
    parts: Sequence[Part]

    @property
    def n_rows(self) -> int:
        """Number of rows of all parts."""
        return sum(part.n_rows for part in self.parts)

    def name_part(self, number: int) -> str:
        """Return the name of a part's file; the order of names is that of the rows."""
        width = max(5, len(str(len(self.parts))))
        return f"part-{number:0{width}}.{self.identity.options['format']}"


@dataclass(frozen=True, slots=True)
class JobFolder:
    """The folder of a job: its parts, the manifest, and the log of parts that are finished."""

    path: Path

    def read_job(self) -> Job | None:
        """Read the manifest; None if there is none in a folder that is new or empty.

        Raises:
            FileExistsError: If the folder is a file, or has only other things in it.
            ValueError: If the manifest is damaged.
        """
        file = self.path / MANIFEST
        if not file.is_file():
            # A job that was killed at its beginning leaves a hidden folder.
            if not self.path.is_dir() or any(path.name[0] != "." for path in self.path.iterdir()):
                check_new(self.path)
            return None
        try:
            values = parse_object(file.read_text("utf-8"))
            if values["version"] != VERSION:
                raise ValueError(f"must have the version {VERSION}, found {values['version']}")
            identity = Identity(values["model"], values["options"], values["sources"])
            return Job(identity, [Part(number, *part) for number, part in enumerate(values["parts"])])
        except (ValueError, KeyError, TypeError) as err:
            raise ValueError(
                f"{file} must be as spacy-xner wrote it, found: {err}. Start anew with --overwrite."
            ) from err

    def write_job(self, job: Job, *, is_complete: bool) -> None:
        """Write the manifest, which says whether all is done."""
        values = {
            "version": VERSION,
            "complete": is_complete,
            "rows": job.n_rows,
            **asdict(job.identity),
            "parts": [part[1:] for part in job.parts],
        }
        with new_file(self.path / MANIFEST) as file:
            file.write_text(f"{json.dumps(values, ensure_ascii=False)}\n", encoding="utf-8")

    def find_finished(self, job: Job) -> frozenset[int]:
        """Return the numbers of finished parts whose files are there, and drop all others from the log."""
        log, lines = self.path / LOG, {}
        for line in log.read_text("utf-8").splitlines() if log.is_file() else ():
            # The last line is cut off if the writing process was killed.
            with suppress(ValueError, KeyError, OSError):
                entry = json.loads(line)
                if (self.path / job.name_part(entry["part"])).stat().st_size == entry["bytes"]:
                    lines[int(entry["part"])] = line
        with new_file(log) as file:
            file.write_text("".join(f"{line}\n" for line in lines.values()), encoding="utf-8")
        return frozenset(lines)

    def write_part(self, job: Job, part: Part, content: bytes) -> None:
        """Write a part, whole or not at all, and note that it is finished."""
        name = job.name_part(part.number)
        with new_file(self.path / name) as file:
            file.write_bytes(content)
        entry = {"part": part.number, "file": name, "rows": part.n_rows, "bytes": len(content)}
        with (self.path / LOG).open("a", encoding="utf-8") as log:
            log.write(f"{json.dumps(entry)}\n")

    def check_replaceable(self) -> None:
        """Check that the folder has at most a job.

        Raises:
            FileExistsError: If it has files, but no job.
        """
        check_replaceable(self.path, MANIFEST, "predictions", overwrite=True)

    def clear(self) -> None:
        """Remove a job; its manifest last, without which the folder would not be recognized."""
        for name in (LOG, "part-*", MANIFEST):
            for file in self.path.glob(name):
                file.unlink()
        for hidden in self.path.glob(".*.spacy-xner*"):
            shutil.rmtree(hidden, ignore_errors=True)
