"""Tokens, limits and a busy service: each is explained in one line, and nothing is lost."""

import json
from collections.abc import Callable
from typing import Any

from spacy.language import Language

from .conftest import find, predict, read, serving, upload


def test_token_is_asked_for_and_sent(open_page: Callable[..., Any], nlp: Language) -> None:
    with serving({"slips": nlp}, token="open sesame") as url:
        page = open_page(url)
        page.wait_for_selector("#login[open]")
        page.fill("#token", "wrong")
        page.keyboard.press("Enter")
        page.locator("#token-hint", has_text="not accepted").wait_for()
        page.fill("#token", "open sesame")
        page.keyboard.press("Enter")
        find(page, "张伟 13800138000")
        assert read(page)[0].entities == predict(nlp, "张伟 13800138000")
        page.reload()
        page.wait_for_selector("#find:enabled")
        assert not page.is_visible("#login")


def test_without_a_token_the_page_says_so(open_page: Callable[..., Any], nlp: Language) -> None:
    with serving({"slips": nlp}, token="open sesame") as url:
        page = open_page(url)
        page.click("#login button[value='']")
        page.locator("#problem", has_text="asks for a token").wait_for()


def test_too_long_texts_are_named_and_the_others_predicted(
    open_page: Callable[..., Any], nlp: Language
) -> None:
    with serving({"slips": nlp}, max_chars=40, max_texts=3) as url:
        page = open_page(url)
        texts = [f"张伟 13800138000 {i}" for i in range(7)]
        find(page, *texts[:3], "x" * 41, *texts[3:])
        page.select_option("#order", "given")
        for card in read(page):
            assert card.entities == (predict(nlp, card.text) if len(card.text) < 40 else [])
        assert page.inner_text("#problem").startswith(
            "1 text could not be read: Too large for this service: A text must"
        )
        assert "at most 40 characters" in page.locator(".card footer .bad").inner_text()


def test_half_a_character_is_named(open_page: Callable[..., Any], url: str) -> None:
    page = open_page(url)
    upload(page, "a.jsonl", '{"text": "bad \\ud800"}\n{"text": "张伟"}\n')
    page.wait_for_selector("#results:visible")
    assert "lone surrogate" in page.inner_text("#problem")
    assert len(read(page)) == 2


def test_busy_service_is_asked_again_when_it_says(open_page: Callable[..., Any], url: str) -> None:
    page = open_page(url)
    answers: list[int] = []

    def answer(route: Any) -> None:
        answers.append(503 if len(answers) < 2 else 200)
        if answers[-1] == 200:
            route.continue_()
        else:
            route.fulfill(
                status=503, headers={"Retry-After": "1"}, body=json.dumps({"detail": "The queue is full."})
            )

    page.route("**/v1/predict", answer)
    page.fill("#paste", "张伟")
    page.click("#find:enabled")
    page.locator("#progress", has_text="busy; next try in 1 second.").wait_for()
    page.wait_for_selector("#results:visible")
    assert answers == [503, 503, 200]
    assert not page.is_visible("#problem")


def test_waiting_can_be_cancelled(open_page: Callable[..., Any], url: str) -> None:
    page = open_page(url)
    page.route(
        "**/v1/predict", lambda route: route.fulfill(status=503, headers={"Retry-After": "60"}, body="{}")
    )
    page.fill("#paste", "张伟")
    page.click("#find:enabled")
    page.locator("#progress", has_text="busy").wait_for()
    page.click("#cancel")
    page.wait_for_selector("#progress", state="hidden")
    assert not page.is_visible("#problem")
    assert page.input_value("#paste") == "张伟"


def test_stopped_service_is_explained(open_page: Callable[..., Any], nlp: Language) -> None:
    with serving({"slips": nlp}) as url:
        page = open_page(url)
        find(page, "张伟 13800138000")
        before = read(page)
    page.click("#find")
    page.locator("#problem", has_text="cannot be reached").wait_for()
    assert read(page) == before


def test_corrections_are_not_thrown_away_without_asking(open_page: Callable[..., Any], url: str) -> None:
    page = open_page(url)
    questions: list[str] = []
    find(page, "张伟 13800138000")
    page.locator(".card footer input").check()
    page.on("dialog", lambda dialog: questions.append(dialog.message))
    page.click("#find")
    page.wait_for_function("() => !document.querySelector('.card footer input').checked")
    assert questions == ["There are corrections that were not downloaded."]


def test_several_models_are_offered(open_page: Callable[..., Any], nlp: Language) -> None:
    with serving({"first": nlp, "second": nlp}) as url:
        page = open_page(url)
        bodies: list[Any] = []
        page.on("request", lambda request: request.post_data and bodies.append(json.loads(request.post_data)))
        page.wait_for_selector("#model:visible")
        page.select_option("#model", "second")
        find(page, "张伟")
        assert bodies[-1]["model"] == "second"
