"""Names the groups of texts that are scored apart: by script, by label, or by a column."""

from pathlib import Path
from typing import Protocol

from spacy.tokens import Doc

from ...scripts import name_scripts

SCRIPT = "script"
CATS = "cats"
NONE = "none"


def choose_namer(by: str = SCRIPT) -> "GroupNamer":
    """Return what names the groups of texts.

    Args:
        by: ``script`` for the scripts of the text; ``cats`` for its labels; a file with a line for each text;
            or a key of ``doc.user_data`` or the name of an attribute ``doc._``.
    """
    if by == SCRIPT:
        return Scripts()
    if by == CATS:
        return Labels()
    return Lines(Path(by)) if Path(by).is_file() else Values(by)


class GroupNamer(Protocol):
    """Names the groups of the gold docs of a corpus, in its order."""

    def name(self, doc: Doc) -> str:
        """Name the group of the next doc."""

    def check(self) -> None:
        """Check, after all docs, that they could be grouped.

        Raises:
            ValueError: If a file has another number of lines, or no text has a key.
        """


class Scripts:
    """Groups texts by their scripts."""

    def name(self, doc: Doc) -> str:
        """Name the scripts of a text."""
        return name_scripts(doc.text)

    def check(self) -> None:
        """Accept any texts."""


class Labels:
    """Groups texts by their labels."""

    def name(self, doc: Doc) -> str:
        """Name the labels of a text."""
        return " + ".join(label for label, value in doc.cats.items() if value >= 0.5) or NONE

    def check(self) -> None:
        """Accept any texts."""


class Lines:
    """Groups texts by a file with a line for each of them.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = path.read_text(encoding="utf-8-sig").splitlines()
        self._n_texts = 0

    def name(self, doc: Doc) -> str:
        """Return the line of the next text."""
        line = self._lines[self._n_texts].strip() if self._n_texts < len(self._lines) else ""
        self._n_texts += 1
        return line or NONE

    def check(self) -> None:
        """Check the number of lines. See `GroupNamer`."""
        if len(self._lines) != self._n_texts:
            raise ValueError(
                f"A file of groups must have a line for each of the {self._n_texts} texts, found "
                f"{len(self._lines)} lines in {self._path}. Write one line for each text of the corpus, in "
                "its order."
            )


class Values:
    """Groups texts by a key of ``doc.user_data``, or an attribute of a doc.

    Args:
        key: The key.
    """

    def __init__(self, key: str) -> None:
        self._key = key
        # The second one is how spaCy stores an attribute of a doc.
        self._keys = (key, ("._.", key, None, None))
        self._has_any = False

    def name(self, doc: Doc) -> str:
        """Return the value of a text."""
        value = next((doc.user_data[key] for key in self._keys if key in doc.user_data), None)
        self._has_any |= value is not None
        return NONE if value is None else str(value)

    def check(self) -> None:
        """Check that a text has the key. See `GroupNamer`."""
        if not self._has_any:
            raise ValueError(
                "Groups must be script, cats, a file with a line for each text, or a key of doc.user_data, "
                f"found {self._key!r}, which no text has. Name one of these."
            )
