"""The page in a real browser: a service in a thread, and Chromium without a window.

Needs Chromium, and ``pip install playwright axe-playwright-python``; tests are skipped without.
"""

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from spacy.language import Language

from ...conftest import train_nlp

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]

PLAIN = "nothing to find in this line"
SLIP = "👨‍👩‍👧 张伟 13800138000 北京市海淀区"

# What each card shows: its text, and its entities with offsets as Python counts them.
READ = """() => [...document.querySelectorAll("#cards .text")].map(el => {
  const entities = {};
  for (const mark of el.querySelectorAll("mark")) {
    const before = document.createRange();
    before.setStart(el, 0);
    before.setEndBefore(mark);
    const start = [...before.toString()].length;
    const id = Number(mark.dataset.id);
    entities[id] ??= [start, start, "", mark.dataset.tag];
    entities[id][2] += mark.textContent;
    entities[id][1] = start + [...mark.textContent].length;
    entities[id][3] = mark.dataset.tag ?? entities[id][3];
  }
  return [el.textContent, Object.values(entities)];
})"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder as slow."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


class Shown(NamedTuple):
    """What a card shows."""

    text: str
    entities: list[tuple[int, int, str]]
    parts: list[str]


@contextmanager
def serving(models: Mapping[str, Language], **settings: Any) -> Iterator[str]:
    """Serve pipelines in a thread, and yield the address."""
    uvicorn = pytest.importorskip("uvicorn", reason="needs the extra serve")
    from spacy_xner.serving.app import create_app
    from spacy_xner.serving.settings import Settings

    config = uvicorn.Config(create_app(models, Settings(**settings)), port=0, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.02)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def nlp(tiny: Path) -> Language:
    """Return a pipeline that is not sure of everything."""
    return train_nlp(tiny, n_steps=25)


@pytest.fixture(scope="module")
def url(nlp: Language) -> Iterator[str]:
    with serving({"slips": nlp}) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start Chromium."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("needs Chromium")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Return a function that opens the page. Whatever a test does, nothing is asked of another server."""
    pages, urls, errors = [], [], []

    def open_at(address: str, **options: Any) -> Any:
        context = browser.new_context(
            **{"locale": "en-US", "viewport": {"width": 1100, "height": 900}} | options
        )
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("request", lambda request: urls.append((request.url, address)))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: message.type == "error" and errors.append(message.text))
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(address)
        pages.append(page)
        return page

    yield open_at
    for page in pages:
        page.close()
        page.context.close()
    assert not [url for url, address in urls if not url.removeprefix("blob:").startswith(address)]
    # Refusals of the service, which the page explains, are also logged by the browser.
    assert not [error for error in errors if not error.startswith("Failed to load resource")]


def find(page: Any, *texts: str) -> None:
    """Paste texts, and wait for their entities."""
    page.fill("#paste", "\n".join(texts))
    page.click("#find:enabled")
    page.wait_for_selector("#results:visible")
    n_texts = sum(bool(text.strip()) for text in texts)
    page.wait_for_function("n => document.querySelectorAll('#cards .text').length === n", arg=n_texts)


def upload(page: Any, name: str, content: str | bytes) -> None:
    """Open a file."""
    data = content.encode() if isinstance(content, str) else content
    page.wait_for_selector("#choose-file:enabled")
    page.set_input_files("#file", {"name": name, "mimeType": "text/plain", "buffer": data})


def read(page: Any) -> list[Shown]:
    """Read what the cards show."""
    return [
        Shown(
            text,
            sorted((start, end, tag.rsplit(" ", 1)[0]) for start, end, _, tag in entities),
            [part for _, _, part, _ in entities],
        )
        for text, entities in page.evaluate(READ)
    ]


def predict(nlp: Language, text: str) -> list[tuple[int, int, str]]:
    """Return what the pipeline itself predicts."""
    return sorted((ent.start_char, ent.end_char, ent.label_) for ent in nlp(text).ents)


def press(page: Any, *keys: str) -> None:
    """Press keys."""
    for key in keys:
        page.keyboard.press(key)


@pytest.fixture
def page(open_page: Callable[..., Any], url: str) -> Any:
    """Return the page with a text that begins with an emoji of several characters."""
    page = open_page(url)
    find(page, SLIP)
    return page
