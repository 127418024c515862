"""The service under too much load, when it is stopped, and when one of its processes is killed.

Each text ends with a telephone number of its own. An answer with an entity that its text does not have at that
place, or without the number, counts as another's. "Broken" are requests that got no answer although a connection was open.

Usage: python benchmarks/serve_load.py PIPELINE TEXTS [--clients 200] [--seconds 120] [--queue 64]
"""

import signal
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import psutil
import typer
from results import Cell, write_results
from service import Load, Replies, Service, run_service, send, serve_command

READY = "Serving at "
Row = dict[str, Cell]


def count(replies: Replies) -> Row:
    """Count what clients got."""
    statuses = dict(replies.statuses)
    row: Row = {
        "200": statuses.pop("200", 0),
        "503": statuses.pop("503", 0),
        # Nobody listened.
        "refused": statuses.pop("ConnectError", 0),
        "hung": statuses.pop("ReadTimeout", 0),
        "broken": sum(n for status, n in statuses.items() if not status.isdigit()),
        "other answers": sum(n for status, n in statuses.items() if status.isdigit()),
        "another's entities": replies.foreign,
        "longest, s": replies.longest,
    }
    print(row, dict(replies.statuses), flush=True)
    return row


def disturb(service: Service, load: Load, after_s: float, event: Callable[[], object]) -> Replies:
    """Let clients run in another process, and cause an event meanwhile."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        future = pool.submit(send, load)
        # The clients' process starts first.
        while len(service.process.net_connections()) < 2 and not future.done():
            time.sleep(0.05)
        time.sleep(after_s)
        event()
        return future.result()


def overload(model: str, texts: list[str], clients: int, seconds: float, queue: int) -> Row:
    """Ask more than the service can answer."""
    with run_service(serve_command(model, "--max-queue", str(queue)), READY) as service:
        load = Load(service.url + "/v1/predict", texts, clients, time.time() + seconds, numbered=True)
        return count(send(load))


def stop(model: str, texts: list[str], clients: int, workers: int) -> Row:
    """End the service with SIGTERM; half of the clients open a connection for each request."""
    with run_service(serve_command(model, "--workers", str(workers)), READY) as service:
        url, until = service.url + "/v1/predict", time.time() + 120
        load = Load(url, texts, clients, until, numbered=True, reconnects=True)
        replies = disturb(service, load, 5, lambda: service.process.send_signal(signal.SIGTERM))
        code = service.process.wait(60)
        if code:
            raise RuntimeError(f"The service must end with 0, found {code}: {service.log.read_text('utf-8')}")
        return count(replies)


def kill(model: str, texts: list[str], clients: int, seconds: float) -> Row:
    """Kill one of two processes."""
    killed = []

    def kill_worker() -> None:
        worker = find_workers(service)[0]
        killed.append(time.time())
        worker.kill()

    with run_service(serve_command(model, "--workers", "2"), READY) as service:
        while service.log.read_text("utf-8").count(READY) < 2:
            time.sleep(0.1)
        url, until = service.url + "/v1/predict", time.time() + seconds
        load = Load(url, texts, clients, until, numbered=True, reconnects=True)
        replies = disturb(service, load, seconds / 4, kill_worker)
        late = sum(at > killed[0] + 1 for at in replies.broken_at)
        starts = service.log.read_text("utf-8").count(READY)
        gap = max_gap([*replies.at, until], killed[0])
        row = {**count(replies), "broken later": late, "longest without answer, s": gap, "starts": starts}
    print(row, flush=True)
    return row


def find_workers(service: Service) -> list[psutil.Process]:
    """Return the processes that serve."""
    children = service.process.children()
    return [child for child in children if any("spawn_main" in part for part in child.cmdline())]


def max_gap(times: list[float], begin: float) -> float:
    """Return the longest time between two answers, from some moment on."""
    later = [begin, *sorted(at for at in times if at > begin)]
    return max(after - before for before, after in zip(later, later[1:], strict=False))


def main(
    model: Annotated[str, typer.Argument(help="Trained pipeline that finds telephone numbers.")],
    source: Annotated[Path, typer.Argument(help="Text file with one text per line.")],
    clients: int = 200,
    seconds: float = 120,
    queue: int = 64,
) -> None:
    """Run all, and print what clients got."""
    texts = [line for line in source.read_text("utf-8").splitlines() if line.strip()]
    rows = {f"{clients} clients, a queue of {queue}": overload(model, texts, clients, seconds, queue)}
    for workers in (1, 2):
        rows[f"SIGTERM, {workers} process{'es' * (workers > 1)}"] = stop(model, texts, 50, workers)
    rows["kill -9 of one of 2 processes"] = kill(model, texts, 20, 60)
    write_results(rows)


if __name__ == "__main__":
    typer.run(main)
