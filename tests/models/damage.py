"""Damages the files of a pipeline at random and loads them, in a process with limits of time and memory."""

import importlib
import json
import random
import re
import resource
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from spacy.language import Language

from spacy_xner.models.warm_start import load_pipeline

Outcomes = dict[str, Counter[str]]
MAX_SECONDS, MAX_BYTES = 10, 2 << 30
TEXTS = ["Send to Anna Schmidt, DHL Express", "张伟 13800138000 北京市海淀区", "no one, nowhere", ""]


class TooSlowError(BaseException):
    """Passes every ``except Exception``."""


def damage(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """Change the content of a file in one of the ways in which files are damaged."""
    size = len(data)
    start = rng.randrange(size + 1)
    end = min(size, start + rng.choice([1, 1, 4, 64, size]))
    noise = rng.randbytes(rng.choice([1, 1, 8, 100]))
    numbers = [match.span() for match in re.finditer(rb"-?\d+(\.\d+)?", data)]
    first, last = rng.choice(numbers) if numbers else (start, end)
    flipped = bytes(byte ^ (1 << rng.randrange(8)) for byte in data[start : start + 1])
    return rng.choice(
        [
            data[:start] + flipped + data[start + 1 :],
            data[:start] + flipped + data[start + 1 :],
            data[:start] + noise + data[start + len(noise) :],
            data[:start],
            data[:start] + data[end:],
            data[:start] + noise + data[start:],
            data[end:] + data[start:end] + data[:start],
            data[:first] + rng.choice([b"100000", b"1000000000", b"1" + b"0" * 30, b"1e999"]) + data[last:],
            b"",
            rng.choice(others),
        ]
    )


def predict(nlp: Language) -> list[Any]:
    """Return what a pipeline predicts: entities with their scores, and labels of texts."""
    return [
        [[(e.start, e.end, e.label_, e._.xner_score) for e in doc.ents], doc.cats] for doc in nlp.pipe(TEXTS)
    ]


def own_settings(nlp: Language) -> Any:
    """Return the settings that a user may change in config.cfg of a trained pipeline."""
    parts = {name: {**part, "model": None} for name, part in nlp.config["components"].items()}
    return parts, nlp.config["nlp"]


def forget(package: str) -> None:
    """Forget an imported package, so that its files are read again."""
    for module in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[module]
    importlib.invalidate_caches()


def peak_memory() -> int:
    """Return the most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def try_damaged(model: str, name: str, original: tuple[Any, Any]) -> str:
    """Load a damaged pipeline; return ``same``, ``error``, ``edited``, or what is wrong."""
    forget(model)
    try:
        nlp = load_pipeline(model)
        found = predict(nlp)
    except (OSError, ValueError, ImportError) as err:
        return "error" if str(err) and "\n" not in str(err) else f"not one line: {err!r}"
    except BaseException as err:
        return f"{type(err).__name__}: {err}"
    if found == original[0]:
        return "same"
    # A valid config with another threshold is what a user may want.
    return "edited" if name == "config.cfg" and own_settings(nlp) != original[1] else "other results"


def run(folder: Path, seed: int, n_changes: int, *, package: str = "", max_seconds: int = 0) -> Outcomes:
    """Damage each file of a pipeline so many times, in place; count the outcomes by file.

    Args:
        folder: The pipeline, or the unpacked wheel of one.
        seed: Decides about the changes.
        n_changes: Changes of each file.
        package: Name of the package if the folder is a wheel.
        max_seconds: Time for each; 0 for no limit.
    """
    files = sorted(file.relative_to(folder) for file in folder.rglob("*") if file.is_file())
    contents = {file: (folder / file).read_bytes() for file in files}
    model = package or str(folder)
    nlp = load_pipeline(model)
    original = predict(nlp), own_settings(nlp)
    outcomes: Outcomes = {}
    for file in files:
        rng = random.Random(f"{seed} {file}")
        others = [data for other, data in contents.items() if other != file]
        counts = outcomes[str(file)] = Counter()
        for _ in range(n_changes):
            (folder / file).write_bytes(damage(contents[file], rng, others))
            signal.alarm(max_seconds)
            before = peak_memory()
            outcome = try_damaged(model, file.name, original)
            signal.alarm(0)
            counts["too large" if peak_memory() - before > MAX_BYTES else outcome] += 1
        (folder / file).write_bytes(contents[file])
    return outcomes


def main(folder: str, seed: str, n_changes: str, package: str = "") -> None:
    """Print the outcomes as JSON."""

    def stop(*args: object) -> None:
        raise TooSlowError

    signal.signal(signal.SIGALRM, stop)
    resource.setrlimit(resource.RLIMIT_AS, (4 * MAX_BYTES, 4 * MAX_BYTES))
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    outcomes = run(Path(folder), int(seed), int(n_changes), package=package, max_seconds=MAX_SECONDS)
    sys.stdout.write(json.dumps(outcomes))


if __name__ == "__main__":
    main(*sys.argv[1:])
