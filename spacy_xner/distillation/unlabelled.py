"""Texts without labels, for a teacher to speak on: from a file, or made of its vocabulary."""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import regex
import srsly
from numpy.typing import NDArray
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from tokenizers import Tokenizer

VOCABULARY = "vocabulary"
# Made texts.
N_MADE = 4000
# Pieces in a made text.
SHORTEST, LONGEST = 4, 48
LETTERS = regex.compile(r"[\p{L}\p{M}]")


def read_texts(path: Path) -> list[str]:
    """Read texts: one a line, the field ``text`` of each JSON line, or the docs of a ``.spacy`` file.

    Raises:
        OSError: If the file is missing.
        ValueError: If it has no text.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"The teacher's texts must be a file of one text a line, .jsonl or .spacy, found no {path}. "
            'Check the path, or write texts = "vocabulary".'
        )
    if path.suffix == ".spacy":
        texts = [doc.text for doc in DocBin().from_disk(path).get_docs(Vocab())]
    elif path.suffix == ".jsonl":
        texts = [record["text"] for record in srsly.read_jsonl(path)]
    else:
        texts = path.read_text("utf-8").splitlines()
    texts = [text for text in texts if text.strip()]
    if not texts:
        raise ValueError(f"The teacher's texts must not be empty, found none in {path}. Name another file.")
    return texts


def make_texts(
    tokenizer: Tokenizer, seed: int, scripts: Sequence[str] | None = None, n_texts: int = N_MADE
) -> list[str]:
    """Make texts of random pieces, each as frequent as the tokenizer takes it to be.

    They mean nothing, but a teacher's answers to them tell much of what it knows, in all of its languages.

    Args:
        tokenizer: The teacher's.
        seed: Of the random choices.
        scripts: Unicode scripts such as ``Han`` and ``Latin``: each text is of one of them, all equally
            likely. None for pieces of all scripts, mixed.
        n_texts: How many.

    Raises:
        ValueError: If the tokenizer has no pieces of a script.

    Source: Krishna et al. (2020), "Thieves on Sesame Street! Model extraction of BERT-based APIs".
    """
    pieces = _pieces(tokenizer)
    wanted: Sequence[str | None] = scripts or [None]
    pools = [_pool(tokenizer, pieces, script) for script in wanted]
    rng = np.random.default_rng(seed)
    texts: list[str] = []
    while len(texts) < n_texts:
        ids, weights = pools[rng.integers(len(pools))]
        picked = rng.choice(ids, size=rng.integers(SHORTEST, LONGEST, endpoint=True), p=weights)
        text = " ".join(tokenizer.decode(picked.tolist()).split())
        if text:
            texts.append(text)
    return texts


def _pool(
    tokenizer: Tokenizer, pieces: dict[int, float], script: str | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Choose the pieces of a script, and those without letters; list their ids and how probable each is."""
    names = {i: tokenizer.id_to_token(i) for i in pieces}
    is_common = {i for i, name in names.items() if not LETTERS.search(name)}
    kept = pieces
    if script is not None:
        try:
            foreign = regex.compile(rf"[^\p{{Script={script}}}\p{{Script=Common}}\p{{Script=Inherited}}]")
        except regex.error as err:
            raise ValueError(
                f"scripts must be names of Unicode scripts, such as Han or Latin, found {script!r}."
            ) from err
        kept = {i: weight for i, weight in pieces.items() if not foreign.search(names[i])}
    if not kept.keys() - is_common:
        raise ValueError(f"The teacher's vocabulary must have pieces of each script, found none of {script}.")
    # Punctuation and digits are shared by all scripts: of each text, as much as of the whole vocabulary.
    share = _sum(pieces, is_common) / _sum(pieces, pieces)
    common = share / max(_sum(kept, is_common), 1e-12)
    rest = (1 - share) / _sum(kept, kept.keys() - is_common)
    weights = np.array([weight * (common if i in is_common else rest) for i, weight in kept.items()])
    return np.array(list(kept)), weights / weights.sum()


def _sum(pieces: dict[int, float], ids: Iterable[int]) -> float:
    return sum(pieces.get(i, 0.0) for i in ids)


def _pieces(tokenizer: Tokenizer) -> dict[int, float]:
    """Find the weight of each piece but the special ones, by id."""
    model = json.loads(tokenizer.to_str())["model"]
    special = set(tokenizer.get_added_tokens_decoder())
    if model["type"] == "Unigram":
        scores = {i: score for i, (_, score) in enumerate(model["vocab"])}
    else:
        # Merges and word pieces are numbered from the most frequent on. Source: Zipf (1935).
        scores = {i: -math.log(i + 1.0) for i in model["vocab"].values()}
    return {i: math.exp(score) for i, score in scores.items() if i not in special}
