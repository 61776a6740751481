"""Text in ASCII stays readable, and nothing else comes out whatever goes in."""

from __future__ import annotations

# ruff: noqa: RUF001 - characters that look like others are what this is about
from hypothesis import given
from hypothesis import strategies as st

from cvbench_tui.results.text.ascii import DRAWN, WORDS, to_ascii
from tests.every import every


@every(
    ("text", "expected"),
    [
        ("41.20 ms ±0.4% A", "41.20 ms +-0.4% A"),
        ("3 µs, 3 μs", "3 us, 3 us"),
        ("224×224 … → 5–7", "224x224 ... -> 5-7"),
        ("61 °C", "61 degC"),
        ("┌─┬╮│█▄▁", "+-++|#=_"),
        ("“x” ‘y’", "\"x\" 'y'"),
        ("é 日 😀", "\\u00e9 \\u65e5 \\U0001f600"),
        ("a\nb\tc\\u", "a\nb\tc\\u"),
        ("\udc80", "\\udc80"),
    ],
)
def test_readable(text: str, expected: str) -> None:
    assert to_ascii(text) == expected


@given(st.text(st.characters()))
def test_nothing_but_ascii_comes_out(text: str) -> None:
    assert to_ascii(text).isascii()


def test_every_word_is_ascii_and_every_drawn_character_one() -> None:
    assert all(word.isascii() for word in WORDS.values())
    assert {len(drawn) for drawn in DRAWN.values()} == {1}
