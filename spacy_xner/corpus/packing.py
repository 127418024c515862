"""Tokenized texts as a ``.spacy`` file holds them, without a `Doc` for each."""

from array import array

import numpy as np
import srsly
from spacy.strings import get_string_id

from ..types import Entity
from .docbin import PackedDocs

# As in spaCy: a token without annotation, inside, outside, and at the beginning of an entity.
MISSING, INSIDE, OUTSIDE, BEGIN = range(4)
# `srsly.msgpack_dumps` looks for encoders of other packages at each call.
_MSGPACK = srsly.msgpack.Packer(use_bin_type=True)
NO_CATS: bytes = _MSGPACK.pack({})
NO_GROUPS: bytes = _MSGPACK.pack([])
# Strings whose hashes are kept; beyond, memory would grow with the corpus.
MAX_HASHES = 200_000


class Hashes(dict[str, int]):
    """Hashes of strings, as spaCy's `StringStore` has them."""

    def __missing__(self, text: str) -> int:
        """Compute a hash."""
        if len(self) >= MAX_HASHES:
            self.clear()
        value: int = get_string_id(text)
        self[text] = value
        return value


HASHES = Hashes()


class Packer:
    """Packs tokenized texts."""

    def __init__(self) -> None:
        self.strings: set[str] = set()
        self.orths, self.labels, self.lengths = array("Q"), array("Q"), array("i")
        self.places, self.spaces = bytearray(), bytearray()
        self.cats: list[bytes] = []
        self.groups: list[bytes] = []

    def add_tokens(self, words: list[str], spaces: list[bool], ents: list[Entity] | None) -> None:
        """Add the tokens of a text.

        Args:
            words: Tokens.
            spaces: Whether a space follows each token.
            ents: Entities without overlaps; None if the text is not annotated with entities.
        """
        places = bytearray([MISSING if ents is None else OUTSIDE]) * len(words)
        labels = array("Q", [0]) * len(words)
        for start, end, label, _ in ents or ():
            places[start:end] = bytes([BEGIN, *[INSIDE] * (end - start - 1)])
            labels[start:end] = array("Q", [HASHES[label]]) * (end - start)
            self.strings.add(label)
        self.strings.update(words)
        self.orths.extend(map(HASHES.__getitem__, words))
        self.labels += labels
        self.places += places
        self.spaces += bytes(spaces)
        self.lengths.append(len(words))

    def add_text(self, cats: dict[str, float], groups: bytes = NO_GROUPS) -> None:
        """Add what belongs to the whole text that was added last: its labels and span groups."""
        self.cats.append(_MSGPACK.pack(cats) if cats else NO_CATS)
        self.groups.append(_MSGPACK.pack(groups))

    def finish(self) -> PackedDocs:
        """Return all texts."""
        # In the order of `ATTRS`.
        columns = [np.array(column, np.uint64) for column in (self.orths, self.places, self.labels)]
        tokens = np.column_stack(columns)
        return PackedDocs(
            len(self.lengths),
            tokens.tobytes(),
            bytes(self.spaces),
            self.lengths.tobytes(),
            self.strings,
            b"".join(self.cats),
            b"".join(self.groups),
        )
