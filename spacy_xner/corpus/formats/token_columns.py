"""Which columns hold tokens, and which their tags or entities: decided once for all rows of a corpus."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..annotation.spellings import find_form, find_joined
from ..reading.json_layout import normalize
from ..reading.label_names import find_label_names
from ..reading.session import ReadSession, shorten
from .token_spans import are_token_spans
from .token_units import find_units

Row = dict[str, Any]
# Names of columns, normalized, the most likely first.
TOKENS = (
    "tokens", "words", "tokenizedtext", "token", "word", "sentence", "sentences", "chars", "characters",
    "tokenlist", "text", "input", "source", "sent", "content", "x",
)  # fmt: skip
TAGS = (
    "nertags", "tags", "ner", "labels", "nerlabels", "nertag", "biotags", "iobtags", "bio", "iob", "bioes",
    "bilou", "entities", "entitytags", "tag", "label", "namedentities", "nerbio", "taglist", "iob2", "target",
    "targets", "y", "goldtags", "slots", "wordlabels", "annotation", "annotations",
)  # fmt: skip
SPANS = (
    "ner",
    "entities",
    "spans",
    "entitymentions",
    "mentions",
    "entity",
    "nerspans",
    "labels",
    "annotations",
)
TEXTS = ("text", "sentence", "rawtext", "raw", "content", "sentencetext", "originaltext", "sent")
# Of the rows that have a column.
MIN_FIT = 0.5


class Fields(NamedTuple):
    """The columns of a corpus.

    Attributes:
        tokens: Name of the tokens' column.
        tags: Name of the column of tags, or of entities.
        text: Name of the column of the text; None if there is none.
        names: Names of tags that are numbers; None if tags are strings.
        has_spans: Whether entities are given by the indices of tokens.
    """

    tokens: str
    tags: str
    text: str | None = None
    names: Mapping[int, str] | None = None
    has_spans: bool = False


def find_fields(session: ReadSession, rows: Sequence[Row]) -> Fields | None:
    """Find the columns by their names and by what is in them; None if they are not there.

    Args:
        session: The session.
        rows: A sample.

    Raises:
        CorpusError: If entities may count characters as well as tokens.
    """
    named = session.options.field_names
    columns = list(dict.fromkeys(name for row in rows for name in row))

    def choose(kind: str, names: Sequence[str], fits: Callable[[Row, Any], bool]) -> list[str]:
        known = sorted((name for name in columns if normalize(name) in names), key=_rank(names))
        return [named[kind]] if kind in named else [name for name in known if _fits(rows, name, fits)]

    tokens = next(iter(choose("tokens", TOKENS, lambda _, value: _are_tokens(value))), "")
    text = next(iter(choose("text", TEXTS, lambda _, value: isinstance(value, str))), None)
    tags = choose("tags", TAGS, lambda row, value: _are_tags(row.get(tokens), value)) if tokens else []
    if tags:
        best = min(tags, key=lambda name: _rank_tags(rows, name))
        cells = {str(tag) for row in rows for tag in _as_list(row.get(best))}
        # Numbers may be strings.
        has_numbers = any(map(str.isdecimal, cells)) and all(map(str.isdecimal, cells - {""}))
        return Fields(tokens, best, text, (find_label_names(session, best) or {}) if has_numbers else None)
    spans = (
        choose("spans", SPANS, lambda row, value: are_token_spans(row.get(tokens), value)) if tokens else []
    )
    for name in spans:
        if _are_tokens_counted(session, rows, (text, tokens, name)):
            return Fields(tokens, name, text, has_spans=True)
    return None


def _are_tokens_counted(
    session: ReadSession, rows: Sequence[Row], columns: tuple[str | None, str, str]
) -> bool:
    """Return whether entities are given by the indices of tokens, and not by characters of the text beside.

    Raises:
        CorpusError: If both fit.
    """
    text, tokens, spans = columns
    units = session.options.units
    if text is None or units is not None:
        return units in (None, "tokens")
    values = [(row.get(text), row.get(tokens), row.get(spans)) for row in rows]
    units = find_units(each for each in values if [*map(type, each)] == [str, list, list])
    if not units:
        entity = next(each for *_, value in values for each in value or ())
        session.fail(
            1,
            f"entities must show what they count, found {shorten(entity)}, which fits the characters of "
            f"{text} and {tokens}.",
            "Pass --units chars or --units tokens.",
        )
    return units == "tokens"


def _rank(names: Sequence[str]) -> Callable[[str], int]:
    return lambda name: names.index(normalize(name))


def _fits(rows: Iterable[Row], name: str, fits: Callable[[Row, Any], bool]) -> bool:
    """Return whether a column holds what is looked for in most of the rows that have it."""
    found = [fits(row, row[name]) for row in rows if row.get(name)]
    return sum(found) > MIN_FIT * len(found)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _are_tokens(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(token, str) for token in value)


def _are_tags(tokens: Any, value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == len(_as_list(tokens))
        and all(isinstance(tag, str) or type(tag) is int for tag in value)
    )


def _rank_tags(rows: Sequence[Row], name: str) -> int:
    """Rank a column by what it holds: tags of letters and labels, then others, then what may be no tags."""
    cells = Counter(str(tag) for row in rows for tag in _as_list(row.get(name)))
    return 0 if find_joined(cells) else 1 if find_form(cells) or all(map(str.isdecimal, cells)) else 2
