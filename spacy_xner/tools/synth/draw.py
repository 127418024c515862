"""Draws texts with entities from lists and templates."""

import random
import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

from ...types import CharSpan, Record
from .sources import draw_faker, draw_phone
from .spec import SLOT, LanguageSpec, Spec, split_spec

# Draws in a row without a new text, after which the lists count as exhausted.
MAX_TRIES = 1000
FULL_WIDTH = {ord(str(i)): chr(0xFF10 + i) for i in range(10)}
# Share of records in the texts of a language that has them.
RECORD_SHARE = 0.5

# The end of a telephone number, masked or not.
_ENDS_NUMBER = re.compile(r"[\d*x]\Z")

# A piece of a text, and its label if it is an entity.
Piece = tuple[str, str | None]


def draw_part(spec: dict[str, Any], part: str, size: int, seed: int) -> Iterator[Record]:
    """Draw the texts of a part, without duplicates.

    Args:
        spec: Lists and templates, from `read_spec`.
        part: ``train``, ``dev`` or ``test``.
        size: Number of texts.
        seed: Random seed; the same seed gives the same texts in the same order.

    Raises:
        ValueError: If the lists give too few texts.
    """
    own, rng = split_spec(spec, part), random.Random(f"{seed}-{part}")
    # Digests, since a million records take half a gigabyte.
    seen: set[bytes] = set()
    n_tries = 0
    while len(seen) < size:
        record = join_pieces(draw_text(own, rng))
        digest = blake2b(repr(record).encode("utf-8", "surrogatepass"), digest_size=12).digest()
        n_tries = n_tries + 1 if digest in seen else 0
        if n_tries > MAX_TRIES:
            raise ValueError(
                f"The lists must give {size} different texts for {part}, found {len(seen)}. "
                "Extend the lists or ask for fewer texts."
            )
        if digest not in seen:
            seen.add(digest)
            yield record


def join_pieces(pieces: list[Piece]) -> Record:
    """Join pieces into a text, without white space around it; a number that follows a number gets a space."""
    text = ""
    spans: list[CharSpan] = []
    for piece, label in pieces:
        if label is not None:
            is_adjacent = bool(spans) and spans[-1].char_end == len(text)
            if is_adjacent and _ENDS_NUMBER.search(text) and piece[0].isdecimal():
                text += " "
            spans.append(CharSpan(len(text), len(text) + len(piece), label))
        text += piece
    n_left = len(text) - len(text.lstrip())
    moved = (CharSpan(start - n_left, end - n_left, label) for start, end, label, _ in spans)
    return Record(text.strip(), tuple(moved))


def draw_text(spec: Spec, rng: random.Random) -> list[Piece]:
    """Draw one text as pieces."""
    mixed = bool(spec.mixed) and rng.random() < spec.mixed_share
    home = rng.choice([code for code in sorted(spec.languages) for _ in range(spec.languages[code].times)])
    lists = spec.languages[home].lists
    if not mixed and "records" in lists and rng.random() < RECORD_SHARE:
        return draw_record(spec, home, rng)
    template = rng.choice(spec.mixed if mixed else lists["templates"])
    pieces: list[Piece] = []
    end = 0
    for slot in SLOT.finditer(template):
        pieces.append((vary(template[end : slot.start()], rng), None))
        language = spec.languages[slot[2] or home]
        if slot[1] in spec.entities:
            pieces.append((draw_entity(slot[1], spec, language, rng), slot[1]))
        else:
            pieces.append((fill(slot[0], spec, language, rng), None))
        end = slot.end()
    pieces.append((vary(template[end:], rng), None))
    return [(misspell(*piece, spec, rng), piece[1]) for piece in pieces if piece[0]]


def draw_record(spec: Spec, home: str, rng: random.Random) -> list[Piece]:
    """Draw the fields of a record in random order with one separator; some may be missing."""
    language = spec.languages[home]
    fields = rng.choice(language.lists["records"]).split()
    rng.shuffle(fields)
    kept = [field for field in fields[1:] if rng.random() >= spec.noise.missing]
    separator = rng.choice(language.lists["separators"])
    pieces: list[Piece] = []
    for label in [fields[0], *kept]:
        if pieces and separator:
            pieces.append((separator, None))
        pieces.append((misspell(draw_entity(label, spec, language, rng), label, spec, rng), label))
    return pieces


def fill(text: str, spec: Spec, language: LanguageSpec, rng: random.Random) -> str:
    """Fill the slots of a pattern with text, and its placeholders with digits."""

    def fill_slot(name: str) -> str:
        source, _, method = name.partition(".")
        if source == "faker" and method:
            return draw_faker(method, language, spec.part, rng)
        if source == "phonenumber" and method:
            return draw_phone(method, language, rng)
        return fill(rng.choice(language.lists[name]), spec, language, rng)

    plain = SLOT.split(text)
    # The pattern alternates between text, slot and language.
    filled = [fill_slot(name) for name in plain[1::3]]
    parts = ["".join(_digit(char, rng) for char in part) for part in plain[::3]]
    return "".join(part + word for part, word in zip(parts, [*filled, ""], strict=True))


def _digit(char: str, rng: random.Random) -> str:
    return rng.choice({"#": "0123456789", "%": "123456789"}[char]) if char in "#%" else char


def draw_entity(label: str, spec: Spec, language: LanguageSpec, rng: random.Random) -> str:
    """Draw the text of an entity, sometimes with noise in its spelling."""
    text = fill(rng.choice(language.lists[spec.entities[label]]), spec, language, rng).strip()
    if label == "ADDRESS" and spec.noise.breaks and rng.random() < spec.noise.breaks:
        return break_line(text, rng)
    if label == "PHONE" and spec.noise.mask and rng.random() < spec.noise.mask:
        return mask_digits(text, rng)
    if label == "PHONE" and rng.random() < spec.noise.full_width:
        return text.translate(FULL_WIDTH)
    if label in ("COURIER", "PER") and text.isascii() and rng.random() < spec.noise.case:
        return rng.choice((text.upper(), text.lower()))
    return text


def break_line(text: str, rng: random.Random) -> str:
    """Replace a space by a line end, if there is a space."""
    places = [i for i, char in enumerate(text) if char == " "]
    if not places:
        return text
    place = rng.choice(places)
    return f"{text[:place].rstrip()}\n{text[place:].lstrip()}"


def mask_digits(text: str, rng: random.Random) -> str:
    """Mask the digits in the middle of a phone number, as shops print it."""
    places = [i for i, char in enumerate(text) if char.isdecimal()]
    masked, sign = set(places[3:-2]), rng.choice("**x")
    return "".join(sign if i in masked else char for i, char in enumerate(text))


def misspell(text: str, label: str | None, spec: Spec, rng: random.Random) -> str:
    """Swap two letters or drop one, as a typo; phone numbers stay as they are."""
    if not spec.noise.typo or label == "PHONE" or len(text) < 4 or rng.random() >= spec.noise.typo:
        return text
    places = [i for i in range(1, len(text) - 2) if text[i : i + 2].isalpha()]
    if not places:
        return text
    place = rng.choice(places)
    swapped = text[place + 1] + text[place] if rng.random() < 0.5 else text[place]
    return text[:place] + swapped + text[place + 2 :]


def vary(text: str, rng: random.Random) -> str:
    """Vary punctuation, spacing and case of the text between slots, as people type it."""
    if rng.random() < 0.1:
        text = text.replace("：", ":").replace("，", ",")
    if rng.random() < 0.05:
        text = text.replace(": ", ":").replace(", ", ",")
    if rng.random() < 0.05:
        text = text.replace(" ", "  ")
    return text.lower() if rng.random() < 0.05 else text
