"""From a corpus file to a DocBin, tokenized as the pipeline will tokenize raw text."""

import gc
import random
import re
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from heapq import nsmallest
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from ..atomic import check_apart
from ..errors import CorpusError, XnerWarning, check_range
from ..types import Record
from .docbin import PackedDocs, write_docs
from .docs import pack_records
from .reading.options import ReadOptions
from .records import read_records
from .report import ConvertReport

# Advice that was followed already.
SKIP = re.compile(r",? or skip such \w+ with --skip-bad")
# Texts that are tokenized and written at once.
BATCH = 2000
# Objects that are made between two runs of the garbage collector; 700 by default.
OBJECTS_PER_COLLECTION = 50_000
Packed = tuple[PackedDocs, ConvertReport]


def convert(
    input_path: str | Path,
    output_path: str | Path,
    *,
    format: str = "auto",
    options: ReadOptions | None = None,
    limit: int | None = None,
    shuffle_seed: int | None = None,
    shard_size: int = 20_000,
    processes: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> ConvertReport:
    """Convert a corpus to a ``.spacy`` file, or to a folder of them; a failure leaves whatever was there.

    Args:
        input_path: The corpus.
        output_path: A file whose name ends in ``.spacy``; or, without an ending, a folder of such files, for
            corpora larger than memory.
        format: Name of a format; ``auto`` detects it.
        options: Options of the reader.
        limit: Number of texts to convert; None for all. The rest is read, and counted.
        shuffle_seed: Seed by which these are chosen at random, and ordered: the first ones of a shuffled
            corpus, so that a higher limit adds to them. None for the first ones. Only they are in memory.
        shard_size: Texts of each file of a folder.
        processes: Number of processes that tokenize; this one reads.
        on_progress: Called with bytes read and the file's size.

    Raises:
        OSError: If the file is missing, or the output is the input.
        ValueError: If the format is unknown, the output has the ending of another, or there is a seed
            without a limit.
        CorpusError: If the file breaks its format or holds no text.

    Examples:
        >>> import spacy_xner
        >>> report = spacy_xner.convert("train.conll", "train.spacy")
        >>> report.n_texts, report.entities["PER"]
        (3, 2)
        >>> print(report.reading.notes[0])
        format conll
    """
    input_path, output_path = Path(input_path), Path(output_path)
    _check_ending(output_path)
    check_apart(output_path, input_path)
    report = ConvertReport()
    reading = report.reading
    records = read_records(input_path, format, options=options, report=reading)
    if limit is not None:
        check_range("limit", limit, 1)
        records = _take(records, report, limit, seed=shuffle_seed)
    elif shuffle_seed is not None:
        raise ValueError("shuffle_seed must come with a limit, found none. Set limit.")
    size = size_of(input_path)
    batches = _batch(records, BATCH if output_path.suffix == ".spacy" else shard_size)
    with write_docs(output_path) as writer, _rare_collections():
        for docs, counts in _pack(batches, processes):
            writer.add(docs)
            report.add(counts)
            if on_progress is not None:
                on_progress(min(reading.n_bytes, size), size)
        if not report.n_texts:
            left_out = ", ".join(f"{n} {kind}" for kind, n in reading.left_out.items())
            reason = (
                f" but {left_out:.300}. Annotate them, or check the format." if left_out else ". Check it."
            )
            reason = f" that can be read: {SKIP.sub('', reading.skipped[0])}" if reading.skipped else reason
            raise CorpusError(f"{input_path}:1: a corpus must hold at least one text, found none{reason}")
    if on_progress is not None:
        on_progress(size, size)
    for line in report.warnings():
        warnings.warn(line, XnerWarning, stacklevel=2)
    return report


def _take(
    records: Iterable[Record], report: ConvertReport, limit: int, *, seed: int | None
) -> Iterator[Record]:
    """Take some records, the first or random ones, and count the others, which are read to the end."""
    n_read = 0

    def count_read() -> Iterator[Record]:
        nonlocal n_read
        for record in records:
            n_read += 1
            yield record

    counted = count_read()
    if seed is None:
        yield from islice(counted, limit)
        deque(counted, maxlen=0)
    else:
        rng = random.Random(seed)
        yield from nsmallest(limit, counted, key=lambda _: rng.random())
    report.n_limited = max(0, n_read - limit)
    kind = "the first ones" if seed is None else f"random ones, seed {seed}"
    report.reading.notes.append(f"{min(limit, n_read)} of {n_read} texts: {kind}")


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for cyclic garbage less often: rows of a corpus are none, and that takes a fifth of the time."""
    thresholds = gc.get_threshold()
    gc.set_threshold(max(thresholds[0], OBJECTS_PER_COLLECTION) if thresholds[0] else 0, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


def _check_ending(path: Path) -> None:
    """Check that the name of an output is that of a ``.spacy`` file or of a folder.

    Raises:
        ValueError: If it has the ending of another format.
    """
    ending = path.suffix.removeprefix(".")
    if ending and ending != "spacy" and not ending.isdecimal() and not path.is_dir():
        raise ValueError(
            f"The output must end in .spacy, or have no ending and be a folder of such files, found {path}. "
            "Choose another name; spacy-xner export writes other formats."
        )


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


def _batch(records: Iterator[Record], size: int) -> Iterator[list[Record]]:
    while batch := list(islice(records, size)):
        yield batch


def _pack(batches: Iterable[list[Record]], processes: int) -> Iterator[Packed]:
    """Tokenize batches, in other processes if there are to be more than one."""
    if processes == 1:
        yield from map(pack_records, batches)
        return
    waiting: deque[Future[Packed]] = deque()
    # Forked, a child could hang on a lock that a thread of this process holds.
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        for batch in batches:
            waiting.append(pool.submit(pack_records, batch))
            if len(waiting) > 2 * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
