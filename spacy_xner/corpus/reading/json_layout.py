"""How the objects of a JSON file are arranged: one a line, in an array, one after another, or under a key."""

import re
from enum import Enum, auto

from .json_stream import CHUNK, Row, open_json
from .lines import MAX_LINE
from .session import ReadSession

_NEXT_LINE = re.compile(r"[ \t\r]*\n\s*[{\[]")
_PAIR = re.compile(r'\[\s*"')
# Of a token with its tag, in an array of such.
_TAGGED = re.compile(r'\[\s*\[(\s*"(?:[^"\\]|\\.)*"\s*,)+\s*"(?:O|[BIESMLU]-[^"]+)"\s*\]')
_TAG = re.compile(r"O$|[BIESMLU]-")
# Keys are compared in lower case, without these.
_JOINERS = str.maketrans("", "", "_- ")
# Keys of a text, the preferred first.
TEXTS = (
    *("text", "content", "sentence", "fulltext", "sourcetext", "originaltext", "rawtext", "textcontent"),
    *("utterance", "tweet", "review", "texta", "txt", "sent", "文本", "内容", "原文", "句子", "正文", "评论"),
    *("テキスト", "本文", "문장", "텍스트"),
)  # fmt: skip
# Keys of a text that are also used for other strings.
LOOSE_TEXTS = (
    *("data", "source", "raw", "body", "input", "query", "document", "doc", "message", "comment", "question"),
    *("passage", "paragraph", "context", "abstract", "title", "description", "headline", "sequence"),
)  # fmt: skip
# Keys of the tokens of a text, of spaCy's own JSON, and of chunks of a text.
LISTS = ("tokens", "words", "tokenizedtext", "paragraphs", "data")
# Keys of the tokens of a text, or of those of each of its sentences.
_TOKENS = ("tokens", "words", "tokenizedtext", "sentence", "sentences", "chars")
# Keys of entities, the usual first.
ENTITIES = (
    *("spans", "entities", "label", "labels", "annotations", "annotation", "ents", "ner", "entity", "slots"),
    *("privacymask", "resultlist", "mentions", "nerspans", "entitylist", "textsegmentannotations", "marks"),
    *("points", "namedentities", "entitymentions", "nertags", "golden", "gold", "predictedentities", "实体"),
    "标注",
)  # fmt: skip
# Objects with one of these are entities, though they may have a text.
_OFFSETS = ("start", "startoffset", "begin", "startidx", "startposition", "startchar", "span", "offset")


class Layout(Enum):
    """How objects are arranged."""

    LINES = auto()
    ARRAY = auto()
    # One after another, each over several lines.
    OBJECTS = auto()
    # In an array under a key of one object, or of an object in it.
    WRAPPED = auto()
    # By their ids in one object, or as columns.
    SPREAD = auto()


def normalize(name: str) -> str:
    """Return a key as tables of names have it: in lower case, without ``_``, ``-`` and blanks."""
    return name.lower().translate(_JOINERS)


def find_layout(session: ReadSession) -> Layout:
    """Find out how the objects of a file are arranged, by its first value.

    Raises:
        OSError: If there is no such file.
    """
    with open_json(session) as stream:
        first = stream.skip()
        if first == "[" and not any(each.match(stream.peek(CHUNK)) for each in (_PAIR, _TAGGED)):
            return Layout.ARRAY
        item = stream.decode(MAX_LINE) if first in ("[", "{") else None
        if item is None:
            # No text is this long.
            is_long = first == "{" and len(stream.peek(MAX_LINE)) >= MAX_LINE
            return Layout.WRAPPED if is_long else Layout.LINES
        is_wrapper = isinstance(item.value, dict) and list_arrays(item.value, text_key(session))
        # Objects with arrays may also follow each other: documents, one a line.
        if is_wrapper and not _NEXT_LINE.match(stream.peek(CHUNK)):
            return Layout.WRAPPED
        is_followed = stream.peek(80).lstrip(" \t")[:1] in ("{", "[", ",")
        if not stream.skip() and list_spread(item.value):
            return Layout.SPREAD
        return Layout.OBJECTS if is_followed or "\n" in item.line.text else Layout.LINES


def text_key(session: ReadSession) -> str | None:
    """Return the key of the text that the options name; None if they name none."""
    name = session.options.field_names.get("text")
    return name and name.partition(".")[0]


def list_arrays(value: Row, text: str | None = None, *, is_inner: bool = False) -> list[str]:
    """List the keys of an object with an array of texts, or an object with one; empty if it is a text itself.

    Args:
        value: The object.
        text: Key of the text, if it is known.
        is_inner: Whether the object is in another one.
    """
    names = {normalize(key) for key in value if isinstance(value[key], str)}
    if text in value or not names.isdisjoint(TEXTS) or any(map(_are_tokens, value, value.values())):
        return []
    arrays = {key: each[0] for key, each in value.items() if isinstance(each, list) and each}
    keys = [key for key, first in arrays.items() if is_text(first, text)]
    # Entities by their texts, beside a text under a key that is often used for other strings.
    if has_text(value) and all(normalize(key) in ENTITIES and not is_pair(arrays[key]) for key in keys):
        keys = []
    inner = [key for key, each in value.items() if isinstance(each, dict) and not is_inner]
    return keys + [key for key in inner if list_arrays(value[key], text, is_inner=True)]


def list_spread(value: object) -> list[Row]:
    """List the rows of an object that has them by their ids, or a column for each key, as pandas writes it.

    Returns:
        The rows; empty if the object is something else.
    """
    if not isinstance(value, dict) or not value:
        return []
    columns = list(value.values())
    if all(isinstance(each, dict) and has_text(each, is_inner=True) for each in columns):
        return columns if len(columns) > 1 else []
    if not any(normalize(key) in (*TEXTS, *LOOSE_TEXTS) for key in value):
        return []
    if all(isinstance(each, dict) and each.keys() == columns[0].keys() for each in columns):
        columns = [list(each.values()) for each in columns]
    if not all(isinstance(each, list) and len(each) == len(columns[0]) for each in columns):
        return []
    # One text of tokens and their tags has such columns, too.
    if any(all(isinstance(cell, str) and _TAG.match(cell) for cell in each) for each in columns):
        return []
    rows = [dict(zip(value, row, strict=True)) for row in zip(*columns, strict=True)]
    return rows if any(map(has_text, rows)) else []


def is_text(value: object, text: str | None = None) -> bool:
    """Return whether a value is a text with what is known of it: an object, or a pair."""
    if not isinstance(value, dict):
        # Arrays of two strings may be anything.
        return isinstance(value, list) and is_pair(value) and isinstance(value[1], dict | list)
    if isinstance(value.get("data"), dict) and "annotations" in value:
        return True
    if text is not None:
        return text in value
    names = {normalize(key) for key in value}
    if not names.isdisjoint(_OFFSETS):
        return False
    return has_text(value) or any(normalize(key) in LISTS and isinstance(value[key], list) for key in value)


def _are_tokens(key: str, value: object) -> bool:
    """Return whether a key holds tokens, or a list of them for each sentence."""
    first = value[0] if normalize(key) in _TOKENS and isinstance(value, list) and value else None
    return (
        isinstance(first, str)
        or (isinstance(first, dict) and normalize(key) in _TOKENS[:3])
        or (isinstance(first, list) and all(isinstance(each, str) for each in first))
    )


def has_text(value: Row, *, is_inner: bool = False) -> bool:
    """Return whether an object, or an object in it, has a string with the key of a text."""
    return any(
        (isinstance(each, str) and normalize(key) in (*TEXTS, *LOOSE_TEXTS))
        or (isinstance(each, dict) and not is_inner and has_text(each, is_inner=True))
        for key, each in value.items()
    )


def is_pair(value: object) -> bool:
    """Return whether a value is a pair of a text and its annotations."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and bool(value[0])


def _are_tagged(value: object) -> bool:
    """Return whether a value is a list of tokens, each in an array with its tag."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(each, list) and len(each) > 1 and isinstance(each[-1], str) for each in value)
        and all(_TAG.match(each[-1]) for each in value)
    )


def make_row(value: object) -> object:
    """Return an object for tokens with their tags, or for a text and its annotations, as spaCy 2 had them.

    Source: spaCy 2's documentation, "Training data in Python".
    """
    if not isinstance(value, list) or not is_pair(value):
        return {"tokens": value} if _are_tagged(value) else value
    text, annotations = value
    is_object = isinstance(annotations, dict)
    return {**annotations, "text": text} if is_object else {"text": text, "label": annotations}
