"""Speed of the service beside `nlp.pipe` and `nlp(text)` with the same model on the same core, in turn.

The service and the pipeline use one core and one thread, the clients another core; int8 and ONNX are those of
`shrink`. CPU time says what the service costs on a machine that is not idle. With --minutes, only the memory
of the service is measured, at full load.

Usage: python benchmarks/serve.py PIPELINE TEXTS [--rounds 3] [--minutes 10]
"""

import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, NamedTuple

import psutil
import torch
import typer
from common import clock
from results import Cell, spread, write_results
from service import Load, Replies, run_service, send, serve_command
from spacy.language import Language

from spacy_xner.loading import load as load_pipeline
from spacy_xner.tools.shrink import shrink

N_CLIENTS = 32
# How `shrink` makes each pipeline.
KINDS = {"fp32": None, "int8": ("torch", "int8"), "ONNX, int8": ("onnx", "int8")}


def pin(core: int) -> None:
    """Let this process use one core alone."""
    psutil.Process().cpu_affinity([core])


@contextmanager
def clients(core: int) -> Iterator[Callable[[Load], Replies]]:
    """Start the process of the clients, and yield a function that runs a load in it."""
    with ProcessPoolExecutor(1, get_context("spawn"), pin, (core,)) as pool:
        yield lambda load: pool.submit(send, load).result()


def list_services(model: Path, *, has_rival: bool) -> dict[str, tuple[list[str], str, str, str]]:
    """Return the command, the mark in its log, the route, and the name of the text, of each service."""
    services = {"spacy-xner serve": (serve_command(model), "Serving at ", "/v1/predict", "texts")}
    if has_rival:
        app = ["--app-dir", str(Path(__file__).with_name("rivals")), "fastapi_app:app"]
        command = ["-m", "uvicorn", *app, "--port", "0", "--no-access-log"]
        services["FastAPI, nlp(text)"] = (command, "running on ", "/predict", "text")
    return services


class Target(NamedTuple):
    """A running service."""

    process: psutil.Process
    url: str
    field: str
    run: Callable[[Load], Replies]

    def ask(self, texts: Sequence[str], n_clients: int) -> Replies:
        """Send texts, which must all be answered."""
        replies = self.run(Load(self.url, texts, n_clients, field=self.field))
        if set(replies.statuses) != {"200"}:
            raise RuntimeError(f"All requests must be answered with 200, found {replies.statuses}.")
        return replies

    def read_cpu(self) -> float:
        """Return the seconds of CPU time so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


def measure(
    nlp: Language, targets: dict[str, Target], texts: list[str], rounds: int
) -> dict[str, dict[str, Cell]]:
    """Time the pipeline and the services in turn."""
    few = texts[: max(len(texts) // 4, 50)]
    values: dict[str, dict[str, list[float]]] = {name: {} for name in targets}
    for _ in range(rounds):
        cpu = time.process_time()
        rate = len(texts) / clock(lambda: list(nlp.pipe(texts)))
        cpu = time.process_time() - cpu
        times = [clock(lambda text=text: nlp(text)) for text in few]  # type: ignore[misc]
        single = statistics.median(times)
        for name, target in targets.items():
            begin = target.read_cpu()
            seconds = clock(lambda target=target: target.ask(texts, N_CLIENTS))  # type: ignore[misc]
            used = target.read_cpu() - begin
            p50 = statistics.median(target.ask(few, 1).seconds)
            row = {
                f"texts/s, {N_CLIENTS} clients": len(texts) / seconds,
                "of nlp.pipe": len(texts) / seconds / rate,
                "by CPU time": cpu / used,
                "p50 of 1 client, ms": 1000 * p50,
                "of nlp(text)": p50 / single,
                "nlp.pipe, texts/s": rate,
                "nlp(text), ms": 1000 * single,
            }
            print(name, {key: round(value, 3) for key, value in row.items()}, os.getloadavg(), flush=True)
            for column, value in row.items():
                values[name].setdefault(column, []).append(value)
    return {name: {column: spread(each) for column, each in row.items()} for name, row in values.items()}


def measure_speed(
    model: str, texts: list[str], rounds: int, run: Callable[[Load], Replies]
) -> dict[str, dict[str, Cell]]:
    """Measure all kinds of one pipeline."""
    rows = {}
    for kind, how in KINDS.items():
        with TemporaryDirectory() as folder, ExitStack() as stack:
            path = Path(model)
            if how is not None:
                path = Path(folder) / "model"
                shrink(model, path, storage="float32", backend=how[0], precision=how[1])  # type: ignore[arg-type]
            os.environ |= {"OMP_NUM_THREADS": "1", "MODEL": str(path)}
            targets = {}
            for name, (command, mark, route, field) in list_services(path, has_rival=how is None).items():
                service = stack.enter_context(run_service(command, mark, cores=[0]))
                target = Target(service.process, service.url + route, field, run)
                targets[f"{name}, {kind}"] = target
                target.ask(texts[:64], N_CLIENTS)
            nlp = load_pipeline(str(path), "cpu")
            list(nlp.pipe(texts[:64]))
            rows |= measure(nlp, targets, texts, rounds)
    return rows


def measure_memory(model: str, texts: list[str], minutes: float) -> dict[str, dict[str, Cell]]:
    """Read the resident memory of the service every minute, at full load with texts that keep changing."""
    rng = random.Random(0)
    changing = [
        "".join(rng.choice("0123456789") if char.isdigit() else char for char in rng.choice(texts))
        for _ in range(50_000)
    ]
    with run_service(serve_command(model), "Serving at ") as service:
        end = time.time() + 60 * minutes
        load = Load(service.url + "/v1/predict", changing, N_CLIENTS, end)
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            future = pool.submit(send, load)
            sizes = []
            while (left := end - time.time()) > 0 and not future.done():
                time.sleep(min(60, left))
                sizes.append(service.process.memory_info().rss / 2**20)
                print(f"{len(sizes):4} min {sizes[-1]:8.1f} MiB", flush=True)
            replies = future.result()
    row: dict[str, Cell] = {
        "texts": replies.statuses["200"],
        "other answers": replies.statuses.total() - replies.statuses["200"],
        "after the first minute, MiB": sizes[0],
        "highest later, MiB": max(sizes[1:]),
        "lowest later, MiB": min(sizes[1:]),
        "at the end, MiB": sizes[-1],
        "growth, %": 100 * (sizes[-1] / sizes[0] - 1),
    }
    return {f"{minutes:g} minutes": row}


def main(
    model: Annotated[str, typer.Argument(help="Trained pipeline.")],
    source: Annotated[Path, typer.Argument(help="Text file with one text per line.")],
    limit: int = 640,
    rounds: int = 3,
    minutes: Annotated[float, typer.Option(help="Minutes of the memory test; 0 for that of speed.")] = 0,
) -> None:
    """Measure the speed or the memory."""
    texts = [line for line in source.read_text("utf-8").splitlines() if line.strip()]
    if minutes:
        write_results(measure_memory(model, texts, minutes))
        return
    texts = (texts * (1 + limit // len(texts)))[:limit]
    torch.set_num_threads(1)
    pin(0)
    with clients(1) as run:
        write_results(measure_speed(model, texts, rounds, run))


if __name__ == "__main__":
    typer.run(main)
