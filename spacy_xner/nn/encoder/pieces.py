"""Cuts words into piece ids: each word by itself, so that no piece spans two words."""

import json
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.pre_tokenizers import PreTokenizer

from ...scripts import replace_surrogates
from .units import Units

PrefixSpace = Literal["text", "always"]
CACHE_SIZE = 20_000
# In characters. Longer words are rare, and would let the cache grow without a limit in bytes.
CACHED_WORD_LENGTH = 32


class Pieces(NamedTuple):
    """The pieces of one text.

    Attributes:
        ids: Piece ids in text order, without special pieces.
        counts: Number of pieces of each token, at least one.
    """

    ids: list[int]
    counts: list[int]


def as_pieces(text: Units) -> Pieces:
    """Treat each piece of a text that was cut as a whole as a token."""
    return Pieces(text.ids, [1] * len(text.ids))


class Word(NamedTuple):
    """One token with the space before it.

    Attributes:
        text: Its characters.
        has_space: Whether white space stands before it, or the text begins with it.
    """

    text: str
    has_space: bool


class PieceCutter:
    """Cuts words into the pieces of a Hugging Face fast tokenizer, one word at a time, with a cache.

    Only the normalizer, the pre-tokenizer and the model of the tokenizer are used. Special pieces that are
    written in a text become unknown pieces. A word of white space is a space; one that is empty after
    normalization, such as a control character, becomes one unknown piece.

    Args:
        tokenizer: The backend of a fast tokenizer.
        prefix_space: ``"text"`` puts a space before a word only where the text has one, ``"always"`` before
            every word, as word-by-word recipes do.
        unk_id: Id of the unknown piece.
    """

    def __init__(self, tokenizer: Tokenizer, *, prefix_space: PrefixSpace, unk_id: int) -> None:
        self.tokenizer = tokenizer
        # A tokenizer.json may set these for batches of texts.
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.prefix_space = prefix_space
        self.unk_id = unk_id
        added = tokenizer.get_added_tokens_decoder()
        self._special_ids = {i for i, token in added.items() if token.special}
        self._space, self._pre_tokenizer = _without_prefix(tokenizer.pre_tokenizer)
        self._cache: dict[Word, list[int]] = {}

    def cut(self, words: Iterable[Word]) -> Pieces:
        """Cut the words of one text.

        Args:
            words: All tokens of the text, including white space.
        """
        ids: list[int] = []
        counts: list[int] = []
        for word in words:
            pieces = self._cache.get(word)
            if pieces is None:
                pieces = self._remember(word)
            ids.extend(pieces)
            counts.append(len(pieces))
        return Pieces(ids, counts)

    def cut_all(self, texts: Iterable[Iterable[Word]]) -> list[Pieces]:
        """Cut the words of several texts, as `cut` does."""
        return [self.cut(words) for words in texts]

    def cut_text(self, text: str, *, may_be_empty: bool = False) -> Units:
        """Cut a text as a whole, as the tokenizer itself does: a piece may span two tokens, or be a space.

        Args:
            text: The text.
            may_be_empty: Whether a text of which the tokenizer leaves nothing has no pieces. By default, it
                becomes one unknown piece.
        """
        encoding = self.tokenizer.encode(replace_surrogates(text), add_special_tokens=False)
        if may_be_empty and not encoding.ids:
            return Units([], [], [])
        ids = [self.unk_id if i in self._special_ids else i for i in encoding.ids] or [self.unk_id]
        offsets = encoding.offsets or [(0, 0)]
        if getattr(self.tokenizer.model, "continuing_subword_prefix", None):
            # A piece with the prefix is longer than the characters that it covers.
            covered = zip(encoding.tokens, offsets, strict=False)
            is_start = [len(piece) == end - start for piece, (start, end) in covered]
        else:
            is_start = [start == 0 or " " in text[start - 1 : start + 1] for start, _ in offsets]
        is_start = [start or i == self.unk_id for start, i in zip(is_start, ids, strict=False)] or [True]
        return Units(ids, offsets, is_start)

    def _remember(self, word: Word) -> list[int]:
        pieces = self._cut_word(word.text, has_space=word.has_space or self.prefix_space == "always")
        if len(word.text) <= CACHED_WORD_LENGTH:
            if len(self._cache) >= CACHE_SIZE:
                self._cache.clear()
            self._cache[word] = pieces
        return pieces

    def _cut_word(self, text: str, *, has_space: bool) -> list[int]:
        # A line end is a space, so that an unknown piece is always a rare character.
        has_space = has_space or text.isspace()
        # The tokenizer refuses lone surrogates; they become the replacement character.
        text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        if self.tokenizer.normalizer is not None:
            text = self.tokenizer.normalizer.normalize_str(text)
        # The space is added after normalization, since some normalizers strip it.
        text = (self._space if has_space else "") + text.strip()
        chunks = [(text, (0, len(text)))]
        if self._pre_tokenizer is not None:
            chunks = self._pre_tokenizer.pre_tokenize_str(text)
        ids = [piece.id for chunk, _ in chunks for piece in self.tokenizer.model.tokenize(chunk)]
        # The model knows special pieces too, and a text may contain one, such as </s>.
        return [self.unk_id if i in self._special_ids else i for i in ids] or [self.unk_id]

    def __getstate__(self) -> dict[str, Any]:
        return {"tokenizer": self.tokenizer, "prefix_space": self.prefix_space, "unk_id": self.unk_id}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]


def _without_prefix(pre_tokenizer: PreTokenizer | None) -> tuple[str, PreTokenizer | None]:
    """Copy a pre-tokenizer so that it adds no space, and find how its pieces write a space.

    Returns:
        The space as written in pieces, empty if they contain none; and the copy.
    """
    if pre_tokenizer is None:
        return "", None
    spec = json.loads(pre_tokenizer.__getstate__())
    space = ""
    steps = spec["pretokenizers"] if spec["type"] == "Sequence" else [spec]
    for step in steps:
        if step["type"] == "Metaspace":
            step["prepend_scheme"] = "never"
            space = step["replacement"]
        elif step["type"] == "ByteLevel":
            step["add_prefix_space"] = False
            space = " "
    copy = pre_tokenizers.Sequence([])
    copy.__setstate__(json.dumps({"type": "Sequence", "pretokenizers": steps}).encode())
    return space, copy
