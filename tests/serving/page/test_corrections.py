"""Entities are corrected in place, and back again."""

from collections.abc import Callable
from typing import Any

import pytest
from spacy.language import Language

from .conftest import PLAIN, SLIP, find, predict, press, read


def box(page: Any, start: int, end: int) -> dict[str, float]:
    """Return where characters of the first text are in the window; offsets as JavaScript counts them."""
    found: dict[str, float] = page.evaluate(
        """([start, end]) => {
          const walker = document.createTreeWalker(document.querySelector(".text"), NodeFilter.SHOW_TEXT);
          const range = document.createRange();
          let at = 0;
          for (let node = walker.nextNode(); node; at += node.length, node = walker.nextNode()) {
            if (at <= start && start < at + node.length) range.setStart(node, start - at);
            if (at < end && end <= at + node.length) range.setEnd(node, end - at);
          }
          const { left, right, top, bottom } = range.getBoundingClientRect();
          return { left, right, y: (top + bottom) / 2 };
        }""",
        [start, end],
    )
    return found


def drag(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    page.mouse.move(*end, steps=4)
    page.mouse.up()


def select(page: Any, start: int, end: int) -> None:
    """Select characters with the pointer."""
    place = box(page, start, end)
    drag(page, (place["left"] + 0.5, place["y"]), (place["right"] - 0.5, place["y"]))


def knob(page: Any, side: str) -> tuple[float, float]:
    """Return where a handle can be caught."""
    handle = page.locator(f".handle.{side}").bounding_box()
    return handle["x"] + 1, handle["y"] - 2 if side == "start" else handle["y"] + handle["height"] + 2


def label(page: Any, name: str) -> None:
    page.click(f"#labels [data-label={name}]")


def say(page: Any) -> str:
    """Return what screen readers were told last."""
    return str(page.inner_text("#live")).replace("\u00a0", "")


@pytest.fixture
def empty_page(open_page: Callable[..., Any], url: str) -> Any:
    """Return the page with a text without entities."""
    page = open_page(url)
    find(page, PLAIN)
    for _ in read(page)[0].entities:
        press(page, ".", "Delete")
    assert read(page)[0].entities == []
    return page


def test_selected_characters_get_a_label(empty_page: Any) -> None:
    select(empty_page, 0, 7)
    assert "nothing" in empty_page.inner_text("#target")
    label(empty_page, "PER")
    assert read(empty_page)[0].entities == [(0, 7, "PER")]
    assert say(empty_page) == "nothing is PER."
    assert empty_page.is_checked(".card footer input")


def test_selection_after_an_emoji_has_the_right_offsets(page: Any) -> None:
    start = SLIP.index("13800138000")
    utf16 = len(SLIP[:start].encode("utf-16-le")) // 2
    select(page, utf16, utf16 + 3)
    label(page, "PHONE")
    assert (start, start + 3, "PHONE") in read(page)[0].entities


def test_selection_is_widened_to_whole_characters(page: Any) -> None:
    # Half of a family.
    page.evaluate(
        "const walker = document.createTreeWalker(document.querySelector('.text'), NodeFilter.SHOW_TEXT);"
        "const node = walker.nextNode(); getSelection().setBaseAndExtent(node, 0, node, 4)"
    )
    label(page, "COURIER")
    assert (0, 5, "COURIER") in read(page)[0].entities


def test_white_space_around_a_selection_is_left_out(empty_page: Any) -> None:
    select(empty_page, 7, 11)
    label(empty_page, "PER")
    assert read(empty_page)[0].entities == [(8, 10, "PER")]
    select(empty_page, 7, 8)
    label(empty_page, "LOC")
    assert read(empty_page)[0].entities == [(8, 10, "PER")]


def test_label_is_changed_and_entity_removed(empty_page: Any) -> None:
    select(empty_page, 0, 7)
    label(empty_page, "PER")
    label(empty_page, "LOC")
    assert read(empty_page)[0].entities == [(0, 7, "LOC")]
    empty_page.click("#remove")
    assert read(empty_page)[0].entities == []


@pytest.mark.parametrize("may_overlap", [False, True])
def test_overlaps_are_kept_only_if_wanted(empty_page: Any, may_overlap: bool) -> None:
    empty_page.set_checked("#overlap", may_overlap)
    for (start, end), name in [((0, 7), "PER"), ((8, 15), "LOC"), ((4, 11), "PHONE")]:
        select(empty_page, start, end)
        label(empty_page, name)
    kept = [(0, 7, "PER"), (4, 10, "PHONE"), (8, 15, "LOC")] if may_overlap else [(4, 10, "PHONE")]
    assert [ent for ent in read(empty_page)[0].entities] == kept


def test_border_is_dragged(empty_page: Any) -> None:
    select(empty_page, 0, 7)
    label(empty_page, "PER")
    for side, target, expected in [
        ("end", 15, (0, 15)),
        ("start", 8, (8, 15)),
        ("end", 10, (8, 10)),
        ("start", 0, (0, 10)),
    ]:
        place = box(empty_page, target - 1, target) if side == "end" else box(empty_page, target, target + 1)
        x = place["right" if side == "end" else "left"]
        drag(empty_page, knob(empty_page, side), (x, place["y"]))
        assert read(empty_page)[0].entities == [(*expected, "PER")]


def test_dragged_border_stays_in_its_entity_and_escape_gives_up(empty_page: Any) -> None:
    select(empty_page, 8, 15)
    label(empty_page, "PER")
    x, y = knob(empty_page, "end")
    drag(empty_page, (x, y), (box(empty_page, 2, 3)["left"], y))
    (entity,) = read(empty_page)[0].entities
    assert entity[0] == 8
    assert entity[1] > 8
    empty_page.mouse.move(x, y)
    empty_page.mouse.down()
    empty_page.mouse.move(x + 60, y, steps=4)
    press(empty_page, "Escape")
    empty_page.mouse.up()
    assert read(empty_page)[0].entities == [entity]


def test_undo_and_redo_go_through_all_texts(open_page: Callable[..., Any], url: str) -> None:
    page = open_page(url)
    find(page, SLIP, PLAIN)
    states = [read(page)]
    for keys in [(".", "Delete"), (".", "1"), ("PageDown", "Shift+End", "2"), ("Alt+ArrowLeft",), ("Enter",)]:
        press(page, *keys)
        states.append(read(page))
    assert len(states) == 6
    assert states[-1] == states[-2]
    for state in states[3::-1]:
        press(page, "Control+z")
        assert read(page) == state
    while "Nothing" not in say(page):
        press(page, "Control+z")
    assert read(page) == states[0]
    page.click("#redo")
    while "Nothing" not in say(page):
        press(page, "Control+Shift+z")
    assert read(page) == states[-1]


def test_nothing_can_be_typed_into_a_text(page: Any) -> None:
    page.click(".text")
    press(page, "x", "Backspace", "Control+v", "Control+x", "Shift+Enter")
    page.keyboard.insert_text("typed")
    page.keyboard.type("中 typed")
    assert read(page)[0].text == SLIP


def test_prediction_is_restored(page: Any, nlp: Language) -> None:
    before = read(page)
    assert before[0].entities == predict(nlp, SLIP)
    press(page, ".", "Delete")
    assert read(page) != before
    page.click("text=Back to the prediction")
    assert read(page) == before
    assert not page.is_checked(".card footer input")


def test_corrected_texts_do_not_follow_the_threshold(page: Any) -> None:
    press(page, ".", "Delete")
    before = read(page)
    page.focus("#threshold")
    press(page, "End")
    assert read(page) == before


def test_new_label(empty_page: Any) -> None:
    select(empty_page, 0, 7)
    empty_page.fill("#new-label input", "THING")
    press(empty_page, "Enter")
    assert read(empty_page)[0].entities == [(0, 7, "THING")]
    assert empty_page.locator("#labels [data-label=THING]").count() == 1
