"""Copying: what is sent to the terminal, which program is asked, and that the sentence claims no more than is known."""

from __future__ import annotations

import base64
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver

from cvbench_tui.terminal import Terminal
from cvbench_tui.tui.terminal import clipboard
from cvbench_tui.tui.terminal.clipboard import MAX_BASE64, SCREEN_PIECE, copy, tool_for

TEXT = "| VGG16 | 3 µs |\n"
ENCODED = base64.b64encode(TEXT.encode()).decode()
UNKNOWN = "Sent to the terminal as OSC 52; whether it was accepted depends on the terminal"


class Recording(HeadlessDriver):
    """A driver that keeps what it was told to write."""

    web = False

    @property
    def is_web(self) -> bool:
        return self.web

    def write(self, data: str) -> None:
        sent.append(data)


sent: list[str] = []


class Copier(App[None]):
    """Nothing but something to copy from."""

    def get_driver_class(self) -> type[Recording]:
        return Recording


@pytest.fixture(autouse=True)
def nothing_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    sent.clear()
    for name in ("WAYLAND_DISPLAY", "DISPLAY", "TMUX"):
        monkeypatch.delenv(name, raising=False)


async def copied(text: str, terminal: Terminal) -> tuple[str, str]:
    """The sentence, and what the terminal got."""
    app = Copier()
    async with app.run_test():
        app._driver = Recording(app)
        sentence = copy(app, text, terminal)
    return sentence, "".join(piece for piece in sent if "52;c;" in piece)


def tool(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that is looked into first."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


async def test_osc_52_without_a_promise() -> None:
    assert await copied(TEXT, Terminal()) == (f"{UNKNOWN}.", f"\x1b]52;c;{ENCODED}\x07")


async def test_a_program_of_the_display_takes_it(tools: Path, patient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tools, "xclip", f'cat > "{tools}/taken"; echo "$@" > "{tools}/how"')
    monkeypatch.setenv("DISPLAY", ":7")
    sentence, shown = await copied(TEXT, Terminal())
    assert sentence == "Copied with xclip."
    assert (tools / "taken").read_text() == TEXT
    assert (tools / "how").read_text() == "-selection clipboard\n"
    assert shown


async def test_a_far_display_is_not_ours(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tools, "xclip", f'cat > "{tools}/taken"')
    monkeypatch.setenv("DISPLAY", ":7")
    assert (await copied(TEXT, Terminal(remote=True)))[0] == f"{UNKNOWN}."
    assert not (tools / "taken").exists()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that works is waited for, however loaded the machine is."""
    monkeypatch.setattr(clipboard, "MAX_WAIT_S", 600.0)


@pytest.mark.parametrize("script", ["exit 1", "exec sleep 600", "kill -9 $$"])
async def test_a_program_that_fails_or_hangs_is_given_up(
    tools: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    tool(tools, "wl-copy", script)
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-9")
    app = Copier()
    async with app.run_test():
        assert copy(app, "x" * 1_000_000, Terminal()).startswith("The text has 1333 kB as OSC 52")


async def test_a_program_that_leaves_a_child_behind_is_no_hang(
    tools: Path, patient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """xclip and wl-copy do: the child owns the clipboard."""
    tool(tools, "wl-copy", f"cat > /dev/null; sleep 600 & echo $! > {tools}/child")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-9")
    try:
        assert (await copied(TEXT, Terminal()))[0] == "Copied with wl-copy."
    finally:
        os.kill(int((tools / "child").read_text()), signal.SIGKILL)


async def test_too_long_for_a_terminal_is_said_and_not_sent() -> None:
    sentence, shown = await copied("x" * MAX_BASE64, Terminal())
    assert sentence.startswith("The text has 99 kB as OSC 52, and many terminals refuse more than 74 kB: save it")
    assert shown == ""


async def test_tmux_gets_it_bare_and_wrapped(tools: Path) -> None:
    tool(tools, "tmux", "exit 1")
    sentence, shown = await copied(TEXT, Terminal(multiplexer="tmux"))
    assert sentence == f"{UNKNOWN} (tmux: set -g set-clipboard on)."
    bare = f"\x1b]52;c;{ENCODED}\x07"
    assert shown == f"{bare}\x1bPtmux;\x1b{bare}\x1b\\"


async def test_screen_gets_it_in_pieces() -> None:
    sentence, shown = await copied("x" * 1000, Terminal(multiplexer="screen"))
    assert sentence == f"{UNKNOWN}."
    envelopes = re.findall(r"\x1bP(.*?)\x1b\\", shown, re.DOTALL)
    assert max(map(len, envelopes)) <= SCREEN_PIECE
    assert "".join(envelopes) == shown[: shown.index("\x07") + 1]


async def test_in_a_browser_it_is_textuals_business(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recording, "web", True)
    monkeypatch.setenv("DISPLAY", ":7")
    sentence, shown = await copied(TEXT, Terminal(multiplexer="tmux"))
    assert sentence == "Copied, if the browser allows it."
    assert shown == f"\x1b]52;c;{ENCODED}\x07"


async def test_any_text_can_be_copied() -> None:
    for text in ("", "\udc80\x00\x1b]52;c;x\x07", "日本\u202e"):
        sent.clear()
        sentence, shown = await copied(text, Terminal())
        assert sentence == f"{UNKNOWN}."
        assert shown.count("\x1b") == 1


def test_the_program_for_each_display(tools: Path) -> None:
    for name in ("wl-copy", "xclip"):
        tool(tools, name, "")
    assert tool_for({}, "linux") == []
    assert tool_for({"WAYLAND_DISPLAY": "w", "DISPLAY": ":0"}, "linux") == ["wl-copy"]
    assert tool_for({"DISPLAY": ":0"}, "linux")[0] == "xclip"
    assert tool_for({}, "darwin") == ["pbcopy"]
    assert tool_for({}, "win32") == ["clip"]


@pytest.fixture
def tmux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A tmux server of our own, as the variable TMUX names it."""
    if shutil.which("tmux") is None:
        pytest.skip("no tmux here")
    command = ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null"]
    subprocess.run([*command, "new-session", "-d", "-x", "80", "-y", "24", "sleep 600"], check=True)
    monkeypatch.setenv("TMUX", f"{tmp_path / 'socket'},0,0")
    yield command
    subprocess.run([*command, "kill-server"], check=True)


async def test_a_real_tmux_has_it_in_its_buffer(tmux: list[str], patient: None) -> None:
    sentence, _ = await copied(TEXT, Terminal(remote=True, multiplexer="tmux"))
    assert sentence.startswith("Copied to tmux's buffer (paste: prefix ]). Sent to the terminal")
    shown = subprocess.run([*tmux, "show-buffer"], capture_output=True, check=True)
    assert shown.stdout.decode() == TEXT
