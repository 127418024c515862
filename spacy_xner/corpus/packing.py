"""Tokenized texts as a ``.spacy`` file holds them, without a `Doc` for each."""

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
        self.words: list[str] = []
        self.spaces: list[bool] = []
        self.lengths: list[int] = []
        self.defaults: list[int] = []
        # On the tokens of all texts.
        self.ents: list[Entity] = []
        self.labels: set[str] = set()
        self.cats: list[bytes] = []
        self.groups: list[bytes] = []

    def add_tokens(self, words: list[str], spaces: list[bool], ents: list[Entity] | None) -> None:
        """Add the tokens of a text.

        Args:
            words: Tokens.
            spaces: Whether a space follows each token.
            ents: Entities without overlaps; None if the text is not annotated with entities.
        """
        offset = len(self.words)
        self.ents += [Entity(start + offset, end + offset, label) for start, end, label, _ in ents or ()]
        self.words += words
        self.spaces += spaces
        self.lengths.append(len(words))
        self.defaults.append(MISSING if ents is None else OUTSIDE)

    def add_text(self, cats: dict[str, float], groups: bytes = NO_GROUPS) -> None:
        """Add what belongs to the whole text that was added last: its labels and span groups."""
        self.cats.append(_MSGPACK.pack(cats) if cats else NO_CATS)
        self.groups.append(_MSGPACK.pack(groups))

    def finish(self) -> PackedDocs:
        """Return all texts."""
        # In the order of `ATTRS`.
        tokens = np.zeros((len(self.words), 3), dtype=np.uint64)
        tokens[:, 0] = np.fromiter(map(HASHES.__getitem__, self.words), np.uint64, len(self.words))
        tokens[:, 1] = np.repeat(np.array(self.defaults, np.uint64), self.lengths)
        for start, end, label, _ in self.ents:
            tokens[start:end, 1:] = INSIDE, HASHES[label]
            tokens[start, 1] = BEGIN
        return PackedDocs(
            len(self.lengths),
            tokens.tobytes(),
            bytes(self.spaces),
            np.array(self.lengths, np.int32).tobytes(),
            self.labels.union(self.words, (ent.label for ent in self.ents)),
            b"".join(self.cats),
            b"".join(self.groups),
        )
