"""No piece is lost, and every token is whole where it can be."""

from hypothesis import given
from hypothesis import strategies as st

from spacy_xner.nn.encoder.windows import Window, plan_windows

COUNTS = st.lists(st.integers(1, 12), min_size=1, max_size=80)


@given(COUNTS, st.integers(2, 30), st.integers(0, 29))
def test_windows_keep_every_piece_once(counts: list[int], capacity: int, overlap: int) -> None:
    windows = plan_windows(counts, capacity, min(overlap, capacity - 1))
    kept = [piece for window in windows for piece in range(window.keep_start, window.keep_end)]
    assert kept == list(range(sum(counts)))
    for window in windows:
        assert 0 < window.end - window.start <= capacity
        assert window.start <= window.keep_start <= window.keep_end <= window.end


@given(st.lists(st.integers(1, 3), min_size=1, max_size=80), st.integers(12, 30), st.integers(6, 8))
def test_windows_cut_at_token_borders(counts: list[int], capacity: int, overlap: int) -> None:
    borders = {sum(counts[:i]) for i in range(len(counts) + 1)}
    for window in plan_windows(counts, capacity, overlap):
        assert set(window) <= borders


def test_windows_of_a_short_text_are_one() -> None:
    assert plan_windows([1, 2, 1], 4, 2) == [Window(0, 4, 0, 4)]


def test_windows_share_their_overlap_half_and_half() -> None:
    assert plan_windows([1] * 14, 10, 6) == [Window(0, 10, 0, 7), Window(4, 14, 7, 14)]


def test_windows_cut_a_token_longer_than_a_window() -> None:
    windows = plan_windows([1, 25, 1], 10, 4)
    assert len(windows) > 2
    assert sum(window.keep_end - window.keep_start for window in windows) == 27
