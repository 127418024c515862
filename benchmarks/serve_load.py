"""The service under too much load, when it is stopped, and when one of its processes is killed.

Each text ends with a telephone number of its own. An answer counts as another's if it has an entity that its
text does not have at that place, or lacks the number although the pipeline itself finds it. Requests are
broken that got no answer although there was a connection.

Usage: python benchmarks/serve_load.py PIPELINE TEXTS [--clients 200] [--seconds 120] [--queue 64]
"""

import signal
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import psutil
import typer
from results import Cell, write_results
from service import HUNG, REFUSED, Load, Replies, Service, run_service, send, serve_command
from spacy.language import Language

from spacy_xner.loading import load as load_pipeline

READY = "Serving at "
Row = dict[str, Cell]


def count(replies: Replies, nlp: Language) -> Row:
    """Count what clients got."""
    foreign = replies.foreign
    for text, entities in replies.unnumbered:
        foreign += entities != [(ent.start_char, ent.end_char, ent.label_) for ent in nlp(text).ents]
    statuses = dict(replies.statuses)
    row: Row = {
        "200": statuses.pop("200", 0),
        "503": statuses.pop("503", 0),
        # Nobody listened.
        "refused": statuses.pop(REFUSED, 0),
        "hung": statuses.pop(HUNG, 0),
        "broken": sum(n for status, n in statuses.items() if not status.isdigit()),
        "other answers": sum(n for status, n in statuses.items() if status.isdigit()),
        "another's entities": foreign,
        "longest, s": replies.longest,
    }
    print(row, dict(replies.statuses), flush=True)
    return row


def disturb(service: Service, load: Load, after_s: float, event: Callable[[], object]) -> Replies:
    """Let clients run in another process, and cause an event meanwhile."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        future = pool.submit(send, load)
        # The clients' process starts first.
        while count_connections(service) < load.n_clients // 4 and not future.done():
            time.sleep(0.05)
        time.sleep(after_s)
        event()
        return future.result()


def count_connections(service: Service) -> int:
    """Count the connections of clients."""
    processes = [service.process, *service.process.children()]
    return sum(
        conn.status == psutil.CONN_ESTABLISHED for each in processes for conn in each.net_connections("tcp")
    )


def wait_for_workers(service: Service, workers: int) -> None:
    """Wait until all processes serve."""
    while service.log.read_text("utf-8").count(READY) < workers:
        time.sleep(0.1)


def overload(model: str, texts: list[str], clients: int, seconds: float, queue: int) -> Replies:
    """Ask more than the service can answer."""
    with run_service(serve_command(model, "--max-queue", str(queue)), READY) as service:
        load = Load(service.url + "/v1/predict", texts, clients, time.time() + seconds, numbered=True)
        return send(load)


def stop(model: str, texts: list[str], clients: int, workers: int) -> Replies:
    """End the service with SIGTERM; half of the clients open a connection for each request."""
    with run_service(serve_command(model, "--workers", str(workers)), READY) as service:
        wait_for_workers(service, workers)
        url, until = service.url + "/v1/predict", time.time() + 120
        load = Load(url, texts, clients, until, numbered=True, reconnects=True)
        replies = disturb(service, load, 5, lambda: service.process.send_signal(signal.SIGTERM))
        code = service.process.wait(60)
        if code:
            raise RuntimeError(f"The service must end with 0, found {code}: {service.log.read_text('utf-8')}")
        return replies


def kill(model: str, texts: list[str], clients: int, seconds: float) -> tuple[Replies, Row]:
    """Kill one of two processes. Returns what clients got, and what happened afterwards."""
    killed = []

    def kill_worker() -> None:
        worker = find_workers(service)[0]
        killed.append(time.time())
        worker.kill()

    with run_service(serve_command(model, "--workers", "2"), READY) as service:
        wait_for_workers(service, 2)
        url, until = service.url + "/v1/predict", time.time() + seconds
        load = Load(url, texts, clients, until, numbered=True, reconnects=True)
        replies = disturb(service, load, seconds / 4, kill_worker)
        late = sum(at > killed[0] + 1 for at in replies.broken_at)
        starts = service.log.read_text("utf-8").count(READY)
        gap = max_gap([*replies.at, until], killed[0])
        return replies, {"broken later": late, "longest without answer, s": gap, "starts": starts}


def find_workers(service: Service) -> list[psutil.Process]:
    """Return the processes that serve."""
    children = service.process.children()
    return [child for child in children if any("spawn_main" in part for part in child.cmdline())]


def max_gap(times: list[float], begin: float) -> float:
    """Return the longest time between two answers, from some moment on."""
    later = [begin, *sorted(at for at in times if at > begin)]
    return max(after - before for before, after in pairwise(later))


def main(
    model: Annotated[str, typer.Argument(help="Trained pipeline that finds telephone numbers.")],
    source: Annotated[Path, typer.Argument(help="Text file with one text per line.")],
    clients: int = 200,
    seconds: float = 120,
    queue: int = 64,
) -> None:
    """Run all, and print what clients got."""
    texts = [line for line in source.read_text("utf-8").splitlines() if line.strip()]
    nlp = load_pipeline(model, "cpu")
    rows = {
        f"{clients} clients, a queue of {queue}": count(overload(model, texts, clients, seconds, queue), nlp)
    }
    for workers in (1, 2):
        rows[f"SIGTERM, {workers} process{'es' * (workers > 1)}"] = count(
            stop(model, texts, 50, workers), nlp
        )
    replies, after = kill(model, texts, 20, 60)
    rows["kill -9 of one of 2 processes"] = {**count(replies, nlp), **after}
    print(after)
    write_results(rows)


if __name__ == "__main__":
    typer.run(main)
