"""Names the groups of texts that are scored apart: by script, by label, or by a column."""

from collections.abc import Sequence
from pathlib import Path

from spacy.tokens import Doc

from ...scripts import name_scripts

SCRIPT = "script"
CATS = "cats"
NONE = "none"


def name_groups(docs: Sequence[Doc], by: str = SCRIPT) -> list[str]:
    """Return the name of the group of each gold doc.

    Args:
        docs: The gold docs.
        by: ``script`` for the scripts of the text; ``cats`` for its labels; a file with a line for each text;
            or a key of ``doc.user_data`` or the name of an attribute ``doc._``.

    Raises:
        ValueError: If the file has another number of lines, or no text has such a key.
    """
    if by == SCRIPT:
        return [name_scripts(doc.text) for doc in docs]
    if by == CATS:
        labels = ([label for label, value in doc.cats.items() if value >= 0.5] for doc in docs)
        return [" + ".join(names) or NONE for names in labels]
    if Path(by).is_file():
        return _read_lines(Path(by), len(docs))
    # As spaCy stores an attribute of a doc.
    keys = (by, ("._.", by, None, None))
    values = [next((doc.user_data[key] for key in keys if key in doc.user_data), None) for doc in docs]
    if all(value is None for value in values):
        raise ValueError(
            "Groups must be script, cats, a file with a line for each text, or a key of doc.user_data, found "
            f"{by!r}, which no text has. Name one of these."
        )
    return [NONE if value is None else str(value) for value in values]


def _read_lines(path: Path, n_texts: int) -> list[str]:
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    if len(lines) != n_texts:
        raise ValueError(
            f"A file of groups must have a line for each of the {n_texts} texts, found {len(lines)} lines in "
            f"{path}. Write one line for each text of the corpus, in its order."
        )
    return [line.strip() or NONE for line in lines]
