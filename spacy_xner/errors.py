"""Exceptions and warnings of this package, and the check of a setting's range."""

import math


class CorpusError(ValueError):
    """A corpus file is invalid. The message begins with ``file:line``."""


class NonFiniteError(ValueError):
    """A loss, gradient or weight is NaN or infinite."""


class ProcessError(ConnectionError):
    """One of several processes that train together has failed, or does not answer."""


class ReportedError(ProcessError):
    """An error that another process reports."""


class XnerWarning(UserWarning):
    """Data was repaired, adjusted or skipped, or a setting is questionable."""


def first_line(err: BaseException) -> str:
    """Return the first line of an exception's message, or its type if it has none."""
    lines = str(err).strip().splitlines()
    return lines[0].strip() if lines else type(err).__name__


def check_range(
    name: str, value: object, low: float, high: float = math.inf, *, is_open: bool = False
) -> None:
    """Check that a setting is a finite number in a range.

    Args:
        name: Name of the setting.
        value: Its value.
        low: Least value.
        high: Greatest value.
        is_open: Whether `low` itself is out of range.

    Raises:
        ValueError: If it is out of range, not finite, or no number.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if is_number and low <= value <= high and not (is_open and value == low):  # type: ignore[operator]
        return
    least = f"{'above' if is_open else 'at least'} {low:g}"
    limits = least if high == math.inf else f"from {low:g} to {high:g}"
    raise ValueError(f"{name} must be {limits}, found {value!r}. Change it.")
