"""Selects texts to label: different ones that a pipeline is least sure of, and random ones for a test set."""

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from spacy.language import Language
from spacy.tokens import Doc

from ...corpus.duplicates import fold_text
from ...errors import XnerWarning
from ...loading import load
from .candidates import read_candidates
from .diversity import cluster, embed, put_duplicates_last, take_in_turn

# Candidates for each text to select, while there are fewer than `MAX_CANDIDATES`.
N_CANDIDATES, MAX_CANDIDATES = 10, 20_000


class Selection(NamedTuple):
    """Texts to label, with predictions to correct.

    Attributes:
        docs: The texts whose labels help most, the most useful ones first.
        random_docs: Random texts, for a test set: their scores are those of all texts.
        n_texts: Number of texts that were read, without blank ones.
    """

    docs: list[Doc]
    random_docs: list[Doc]
    n_texts: int


def select(
    model: str | Path,
    texts: Iterable[str],
    n: int = 200,
    *,
    random_share: float = 0.1,
    labelled: Sequence[str] = (),
    seed: int = 0,
    device: str = "auto",
) -> Selection:
    """Select the texts whose labels help most, in one pass and bounded memory.

    Those of which the pipeline is least sure are clustered by what they mean, and the least sure of each
    cluster are selected. A share is random instead: a test set of selected texts would show what is hard for
    the pipeline, not how good it is. No text is selected that is a near duplicate of another or of one that
    is labelled, unless nothing else is left.

    Args:
        model: A folder or an installed package with an xner or xcat.
        texts: Unlabelled texts. Blank ones are ignored.
        n: Number of texts to select.
        random_share: Share of random texts among them, from 0 to 1.
        labelled: Texts that are labelled or were selected before. They are not selected again.
        seed: Decides which texts are random.
        device: Where to compute.

    Raises:
        OSError: If the pipeline is missing.
        ValueError: If a number is out of range, the pipeline has neither xner nor xcat, or no text is left.

    Examples:
        >>> import spacy_xner
        >>> texts = ["Send to Anna Schmidt, DHL Express", "nothing to find in this line"]
        >>> selection = spacy_xner.select("pipeline", texts, n=1, random_share=0, device="cpu")
        >>> len(selection.docs), selection.n_texts
        (1, 2)
    """
    check_numbers(n, random_share)
    return select_texts(
        load(str(model), device), texts, n, random_share=random_share, labelled=labelled, seed=seed
    )


def check_numbers(n: int, random_share: float) -> None:
    """Check how many texts to select.

    Raises:
        ValueError: If a number is out of range.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, found {n}. Set how many texts to select.")
    if not 0 <= random_share <= 1:
        raise ValueError(f"The random share must be from 0 to 1, found {random_share}. Change it.")


def select_texts(
    nlp: Language,
    texts: Iterable[str],
    n: int,
    *,
    random_share: float = 0.1,
    labelled: Sequence[str] = (),
    seed: int = 0,
) -> Selection:
    """Select texts with a loaded pipeline. See `select`."""
    n_random = round(n * random_share)
    unsure, drawn, n_texts = read_candidates(
        nlp, texts, count_candidates(n - n_random), count_candidates(n_random), labelled, seed
    )
    # Of few texts, the same share.
    n_random = round(random_share * min(n, max(len(unsure), len(drawn))))
    test = put_duplicates_last(drawn, labelled)[:n_random]
    ordered = take_in_turn(unsure, cluster(embed(nlp, unsure), n - n_random, seed))
    taken = {*map(fold_text, test)}
    rest = [text for text in ordered if fold_text(text) not in taken]
    chosen = put_duplicates_last(rest, [*labelled, *test])[: n - len(test)]
    if not chosen and not test:
        raise ValueError(f"There must be a text that is not labelled, found none in {n_texts}. Add texts.")
    if len(test) + len(chosen) < n:
        warnings.warn(
            f"There must be {n} different texts to select from, found {len(test) + len(chosen)} that are not "
            f"labelled, in {n_texts}. Lower n or add texts; these are selected.",
            XnerWarning,
            stacklevel=3,
        )
    return Selection([*nlp.pipe(chosen)], [*nlp.pipe(test)], n_texts)


def count_candidates(n: int) -> int:
    """Return from how many candidates a number of texts is chosen."""
    return max(2 * n, min(N_CANDIDATES * n, MAX_CANDIDATES))
