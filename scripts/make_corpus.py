"""Makes the project's corpus of mixed-language slips from lists and templates.

Usage: python scripts/make_corpus.py assets/slips.yml corpus
"""

import os
import random
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import srsly
import typer
from rich.progress import track

from spacy_xner.tokenizer import split_text

PARTS = ("train", "dev", "test")
LABELS = ("PER", "COURIER", "PHONE", "ADDRESS", "LOC", "ORG")
# Where the surface of an entity comes from. Couriers and phones are drawn as they stand.
PATTERNS = {
    "PER": "name",
    "COURIER": "couriers",
    "PHONE": "phone",
    "ADDRESS": "address",
    "LOC": "place",
    "ORG": "org",
}
# These are shapes or plain words, not names: all parts share them.
SHARED = {"name", "phone", "address", "place", "org", "good", "zip"}
SLOT = re.compile(r"\{(\w+)(?::(\w+))?\}")
# Weights of the languages; mixed lines are a fourth of all.
MIXED_SHARE = 0.25
# Draws in a row that gave nothing new, after which the lists are taken to be used up.
MOST_TRIES = 1000
FULL_WIDTH = {ord(str(i)): chr(0xFF10 + i) for i in range(10)}

Lists = dict[str, Sequence[str]]
Piece = tuple[str, str | None]


class Part(NamedTuple):
    """What one part of the corpus is drawn from: lists and templates by language, and mixed templates."""

    languages: dict[str, Lists]
    mixed: Sequence[str]


def split_list(items: Sequence[str], part: str) -> list[str]:
    """Take a part's share of a list: of ten neighbours, the ninth is dev's, the tenth test's."""
    places = {"train": range(8), "dev": (8,), "test": (9,)}[part]
    return [item for i, item in enumerate(items) if i % 10 in places]


def split_spec(spec: dict[str, Any], part: str) -> Part:
    """Take a part's share of all lists and templates."""
    languages = {}
    for code, lists in spec["languages"].items():
        own = {name: items if name in SHARED else split_list(items, part) for name, items in lists.items()}
        known = [item for i, item in enumerate(lists["couriers"]) if i % 10 != 9 or part == "test"]
        languages[code] = {**spec["numbers"], **own, "couriers": known}
    return Part(languages, split_list(spec["mixed"], part))


def check_spec(spec: dict[str, Any]) -> None:
    """Check that every slot can be filled.

    Raises:
        ValueError: If a key is missing or a slot unknown.
    """
    for key in ("numbers", "languages", "mixed"):
        if key not in spec:
            raise ValueError(f"the file must have the keys numbers, languages and mixed, found no {key}")
    for code, lists in spec["languages"].items():
        check_language(code, lists, spec["numbers"])
    for text in spec["mixed"]:
        for slot, code in SLOT.findall(text):
            if slot in LABELS and code not in spec["languages"]:
                raise ValueError(
                    f"slots of mixed templates must name a language, found {{{slot}:{code}}} in {text!r}"
                )


def check_language(code: str, lists: Lists, numbers: Lists) -> None:
    """Check the lists and slots of a language."""
    known = {**numbers, **lists}
    missing = [name for name in ("templates", *PATTERNS.values()) if name not in lists]
    if missing:
        raise ValueError(f"language {code} must have a list {missing[0]}, found none")
    for text in (text for items in lists.values() for text in items):
        for slot, _ in SLOT.findall(str(text)):
            if slot not in known and slot not in LABELS:
                raise ValueError(f"slots of {code} must name a list or a label, found {{{slot}}} in {text!r}")


def fill(text: str, lists: Lists, rng: random.Random) -> str:
    """Fill the slots of a pattern with plain text, and its digits."""
    text = SLOT.sub(lambda slot: fill(rng.choice(lists[slot[1]]), lists, rng), text)
    return "".join(
        rng.choice("0123456789") if c == "#" else rng.choice("123456789") if c == "%" else c for c in text
    )


def draw_entity(label: str, lists: Lists, rng: random.Random) -> str:
    """Draw the surface of an entity, now and then in another spelling."""
    text = fill(rng.choice(lists[PATTERNS[label]]), lists, rng)
    if label == "PHONE" and rng.random() < 0.05:
        return text.translate(FULL_WIDTH)
    if label in ("COURIER", "PER") and text.isascii() and rng.random() < 0.1:
        return rng.choice((text.upper(), text.lower()))
    return text


def draw_slip(part: Part, rng: random.Random) -> list[Piece]:
    """Draw one text as pieces: plain ones, and entities with their labels."""
    mixed = rng.random() < MIXED_SHARE
    home = rng.choice(sorted(part.languages))
    template = rng.choice(part.mixed if mixed else part.languages[home]["templates"])
    pieces: list[Piece] = []
    end = 0
    for slot in SLOT.finditer(template):
        pieces.append((fill_plain(template[end : slot.start()], rng), None))
        lists = part.languages[slot[2] or home]
        label = slot[1]
        if label in LABELS:
            pieces.append((draw_entity(label, lists, rng), label))
        else:
            pieces.append((fill(rng.choice(lists[label]), lists, rng), None))
        end = slot.end()
    pieces.append((fill_plain(template[end:], rng), None))
    return [piece for piece in pieces if piece[0]]


def fill_plain(text: str, rng: random.Random) -> str:
    """Vary the plain text between slots as people type it."""
    if rng.random() < 0.1:
        text = text.replace("：", ":").replace("，", ",")
    if rng.random() < 0.05:
        text = text.replace(": ", ":").replace(", ", ",")
    if rng.random() < 0.05:
        text = text.replace(" ", "  ")
    return text.lower() if rng.random() < 0.05 else text


def render_conll(pieces: Sequence[Piece]) -> str:
    """Write a text as CoNLL, with the raw text in a comment."""
    lines = [f"# text = {''.join(text for text, _ in pieces).strip()}"]
    for text, label in pieces:
        for i, token in enumerate(split_text(text)):
            tag = "O" if label is None else f"{'I' if i else 'B'}-{label}"
            lines.append(f"{token}\t{tag}")
    return "\n".join(lines) + "\n\n"


def draw_part(spec: dict[str, Any], name: str, size: int, seed: int) -> Iterator[str]:
    """Draw the texts of a part, none of them twice.

    Raises:
        ValueError: If the lists give too few texts.
    """
    part, rng = split_spec(spec, name), random.Random(f"{seed}-{name}")
    seen: set[str] = set()
    n_tries = 0
    while len(seen) < size:
        text = render_conll(draw_slip(part, rng))
        n_tries = n_tries + 1 if text in seen else 0
        if n_tries > MOST_TRIES:
            raise ValueError(
                f"The lists must give {size} different texts for {name}, found {len(seen)}. "
                "Extend the lists or ask for fewer texts."
            )
        if text not in seen:
            seen.add(text)
            yield text


def make_corpus(
    source: Path,
    folder: Path,
    sizes: dict[str, int],
    seed: int,
    show: Callable[[Iterator[str], str, int], Iterator[str]] = lambda texts, name, size: texts,
) -> None:
    """Write ``train.conll``, ``dev.conll`` and ``test.conll``.

    Args:
        source: Lists and templates.
        folder: Where the files go.
        sizes: Texts of each part.
        seed: The same seed gives the same files.
        show: Wraps the texts of a part in a progress bar.

    Raises:
        OSError: If the source is missing.
        ValueError: If it is malformed.
    """
    if not source.is_file():
        raise FileNotFoundError(f"The source must be a YAML file, found no {source}. Check the path.")
    try:
        spec = srsly.read_yaml(source)
        check_spec(spec)
    except Exception as err:  # the YAML parser's errors share no narrower base with ours
        raise ValueError(f"{source} cannot be used: {' '.join(str(err).split())}. Mend that line.") from err
    folder.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        part = folder / f".{name}.conll.part"
        try:
            with part.open("w", encoding="utf-8") as file:
                file.writelines(show(draw_part(spec, name, sizes[name], seed), name, sizes[name]))
            os.replace(part, folder / f"{name}.conll")
        finally:
            part.unlink(missing_ok=True)


def main(
    source: Annotated[Path, typer.Argument(help="Lists and templates.")],
    folder: Annotated[Path, typer.Argument(help="Where train, dev and test go.")],
    train: int = 4500,
    dev: int = 300,
    test: int = 600,
    seed: int = 7,
) -> None:
    """Make the project's corpus."""
    try:
        make_corpus(
            source,
            folder,
            {"train": train, "dev": dev, "test": test},
            seed,
            lambda texts, name, size: iter(track(texts, description=f"Drawing {name}", total=size)),
        )
    except (OSError, ValueError) as err:
        typer.echo(f"Error: {err}", err=True)
        raise typer.Exit(1) from err


if __name__ == "__main__":
    typer.run(main)
