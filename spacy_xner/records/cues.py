"""Cue words around entities: who sends, who receives, and words between two people."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc, Span
from spacy.util import filter_spans
from spacy.vocab import Vocab

AND = "and"
PLACES = ("before", "directly_before", "directly_after")


class Cue(NamedTuple):
    """A cue word in a text.

    Attributes:
        role: The role that it announces; `AND` for a word between people.
        start: Offset of its first character.
        end: Offset after its last character.
        places: Where it may stand: some of `PLACES`.
    """

    role: str
    start: int
    end: int
    places: frozenset[str]


class CueFinder:
    """Finds cue words.

    Args:
        table: Words by language, role and place.
        title: What messages call the table.
        vocab: The pipeline's vocabulary.
        tokenize: The pipeline's tokenizer.

    Raises:
        ValueError: If the table has another shape.
    """

    def __init__(self, table: Any, title: str, vocab: Vocab, tokenize: Callable[[str], Doc]) -> None:
        self._matcher = PhraseMatcher(vocab, attr="LOWER")
        self._meanings: dict[str, set[tuple[str, str]]] = {}
        for role, place, word in _read(table, title):
            self._meanings.setdefault(word.casefold(), set()).add((role, place))
        self._matcher.add("cue", [tokenize(word) for word in self._meanings])
        # Words as their tokens, for those that the tokenizer changes.
        self._meanings = {_key(tokenize(word)[:]): roles for word, roles in self._meanings.items()}

    def find(self, doc: Doc, entities: Sequence[Span]) -> list[Cue]:
        """Find the cue words outside entities, the longest of those that overlap, in text order."""
        taken = {i for ent in entities for i in range(ent.start, ent.end)}
        # Not `as_spans`: the label would be missing in a pipeline that sources this component.
        spans = [
            doc[start:end] for _, start, end in self._matcher(doc) if taken.isdisjoint(range(start, end))
        ]
        return [cue for span in filter_spans(spans) for cue in self._cues(span)]

    def _cues(self, span: Span) -> Iterator[Cue]:
        meanings = self._meanings.get(_key(span), set())
        for role in sorted({role for role, _ in meanings}):
            places = frozenset(place for each, place in meanings if each == role)
            yield Cue(role, span.start_char, span.end_char, places)


def _key(span: Span) -> str:
    return " ".join(token.lower_ for token in span)


def _read(table: Any, title: str) -> Iterator[tuple[str, str, str]]:
    """Read role, place and word of each cue."""
    try:
        for parts in table.values():
            for role, places in parts.items():
                if role == AND:
                    yield from ((AND, AND, str(word)) for word in _listed(places))
                    continue
                for place, words in places.items():
                    _check_place(place)
                    yield from ((role, place, str(word)) for word in _listed(words))
    except (AttributeError, TypeError, ValueError) as err:
        raise ValueError(
            f"{title} must have, by language and role, lists of words under {', '.join(PLACES)}, found "
            f"an error: {err}. Fix the file."
        ) from err


def _check_place(place: Any) -> None:
    if place not in PLACES:
        raise ValueError(f"{place!r} is no place")


def _listed(words: Any) -> Iterable[Any]:
    if not isinstance(words, list):
        raise TypeError(f"{words!r} is no list")
    return words


# Between a cue and what it announces: a colon, a bracket, a title of a person.
_DIRECT = re.compile(
    r"[\s:：\-—=>→\"'“「『（(]*(?:(?:Mr|Mrs|Ms|Herrn?|Frau|M|Mme|Sr|Sra|Dr)\.?\s+)?", re.IGNORECASE
)
_OPENING = ("(", "（", "[", "【", "<")
_CLOSING = re.compile(r"\s*[)）\]】>]")
_COLON = re.compile(r"\s*[:：]")


def is_title(cue: Cue, text: str, next_start: int, *, before_name: bool) -> bool:
    """Return whether a cue announces what follows it, which begins at some offset."""
    if "before" in cue.places:
        return True
    if "directly_before" not in cue.places:
        return False
    return bool(_COLON.match(text, cue.end)) or (
        before_name and _DIRECT.fullmatch(text, cue.end, next_start) is not None
    )


def is_note(cue: Cue, text: str, last_end: int) -> bool:
    """Return whether a cue is about the person before it, whose name ends at some offset."""
    if _COLON.match(text, cue.end):
        return False
    gap = text[last_end : cue.start].strip(" ·")
    is_bracketed = gap in _OPENING and _CLOSING.match(text, cue.end) is not None
    return is_bracketed or ("directly_after" in cue.places and not gap)
