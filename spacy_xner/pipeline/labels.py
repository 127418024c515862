"""The labels of a component that starts from another model."""

from collections.abc import Iterable, Sequence

from spacy.util import logger


def merge_labels(old: Sequence[str], added: Sequence[str], annotated: Iterable[str]) -> list[str]:
    """List the labels of the model to start from, then those that were added, then new annotated ones."""
    first = list(dict.fromkeys([*old, *added]))
    return [*first, *sorted(set(annotated) - set(first))]


def check_addable(label: str, *, is_initialized: bool) -> None:
    """Check that a label may still be added.

    Raises:
        ValueError: If the model has been initialized.
    """
    if is_initialized:
        raise ValueError(
            f"Labels must be added before initialization, found {label!r} added to a trained model. "
            "Initialize the component again."
        )


def check_labels(labels: Sequence[str], min_labels: int, component: str) -> None:
    """Check that there are enough labels to learn.

    Raises:
        ValueError: If there are not.
    """
    if len(labels) < min_labels:
        raise ValueError(
            f"Component {component!r} must have at least {min_labels} labels, found "
            f"{', '.join(labels) or 'none'}. Check that the corpus has such annotation, or set labels in "
            "[initialize.components]."
        )


def log_labels(origin: str, old: Sequence[str], labels: Sequence[str]) -> None:
    """Log which labels were copied from a model, which are new, and which were dropped."""
    parts = {
        "copied": [label for label in labels if label in old],
        "new": [label for label in labels if label not in old],
        "dropped": [label for label in old if label not in labels],
    }
    text = "; ".join(f"{name}: {', '.join(part) or 'none'}" for name, part in parts.items())
    logger.info("Labels from %s: %s", origin, text)
