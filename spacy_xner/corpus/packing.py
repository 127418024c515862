"""Tokenized texts as a ``.spacy`` file holds them, without a `Doc` for each."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import count

import numpy as np
import srsly
from numpy.typing import NDArray
from spacy.strings import get_string_id
from spacy.tokens import Doc

from ..tokenizer import has_space
from ..types import Entity
from .docbin import PackedDocs

# As in spaCy: a token without annotation, inside, outside, and at the beginning of an entity.
MISSING, INSIDE, OUTSIDE, BEGIN = range(4)
# `srsly.msgpack_dumps` looks for encoders of other packages at each call.
_MSGPACK = srsly.msgpack.Packer(use_bin_type=True)
NO_CATS: bytes = _MSGPACK.pack({})
NO_GROUPS: bytes = _MSGPACK.pack(_MSGPACK.pack([]))
# Strings whose hashes are kept; beyond, memory would grow with the corpus.
MAX_HASHES = 200_000
Numbers = NDArray[np.int64]


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
    """Packs tokenized texts, all at once: what is computed, is computed once for each different token.

    Args:
        texts: The pieces of each text, as the tokenizer finds them.

    Attributes:
        lengths: Number of tokens of each text.
        starts: Offset of each token, in all texts together.
        ends: Offset after each token.
    """

    def __init__(self, texts: Iterable[list[str]]) -> None:
        pieces: list[str] = []
        self.lengths: list[int] = []
        for text in texts:
            pieces += text
            self.lengths.append(len(text))
        numbers: dict[str, int] = defaultdict(count().__next__)
        self._numbers = np.fromiter(map(numbers.__getitem__, pieces), np.intp, len(pieces))
        spaces = [*map(has_space, numbers)]
        self._words = [piece[:-1] if space else piece for piece, space in zip(numbers, spaces, strict=True)]
        self._spaces = np.array(spaces, np.bool_)[self._numbers]
        widths = np.fromiter(map(len, numbers), np.int64, len(numbers))[self._numbers]
        stops = np.cumsum(widths)
        self.starts: Numbers = stops - widths
        self.ends: Numbers = stops - self._spaces
        # Of the texts that were added.
        self._n_tokens = 0
        self._defaults: list[int] = []
        # Entities on the tokens of all texts, and labels of those that overlap.
        self._ents: list[Entity] = []
        self._labels: set[str] = set()
        self._cats: list[bytes] = []
        self._groups: list[bytes] = []

    def locate(self, starts: Numbers, ends: Numbers) -> tuple[Numbers, Numbers]:
        """Return the first token of each entity and that after its last, by offsets in all texts together."""
        return np.searchsorted(self.ends, starts, "right"), np.searchsorted(self.starts, ends)

    def add(self, ents: Sequence[Entity] | None, cats: dict[str, float] | None) -> None:
        """Add what the next text has.

        Args:
            ents: Entities without overlaps, on the tokens of all texts; None if it is not annotated with any.
            cats: Labels of the whole text.
        """
        self._n_tokens += self.lengths[len(self._defaults)]
        self._defaults.append(MISSING if ents is None else OUTSIDE)
        self._ents += ents or ()
        self._cats.append(_MSGPACK.pack(cats) if cats else NO_CATS)
        self._groups.append(NO_GROUPS)

    def add_doc(self, doc: Doc) -> None:
        """Add the entities of the next text, which overlap, and its labels."""
        first = self._n_tokens
        ents = [Entity(ent.start + first, ent.end + first, ent.label_) for ent in doc.ents]
        self.add(ents, doc.cats)
        if doc.spans:
            self._groups[-1] = _MSGPACK.pack(doc.spans.to_bytes())
            self._labels.update(span.label_ for group in doc.spans.values() for span in group)

    def finish(self) -> PackedDocs:
        """Return all texts."""
        # In the order of `ATTRS`.
        tokens = np.zeros((len(self._numbers), 3), dtype=np.uint64)
        hashes = np.fromiter(map(HASHES.__getitem__, self._words), np.uint64, len(self._words))
        tokens[:, 0] = hashes[self._numbers]
        tokens[:, 1] = np.repeat(np.array(self._defaults, np.uint64), self.lengths)
        for start, end, label, _ in self._ents:
            tokens[start:end, 1:] = INSIDE, HASHES[label]
            tokens[start, 1] = BEGIN
        return PackedDocs(
            len(self.lengths),
            tokens.tobytes(),
            self._spaces.tobytes(),
            np.array(self.lengths, np.int32).tobytes(),
            self._labels.union(self._words, (ent.label for ent in self._ents)),
            b"".join(self._cats),
            b"".join(self._groups),
        )
