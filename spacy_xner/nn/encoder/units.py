"""The units that are tagged where a text is read as a whole: its pieces, or the words that they form."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

# As in the TokenClassificationPipeline of transformers: pieces are tagged; or words, by their first piece, by
# the mean of their pieces, or by the most confident one.
Aggregation = Literal["simple", "first", "average", "max"]


class Units(NamedTuple):
    """The pieces of a text that was cut as a whole.

    Attributes:
        ids: Piece ids in text order, without special pieces.
        offsets: Start and end of each piece, in characters of the text.
        is_start: Whether each piece begins a word.
    """

    ids: list[int]
    offsets: list[tuple[int, int]]
    is_start: list[bool]


def merge_words(
    probs: Tensor, units: Sequence[Units], aggregation: Aggregation
) -> tuple[Tensor, list[list[tuple[int, int]]]]:
    """Compute the tag probabilities of words from those of their pieces.

    Args:
        probs: Probability of each tag at each piece, with the texts concatenated. Shape: ``(pieces, tags)``.
        units: The pieces of each text.
        aggregation: How to combine pieces; ``simple`` leaves them as they are.

    Returns:
        Probabilities, of shape ``(words, tags)``, and for each text the offsets of its words.
    """
    if aggregation == "simple":
        return probs, [text.offsets for text in units]
    # The first piece of a text always begins a word.
    starts = [i == 0 or start for text in units for i, start in enumerate(text.is_start)]
    first = torch.tensor([i for i, start in enumerate(starts) if start], dtype=torch.long)
    word = torch.tensor(starts).long().cumsum(0) - 1
    offsets = [_merge_offsets(text) for text in units]
    if aggregation == "average":
        sums = probs.new_zeros(len(first), probs.shape[1]).index_add(0, word, probs)
        return sums / torch.bincount(word, minlength=len(first))[:, None], offsets
    if aggregation == "max":
        # The most confident piece of each word comes first; of equal ones, the first.
        order = probs.amax(dim=1).argsort(descending=True, stable=True)
        order = order[word[order].argsort(stable=True)]
        first = order[first]
    return probs[first], offsets


def _merge_offsets(text: Units) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for (start, end), is_start in zip(text.offsets, text.is_start, strict=True):
        if merged and not is_start:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged
