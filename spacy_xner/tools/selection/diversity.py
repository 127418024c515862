"""Makes selected texts differ: each cluster of their vectors has its turn, and near duplicates come last."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.preprocessing import normalize
from spacy.language import Language

from ...corpus.duplicates import group_duplicates
from .candidates import find_pipes

# More clusters than this would take longer to find than texts take to predict.
MAX_CLUSTERS = 256
# Texts that are encoded at once.
BATCH = 256


def embed(nlp: Language, texts: Sequence[str]) -> NDArray[np.floating]:
    """Return the mean vectors of texts; equal ones if all components listen to others.

    Returns:
        Vectors of length 1. Shape: ``(texts, width)``.
    """
    pipe = next((pipe for pipe in find_pipes(nlp) if not pipe.model.layers), None)
    if pipe is None or not texts:
        return np.ones((len(texts), 1))
    docs = [nlp.make_doc(text) for text in texts]
    vectors = [pipe.text_vectors(docs[start : start + BATCH]) for start in range(0, len(docs), BATCH)]
    return np.asarray(normalize(np.concatenate(vectors)))


def cluster(vectors: NDArray[np.floating], n_clusters: int, seed: int) -> list[int]:
    """Return the number of its cluster for each vector."""
    n_clusters = min(n_clusters, MAX_CLUSTERS, len(np.unique(vectors, axis=0)))
    if n_clusters < 2:
        return [0] * len(vectors)
    # One start of few steps: the clusters need not be the best ones.
    found = KMeans(n_clusters, n_init=1, max_iter=20, random_state=seed).fit_predict(vectors)
    return [int(number) for number in found]


def take_in_turn(texts: Sequence[str], clusters: Sequence[int]) -> list[str]:
    """Order texts so that the first of each cluster come first, then the second of each, and so on.

    Source: Zhdanov (2019), "Diverse mini-batch active learning", who takes the center of each cluster.
    """
    sizes: Counter[int] = Counter()
    turns = []
    for number in clusters:
        turns.append(sizes[number])
        sizes[number] += 1
    return [texts[i] for i in sorted(range(len(texts)), key=lambda i: turns[i])]


def put_duplicates_last(texts: Sequence[str], known: Sequence[str]) -> list[str]:
    """Order texts so that near duplicates of earlier texts, or of known ones, come last."""
    groups = group_duplicates([*known, *texts])
    seen = {*groups[: len(known)]}
    first: list[str] = []
    last: list[str] = []
    for text, group in zip(texts, groups[len(known) :], strict=True):
        (last if group in seen else first).append(text)
        seen.add(group)
    return first + last
