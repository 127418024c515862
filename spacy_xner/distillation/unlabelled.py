"""Unlabelled texts, on which a student learns from its teacher alone: read from a file or generated."""

import json
import math
from collections.abc import Iterable, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import regex
from numpy.typing import NDArray
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab
from tokenizers import Tokenizer

from ..corpus import ReadSession
from ..corpus.annotation.offsets import check_texts
from ..corpus.reading.json_items import read_json
from ..corpus.reading.lines import open_texts
from ..corpus.reading.lines import read_texts as read_text_lines
from ..corpus.reading.session import shorten

VOCABULARY = "vocabulary"
N_GENERATED = 4000
# Length of a generated text, in pieces.
MIN_PIECES, MAX_PIECES = 4, 48
LETTERS = regex.compile(r"[\p{L}\p{M}]")


class UnlabelledTexts:
    """Cycles through unlabelled texts at a fixed rate.

    Args:
        docs: The texts; may be empty.
        share: Texts per example.
    """

    def __init__(self, docs: Sequence[Doc], share: float) -> None:
        self._docs = cycle(docs)
        self._share = share if docs else 0.0
        self._n_due = 0.0

    def take(self, n_examples: int) -> list[Doc]:
        """Return copies of the texts that are due with a number of examples."""
        self._n_due += n_examples * self._share
        n_texts = int(self._n_due)
        self._n_due -= n_texts
        return [next(self._docs).copy() for _ in range(n_texts)]


def read_texts(path: Path) -> list[str]:
    """Read texts: one per line, the field ``text`` of each JSON line, or the docs of a ``.spacy`` file.

    Raises:
        OSError: If the file does not exist.
        ValueError: If it has no text.
    """
    if not path.is_file():
        raise FileNotFoundError(
            "The teacher's texts must be a .jsonl or .spacy file, or a text file with one text per line, "
            f'found no {path}. Check the path, or set texts = "vocabulary".'
        )
    if path.suffix == ".spacy":
        texts = [doc.text for doc in DocBin().from_disk(path).get_docs(Vocab())]
    elif path.suffix == ".jsonl":
        session = open_texts(path)
        texts = [_text(session, *item) for item in read_json(session)]
    else:
        texts = read_text_lines(path)
    texts = [text for text in texts if text.strip()]
    if not texts:
        raise ValueError(f"The teacher's texts must not be empty, found none in {path}. Name another file.")
    return texts


def _text(session: ReadSession, where: str, row: dict[str, Any]) -> str:
    text = row.get("text")
    if not isinstance(text, str):
        session.fail(where, f'expected {{"text": ...}}, found {shorten(row)}.', "Fix the line.")
    check_texts(session, where, [text])
    return text


def generate_texts(
    tokenizer: Tokenizer, seed: int, scripts: Sequence[str] | None = None, n_texts: int = N_GENERATED
) -> list[str]:
    """Generate texts of random pieces, drawn by their frequency according to the tokenizer.

    The texts are meaningless, but the teacher's output on them carries much of its knowledge in all of its
    languages.

    Args:
        tokenizer: The teacher's tokenizer.
        seed: Random seed.
        scripts: Unicode scripts such as ``Han`` and ``Latin``: each text is in one of them, chosen uniformly.
            None for pieces of all scripts, mixed.
        n_texts: Number of texts.

    Raises:
        ValueError: If the tokenizer has no pieces of a script.

    Source: Krishna et al. (2020), "Thieves on Sesame Street! Model extraction of BERT-based APIs".
    """
    pieces = _piece_weights(tokenizer)
    wanted: Sequence[str | None] = scripts or [None]
    pools = [_script_pool(tokenizer, pieces, script) for script in wanted]
    rng = np.random.default_rng(seed)
    texts: list[str] = []
    while len(texts) < n_texts:
        ids, weights = pools[rng.integers(len(pools))]
        picked = rng.choice(ids, size=rng.integers(MIN_PIECES, MAX_PIECES, endpoint=True), p=weights)
        text = " ".join(tokenizer.decode(picked.tolist()).split())
        if text:
            texts.append(text)
    return texts


def _script_pool(
    tokenizer: Tokenizer, pieces: dict[int, float], script: str | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the ids and probabilities of the pieces of a script and of those without letters."""
    names = {i: tokenizer.id_to_token(i) for i in pieces}
    common_ids = {i for i, name in names.items() if not LETTERS.search(name)}
    kept = pieces
    if script is not None:
        try:
            foreign = regex.compile(rf"[^\p{{Script={script}}}\p{{Script=Common}}\p{{Script=Inherited}}]")
        except regex.error as err:
            raise ValueError(
                f"scripts must be names of Unicode scripts, such as Han or Latin, found {script!r}."
            ) from err
        kept = {i: weight for i, weight in pieces.items() if not foreign.search(names[i])}
    if not kept.keys() - common_ids:
        raise ValueError(f"The teacher's vocabulary must have pieces of each script, found none of {script}.")
    # All scripts share punctuation and digits: each text gets the share that they have of the vocabulary.
    share = _sum(pieces, common_ids) / _sum(pieces, pieces)
    common_factor = share / max(_sum(kept, common_ids), 1e-12)
    factor = (1 - share) / _sum(kept, kept.keys() - common_ids)
    weights = np.array(
        [weight * (common_factor if i in common_ids else factor) for i, weight in kept.items()]
    )
    return np.array(list(kept)), weights / weights.sum()


def _sum(pieces: dict[int, float], ids: Iterable[int]) -> float:
    return sum(pieces.get(i, 0.0) for i in ids)


def _piece_weights(tokenizer: Tokenizer) -> dict[int, float]:
    """Estimate the relative frequency of each piece by id, special ones excluded."""
    model = json.loads(tokenizer.to_str())["model"]
    special = set(tokenizer.get_added_tokens_decoder())
    if model["type"] == "Unigram":
        scores = {i: score for i, (_, score) in enumerate(model["vocab"])}
    else:
        # Merges and word pieces are numbered by falling frequency. Source: Zipf (1935).
        scores = {i: -math.log(i + 1.0) for i in model["vocab"].values()}
    return {i: math.exp(score) for i, score in scores.items() if i not in special}
