from __future__ import annotations

import rich.cells
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cvbench_tui.base.cells import cell_len, set_cell_size, shorten


@settings(max_examples=200)
@given(st.text(max_size=30), st.integers(0, 30))
@example("\u200dab\ufe0f", 1)
@example("\x00\u0301\u6a21", 1)
def test_a_shortened_text_fits_and_says_so(text: str, cells: int) -> None:
    short = shorten(text, cells)
    assert cell_len(short) <= cells or short == text
    if short != text:
        assert cell_len(text) > cells
        assert short.endswith("..."[:cells])


def test_wide_letters_are_never_halved_and_marks_take_no_room() -> None:
    assert shorten("\u6a21\u578b\u6a21\u578b", 7) == "\u6a21\u578b..."
    assert shorten("\u6a21\u578b\u6a21\u578b", 6) == "\u6a21..."
    assert shorten("e\u0301" * 5, 5) == "e\u0301" * 5
    assert cell_len("e\u0301\u6a21") == 3
    assert (shorten("abcdef", 2), shorten("abcdef", 0), shorten("abcdef", 6)) == ("..", "", "abcdef")


@given(st.text(max_size=20), st.integers(-2, 30))
def test_widths_are_those_that_rich_draws(text: str, cells: int) -> None:
    assert cell_len(text) == rich.cells.cell_len(text)
    assert set_cell_size(text, cells) == rich.cells.set_cell_size(text, cells)
