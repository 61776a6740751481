"""Nothing but ASCII, and no colour, reaches a terminal that can show no more: byte by byte, in a real one too."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from cvbench_tui.terminal import Terminal
from cvbench_tui.tui.terminal.filters import AsciiFilter, ColourlessFilter, filters_for

BLACK = Color(0, 0, 0)

APP = """
import os, sys
from textual.app import App
from textual.widgets import Button, Checkbox, DataTable, Footer, Header, Input, ProgressBar, Sparkline, Static
from textual.widgets._toast import Toast
from cvbench_tui.terminal import look
from cvbench_tui.tui.terminal.filters import filters_for
from cvbench_tui.tui.terminal.theme import THEMES, NO_COLOUR

terminal = look(os.environ, sys.argv[1])
FILTERS = filters_for(terminal)

class Small(App):
    TITLE = "K\\u00fcche"
    CSS = "Static { color: $text-success; background: $error; border: round $primary; }"
    BINDINGS = [("f2", "x", "Pfeil \\u2192")]

    def get_line_filters(self):
        return [*super().get_line_filters(), *FILTERS]

    def compose(self):
        yield Header()
        yield Static("\\u00e9 \\u65e5\\u672c \\U0001f600 [red]", markup=False)
        yield from (Input("text"), Button("Go", variant="primary"), Checkbox("Tick"), ProgressBar(total=9))
        yield Sparkline([1, 2, 3, 4])
        table = DataTable()
        table.add_columns("one", "two")
        table.add_rows([("1", "\\u00b13"), ("2", "4")] * 40)
        yield table
        yield Footer()

    def on_mount(self):
        for theme in THEMES:
            self.register_theme(theme)
        if not terminal.colour:
            self.theme = NO_COLOUR
        self.notify("toast \\u2026", severity="error")
        self.set_interval(0.05, self.leave)

    def leave(self):
        if self.query_one(DataTable).region and any(toast.region for toast in self.screen.query(Toast)):
            self.call_after_refresh(self.exit)

Small(ansi_color=None if terminal.colour else True).run()
"""


def filtered(line_filter: LineFilter, text: str, style: Style | None = None) -> str:
    """What is left of a line of that text in that style, as a terminal gets it."""
    (segment,) = line_filter.apply([Segment(text, style)], BLACK)
    return segment.text if segment.style is None else segment.style.render(segment.text)


CELL_FOR_CELL = {
    "plain": "plain",
    "┌──┬┐│": "+--++|",
    "▁▂▃▄▅▆▇█ ░▒▓": "_.-=+*%# .:#",
    "▲▼ ↑↓ → ←": "^v ^v > <",
    "±0.4% 3 µs 2\u00d7 7…": "~0.4% 3 us 2x 7.",
    "é日\u672c😀": "???????",
    "e\u0301x a\u200bb": "ex ab",
    "👨\u200d👩\u200d👧|": "??|",
    "❤\ufe0f|": "??|",
    "1\ufe0f|": "??|",
}


def test_cell_for_cell() -> None:
    assert {text: filtered(AsciiFilter(), text) for text in CELL_FOR_CELL} == CELL_FOR_CELL
    assert [text for text, shown in CELL_FOR_CELL.items() if len(shown) != cell_len(text)] == []


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u200d\ufe0f")))
def test_any_text_keeps_its_width_and_is_ascii(text: str) -> None:
    shown = filtered(AsciiFilter(), f"é{text}")
    assert shown.isascii()
    assert len(shown) == cell_len(f"é{text}")


def test_the_style_of_what_is_replaced_stays() -> None:
    assert filtered(AsciiFilter(), "│", Style.parse("bold #010203")) == "\x1b[1;38;2;1;2;3m|\x1b[0m"


STYLES_LEFT = {
    "none": "ab",
    "bold red": "\x1b[1mab\x1b[0m",
    "bright_white on bright_magenta": "ab",
    "default on default": "ab",
    "dim color(7) underline": "\x1b[2;4mab\x1b[0m",
    "reverse #010407 on #020304 strike": "\x1b[7;9mab\x1b[0m",
    "italic on #020304 link https://example.org": "\x1b[3mab\x1b[0m",
}


def test_colours_go_and_styles_stay() -> None:
    def left(definition: str) -> str:
        shown = filtered(ColourlessFilter(), "ab", Style.parse(definition))
        return re.sub(r"\x1b\]8;[^\\]*\x1b\\", "", shown)  # links are no colour

    assert {definition: left(definition) for definition in STYLES_LEFT} == STYLES_LEFT


def test_a_click_still_finds_its_place() -> None:
    style = Style.parse("red") + Style.from_meta({"option": 3})
    for line_filter in (ColourlessFilter(), AsciiFilter()):
        (segment,) = line_filter.apply([Segment("│", style)], BLACK)
        assert segment.style is not None
        assert segment.style.meta == {"option": 3}


def test_the_terminal_decides() -> None:
    kinds = {
        (ascii_only, colour): [type(each) for each in filters_for(Terminal(ascii=ascii_only, colour=colour))]
        for ascii_only in (False, True)
        for colour in (False, True)
    }
    assert kinds == {
        (False, True): [],
        (True, True): [AsciiFilter],
        (False, False): [ColourlessFilter],
        (True, False): [AsciiFilter, ColourlessFilter],
    }


class Emulator:
    """The app above in a pseudo-terminal, until it ends."""

    BASE: ClassVar = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}

    @classmethod
    def bytes_of(cls, setting: str, **environ: str) -> bytes:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("LC_", "NO_COLOR", "TEXTUAL"))
        }
        process = subprocess.Popen(
            [sys.executable, "-c", APP, setting],
            stdin=slave, stdout=slave, stderr=slave, env={**kept, **cls.BASE, **environ}, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        drawn = b""
        while True:
            try:
                piece = os.read(master, 1 << 16)
            except OSError:  # Linux says so when the other side has gone
                break
            if not piece:
                break
            drawn += piece
        os.close(master)
        assert process.wait() == 0, drawn[-2000:]
        assert b"toast" in drawn
        return drawn


def colours_in(drawn: bytes) -> set[bytes]:
    """Codes of colours, the terminal's own included, wherever a style is set."""
    codes = {code for found in re.findall(rb"\x1b\[([0-9;:]*)m", drawn) for code in re.split(rb"[;:]", found)}
    return {code for code in codes if re.fullmatch(rb"[349][0-9]|10[0-7]", code)}


def test_a_real_terminal_gets_everything_it_can_show() -> None:
    drawn = Emulator.bytes_of("auto")
    assert colours_in(drawn) >= {b"38", b"48"}
    assert not drawn.isascii()


@pytest.mark.parametrize("environ", [{"LANG": "C"}, {"LC_ALL": "de_DE.ISO-8859-1"}])
def test_a_real_terminal_without_utf8_gets_ascii_only(environ: dict[str, str]) -> None:
    drawn = Emulator.bytes_of("auto", **environ)
    assert drawn.isascii()
    assert b"~3" in drawn
    assert colours_in(drawn) >= {b"38", b"48"}


def test_a_real_terminal_with_no_color_gets_no_colour_and_cursors_in_reverse() -> None:
    drawn = Emulator.bytes_of("auto", NO_COLOR="1")
    assert colours_in(drawn) == set()
    assert b"\x1b[7m" in drawn
    assert not drawn.isascii()


def test_both_at_once() -> None:
    drawn = Emulator.bytes_of("on", NO_COLOR="1")
    assert drawn.isascii()
    assert colours_in(drawn) == set()
