"""Rebuilds the text of a sequence of tokens."""

from collections.abc import Sequence
from itertools import accumulate, count
from operator import add

from ...scripts import has_unspaced, is_unspaced

Offsets = list[tuple[int, int]]


def locate_tokens(tokens: Sequence[str], text: str) -> Offsets | None:
    """Locate tokens in the text that they were split from.

    Returns:
        Start and end of each token, or None if they differ from the text in more than white space.
    """
    offsets: Offsets = []
    position = 0
    for token in tokens:
        while position < len(text) and text[position].isspace():
            position += 1
        if not text.startswith(token, position):
            return None
        offsets.append((position, position + len(token)))
        position += len(token)
    return offsets if not text[position:].strip() else None


def join_tokens(tokens: Sequence[str], glued: Sequence[bool]) -> tuple[str, Offsets]:
    """Join tokens with spaces, except between characters of scripts that have none.

    A sentence of single characters, some of them of such a script, was split into characters: its digits and
    Latin letters are joined without spaces too.

    Args:
        tokens: The tokens.
        glued: For each token, whether the corpus marks it as not followed by a space.

    Returns:
        The text, and start and end of each token in it.
    """
    is_mixed = has_unspaced("".join(tokens))
    if not is_mixed and not any(glued):
        lengths = [0, *accumulate(map(len, tokens))]
        starts, ends = map(add, lengths, count()), map(add, lengths[1:], count())
        return " ".join(tokens), list(zip(starts, ends, strict=False))
    by_character = is_mixed and all(len(token) == 1 for token in tokens)
    pieces: list[str] = []
    offsets: Offsets = []
    end = 0
    for token, is_glued in zip(tokens, [True, *glued], strict=False):
        if not (is_glued or by_character or (is_unspaced(pieces[-1][-1]) and is_unspaced(token[0]))):
            pieces.append(" ")
            end += 1
        pieces.append(token)
        offsets.append((end, end + len(token)))
        end += len(token)
    return "".join(pieces), offsets
