"""Peak memory while a large file is converted to a folder of shards, from the first shard to the last.

Usage: python benchmarks/convert_memory.py [--megabytes 200]
"""

import random
import resource
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from results import write_results

from spacy_xner.corpus.convert import convert


def peak() -> float:
    """Return the peak memory of the process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write(path: Path, megabytes: int) -> None:
    """Write slips in which every word is new."""
    rng = random.Random(0)
    with path.open("w", encoding="utf-8") as file:
        while file.tell() < megabytes << 20:
            words = ["".join(rng.choices("abcdefghij", k=9)) for _ in range(12)]
            file.write(f"{words[0]}\tB-PER\n{words[1]}\tI-PER\n{rng.randrange(10**11)}\tB-PHONE\n")
            file.writelines(f"{word}\tO\n" for word in words[2:])
            file.write("\n")


def main(
    megabytes: Annotated[int, typer.Option(help="Size of the file.")] = 200,
    shard_size: Annotated[int, typer.Option(help="Texts per shard.")] = 20_000,
) -> None:
    """Convert, and record memory at each shard."""
    seen: list[tuple[int, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.conll"
        write(path, megabytes)
        begin = peak()

        def watch(done: int, total: int) -> None:
            if not seen or done - seen[-1][0] > total // 10 or done == total:
                seen.append((done, peak()))

        report = convert(path, Path(folder) / "shards", shard_size=shard_size, on_progress=watch)
        n_shards = len(list((Path(folder) / "shards").iterdir()))
    print(f"{megabytes} MB, {report.n_texts:,} texts, {report.n_tokens:,} tokens, {n_shards} files")
    print(f"before: {begin:,.0f} MiB peak")
    for done, memory in seen:
        print(f"after {done >> 20} MB: {memory:,.0f} MiB peak")
    row = {"before, MiB": begin, "at the first shard, MiB": seen[0][1], "at the last, MiB": seen[-1][1]}
    write_results({f"{megabytes} MB": row})


if __name__ == "__main__":
    typer.run(main)
