"""No piece is lost, every token is whole where it can be, and each is read where it is most central."""

from itertools import accumulate, pairwise

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


@given(st.integers(3, 30), st.integers(0, 29), st.integers(1, 200))
def test_windows_of_single_pieces(capacity: int, overlap: int, n_more: int) -> None:
    overlap = min(overlap, capacity - 1)
    total, step = capacity + n_more, capacity - overlap
    windows = plan_windows([1] * total, capacity, overlap)
    # As few full windows as possible, and only the last one is moved back.
    assert len(windows) == 1 + -(-n_more // step)
    assert [window.start for window in windows] == [*range(0, n_more, step), n_more]
    assert all(window.end - window.start == capacity for window in windows)
    # Each piece comes from the window whose middle is the nearest.
    for window in windows:
        for piece in range(window.keep_start, window.keep_end):
            distances = [abs(2 * piece + 1 - other.start - other.end) for other in windows]
            assert distances[windows.index(window)] == min(distances)


@given(st.lists(st.integers(1, 3), min_size=20, max_size=80), st.integers(12, 19), st.integers(6, 8))
def test_windows_are_as_long_as_borders_let_them(counts: list[int], capacity: int, overlap: int) -> None:
    borders = [0, *accumulate(counts)]
    windows = plan_windows(counts, capacity, overlap)
    for window, following in pairwise(windows):
        assert not any(window.end < border <= window.start + capacity for border in borders)
        middle = (window.end + following.start) // 2
        assert window.keep_end == min(border for border in borders if border >= middle)
        if following is not windows[-1]:
            assert following.start == min(border for border in borders if border >= window.end - overlap)
    before, last = windows[-2:]
    assert last.start == min(b for b in borders if b > before.start and borders[-1] - b <= capacity)


def test_windows_of_a_short_text_are_one() -> None:
    assert plan_windows([1, 2, 1], 4, 2) == [Window(0, 4, 0, 4)]
    assert plan_windows([], 4, 2) == [Window(0, 0, 0, 0)]


def test_windows_share_their_overlap_half_and_half() -> None:
    assert plan_windows([1] * 14, 10, 6) == [Window(0, 10, 0, 7), Window(4, 14, 7, 14)]


def test_last_window_moves_back() -> None:
    # Two pieces are left: the last window has eight more before them, not only the overlap.
    assert plan_windows([1] * 12, 10, 2) == [Window(0, 10, 0, 6), Window(2, 12, 6, 12)]
    # But begins with a whole token.
    assert plan_windows([1, 2, *[1] * 9], 10, 2) == [Window(0, 10, 0, 6), Window(3, 12, 6, 12)]
    assert plan_windows([1, 3, *[1] * 8], 10, 2) == [Window(0, 10, 0, 7), Window(4, 12, 7, 12)]


def test_windows_cut_a_token_longer_than_a_window() -> None:
    assert plan_windows([1, 25, 1], 10, 4) == [
        Window(0, 1, 0, 1),
        Window(1, 11, 1, 9),
        Window(7, 17, 9, 15),
        Window(13, 23, 15, 20),
        Window(17, 27, 20, 27),
    ]
