"""A corpus that is read anew in each epoch, in another order, without being in memory as a whole."""

import random
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Optional, TypeVar

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Corpus, Example
from spacy.training.corpus import FILE_TYPE, walk_corpus

from ..corpus.unpacking import make_doc, stream_parts
from ..errors import check_range
from .vocabularies import VocabSupply, tokenize_apart

Item = TypeVar("Item")
Augmenter = Callable[[Language, Example], Iterator[Example]]


def build_streamed_corpus_v1(
    path: Path,
    buffer_size: int = 10_000,
    gold_preproc: bool = False,  # noqa: FBT001, FBT002 - as in spacy.Corpus.v1
    max_length: int = 0,
    limit: int = 0,
    augmenter: Optional[Augmenter] = None,  # noqa: UP045 - confection reads it
) -> "StreamedCorpus":
    """Build a reader of ``.spacy`` files that shuffles what it reads, for ``max_epochs = -1``.

    The files are read in random order, one at a time. Their texts pass through a buffer, from which a random
    one is taken each time: none comes more than `buffer_size` places before its own. The words of a text go
    with it, if no component of another package is trained; else the pipeline's vocabulary grows.

    Args:
        path: A ``.spacy`` file, or a folder of them.
        buffer_size: Texts in the buffer.
        gold_preproc: As in `spacy.Corpus.v1`.
        max_length: As in `spacy.Corpus.v1`.
        limit: As in `spacy.Corpus.v1`.
        augmenter: As in `spacy.Corpus.v1`.

    Raises:
        ValueError: If the buffer has no room.
    """
    check_range("buffer_size", buffer_size, 1)
    corpus = StreamedCorpus(
        path, gold_preproc=gold_preproc, max_length=max_length, limit=limit, augmenter=augmenter
    )
    corpus.buffer_size = buffer_size
    return corpus


class StreamedCorpus(Corpus):
    """See `build_streamed_corpus_v1`.

    Attributes:
        buffer_size: Texts in the buffer.
    """

    buffer_size: int

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """Read files in random order, and their docs through the buffer."""
        # Its own generator: others use that of Python between two texts.
        rng = random.Random(random.getrandbits(64))
        files = walk_corpus(self.path, FILE_TYPE)
        rng.shuffle(files)
        parts = islice((part for part in stream_parts(files) if len(part.tokens[0])), self.limit or None)
        vocabs = VocabSupply(nlp)
        # What waits in the buffer is small, and has no vocabulary.
        docs = (make_doc(part, vocabs.next_vocab()) for part in shuffle_stream(parts, self.buffer_size, rng))
        make_examples = self.make_examples_gold_preproc if self.gold_preproc else self.make_examples
        for example in make_examples(nlp, docs):
            yield from self.augmenter(nlp, example)

    def _make_example(self, nlp: Language, reference: Doc, gold_preproc: bool) -> Example:  # noqa: FBT001 - as in spaCy
        vocab = reference.vocab
        if vocab is nlp.vocab:
            return super()._make_example(nlp, reference, gold_preproc)
        if not (gold_preproc or reference.has_unknown_spaces):
            return Example(tokenize_apart(nlp, reference.text, vocab), reference)
        words = [token.text for token in reference]
        return Example(Doc(vocab, words, [bool(token.whitespace_) for token in reference]), reference)


def shuffle_stream(items: Iterable[Item], size: int, rng: random.Random) -> Iterator[Item]:
    """Shuffle items of which only some are in memory at once.

    Args:
        items: The items.
        size: How many.
        rng: Chooses the next one.
    """
    buffer: list[Item] = []
    for item in items:
        if len(buffer) < size:
            buffer.append(item)
            continue
        place = rng.randrange(size)
        yield buffer[place]
        buffer[place] = item
    rng.shuffle(buffer)
    yield from buffer
