"""Lines that name the columns of a CoNLL file."""

import re
from collections.abc import Sequence

from ..reading.column_names import find_name

# As in CoNLL-U Plus.
GLOBAL_COLUMNS = re.compile(r"#\s*global\.columns\s*=\s*(.*)")


def read_global_columns(line: str) -> str | None:
    """Read the columns from the header of a CoNLL-U Plus file, if it names a token and tags."""
    match = GLOBAL_COLUMNS.fullmatch(line.strip())
    if match is None:
        return None
    names = ("token" if name == "FORM" else "tag" if "NER" in name else "_" for name in match[1].split())
    header = " ".join(names)
    return header if "token" in header and "tag" in header else None


def find_token_name(row: Sequence[str]) -> int | None:
    """Return the index of the token's name in a row that names the columns; None if it is no such row."""
    names = [cell.strip("\ufeff\"' ") for cell in row]
    tokens = [*find_name(names, "tokens"), *find_name(names, "text")]
    tags = find_name(names, "tags")
    return next((token for token in tokens if {*tags} - {token}), None)
