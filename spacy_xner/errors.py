"""The exceptions and warnings that are this package's own."""


class CorpusError(ValueError):
    """A corpus file breaks its format. The message begins with ``file:line``."""


class XnerWarning(UserWarning):
    """Something was repaired, widened or left out, and counted."""
