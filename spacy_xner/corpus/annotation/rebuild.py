"""Rebuilds the text of a sequence of tokens."""

from collections.abc import Sequence
from itertools import accumulate, count, pairwise
from operator import add, sub

from ...scripts import is_blank
from .spacing import Spacing, find_spacing

Offsets = list[tuple[int, int]]


def place_tokens(
    tokens: Sequence[str], text: str | None, glued: Sequence[bool], spacing: Spacing
) -> tuple[str, Offsets]:
    """Locate tokens in a text, if the corpus has it and they fit; else join them.

    Args:
        tokens: The tokens.
        text: Their text, if the corpus has it.
        glued: For each token, whether the corpus marks it as not followed by a space.
        spacing: Where the corpus has spaces.

    Returns:
        The text, and start and end of each token in it.
    """
    offsets = None if text is None else locate_tokens(spacing.write(tokens), text)
    return join_tokens(tokens, glued, spacing) if text is None or offsets is None else (text, offsets)


def locate_tokens(tokens: Sequence[str], text: str) -> Offsets | None:
    """Locate tokens in the text that they were split from.

    Returns:
        Start and end of each token, or None if they differ from the text in more than what is blank.
    """
    if " ".join(tokens) == text and "  " not in text and text.strip(" ") == text:
        # As in most sentences of scripts with spaces.
        lengths = [*map(len, tokens)]
        ends = [*map(add, accumulate(lengths), count())]
        return list(zip(map(sub, ends, lengths), ends, strict=True))
    offsets: Offsets = []
    position = 0
    for token in tokens:
        while not text.startswith(token, position):
            if position >= len(text) or not is_blank(text[position]):
                return None
            position += 1
        offsets.append((position, position + len(token)))
        position += len(token)
    return offsets if is_blank(text[position:]) else None


def join_tokens(
    tokens: Sequence[str], glued: Sequence[bool], spacing: Spacing | None = None
) -> tuple[str, Offsets]:
    """Join tokens with spaces where people write them.

    Text of a script without spaces has one only between two words of letters or digits of other scripts:
    ``海丰路602号``, ``请联系Bo Ek``. Other text has one between all tokens. A token of white space, or an
    empty one, is the space itself.

    Args:
        tokens: The tokens.
        glued: For each token, whether the corpus marks it as not followed by a space.
        spacing: Where the corpus has spaces; None to decide by these tokens alone.

    Returns:
        The text, and start and end of each token in it.
    """
    if spacing is None:
        spacing = Spacing() if "".join(tokens).isascii() else find_spacing([tokens])
    tokens = [token or " " for token in spacing.write(tokens)]
    lengths = list(accumulate(map(len, tokens), initial=0))
    if not any(glued) and spacing.is_everywhere(tokens):
        spaces, text = [True] * len(tokens), " ".join(tokens)
    else:
        spaces = spacing.find_spaces(tokens, glued)
        if not any(spaces):
            return "".join(tokens), list(pairwise(lengths))
        pieces = (
            token + " " if has_space else token for token, has_space in zip(tokens, spaces, strict=True)
        )
        text = "".join(pieces)
    n_spaces = list(accumulate(spaces, initial=0))
    starts, ends = map(add, lengths, n_spaces), map(add, lengths[1:], n_spaces)
    return text, list(zip(starts, ends, strict=False))
