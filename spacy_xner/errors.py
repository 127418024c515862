"""Exceptions and warnings of this package."""


class CorpusError(ValueError):
    """A corpus file is invalid. The message begins with ``file:line``."""


class NonFiniteError(ValueError):
    """A loss, gradient or weight is NaN or infinite."""


class XnerWarning(UserWarning):
    """Data was repaired, adjusted or skipped, or a setting is questionable."""


def first_line(err: BaseException) -> str:
    """Return the first line of an exception's message, or its type if it has none."""
    lines = str(err).strip().splitlines()
    return lines[0].strip() if lines else type(err).__name__
