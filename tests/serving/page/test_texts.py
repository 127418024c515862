"""Texts come in, and their entities are shown: right, as text, in order, above the threshold."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from spacy.language import Language

from ...conftest import SLIPS
from .conftest import find, predict, read, upload

TEXTS = [text for text, _ in SLIPS]
HOSTILE = [
    "<script>alert(1)</script> 张伟 <img src=x onerror=alert(2)>",
    "\"double\" 'single' `back` & &amp; &#60; \\u003c 张伟",
    "إلى: محمد علي، 张伟 13800138000 شارع الملك",
    "👨‍👩‍👧‍👦 张伟 👍🏽 13800138000 é 北京市海淀区",
    "=1+1 张伟\u202e13800138000\u202c end\u2066",
    "张伟 13800138000 " * 350,
]


@pytest.fixture
def strict_nlp(nlp: Language) -> Iterator[Language]:
    """Return the pipeline with a threshold, as other tests have it without."""
    nlp.get_pipe("xner").threshold = 0.6  # type: ignore[attr-defined]
    yield nlp
    nlp.get_pipe("xner").threshold = 0.0


def test_pasted_texts_have_the_entities_of_the_pipeline(
    open_page: Callable[..., Any], url: str, nlp: Language
) -> None:
    page = open_page(url)
    find(page, *TEXTS, "", "   ")  # Blank lines are no texts.
    shown = read(page)
    assert {(card.text, tuple(card.entities)) for card in shown} == {
        (text, tuple(predict(nlp, text))) for text in TEXTS
    }
    assert sum(len(card.entities) for card in shown) > 4


def test_least_sure_text_comes_first(open_page: Callable[..., Any], url: str, nlp: Language) -> None:
    page = open_page(url)
    texts = [*TEXTS, "李娜 DHL 020-8888", "Anna 北京"]
    find(page, *texts)
    scores = {doc.text: doc._.xner_score for doc in nlp.pipe(texts)}
    assert len(set(scores.values())) > 3
    assert [card.text for card in read(page)] == sorted(texts, key=scores.__getitem__)
    page.select_option("#order", "given")
    assert [card.text for card in read(page)] == texts


def test_strength_follows_the_score(open_page: Callable[..., Any], url: str) -> None:
    page = open_page(url)
    find(page, *TEXTS, "李娜 DHL 020-8888")
    pairs = page.evaluate(
        "[...document.querySelectorAll('mark')].map(el => [parseInt(el.dataset.tag.split(' ').at(-1)),"
        " Number(el.style.getPropertyValue('--strength'))])"
    )
    assert len({score for score, _ in pairs}) > 2
    strengths = [strength for _, strength in sorted(pairs)]
    assert strengths == sorted(strengths)


def test_hostile_texts_are_shown_as_text(open_page: Callable[..., Any], url: str, nlp: Language) -> None:
    page = open_page(url)
    dialogs: list[object] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog))
    n_scripts = page.evaluate("document.querySelectorAll('script, img').length")
    find(page, *HOSTILE)
    page.select_option("#order", "given")
    shown = read(page)
    for card, text in zip(shown, HOSTILE, strict=True):
        assert card.text == text
        assert card.entities == predict(nlp, text)
    page.click("#tab-table")
    assert page.evaluate("document.querySelectorAll('script, img').length") == n_scripts
    assert not dialogs


def test_file_of_json_lines(open_page: Callable[..., Any], url: str, nlp: Language) -> None:
    texts = ["张伟\n13800138000\r\nDHL Express", "nul \0 and tab\t张伟", *HOSTILE]
    page = open_page(url)
    upload(page, "slips.jsonl", "".join(json.dumps({"text": text, "id": 1}) + "\n" for text in texts))
    page.wait_for_selector("mark")
    page.select_option("#order", "given")
    assert [(card.text, card.entities) for card in read(page)] == [
        (text, predict(nlp, text)) for text in texts
    ]
    assert page.inner_text("#file-name") == "slips.jsonl"
    page.click("#file-remove")
    assert page.is_visible("#paste")


def test_dropped_file(open_page: Callable[..., Any], url: str) -> None:
    page = open_page(url)
    page.wait_for_selector("#choose-file:enabled")
    transfer = page.evaluate_handle(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["张伟\\n\\nDHL"], "a.txt"));
          return data;
        }"""
    )
    page.dispatch_event("body", "dragover", {"dataTransfer": transfer})
    assert page.is_visible("#drop")
    page.dispatch_event("body", "drop", {"dataTransfer": transfer})
    page.wait_for_selector("#results:visible")
    assert sorted(card.text for card in read(page)) == ["DHL", "张伟"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.pdf", b"%PDF", "a.pdf cannot be read here."),
        ("a.txt", b"\xff\xfe\x00", "a.txt cannot be read here."),
        ("a.txt", b"\n \n", "a.txt has no texts."),
        ("a.jsonl", b'{"text": "x"}\n{"txt": 1}', 'a.jsonl, line 2: expected JSON with "text".'),
        ("a.jsonl", b"{", "a.jsonl, line 1:"),
    ],
)
def test_bad_files_get_one_line(
    open_page: Callable[..., Any], url: str, name: str, content: bytes, message: str
) -> None:
    page = open_page(url)
    upload(page, name, content)
    page.wait_for_selector("#problem:visible")
    assert page.inner_text("#problem").startswith(message)


def set_threshold(page: Any, percent: int) -> None:
    page.evaluate(
        "n => { const el = document.querySelector('#threshold'); el.value = n;"
        " el.dispatchEvent(new Event('input', {bubbles: true})); }",
        percent,
    )


def test_threshold_asks_the_service_only_below_its_own(
    open_page: Callable[..., Any], url: str, strict_nlp: Language
) -> None:
    page = open_page(url)
    posts: list[str] = []
    texts = [*TEXTS, "李娜 DHL 020-8888", "Anna 北京", "王芳 Tel 8888 Express"]
    find(page, *texts)
    page.on("request", lambda request: request.method == "POST" and posts.append(request.post_data))
    pipe = strict_nlp.get_pipe("xner")
    counts = []
    for threshold in (60, 80, 95, 60):
        set_threshold(page, threshold)
        pipe.threshold = threshold / 100
        expected = {text: predict(strict_nlp, text) for text in texts}
        assert {card.text: card.entities for card in read(page)} == expected
        counts.append(sum(map(len, expected.values())))
    page.wait_for_timeout(600)
    assert not posts
    pipe.threshold = 0.6
    set_threshold(page, 5)
    page.wait_for_function("n => document.querySelectorAll('mark').length > n", arg=counts[0])
    pipe.threshold = 0.05
    assert {card.text: card.entities for card in read(page)} == {
        text: predict(strict_nlp, text) for text in texts
    }
    assert [json.loads(post)["threshold"] for post in posts] == [0.05]


def test_table_is_sorted_and_copied_as_csv(open_page: Callable[..., Any], url: str, nlp: Language) -> None:
    page = open_page(url)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    texts = ['👍 张伟, "x" 13800138000 北京市海淀区', *TEXTS]
    find(page, *texts)
    page.click("#tab-table")
    assert page.get_attribute("th[data-column=score]", "aria-sort") == "ascending"
    scores = [int(cell.rstrip("%")) for cell in page.locator("tbody td:first-child").all_inner_texts()]
    assert scores == sorted(scores)
    page.click("th[data-column=label] button")
    labels = page.locator("tbody td:nth-child(2)").all_inner_texts()
    assert labels == sorted(labels)
    page.click("#copy")
    page.locator("#copy", has_text="copied").wait_for()
    rows = list(csv.reader(io.StringIO(page.evaluate("navigator.clipboard.readText()"))))
    assert rows[0] == ["Text", "Entity", "Label", "Score", "Start", "End"]
    assert [row[2] for row in rows[1:]] == labels
    expected = {
        (str(n), ent.text, ent.label_, str(ent.start_char), str(ent.end_char))
        for n, text in enumerate(texts, start=1)
        for ent in nlp(text).ents
    }
    assert {(row[0], row[1].removeprefix("'"), row[2], row[4], row[5]) for row in rows[1:]} == expected


def test_csv_has_no_formulas(open_page: Callable[..., Any], url: str) -> None:
    cells = [
        "=1+1",
        "+49 170",
        "-5",
        "@SUM(A1)",
        "\t=1",
        " =1",
        "\n=1",
        "＝1",
        'a"b',
        "a,b",
        "plain",
        "it's",
        " pad",
    ]
    page = open_page(url)
    text = page.evaluate(
        "async cells => (await import('/static/csv.js')).writeCsv(cells.map(cell => [cell]))", cells
    )
    read_back = [row[0] for row in csv.reader(io.StringIO(text, newline=""))]
    assert read_back == [
        "'" + cell if cell not in ('a"b', "a,b", "plain", "it's", " pad") else cell for cell in cells
    ]
    assert (
        page.evaluate("async () => (await import('/static/csv.js')).writeCsv([[-5, 0.25]])") == "-5,0.25\r\n"
    )


@pytest.mark.parametrize(
    "entities", [[(0, 6), (2, 4), (2, 4)], [(0, 4), (2, 6)], [(0, 4), (1, 6), (2, 5), (3, 8)]]
)
def test_overlapping_entities_are_drawn_around_their_characters(
    open_page: Callable[..., Any], url: str, entities: list[tuple[int, int]]
) -> None:
    page = open_page(url)
    parts = page.evaluate(
        """async places => {
          const { drawText } = await import("/static/marks.js");
          const el = document.createElement("div");
          const entities = places.map(([start, end], id) => ({ id, start, end, label: "X", score: 1 }));
          drawText(el, "012345678", entities, null);
          const parts = {};
          for (const { dataset, textContent } of el.querySelectorAll("mark"))
            parts[dataset.id] = (parts[dataset.id] ?? "") + textContent;
          return [el.textContent, Object.values(parts)];
        }""",
        entities,
    )
    assert parts == ["012345678", ["012345678"[start:end] for start, end in entities]]


def test_languages(open_page: Callable[..., Any], url: str) -> None:
    for locale, language, title in [
        ("zh-CN", "zh-CN", "识别实体"),
        ("zh-TW", "zh-CN", "识别实体"),
        ("fr-FR", "en", "Find entities"),
    ]:
        page = open_page(url, locale=locale)
        page.wait_for_selector("#find:enabled")
        assert page.inner_text("#find") == title
        assert page.get_attribute("html", "lang") == language


def test_many_texts_are_shown_in_steps(open_page: Callable[..., Any], url: str) -> None:
    page = open_page(url)
    page.fill("#paste", "\n".join(f"张伟 {i}" for i in range(120)))
    page.click("#find:enabled")
    page.wait_for_selector("#results:visible")
    assert page.locator(".card").count() == 50
    page.click("#more")
    page.click("#more")
    assert page.locator(".card").count() == 120
    assert not page.is_visible("#more")


def test_nothing_is_wider_than_a_phone(open_page: Callable[..., Any], url: str) -> None:
    page = open_page(url, viewport={"width": 360, "height": 700})
    find(page, *TEXTS, "W" * 300, HOSTILE[2])
    for tab in ("#tab-texts", "#tab-table"):
        page.click(tab)
        assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_examples_are_found_in_both_languages(open_page: Callable[..., Any], url: str) -> None:
    for locale in ("en-US", "zh-CN"):
        page = open_page(url, locale=locale)
        page.click("#example:enabled")
        page.wait_for_selector("#results:visible")
        assert len(read(page)) == 5


def test_any_label_has_a_hue_of_its_own(open_page: Callable[..., Any], url: str) -> None:
    labels = ["PER", "constructor", "__proto__", "<b>", "地址", *map(str, range(4))]
    hues = open_page(url).evaluate(
        "async labels => [...(await import('/static/hues.js')).chooseHues(labels).entries()]", labels
    )
    assert sorted(label for label, _ in hues) == sorted(labels)
    assert len({hue for _, hue in hues}) == len(labels)
    assert all(isinstance(hue, int) and 0 <= hue < 360 for _, hue in hues)
