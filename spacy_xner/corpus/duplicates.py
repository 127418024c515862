"""Near duplicates of short texts in any language: copies, and those where a few letters or numbers differ."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import HashingVectorizer

# Near duplicates have at least this share of their character n-grams in common (Jaccard index).
MIN_SIMILARITY = 0.7
# At that similarity, two texts agree in a band with a probability of 0.7 ** 6, and in none of 50 with 0.002;
# at 0.3, two in a hundred texts agree in any.
N_BANDS, BAND_SIZE = 50, 6
# Pairs compared at once.
MAX_PAIRS = 50_000
_DIGITS = re.compile(r"\d+")

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


def fold_text(text: str) -> str:
    """Return a text without what does not matter: width, case, white space, and which numbers it has."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(_DIGITS.sub("0", folded).split())


def group_duplicates(texts: Sequence[str]) -> list[int]:
    """Group texts that are near duplicates, or linked by a chain of near duplicates.

    Time and memory are linear in the texts: see `MIN_SIMILARITY` and `N_BANDS` for what counts as near.

    Returns:
        The number of its group for each text. Groups are numbered from 0, in the order of their first texts.

    Source: Broder (1997), "On the resemblance and containment of documents" (MinHash), with bands as in
    Leskovec et al., "Mining of massive datasets", section 3.4.
    """
    numbers: dict[str, int] = {}
    places = [numbers.setdefault(fold_text(text), len(numbers)) for text in texts]
    if not numbers:
        return []
    grams = _find_grams([*numbers])
    groups = np.arange(len(numbers))
    for rows, columns in _find_candidates(grams):
        is_apart = groups[rows] != groups[columns]
        rows, columns = rows[is_apart], columns[is_apart]
        is_similar = _compare(grams, rows, columns) >= MIN_SIMILARITY
        groups = _join(groups, rows[is_similar], columns[is_similar])
    owners = groups[places].tolist()
    first = {group: number for number, group in enumerate(dict.fromkeys(owners))}
    return [first[group] for group in owners]


def _find_grams(texts: Sequence[str]) -> csr_array:
    """Return which n-grams of two and three characters each text has, ends of texts included."""
    hasher = HashingVectorizer(
        analyzer="char", ngram_range=(2, 3), binary=True, norm=None, alternate_sign=False, n_features=1 << 24
    )
    return csr_array(hasher.transform(f"<{text}>" for text in texts), dtype=np.int32)


def _find_candidates(grams: csr_array) -> Iterator[Pairs]:
    """Yield pairs of texts that agree in a band of MinHash values; in each band, with the first that does."""
    ids, random = grams.indices.astype(np.uint32), np.random.default_rng(0)
    for _ in range(N_BANDS):
        factors = random.integers(1 << 31, size=BAND_SIZE, dtype=np.uint32) * 2 + 1
        # (size of band, texts)
        hashes = np.stack([np.minimum.reduceat(ids * factor, grams.indptr[:-1]) for factor in factors])
        _, first, owners = np.unique(hashes, axis=1, return_index=True, return_inverse=True)
        rows, columns = first[owners.ravel()], np.arange(grams.shape[0])
        rows, columns = rows[rows != columns], columns[rows != columns]
        for start in range(0, len(rows), MAX_PAIRS):
            yield rows[start : start + MAX_PAIRS], columns[start : start + MAX_PAIRS]


def _compare(grams: csr_array, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the Jaccard index of pairs of texts."""
    sizes = np.diff(grams.indptr)
    n_common = grams[rows].multiply(grams[columns]).sum(axis=1)
    return np.asarray(n_common / (sizes[rows] + sizes[columns] - n_common))


def _join(
    groups: NDArray[np.int64], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Join the groups of pairs of texts."""
    size = len(groups)
    links = csr_array((np.ones(len(rows)), (groups[rows], groups[columns])), shape=(size, size))
    return np.asarray(connected_components(links, directed=False)[1][groups])
