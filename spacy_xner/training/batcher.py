"""Batches in which some texts are concatenated, so that a model trained on lines can read pages."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, groupby

from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch

# Key in a doc's user data.
PARTS = "spacy_xner.parts"


def build_batch_joined_v1(
    size: int, share: float = 0.5, most: int = 16, joiners: Sequence[str] = ("\n", " ")
) -> Callable[[Iterable[Example]], Iterator[list[Example]]]:
    """Build a batcher with a fixed number of texts per batch, which concatenates the texts of some batches.

    A model that has seen only single lines reads a page as if it were one; a model that has also seen
    concatenated lines predicts the same on a page as on its lines. Every text is in exactly one batch, whole.

    Args:
        size: Texts per batch.
        share: Probability that the texts of a batch are concatenated, from 0 to 1.
        most: Greatest number of texts to concatenate; the number is a power of two, chosen uniformly.
        joiners: White space to put between two texts; one of these is chosen each time.

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
            # Labels of whole texts do not apply to several of them concatenated.
            if not share or random.random() >= share or any(eg.reference.cats for eg in batch):
                yield batch
                continue
            joined = []
            for _, same in groupby(sorted(batch, key=_places_of_gold), key=_places_of_gold):
                rest = list(same)
                while rest:
                    length = random.choice(lengths)
                    joined.append(join_examples(rest[:length], random.choice(list(joiners))))
                    rest = rest[length:]
            yield joined

    return batch_joined


def _places_of_gold(example: Example) -> tuple[list[str], bool]:
    """Return the keys of span groups, and whether there are entities beside them.

    Texts are concatenated only if these are the same: where a text has a span group, it has all entities.
    """
    keys = sorted(example.reference.spans)
    return keys, bool(keys) and example.reference.has_annotation("ENT_IOB")


def join_examples(examples: Sequence[Example], joiner: str) -> Example:
    """Concatenate examples with their gold in the same places, with white space between their texts."""
    if len(examples) == 1:
        return examples[0]
    return Example(
        join_docs([eg.predicted for eg in examples], joiner),
        join_docs([eg.reference for eg in examples], joiner),
    )


def join_docs(docs: Sequence[Doc], joiner: str) -> Doc:
    """Concatenate docs as if their texts had been tokenized as one, and store the token range of each."""
    docs = _in_one_vocab([doc for doc in docs if len(doc)] or [docs[0]])
    gap = 0 if joiner == " " else 1
    if gap:
        space = Doc(docs[0].vocab, words=[joiner], spaces=[False])
        space.set_ents([], default="outside")
        joined = _from_docs([part for doc in docs for part in (doc, space)][:-1], ensure_whitespace=False)
    else:
        joined = _from_docs(docs, ensure_whitespace=True)
    ends = list(accumulate(len(doc) + gap for doc in docs))
    parts = [(end - gap - len(doc), end - gap) for doc, end in zip(docs, ends, strict=True)]
    joined.user_data[PARTS] = parts
    return joined


def parts_of(doc: Doc) -> list[tuple[int, int]]:
    """Return the token ranges of the docs that a doc was concatenated from; else one range, the doc."""
    parts: list[tuple[int, int]] = doc.user_data.get(PARTS, [(0, len(doc))])
    return parts


def _in_one_vocab(docs: Sequence[Doc]) -> list[Doc]:
    """Copy docs whose vocabulary is not that of the first one: those of a streamed corpus may have others."""
    vocab = docs[0].vocab
    return [doc if doc.vocab is vocab else Doc(vocab).from_bytes(doc.to_bytes()) for doc in docs]


def _from_docs(docs: Sequence[Doc], *, ensure_whitespace: bool) -> Doc:
    joined = Doc.from_docs(list(docs), ensure_whitespace=ensure_whitespace)
    return joined if joined is not None else docs[0]
