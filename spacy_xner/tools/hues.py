"""Colours of labels on pages."""

from collections.abc import Sequence

# The golden angle: the hues of any number of labels are far apart.
ANGLE = 137.5


def choose_hues(labels: Sequence[str]) -> dict[str, int]:
    """Return a hue for each label, in degrees."""
    return {label: round(ANGLE * i) % 360 for i, label in enumerate(labels)}
