"""All of it works with the keyboard alone."""

from collections.abc import Callable
from typing import Any

from .conftest import PLAIN, find, press, read


def test_keyboard_alone(open_page: Callable[..., Any], url: str) -> None:
    page = open_page(url)
    page.wait_for_selector("#find:enabled")
    while page.evaluate("document.activeElement.id") != "paste":
        press(page, "Tab")
    page.keyboard.type(PLAIN)
    press(page, "Enter")
    page.keyboard.type("二 two")
    press(page, "Control+Enter")
    page.wait_for_selector("#results:visible")
    assert page.evaluate("document.activeElement.className") == "text"
    for _ in range(20):
        press(page, "PageUp", ".", "Delete", "PageDown", ".", "Delete")
    assert [card.entities for card in read(page)] == [[], []]
    press(page, "PageUp", "PageUp", "Home", *["Shift+ArrowRight"] * 3)
    selected = page.evaluate("getSelection().toString()")
    assert len(selected) == 3
    press(page, "2")
    (entity,) = read(page)[0].entities
    assert entity[:2] == (0, 3)
    assert page.evaluate("document.activeElement.className") == "text"
    press(page, "Alt+ArrowRight", "Alt+ArrowRight", "Alt+Shift+ArrowRight")
    assert read(page)[0].entities == [(1, 5, entity[2])]
    press(page, "Alt+Shift+ArrowLeft", "Alt+ArrowLeft")
    assert read(page)[0].entities == [(0, 4, entity[2])]
    # Into the bar, to another label, and back.
    press(page, "Space", "ArrowRight", "Enter")
    labels = page.locator("#labels button").evaluate_all("all => all.map(el => el.dataset.label)")
    assert read(page)[0].entities == [(0, 4, labels[1])] if labels[1] != entity[2] else True
    assert page.evaluate("document.activeElement.className") == "text"
    press(page, "Space")
    assert page.evaluate("document.activeElement.dataset.label") == labels[0]
    press(page, "Escape", "Delete")
    assert read(page)[0].entities == []
    press(page, "Control+z")
    assert len(read(page)[0].entities) == 1
    press(page, "?")
    assert page.is_visible("#help")
    press(page, "Escape")
    assert not page.is_visible("#help")


def test_every_stop_of_the_tab_key_can_be_seen(page: Any) -> None:
    page.click("h1")
    seen = []
    for _ in range(40):
        press(page, "Tab")
        seen.append(
            page.evaluate(
                """() => {
                  const el = document.activeElement, style = getComputedStyle(el);
                  const card = el.closest(".card");
                  const isFrame = el.matches(".text") && getComputedStyle(card).boxShadow !== "none";
                  return [el.id || el.className || el.tagName, isFrame || style.outlineStyle !== "none"];
                }"""
            )
        )
        if seen[-1][0] == "BODY":
            break
    assert [name for name, is_visible in seen if not is_visible and name != "BODY"] == []
    assert {"paste", "find", "threshold", "text", "format"} <= {name for name, _ in seen}


def test_arrows_move_borders_to_their_side_in_right_to_left_text(
    open_page: Callable[..., Any], url: str
) -> None:
    text = "محمد علي شارع"
    page = open_page(url)
    find(page, text)
    for _ in read(page)[0].entities:
        press(page, ".", "Delete")
    press(page, "Home", *["Shift+ArrowLeft"] * 3, "1")
    (entity,) = read(page)[0].entities
    assert entity[:2] == (0, 3)
    press(page, "Alt+ArrowLeft")
    assert read(page)[0].entities[0][:2] == (0, 4)
    press(page, "Alt+ArrowRight", "Alt+ArrowRight")
    assert read(page)[0].entities[0][:2] == (0, 2)
