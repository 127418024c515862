"""What becomes of labels when a component goes on from another model."""

from collections.abc import Sequence

from spacy.util import logger


def log_labels(origin: str, old: Sequence[str], labels: Sequence[str]) -> None:
    """Log which labels were copied from a model, which are new, and which were dropped."""
    parts = {
        "copied": [label for label in labels if label in old],
        "new": [label for label in labels if label not in old],
        "dropped": [label for label in old if label not in labels],
    }
    text = "; ".join(f"{name}: {', '.join(part) or 'none'}" for name, part in parts.items())
    logger.info("Labels from %s: %s", origin, text)
