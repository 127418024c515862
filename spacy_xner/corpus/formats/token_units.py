"""Detects what entities beside a text and its tokens count: characters of the text, or tokens."""

from collections.abc import Iterable, Sequence
from math import log
from typing import Any

from ..annotation.detection import fits_words
from .token_spans import TokenSpan, parse_token_span, squeeze

# Natural logarithms: the odds from which what entities count is certain, and those of an entity that does not
# fit, or has another text beside it.
MIN_ODDS, BAD = 3.0, -4.0


def find_units(rows: Iterable[tuple[Any, Any, Any]]) -> str:
    """Return what entities count, ``chars`` or ``tokens``; empty if both fit.

    Offsets in characters would mostly lie past the number of tokens, and fit words; indices of tokens would
    only fit words by chance. A text beside an entity decides alone.

    Args:
        rows: The text, the tokens and the entities of each row.
    """
    odds = [0.0, 0.0]
    are_same = True
    for text, tokens, value in rows:
        if any(isinstance(each, dict) and _names_tokens(each) for each in value):
            return "tokens"
        are_same &= len(tokens) == len(text)
        for span in filter(None, map(parse_token_span, value)):
            odds = [each + _weigh(text, tokens, span, is_inclusive=bool(i)) for i, each in enumerate(odds)]
    best = max(odds)
    if are_same or best >= MIN_ODDS:
        return "chars"
    return "tokens" if best <= -MIN_ODDS else ""


def _names_tokens(value: dict[str, Any]) -> bool:
    """Return whether a number is under a key such as ``start_token``."""
    return any("token" in key.lower() and type(each) is int for key, each in value.items())


def _weigh(text: str, tokens: Sequence[str], span: TokenSpan, *, is_inclusive: bool) -> float:
    """Return by how much an entity rather counts characters, as the logarithm of the odds."""
    start, end = span.start, span.end + is_inclusive
    if span.surface is not None:
        surface = squeeze(span.surface)
        is_token = any(squeeze(tokens[start : span.end + i]) == surface for i in (0, 1))
        return BAD * (is_token - (squeeze(text[start:end]) == surface))
    if not fits_words(text, start, end):
        return BAD
    if end > len(tokens) + is_inclusive:
        return -BAD
    starts = range(len(tokens) + 1)
    n_by_chance = sum(fits_words(text, each, each + end - start) for each in starts)
    return log(len(tokens) / len(text)) - log(max(n_by_chance, 1) / len(starts))
