"""Rows of tokens that are arranged in other ways: by sentence, in columns, or in strings."""

import re
from typing import Any

from ..reading.json_layout import normalize
from .json_names import STARTS
from .token_columns import TAGS, TOKENS, Row

# Fewer may be a label of the text.
MIN_TAGS = 2
# Keys of tokens with their tags, and in objects, of a token and of its tag.
PAIRED = (*TOKENS, *TAGS, "data")
PAIR = (("text", "token", "word", "form", "char"), ("tag", "nertag", "ner", "bio", "label", "entity", "iob"))
_SEPARATOR = re.compile(r"[\s,]+")
_TAG = re.compile(r"O|[BIESMLUW][-_].+|.+[-_][BIESMLUW]")


def split_row(row: Row) -> list[Row]:
    """Split an object into rows of tokens with their tags or entities; itself, if it is one."""
    row = _unzip(row)
    columns = [name for name, value in row.items() if _is_nested(value)]
    names = {normalize(name): name for name in columns}
    tokens = next((names[name] for name in TOKENS if name in names), None)
    if tokens is None:
        return [_split_strings(row)]
    size = len(row[tokens])
    columns = [name for name in columns if len(row[name]) == size]
    if not any(normalize(name) in TAGS for name in columns):
        return [row]
    rows = [{name: row[name][i] for name in columns} for i in range(size)]
    return _count_by_sentence(rows) if tokens == "sentences" else rows


def _unzip(row: Row) -> Row:
    """Return a row whose tokens have their tags in pairs, or in objects, with both in lists of their own."""
    for name, value in row.items():
        if normalize(name) in PAIRED and (pairs := list_pairs(value)):
            return {**row, "tokens": [token for token, _ in pairs], "ner_tags": [tag for _, tag in pairs]}
    return row


def list_pairs(value: Any) -> list[tuple[str, str]]:
    """List tokens and their tags from arrays ``[token, ..., tag]``, or objects; empty if they are not."""
    if not isinstance(value, list) or not value:
        return []
    pairs = [*filter(None, map(_pair_of, value))]
    # The tags of several sentences are no pairs.
    is_good = len(pairs) == len(value) and not all(_TAG.fullmatch(token) for token, _ in pairs)
    return pairs if is_good else []


def _pair_of(value: Any) -> tuple[str, str] | None:
    """Return a token and its tag; None if it is something else."""
    if isinstance(value, dict):
        keys = {normalize(key): each for key, each in value.items()}
        if not keys.keys().isdisjoint(STARTS):
            # Its place in a text counts.
            return None
        value = [next((keys[name] for name in names if name in keys), None) for names in PAIR]
    if not isinstance(value, list) or len(value) < 2 or not all(isinstance(each, str) for each in value):
        return None
    return (value[0], value[-1]) if _TAG.fullmatch(value[-1]) else None


def _is_nested(value: Any) -> bool:
    """Return whether a value is a list of lists, one for each sentence, and not one of entities."""
    if not isinstance(value, list) or not value or not all(isinstance(each, list) for each in value):
        return False
    return not all({type(part) for part in each} >= {int, str} for each in value)


def _count_by_sentence(rows: list[Row]) -> list[Row]:
    """Let entities count the tokens of their sentences, where they count the document's, as in DyGIE++."""
    n_before = 0
    for row in rows:
        row["ner"] = [_shift(span, n_before) for span in row.get("ner", ())]
        n_before += len(row["sentences"])
    return rows


def _shift(span: object, n_tokens: int) -> object:
    if not isinstance(span, list) or not all(type(each) is int for each in span[:2]):
        return span
    return [*(each - n_tokens for each in span[:2]), *span[2:]]


def _split_strings(row: Row) -> Row:
    """Split strings of tokens and of as many tags, separated by blanks or commas; the text is kept."""
    strings = {normalize(name): name for name, value in row.items() if isinstance(value, str)}
    for name in (strings[name] for name in TAGS if name in strings):
        tags = _SEPARATOR.split(row[name].strip())
        if len(tags) < MIN_TAGS or not all(map(_TAG.fullmatch, tags)):
            continue
        for text in (strings[name] for name in TOKENS if name in strings):
            tokens = row[text].split()
            if len(tokens) == len(tags):
                return {**row, "tokens": tokens, name: tags, "text": row[text]}
    return row
