"""Entities by the indices of their tokens: ``[start, end, label]``, objects, or lists of indices.

Source: the data of GLiNER (Zaratiana et al., 2024), SpERT (Eberts and Ulges, 2020), DyGIE++ (Wadden et al.,
2019) and W2NER (Li et al., 2022).
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from ..reading.json_layout import normalize
from ..reading.session import ReadSession, shorten

# Names of keys, normalized.
STARTS = ("start", "starttoken", "tokenstart", "begin", "startidx", "startindex", "startpos")
ENDS = ("end", "endtoken", "tokenend", "stop", "endidx", "endindex", "endpos")
PLACES = ("index", "indices", "indexes", "idx", "span", "pos", "position", "tokens", "tokenspan")
LABELS = ("label", "type", "entitytype", "tag", "nertag", "class", "category")
SURFACES = ("text", "name", "mention", "word", "surface", "phrase")


class TokenSpan(NamedTuple):
    """An entity as written in a file.

    Attributes:
        start: Index of its first token.
        end: Index of its last token, or after it.
        label: Entity type.
        surface: Its text, if the file has that too.
        is_listed: Whether the file lists its tokens: the end is then that of its last.
    """

    start: int
    end: int
    label: str
    surface: str | None = None
    is_listed: bool = False


def parse_token_span(value: Any) -> TokenSpan | None:
    """Read an entity; None if it has another shape, or lists tokens with others between them."""
    if isinstance(value, list) and len(value) >= 3:
        start, end, label = value[:3] if not isinstance(value[0], str) else (*value[1:3], value[0])
        return _make(start, end, label)
    if not isinstance(value, dict):
        return None
    keys = {normalize(str(key)): each for key, each in value.items()}
    start, end, place, label, surface = (
        next((keys[name] for name in names if name in keys), None)
        for names in (STARTS, ENDS, PLACES, LABELS, SURFACES)
    )
    if start is None and isinstance(place, list) and all(type(i) is int for i in place) and place:
        is_run = all(b == a + 1 for a, b in pairwise(place))
        is_listed = "span" not in keys and "pos" not in keys and "position" not in keys
        if is_listed:
            return _make(place[0], place[-1], label, surface, is_listed=True) if is_run else None
        start, end = place[0], place[-1]
    return _make(start, end, label, surface)


def _make(
    start: Any, end: Any, label: Any, surface: Any = None, *, is_listed: bool = False
) -> TokenSpan | None:
    if type(start) is not int or type(end) is not int or not isinstance(label, str) or not label:
        return None
    return TokenSpan(start, end, label, surface if isinstance(surface, str) else None, is_listed)


def are_token_spans(tokens: Any, value: Any) -> bool:
    """Return whether a value lists entities that lie within tokens."""
    if not isinstance(value, list) or not isinstance(tokens, list):
        return False
    spans = [parse_token_span(each) for each in value if not is_discontinuous(each)]
    return all(span is not None and 0 <= span.start <= span.end <= len(tokens) for span in spans)


def is_discontinuous(value: Any) -> bool:
    """Return whether an entity lists tokens with others between them."""
    if not isinstance(value, dict) or parse_token_span(value) is not None:
        return False
    lists = [each for key, each in value.items() if normalize(str(key)) in PLACES and isinstance(each, list)]
    return any(len(each) > 1 and all(type(i) is int for i in each) for each in lists)


def detect_inclusive(
    session: ReadSession,
    sentences: Iterable[tuple[Sequence[str], Sequence[TokenSpan]]],
    column: str,
    *,
    default: bool,
) -> bool:
    """Detect whether ends are indices of last tokens, by the entities' texts or by those at borders; note it.

    Args:
        session: The session.
        sentences: Tokens and entities of a sample.
        column: Name of the column.
        default: What holds where nothing tells.
    """
    hits = {True: 0, False: 0}
    n_empty = n_past = n_spans = 0
    for tokens, spans in sentences:
        for start, end, _, surface, is_listed in spans:
            if is_listed:
                continue
            n_spans += 1
            n_empty += start == end
            n_past += end == len(tokens)
            for is_inclusive in hits if surface is not None else ():
                hits[is_inclusive] += squeeze(tokens[start : end + is_inclusive]) == squeeze(surface or "")
    is_inclusive, why = default, "no entity tells, --ends does"
    if session.options.ends is not None:
        is_inclusive, why = session.options.ends == "inclusive", "as --ends tells"
    elif hits[True] != hits[False]:
        is_inclusive = hits[True] > hits[False]
        why = f"{hits[is_inclusive]} of {n_spans} entities match their text"
    elif n_empty != n_past:
        is_inclusive = n_empty > n_past
        why = f"{n_empty} of {n_spans} start where they end, {n_past} end after the last token"
    if n_spans:
        session.note(
            f"entities by tokens in {column}, ends {'inclusive' if is_inclusive else 'exclusive'}: {why}"
        )
    return is_inclusive


def squeeze(texts: Sequence[str]) -> str:
    """Return texts, or the characters of one, without white space between and in them."""
    return "".join("".join(texts).split())


def read_token_spans(session: ReadSession, where: str, value: Any) -> list[TokenSpan]:
    """Read the entities of a row; those with other tokens between theirs are counted and left out.

    Raises:
        CorpusError: If an entity has another shape.
    """
    if not isinstance(value, list):
        session.fail(where, f"expected a list of entities, found {shorten(value)}.")
    spans = []
    for each in value:
        span = parse_token_span(each)
        if span is not None:
            spans.append(span)
        elif is_discontinuous(each):
            session.leave_out("discontinuous entities")
        else:
            session.fail(
                where, f"expected [start, end, label] in whole numbers of tokens, found {shorten(each)}."
            )
    return spans


def tag_layers(
    session: ReadSession, where: str, spans: Iterable[TokenSpan], *, n_tokens: int, is_inclusive: bool
) -> list[list[str]]:
    """Write entities as layers of tags without overlaps.

    Raises:
        CorpusError: If an entity does not lie within the tokens.
    """
    layers: list[list[str]] = []
    for start, end, label, _, is_listed in sorted(spans, key=lambda span: (span.start, -span.end)):
        stop = end + (is_inclusive or is_listed)
        if not 0 <= start < stop <= n_tokens:
            session.fail(
                where,
                f"an entity must lie within {n_tokens} tokens, found {shorten(label)} from {start} to {end}.",
            )
        layer = next((layer for layer in layers if {*layer[start:stop]} == {"O"}), None)
        if layer is None:
            layer = ["O"] * n_tokens
            layers.append(layer)
        layer[start:stop] = [f"B-{label}", *[f"I-{label}"] * (stop - start - 1)]
    return layers
