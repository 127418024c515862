"""Check, merge and log the labels of a component."""

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from spacy.training import Example
from spacy.util import logger

from .sealing import COPY_AGAIN


def merge_labels(old: Sequence[str], added: Sequence[str], annotated: Iterable[str]) -> list[str]:
    """List the labels of a component without duplicates.

    Args:
        old: Labels of the trained model to start from.
        added: Labels added by `add_label`.
        annotated: Labels of the examples.

    Returns:
        Old labels, then added ones, then annotated ones in alphabetical order.
    """
    known = list(dict.fromkeys([*old, *added]))
    return [*known, *sorted(set(annotated) - set(known))]


def check_addable(label: str, *, is_initialized: bool) -> None:
    """Check that a label can be added.

    Raises:
        ValueError: If it is not a string, or the model has been initialized.
    """
    if not isinstance(label, str) or not label:
        raise ValueError(f"A label must be a string that is not empty, found {label!r}. Change it.")
    if is_initialized:
        raise ValueError(
            f"Labels must be added before initialization, found {label!r} added to an initialized model. "
            "Initialize the component again."
        )


def check_labels(labels: Sequence[str], min_labels: int, component: str) -> None:
    """Check that a component has enough labels for training.

    Raises:
        ValueError: If it has too few.
    """
    if len(labels) < min_labels:
        raise ValueError(
            f"Component {component!r} must have at least {min_labels} label{'s' * (min_labels > 1)}, found "
            f"{', '.join(labels) or 'none'}. Check that the corpus has such annotation, or set labels in "
            "[initialize.components]."
        )


def is_placeholder(examples: Iterable[Example]) -> bool:
    """Return whether these are not examples, but what `Language.initialize` passes if there are none."""
    first = list(islice(examples, 2))
    return len(first) == 1 and [token.text for token in first[0].reference] == ["x", "y", "z"]


def log_labels(origin: str, old: Sequence[str], labels: Sequence[str]) -> None:
    """Log which labels were copied from a trained model, which are new, and which were dropped."""
    parts = {
        "copied": [label for label in labels if label in old],
        "new": [label for label in labels if label not in old],
        "dropped": [label for label in old if label not in labels],
    }
    text = "; ".join(f"{name}: {', '.join(part) or 'none'}" for name, part in parts.items())
    logger.info("Labels from %s: %s", origin, text)


def check_saved_labels(labels: Sequence[str], own: Sequence[str], folder: Path) -> None:
    """Check that the labels in a component's folder are those of its model.

    Args:
        labels: The labels in its file ``cfg``.
        own: The labels of its model.
        folder: The folder.

    Raises:
        ValueError: If they differ.
    """
    if tuple(labels) != tuple(own):
        raise ValueError(
            f"{folder / 'cfg'} must have the labels of the model beside it ({', '.join(own)}), found others. "
            f"{COPY_AGAIN}"
        )
