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
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.driver import Driver

from cvbench_tui.terminal import Terminal
from cvbench_tui.tui.terminal.ascii_driver import ascii_driver, colourless_driver, driver_for
from cvbench_tui.tui.terminal.clipboard import wrap

APP = """
import os, sys
from textual.app import App
from textual.widgets import Button, Checkbox, DataTable, Footer, Header, Input, ProgressBar, Sparkline, Static
from textual.widgets._toast import Toast
from cvbench_tui.terminal import look
from cvbench_tui.tui.terminal.ascii_driver import driver_for
from cvbench_tui.tui.terminal.theme import THEMES, no_colour_theme

terminal = look(os.environ, sys.argv[1])

class Small(App):
    TITLE = "K\\u00fcche"
    CSS = "Static { color: $text-success; background: $error; border: round $primary; }"
    BINDINGS = [("f2", "x", "Pfeil \\u2192")]

    def get_driver_class(self):
        return driver_for(super().get_driver_class(), terminal)

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
            self.theme = no_colour_theme()
        self.notify("toast \\u2026", severity="error")
        self.set_interval(0.05, self.leave)

    def leave(self):
        if self.query_one(DataTable).region and any(toast.region for toast in self.screen.query(Toast)):
            self.call_after_refresh(self.exit)

Small(ansi_color=None if terminal.colour else True).run()
"""


class Screen:
    """What a driver's base does with what is left."""

    def __init__(self) -> None:
        self.shown = ""

    def write(self, data: str) -> None:
        self.shown += data


def written(make: Any, *pieces: str) -> str:
    screen = make(Screen)()
    for piece in pieces:
        screen.write(piece)
    return str(screen.shown)


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
    "é\r\n日\r\n": "?\r\n??\r\n",
    "\x1b[1;38;2;1;2;3m│\x1b[0m": "\x1b[1;38;2;1;2;3m|\x1b[0m",
    "\x1b]0;Küche 日\x07│": "\x1b]0;K?che ?\x07|",
    "\x1b[?2026h\x1b[>5u\x1b(B\x1b7│": "\x1b[?2026h\x1b[>5u\x1b(B\x1b7|",
}


def test_cell_for_cell() -> None:
    assert {text: written(ascii_driver, text) for text in CELL_FOR_CELL} == CELL_FOR_CELL


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u200d\ufe0f")))
def test_any_text_keeps_its_width(text: str) -> None:
    shown = written(ascii_driver, f"é{text}")
    assert shown.isascii()
    assert len(shown) == cell_len(f"é{text}")


@given(st.text(st.sampled_from("\x1b[]P\\;m0123456789\x07│é\u200d\ufe0f日a")))
def test_nothing_but_ascii_whatever_comes(text: str) -> None:
    assert written(ascii_driver, text, "\x1b\\\x07│").isascii()


STYLES_LEFT = {
    "\x1b[0m": "\x1b[0m",
    "\x1b[m": "\x1b[m",
    "\x1b[1;31m": "\x1b[1m",
    "\x1b[97;105m": "",
    "\x1b[39;49m": "",
    "\x1b[2;38;5;7;4m": "\x1b[2;4m",
    "\x1b[7;38;2;1;4;7;48;2;2;3;4;9m": "\x1b[7;9m",
    "\x1b[38:2::1:2:3;4:3m": "\x1b[4:3m",
    "\x1b[58;5;1;22;23;24;27m": "\x1b[22;23;24;27m",
    "\x1b[38;5m": "",
    "\x1b[2J\x1b[38;1H": "\x1b[2J\x1b[38;1H",
}


def test_colours_go_and_styles_stay() -> None:
    shown = {sequence: written(colourless_driver, f"a{sequence}b") for sequence in STYLES_LEFT}
    assert shown == {sequence: f"a{left}b" for sequence, left in STYLES_LEFT.items()}


def test_a_sequence_in_two_pieces_is_one() -> None:
    whole = "\x1b[1;38;2;1;2;3m│\x1b]52;c;QUJD\x07é\x1b[0m"
    for cut in range(len(whole)):
        assert written(colourless_driver, whole[:cut], whole[cut:]) == "\x1b[1m│\x1b]52;c;QUJD\x07é\x1b[0m"
        assert written(ascii_driver, whole[:cut], whole[cut:]) == "\x1b[1;38;2;1;2;3m|\x1b]52;c;QUJD\x07?\x1b[0m"


def test_the_clipboards_envelope_goes_through() -> None:
    for multiplexer in ("tmux", "screen"):
        sequence = wrap("QUJD" * 300, multiplexer)
        assert written(ascii_driver, sequence) == sequence, multiplexer
        assert written(colourless_driver, sequence) == sequence, multiplexer


def test_the_terminal_decides() -> None:
    class Base(Driver):
        pass

    assert driver_for(Base, Terminal()) is Base
    both: Any = driver_for(Screen, Terminal(ascii=True, colour=False))  # type: ignore[arg-type]
    screen = both()
    screen.write("\x1b[1;31m│")
    assert screen.shown == "\x1b[1m|"


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
