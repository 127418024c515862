"""The files of the web page, and the headers with which they are answered. `page/` tests it in a browser."""

import asyncio
import colorsys
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from spacy.language import Language

from spacy_xner.pipeline.colors import COLORS
from spacy_xner.tools.hues import ANGLE

pytest.importorskip("fastapi", reason="needs the extra serve")

from spacy_xner.serving.app import create_app
from spacy_xner.serving.pages import PAGE
from spacy_xner.serving.settings import Settings

SCRIPTS = sorted(PAGE.glob("*.js"))
MESSAGES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in PAGE.glob("texts/*.json")}
PLACEHOLDER = re.compile(r"\{(\w+)\}")
# What would make HTML or code of a string, or load something from elsewhere.
FORBIDDEN = re.compile(
    r"\.(inner|outer)HTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function"
    r"|setAttribute\(\"style|https?://|//cdn"
)


class Elements(HTMLParser):
    """Collects the elements of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] in ("script", "style"):
            self.scripts += data.strip()


@pytest.fixture(scope="module")
def index() -> Elements:
    elements = Elements()
    elements.feed((PAGE / "index.html").read_text(encoding="utf-8"))
    return elements


Get = Callable[[str], tuple[int, dict[str, str]]]


@pytest.fixture(scope="module")
def get(trained: Language) -> Get:
    """Return a function that gets a path without a token, and returns status and headers."""
    app = create_app({"slips": trained}, Settings(token="secret"))

    def get_path(path: str) -> tuple[int, dict[str, str]]:
        starts: list[Any] = []
        bodies = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> dict[str, Any]:
            if not bodies:
                # The client stays connected.
                await asyncio.Event().wait()
            return bodies.pop()

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                starts.append(message)

        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
        }
        scope |= {
            "headers": [],
            "root_path": "",
            "scheme": "http",
            "http_version": "1.1",
            "server": ("test", 80),
        }
        asyncio.run(app(scope, receive, send))
        headers = {name.decode().lower(): value.decode() for name, value in starts[0]["headers"]}
        return starts[0]["status"], headers

    return get_path


def all_texts(messages: dict[str, str | dict[str, str]]) -> dict[str, list[str]]:
    return {key: [text] if isinstance(text, str) else list(text.values()) for key, text in messages.items()}


def test_package_has_the_files() -> None:
    package = files("spacy_xner") / "serving" / "page"
    for name in ("index.html", "style.css", "app.js", "icon.svg", "texts/en.json", "texts/zh.json"):
        assert (package / name).is_file(), name


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/static/style.css", "/static/texts/zh.json"])
def test_files_are_public_and_answered_with_a_strict_policy(get: Get, path: str) -> None:
    status, headers = get(path)
    assert status == 200
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-cache"


def test_modules_have_the_type_that_browsers_run(get: Get) -> None:
    for script in SCRIPTS:
        assert get(f"/static/{script.name}")[1]["content-type"].startswith("text/javascript")


@pytest.mark.parametrize("path", ["/static/../app.py", "/static//etc/passwd", "/static/texts/../../app.py"])
def test_nothing_outside_of_the_folder_is_answered(get: Get, path: str) -> None:
    assert get(path)[0] == 404


def test_page_has_neither_inline_code_nor_inline_style(index: Elements) -> None:
    assert index.scripts == ""
    for tag, attributes in index.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], (
            tag,
            attributes,
        )


def test_page_loads_only_files_of_its_own(index: Elements) -> None:
    loaded = [value for _, attrs in index.elements for key, value in attrs.items() if key in ("src", "href")]
    assert loaded
    for name in loaded:
        assert name is not None
        assert name.startswith("#") or (PAGE / name.removeprefix("static/")).is_file(), name


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_modules_set_text_as_text(script: Path) -> None:
    source = script.read_text(encoding="utf-8")
    assert not FORBIDDEN.search(source)
    for name in re.findall(r'from "\./([^"]+)"', source):
        assert (PAGE / name).is_file(), name
    assert source.count("\n") < 300


def test_languages_have_equal_messages() -> None:
    english, chinese = MESSAGES["en"], MESSAGES["zh"]
    assert list(english) == list(chinese)
    for key, texts in all_texts(english).items():
        used = {name for text in texts for name in PLACEHOLDER.findall(text)}
        for text in all_texts(chinese)[key]:
            assert set(PLACEHOLDER.findall(text)) == used, key


def test_plurals_are_those_of_their_language() -> None:
    for key, message in MESSAGES["en"].items():
        if isinstance(message, dict):
            assert (set(message), set(MESSAGES["zh"][key])) == ({"one", "other"}, {"other"}), key


def test_every_message_is_used_and_every_used_message_exists(index: Elements) -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    in_page = {
        value
        for _, attrs in index.elements
        for key, value in attrs.items()
        if key in ("data-t", "data-t-label", "data-t-placeholder")
    }
    literal = set(re.findall(r'\bt\(\s*"(\w+)"', sources))
    assert (in_page | literal) <= set(MESSAGES["en"])
    quoted = set(re.findall(r'"(\w+)"', sources)) | {f"column_{name}" for name in re.findall(r"\w+", sources)}
    assert set(MESSAGES["en"]) <= in_page | quoted


def test_examples_have_as_many_texts_in_each_language() -> None:
    assert {len(messages["example"].splitlines()) for messages in MESSAGES.values()} == {5}


def test_hues_are_those_of_displacy_and_of_other_pages() -> None:
    source = (PAGE / "hues.js").read_text(encoding="utf-8")
    known = {name: int(hue) for name, hue in re.findall(r"([A-Z]+): (\d+)", source)}
    for label, hue in known.items():
        red, green, blue = (int(COLORS[label][i : i + 2], 16) / 255 for i in (1, 3, 5))
        assert abs(colorsys.rgb_to_hls(red, green, blue)[0] * 360 - hue) <= 1, label
    assert set(known) == set(COLORS) - {"MISC"}
    assert f"ANGLE = {ANGLE};" in source
