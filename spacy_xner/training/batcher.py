"""Batches in which some texts are strung together, so that a model learns long texts from short ones."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence

from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch


def build_batch_joined_v1(
    size: int, share: float = 0.5, most: int = 16, joiners: Sequence[str] = ("\n", " ")
) -> Callable[[Iterable[Example]], Iterator[list[Example]]]:
    """Make a batcher of a number of texts, which strings those of some batches together.

    A model that has seen only single lines takes a page for one of them; one that has also seen lines strung
    together finds in a page what it finds in the lines. Every text is in one batch, whole and once.

    Args:
        size: Texts in a batch.
        share: Probability that the texts of a batch are strung together, from 0 to 1.
        most: Texts in one string at most; each string gets a power of two of them, all equally likely.
        joiners: What may stand between two texts of a string: white space.

    Raises:
        ValueError: If a setting cannot be used.
    """
    if size < 1 or most < 1 or not 0.0 <= share <= 1.0:
        raise ValueError(
            "size and most must be at least 1 and share from 0 to 1, "
            f"found size {size}, most {most}, share {share}. Change the batcher's settings."
        )
    if not joiners or not all(joiner.isspace() for joiner in joiners):
        raise ValueError(
            f"joiners must be white space, found {list(joiners)}. Other tokens would need annotation."
        )
    lengths = [2**i for i in range(min(size, most).bit_length())]

    def batch_joined(examples: Iterable[Example]) -> Iterator[list[Example]]:
        for batch in minibatch(examples, size):  # type: ignore[no-untyped-call]
            if not share or random.random() >= share:
                yield batch
                continue
            strings = []
            while batch:
                length = random.choice(lengths)
                strings.append(join_examples(batch[:length], random.choice(list(joiners))))
                batch = batch[length:]
            yield strings

    return batch_joined


def join_examples(examples: Sequence[Example], joiner: str) -> Example:
    """String examples together, with white space between their texts."""
    if len(examples) == 1:
        return examples[0]
    return Example(
        join_docs([eg.predicted for eg in examples], joiner),
        join_docs([eg.reference for eg in examples], joiner),
    )


def join_docs(docs: Sequence[Doc], joiner: str) -> Doc:
    """String docs together as if their texts had been tokenized together."""
    if joiner == " ":
        return _from_docs(docs, ensure_whitespace=True)
    space = Doc(docs[0].vocab, words=[joiner], spaces=[False])
    space.set_ents([], default="outside")
    parts = [part for doc in docs for part in (doc, space)]
    return _from_docs(parts[:-1], ensure_whitespace=False)


def _from_docs(docs: Sequence[Doc], *, ensure_whitespace: bool) -> Doc:
    joined = Doc.from_docs([doc for doc in docs if len(doc)], ensure_whitespace=ensure_whitespace)
    return joined if joined is not None else docs[0]
