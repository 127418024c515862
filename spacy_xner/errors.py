"""Exceptions and warnings of this package."""


class CorpusError(ValueError):
    """A corpus file is invalid. The message begins with ``file:line``."""


class XnerWarning(UserWarning):
    """Data was repaired, adjusted or skipped, or a setting is questionable."""
