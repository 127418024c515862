"""Memory of trainings and evaluations on a corpus that is streamed, by the number of its texts.

Slips are drawn with `spacy-xner synth` and converted to shards. A tiny random encoder is trained on all of
them once, and beside that on the first ones several times; the pipeline is then evaluated on few texts and on
many. Each of these is a process of its own, and the most memory that it had is read when it ends. Files that
are in OUT are not written again.

Usage: python benchmarks/streamed.py OUT [--texts 1000000] [--shards 24]
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Annotated, cast

import psutil
import srsly
import typer
from results import Cell, write_results

BATCH_SIZE = 256
ENCODER_TEXTS, DEV_TEXTS = 2000, 1000
COSTS = "costs.json"


def peak() -> float:
    """Return the most memory that this process has had, in MiB; that of its parent does not count."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def draw(path: Path, texts: int) -> None:
    """Draw slips."""
    from spacy_xner.tools.synth import synthesize

    synthesize(path.parent, {path.stem: texts}, format="jsonl")


def convert(source: Path, target: Path, shard_size: int) -> None:
    """Convert slips to shards."""
    from spacy_xner.corpus.convert import convert as run

    run(source, target, shard_size=shard_size)


def write_encoder(folder: Path, source: Path) -> None:
    """Write a tiny random encoder."""
    from spacy_xner.tools.encoders.tiny import write_tiny

    with source.open(encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in islice(file, ENCODER_TEXTS)]
    write_tiny(folder, texts, vocab_size=8000, overwrite=True)


def train(corpus: Path, out: Path, steps: int) -> None:
    """Train on a streamed corpus, to the end."""
    from thinc.api import Config

    from spacy_xner.tools.starting import init_config
    from spacy_xner.training.run import train as run

    config_path = out.with_suffix(".cfg")
    init_config(config_path, encoder=str(out.parent / "encoder"), overwrite=True)
    config = Config().from_disk(config_path, interpolate=False)
    config["corpora"]["train"] = {
        "@readers": "spacy_xner.StreamedCorpus.v1",
        "path": "${paths.train}",
        "buffer_size": 10_000,
    }
    config["paths"] |= {"train": str(corpus), "dev": str(out.parent / "dev")}
    config["vars"] |= {"max_steps": steps, "batch_size": BATCH_SIZE, "learn_rate": 0.001}
    config["training"] |= {"max_epochs": -1}
    # Concatenated texts take most of the time.
    config["training"]["batcher"]["share"] = 0.0
    config["components"]["xner"]["max_batch_pieces"] = 8192
    config["components"]["xner"]["model"]["head"] = {"@architectures": "spacy_xner.SoftmaxHead.v1"}
    config.to_disk(config_path)
    run(config_path, out, device="cpu")


def evaluate(model: Path, corpus: Path, details: str) -> None:
    """Score a pipeline, with intervals, errors and the page or without."""
    from spacy_xner import evaluate as run

    run(model, corpus, device="cpu", html=model.parent / "page.html" if details == "details" else None)


STEPS: dict[str, Callable[..., None]] = {
    "draw": draw,
    "convert": convert,
    "encoder": write_encoder,
    "train": train,
    "evaluate": evaluate,
}


def run_child(*arguments: object) -> tuple[float, float, float]:
    """Run a step in a process of its own.

    Returns:
        Its peak memory in MiB, the highest proportional set size that was seen, and its time in seconds.
    """
    command = [sys.executable, __file__, "child", *map(str, arguments)]
    begin, highest = time.perf_counter(), 0
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            highest = max(highest, watched.memory_full_info().pss)
        except psutil.Error:
            break
        time.sleep(0.5)
    out, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"A step must end well, found status {process.returncode}: {command}")
    memory, seconds = float(out.splitlines()[-1]), time.perf_counter() - begin
    print(f"{' '.join(map(str, arguments))}: {memory:.0f} MiB, {seconds:.0f} s", flush=True)
    return memory, highest / 2**20, seconds


def child(step: str, *arguments: str) -> None:
    """Run a step, and print its peak memory."""
    STEPS[step](*(int(each) if each.isdigit() else Path(each) if "/" in each else each for each in arguments))
    print(peak())


def write_corpora(out: Path, sizes: dict[str, int], shards: int) -> dict[str, Cell]:
    """Draw and convert corpora that are not there yet.

    Args:
        out: The folder.
        sizes: Number of texts of each corpus, which are the first ones of the largest.
        shards: Number of files of the largest.

    Returns:
        What drawing and converting the largest took, which is kept in the folder.
    """
    row: dict[str, Cell] = srsly.read_json(out / COSTS) if (out / COSTS).exists() else {}
    largest = max(sizes.values())
    size = -(-largest // shards)
    for part, texts in (("dev", DEV_TEXTS), ("train", largest)):
        if not (out / f"{part}.jsonl").exists():
            row |= name_costs("drawing", run_child("draw", out / f"{part}.jsonl", texts))
    if not (out / "dev").exists():
        run_child("convert", out / "dev.jsonl", out / "dev", size)
    for name, texts in sorted(sizes.items(), key=lambda item: item[1]):
        if (out / name).exists():
            continue
        source = out / f"{name}.jsonl"
        with (out / "train.jsonl").open("rb") as file, source.open("wb") as first:
            first.writelines(islice(file, texts))
        row |= name_costs("converting", run_child("convert", source, out / name, size))
        source.unlink()
    run_child("encoder", out / "encoder", out / "dev.jsonl")
    srsly.write_json(out / COSTS, row)
    return row


def name_costs(step: str, costs: tuple[float, float, float]) -> dict[str, Cell]:
    """Return the cells of a step."""
    memory, _, seconds = costs
    return {f"{step}, MiB": memory, f"{step}, min": seconds / 60}


def measure_training(out: Path, name: str, steps: int) -> dict[str, Cell]:
    """Train on a corpus, and return its row."""
    trained = out / f"trained-{name}"
    row = measure("train", out / name, trained, steps)
    strings = srsly.read_json(trained / "model-last/vocab/strings.json")
    return {"files": len([*(out / name).iterdir()]), "steps": steps, **row, "strings": len(strings)}


def measure(*arguments: object) -> dict[str, Cell]:
    """Run a step, and return its row."""
    memory, pss, seconds = run_child(*arguments)
    return {"peak memory, MiB": memory, "peak PSS, MiB": pss, "min": seconds / 60}


def compare(rows: dict[str, dict[str, Cell]], few: str, many: str) -> None:
    """Add to a row how much more memory it takes than another."""
    less, more = (cast(float, rows[name]["peak memory, MiB"]) for name in (few, many))
    rows[many]["more memory, %"] = 100 * (more / less - 1)


def main(
    out: Annotated[Path, typer.Argument(help="Folder for corpora and pipelines.")],
    texts: Annotated[int, typer.Option(help="Texts of the large corpus.")] = 1_000_000,
    shards: Annotated[int, typer.Option(help="Its files.")] = 24,
    few: Annotated[int, typer.Option(help="Texts of the small corpus.")] = 10_000,
    passes: Annotated[int, typer.Option(help="Passes over the small corpus in training.")] = 20,
    evaluated: Annotated[int, typer.Option(help="Texts that the pipeline is evaluated on.")] = 100_000,
) -> None:
    """Train and evaluate on few texts and on many."""
    out = out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    sizes = {"few": few, "evaluated": evaluated, "many": texts}
    drawn = write_corpora(out, sizes, shards)
    n_steps = {"few": -(-passes * few // BATCH_SIZE), "many": -(-texts // BATCH_SIZE)}
    # Side by side, with a thread each.
    with ThreadPoolExecutor() as pool:
        few_run, many_run = (pool.submit(measure_training, out, name, n) for name, n in n_steps.items())
    rows = {
        f"training, {few:,} texts": few_run.result(),
        f"training, {texts:,} texts": many_run.result(),
    }
    compare(rows, *rows)
    for kind in ("scores", "details"):
        titles = [f"evaluation, {kind}, {n:,} texts" for n in (few, evaluated)]
        for title, name in zip(titles, ("few", "evaluated"), strict=True):
            rows[title] = measure("evaluate", out / "trained-few/model-last", out / name, kind)
        compare(rows, *titles)
    write_results(rows)
    write_results({f"{texts:,} texts": drawn}, "drawing")


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(*sys.argv[2:])
    else:
        typer.run(main)
