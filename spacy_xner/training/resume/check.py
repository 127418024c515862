"""Whether a state belongs to a run: the same config, corpora, labels and weights to begin with."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spacy.language import Language
from thinc.api import Config

from ...corpus.docbin import list_docbins
from ...models.manifest import digest_file
from ...models.storage import digest_weights
from .arrays import list_weights

Run = dict[str, Any]


def describe_run(nlp: Language, config: Config) -> Run:
    """Describe what is trained, and on what.

    Args:
        nlp: The initialized pipeline.
        config: Its config, interpolated.
    """
    paths = config.get("paths", {})
    # Without a seed, new weights are others each time.
    is_seeded = config["training"].get("seed") is not None
    weights = digest_weights(list_weights(nlp)) if is_seeded else None
    return {
        "config": dict(_flatten(config)),
        "corpora": {part: digest_corpus(paths.get(part)) for part in ("train", "dev")},
        "labels": {name: list(labels) for name, labels in nlp.pipe_labels.items()},
        "weights": {"the digest of the first weights": weights},
    }


def check_run(found: Run, run: Run, folder: Path) -> None:
    """Check that a state is that of a run.

    Args:
        found: What the state is of.
        run: The run that is to go on.
        folder: Folder of the state, for the message.

    Raises:
        ValueError: If they differ.
    """
    difference = next(_list_differences(found, run), None)
    if difference is not None:
        what, old, new = difference
        raise ValueError(
            f"A training must go on with what it began with: {what} is {old} in {folder}, found {new}. "
            "Restore it, or train from the beginning, without --resume."
        )


def _list_differences(found: Run, run: Run) -> Iterator[tuple[str, str, str]]:
    """List what differs: its name, and both values in words."""
    titles = {"config": "", "labels": "labels of ", "corpora": "the digest of paths.", "weights": ""}
    for kind, title in titles.items():
        old, new = found[kind], run[kind]
        for name in sorted({*old, *new}):
            if old.get(name, ...) != new.get(name, ...):
                yield title + name, *(_describe(each, name) for each in (old, new))


def _describe(values: Run, name: str) -> str:
    return f"{values[name]!r:.99}" if name in values else "not set"


def digest_corpus(path: str | None) -> str | None:
    """Compute a digest of a corpus, a ``.spacy`` file or a folder of them; None if there is none."""
    if path is None or not Path(path).exists():
        return None
    digests = [digest_file(file).sha256 for file in list_docbins(Path(path))]
    return hashlib.blake2b("".join(digests).encode(), digest_size=16).hexdigest()


def _flatten(config: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """List settings by dotted names, with empty sections, which `spacy.util.dict_to_dot` leaves out."""
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            yield from _flatten(value, f"{name}.")
        else:
            yield name, value
