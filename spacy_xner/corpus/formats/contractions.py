"""Words that are written as one, and words that are not written.

Source: the CoNLL-U format (https://universaldependencies.org/format.html), multiword tokens and empty nodes.
"""

from collections.abc import Sequence

from ...schemes import OUTSIDE, ROLES
from ..reading.session import ReadSession
from .columns import Columns
from .layouts import NOT_A_WORD

# Numbers of lines, their cells, and whether they are marked as not followed by a space.
Lines = tuple[list[int], list[list[str]], list[bool]]


def join_contractions(session: ReadSession, columns: Columns, lines: Lines) -> Lines:
    """Replace the words of a contraction by it: it gets the first tag of an entity among theirs.

    Args:
        session: Counts entities that share a contraction with another.
        columns: The columns; the one before the token counts up.
        lines: Lines with indices, such as ``1-2`` of a contraction, ``1.1`` of a word that is not written.
    """
    numbers, rows, glued = lines
    index = columns.layout.token - 1
    if all(row[index].isdecimal() for row in rows):
        return lines
    kept = []
    n_words = 0
    for i, (number, row, is_glued) in enumerate(zip(numbers, rows, glued, strict=True)):
        first, dash, last = row[index].partition("-")
        is_contraction = bool(dash) and first.isdecimal() and last.isdecimal() and not n_words
        if is_contraction:
            n_words = min(int(last[:6]) - int(first[:6]) + 1, len(rows) - i - 1)
            row = _join_words(session, columns, row, rows[i + 1 : i + 1 + n_words])
        elif NOT_A_WORD.fullmatch(row[index]):
            session.leave_out("words that are not written")
            continue
        elif n_words > 0:
            n_words -= 1
            continue
        kept.append((number, row, is_glued))
    return [each[0] for each in kept], [each[1] for each in kept], [each[2] for each in kept]


def _join_words(
    session: ReadSession, columns: Columns, row: Sequence[str], words: Sequence[Sequence[str]]
) -> list[str]:
    """Return the row of a contraction with the tags of its words."""
    scheme, layout = columns.style.scheme, columns.layout
    joined = list(row)
    for column in layout.tags:
        tags = [(scheme.parse(layout.tag_of(word[column])) or ("", ""), word[column]) for word in words]
        entities = [(parsed, cell) for parsed, cell in tags if parsed[1]]
        joined[column] = next((cell for _, cell in entities), OUTSIDE)
        for (letter, _), _ in entities[1:]:
            if ROLES[letter] in "BS":
                session.leave_out("entities that share a contraction with another")
    return joined
