"""Shared by the benchmarks of the service: the service as a process of its own, and its clients.

The clients are aiohttp's (``pip install aiohttp``). They share a core, and the service waits while they read
its answers and write the next requests: a slow client would be measured as a slow service.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import aiohttp
import psutil

# Seconds after which a request counts as hanging.
HANG_S = 60.0
START_S = 120.0
# How requests without an answer count.
REFUSED, HUNG = "refused", "hung"
Entities = list[tuple[int, int, str]]


class Service(NamedTuple):
    """A running service."""

    url: str
    process: psutil.Popen
    log: Path


@contextmanager
def run_service(command: Sequence[str], url_prefix: str, cores: Sequence[int] = ()) -> Iterator[Service]:
    """Run a service until the end of the context.

    Args:
        command: Its command line, without the interpreter.
        url_prefix: What stands before the address in its log.
        cores: The cores that it may use; none for all.
    """
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log.txt"
        with log.open("wb") as file:
            process = psutil.Popen([sys.executable, *command], stderr=file, stdout=file)
        if cores:
            process.cpu_affinity(list(cores))
        try:
            yield Service(_wait_for_url(process, log, url_prefix), process, log)
        finally:
            if process.is_running():
                process.terminate()
            process.wait()


def _wait_for_url(process: psutil.Popen, log: Path, prefix: str) -> str:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        _, is_started, rest = log.read_text("utf-8").partition(prefix)
        if is_started and "\n" in rest:
            return rest.split()[0]
        time.sleep(0.05)
    raise RuntimeError(f"The service must start, found:\n{log.read_text('utf-8')}")


def serve_command(model: str | Path, *options: str) -> list[str]:
    """Return the command line of the service, at a free port."""
    return ["-m", "spacy_xner", "serve", str(model), "--port", "0", "--device", "cpu", *options]


@dataclass
class Replies:
    """What clients got.

    Attributes:
        seconds: Time of each request that was answered with 200.
        statuses: How many requests got each status; errors by the name of their class.
        longest: Time of the longest request, whatever its answer.
        foreign: Answers with an entity that its text does not have at that place.
        unnumbered: Other answers without the number of their text, which the model may have missed: the text,
            and its entities.
        at: When each answer with 200 came, on the clock of `time.time`.
        broken_at: When each connection broke.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0
    foreign: int = 0
    unnumbered: list[tuple[str, Entities]] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    broken_at: list[float] = field(default_factory=list)


@dataclass
class Load:
    """What clients do, each with a connection of its own.

    Attributes:
        url: Address of the route.
        texts: Texts of the requests, in turn.
        n_clients: Number of clients.
        until: When they stop, on the clock of `time.time`; None after as many requests as there are texts.
        retry_s: Seconds between a refusal and the next request.
        numbered: Whether each text gets a number of its own.
        reconnects: Whether every second client opens a connection for each request.
        field: Name of the text in the body.
    """

    url: str
    texts: Sequence[str]
    n_clients: int
    until: float | None = None
    retry_s: float = 0.05
    numbered: bool = False
    reconnects: bool = False
    field: str = "texts"


def send(load: Load) -> Replies:
    """Run clients until the end of the load, or until nobody listens any more."""
    return asyncio.run(_send(load))


async def _send(load: Load) -> Replies:
    replies, texts = Replies(), _list_texts(load)
    timeout = aiohttp.ClientTimeout(total=HANG_S)

    async def run_client(number: int) -> None:
        connector = aiohttp.TCPConnector(force_close=load.reconnects and bool(number % 2))
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            for text in texts:
                status = await _ask(session, load, text, replies)
                if status == REFUSED:
                    return
                if status != "200":
                    await asyncio.sleep(load.retry_s)

    await asyncio.gather(*map(run_client, range(load.n_clients)))
    return replies


def _list_texts(load: Load) -> Iterator[str]:
    number = 0
    while number < len(load.texts) if load.until is None else time.time() < load.until:
        text = load.texts[number % len(load.texts)]
        # A telephone number that no other text has.
        yield f"{text} {13_000_000_000 + number}" if load.numbered else text
        number += 1


async def _ask(session: aiohttp.ClientSession, load: Load, text: str, replies: Replies) -> str:
    begin, body = time.perf_counter(), b""
    try:
        async with session.post(load.url, json={load.field: text}) as answer:
            body = await answer.read()
        status = str(answer.status)
    except aiohttp.ClientConnectorError:
        status = REFUSED
    except asyncio.TimeoutError:
        status = HUNG
    except aiohttp.ClientError as err:
        status = type(err).__name__
    seconds = time.perf_counter() - begin
    replies.longest = max(replies.longest, seconds)
    if status == "200":
        replies.seconds.append(seconds)
        replies.at.append(time.time())
        if load.numbered:
            _check(text, json.loads(body)["predictions"][0]["entities"], replies)
    elif not status.isdigit() and status != REFUSED:
        replies.broken_at.append(time.time())
    replies.statuses[status] += 1
    return status


def _check(text: str, entities: list[dict[str, Any]], replies: Replies) -> None:
    """Check that the entities are those of the text."""
    if any(text[ent["start"] : ent["end"]] != ent["text"] for ent in entities):
        replies.foreign += 1
    elif not any(text.rpartition(" ")[2] in ent["text"] for ent in entities):
        replies.unnumbered.append((text, [(ent["start"], ent["end"], ent["label"]) for ent in entities]))
