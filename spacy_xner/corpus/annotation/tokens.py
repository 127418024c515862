"""Makes records of tokens and their tags: marks are taken off, and blank tokens become white space."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from ...schemes import TagScheme
from ...scripts import BOM, ZERO_WIDTH, is_blank
from ...types import CharSpan, Entity, Record
from ..reading.session import ReadSession
from .marks import find_marks, remove_marks
from .rebuild import Offsets, locate_tokens, place_tokens
from .repairs import read_tags
from .spacing import Spacing, detect_spacing
from .tags import find_shared_scheme


class Sentence(NamedTuple):
    """Tokens, as a file has them, with their tags.

    Attributes:
        tokens: The tokens; some may be blank.
        layers: One tag for each token, in each layer.
        glued: For each token, whether the corpus marks it as not followed by a space.
        text: The text that the tokens were split from, if the file has it.
        source: Position of the sentence, as ``file:line``.
    """

    tokens: Sequence[str]
    layers: Sequence[Sequence[str]]
    glued: Sequence[bool]
    text: str | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class TokenStyle:
    """What is the same in all sentences of a corpus.

    Attributes:
        scheme: The tags' scheme.
        marks: The mark that is taken off the tokens (a name in `MARKS`), or None.
        spacing: Where the text has spaces between tokens.
    """

    scheme: TagScheme
    marks: str | None = None
    spacing: Spacing = field(default=Spacing())


def find_style(session: ReadSession, sentences: Sequence[Sentence], kind: str) -> TokenStyle:
    """Detect how the sentences of a corpus are written, and note the evidence.

    Args:
        session: The session.
        sentences: A sample.
        kind: What is tagged, for the note.
    """
    options = session.options
    tags = [tags for sentence in sentences for tags in sentence.layers]
    scheme, evidence = find_shared_scheme(session, tags)
    session.note(f"{kind}: {evidence}")
    marks = find_marks([token for each in sentences for token in each.tokens if not is_blank(token)])
    if marks is not None:
        session.note(f"marks, {'kept' if options.keep_marks else 'taken off'}: {marks}")
    if options.keep_marks:
        marks = None
    tokens = [remove_marks(each.tokens, marks) if marks else each.tokens for each in sentences]
    spacing = detect_spacing(session, tokens, [each.glued for each in sentences])
    return TokenStyle(scheme, marks, spacing)


def make_record(
    session: ReadSession, style: TokenStyle, sentence: Sentence, *, place: Callable[[int], str]
) -> Record | None:
    """Make a record of a sentence; None if all of its tokens are blank.

    Args:
        session: Refuses or counts what is repaired.
        style: How the sentences of the corpus are written.
        sentence: The sentence.
        place: Returns the position of the token with an index, as ``file:line``.

    Raises:
        CorpusError: If a tag is bad.
    """
    raw = sentence.tokens if style.marks is None else remove_marks(sentence.tokens, style.marks)
    tokens = [*map(str.strip, raw)]
    blanks: dict[int, str] = {}
    if "" in tokens or (not (joined := "".join(tokens)).isascii() and ZERO_WIDTH.search(joined)):
        tokens, blanks = _find_blanks(session, raw, tokens)
    entities = [
        ent for tags in sentence.layers for ent in _read_layer(session, style.scheme, tags, blanks, place)
    ]
    if len(blanks) == len(tokens):
        return None
    if not blanks:
        text, offsets = place_tokens(tokens, sentence.text, sentence.glued, style.spacing)
    else:
        text, offsets = _place_among_blanks(style, sentence, tokens, blanks)
    spans = [CharSpan(offsets[ent.start][0], offsets[ent.end - 1][1], ent.label) for ent in entities]
    # Two layers may hold the same entity.
    return Record(text, tuple(dict.fromkeys(sorted(spans))), sentence.source)


def _find_blanks(
    session: ReadSession, raw: Sequence[str], tokens: Sequence[str]
) -> tuple[list[str], dict[int, str]]:
    """Count blank tokens, and byte order marks at other ones.

    Returns:
        The tokens, blank ones empty, and for each of these the white space that it stands for, if any.
    """
    cleaned, blanks = [], {}
    for i, token in enumerate(tokens):
        if is_blank(token):
            blanks[i] = "" if token else ZERO_WIDTH.sub("", raw[i]) or " "
            kind = "zero-width" if token else "blank" if raw[i] else "empty"
            session.leave_out(f"{kind} tokens")
            cleaned.append("")
        else:
            cleaned.append(token.strip(BOM).strip())
            if token[0] == BOM or token[-1] == BOM:
                session.leave_out("byte order marks at tokens")
    for _, run in groupby(enumerate(blanks), lambda pair: pair[1] - pair[0]):
        _merge_empty(raw, blanks, [i for _, i in run])
    return cleaned, blanks


def _merge_empty(raw: Sequence[str], blanks: dict[int, str], run: Sequence[int]) -> None:
    """Let the empty tokens of a run of blank ones stand for one blank, or for none if there are others."""
    empty = [i for i in run if not raw[i]]
    has_space = any(blanks[i] and raw[i] for i in run)
    blanks |= dict.fromkeys(empty[not has_space :], "")


def _read_layer(
    session: ReadSession,
    scheme: TagScheme,
    tags: Sequence[str],
    blanks: Mapping[int, str],
    place: Callable[[int], str],
) -> list[Entity]:
    """Read the entities of a layer; a blank inside an entity is part of it, one at its end is not."""
    if not blanks:
        return read_tags(session, scheme, tags, place=place)
    letters = scheme.letters
    # Where borders are marked, an O at a blank ends nothing.
    is_marked = letters.first != letters.inside or letters.last != letters.inside
    kept = [
        i
        for i in range(len(tags))
        if i not in blanks or (tags[i] and not (is_marked and scheme.is_outside(tags[i])))
    ]
    entities = []
    for start, end, label, _ in read_tags(
        session, scheme, [tags[i] for i in kept], place=lambda i: place(kept[i])
    ):
        inside = [i for i in kept[start:end] if i not in blanks]
        if inside:
            entities.append(Entity(inside[0], inside[-1] + 1, label))
        else:
            session.leave_out("entities of blank tokens")
    return entities


def _place_among_blanks(
    style: TokenStyle, sentence: Sentence, tokens: Sequence[str], blanks: Mapping[int, str]
) -> tuple[str, Offsets]:
    """Join tokens with the blanks between them; blanks have no place."""
    words = [i for i in range(len(tokens)) if i not in blanks]
    inner = range(words[0], words[-1] + 1)
    original = sentence.text
    written = style.spacing.write([tokens[i] for i in words])
    if original is not None and locate_tokens(written, original) is None:
        original = None
    shown = words if original is not None else [i for i in inner if tokens[i] or blanks[i]]
    glued = [
        sentence.glued[i] or i in blanks or after in blanks
        for i, after in zip(shown, [*shown[1:], -1], strict=True)
    ]
    text, places = place_tokens([tokens[i] or blanks[i] for i in shown], original, glued, style.spacing)
    offsets = [(0, 0)] * len(tokens)
    for i, offset in zip(shown, places, strict=True):
        offsets[i] = offset
    return text, offsets
