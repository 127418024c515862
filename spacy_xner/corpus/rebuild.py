"""The text that a sequence of tokens once was."""

from collections.abc import Sequence

from ..writing import is_unspaced

Offsets = list[tuple[int, int]]


def locate_tokens(tokens: Sequence[str], text: str) -> Offsets | None:
    """Find tokens in the text they were cut from.

    Returns:
        Start and end of each token, or None if they do not make up the text but for white space.
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
    """Join tokens with a space, but without one between characters of scripts that have none.

    A sentence whose tokens are all single characters, some of such a script, is a character-level one: its
    digits and Latin letters are joined too.

    Args:
        tokens: The tokens.
        glued: For each token, whether the corpus says that no space follows.
    """
    by_character = all(len(token) == 1 for token in tokens) and any(map(is_unspaced, tokens))
    text = ""
    offsets: Offsets = []
    for i, token in enumerate(tokens):
        if i and not (by_character or glued[i - 1] or (is_unspaced(text[-1]) and is_unspaced(token[0]))):
            text += " "
        offsets.append((len(text), len(text) + len(token)))
        text += token
    return text, offsets
