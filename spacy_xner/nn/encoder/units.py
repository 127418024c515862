"""What a tagger tags where it reads a text whole: its pieces, or the words that they make up."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

# As in transformers' TokenClassificationPipeline: the tags of pieces; or of words, by their first piece, by
# the mean of all, or by the surest.
Aggregation = Literal["simple", "first", "average", "max"]


class Units(NamedTuple):
    """The pieces of a text that was cut whole.

    Attributes:
        ids: Piece ids in text order, without special pieces.
        offsets: Start and end of each in the text, in characters.
        is_start: Whether each begins a word.
    """

    ids: list[int]
    offsets: list[tuple[int, int]]
    is_start: list[bool]


def merge_words(
    probs: Tensor, units: Sequence[Units], aggregation: Aggregation
) -> tuple[Tensor, list[list[tuple[int, int]]]]:
    """Give words their probabilities, by those of their pieces.

    Args:
        probs: Of the tags of all pieces, one text after the other. Shape: ``(pieces, tags)``.
        units: The pieces of each text.
        aggregation: How; with ``simple``, pieces stay what they are.

    Returns:
        Probabilities, of shape ``(words, tags)``, and the offsets of each text's words.
    """
    if aggregation == "simple":
        return probs, [text.offsets for text in units]
    # The first piece of a text begins a word in any case.
    starts = [i == 0 or start for text in units for i, start in enumerate(text.is_start)]
    first = torch.tensor([i for i, start in enumerate(starts) if start], dtype=torch.long)
    word = torch.tensor(starts).long().cumsum(0) - 1
    offsets = [_merge_offsets(text) for text in units]
    if aggregation == "average":
        sums = probs.new_zeros(len(first), probs.shape[1]).index_add(0, word, probs)
        return sums / torch.bincount(word, minlength=len(first))[:, None], offsets
    if aggregation == "max":
        # Of each word the surest piece comes first, of equally sure ones the first.
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
