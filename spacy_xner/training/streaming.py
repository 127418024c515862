"""A corpus that is read anew in each epoch, in another order, without being in memory as a whole."""

import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Optional, TypeVar

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Corpus, Example
from spacy.vocab import Vocab

from ..errors import check_range

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
    one is taken each time: none comes more than `buffer_size` places before its own.

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

    def read_docbin(self, vocab: Vocab, locs: Iterable[str | Path]) -> Iterator[Doc]:
        """Read files in random order, and their docs through the buffer."""
        # Its own generator: others use that of Python between two texts.
        rng = random.Random(random.getrandbits(64))
        files = [*locs]
        rng.shuffle(files)
        yield from shuffle_stream(super().read_docbin(vocab, files), self.buffer_size, rng)


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
