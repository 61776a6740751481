"""Text into the clipboard, by every way that may work from here, with one sentence about what was done. A terminal does
not report whether it accepted an OSC 52, so the sentence does not claim it. No clipboard is read.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from textual.app import App

from cvbench_tui.terminal import Terminal

MAX_WAIT_S = 1.0  # a tool that has not answered by then is given up: no display server behind it, most likely
MAX_BASE64 = 74_000  # longest text of an OSC 52 that is tried. hterm takes 100,000 characters in all, others less.
SCREEN_PIECE = 250  # characters in one piece for GNU screen, which drops a string longer than 256 in its older versions


def copy(app: App[Any], text: str, terminal: Terminal) -> str:
    """Copy, and say how. Raises nothing; waits for other programs at most ``MAX_WAIT_S``.

    In a browser Textual's own way is taken. Else a clipboard program, when the screen is this machine's own; tmux's
    buffer, inside tmux; and OSC 52 for the terminal, when it is not too long for one.
    """
    if app.is_web:
        app.copy_to_clipboard(text)
        return "Copied, if the browser allows it."
    tool = [] if terminal.remote else tool_for(os.environ)
    copied = bool(tool) and _pipe(tool, text)
    buffered = terminal.multiplexer == "tmux" and _pipe(["tmux", "load-buffer", "-w", "-"], text)
    encoded = base64.b64encode(text.encode(errors="replace")).decode("ascii")
    if len(encoded) <= MAX_BASE64:
        app.copy_to_clipboard(text.encode(errors="replace").decode())  # tmux with set-clipboard on passes it on itself
        wrapped = wrap(encoded, terminal.multiplexer)
        if wrapped and app._driver is not None:  # Textual has no public way to write a sequence of one's own
            app._driver.write(wrapped)
        hint = " (tmux: set -g set-clipboard on)" if terminal.multiplexer == "tmux" else ""
        said = f"Sent to the terminal as OSC 52; whether it was accepted depends on the terminal{hint}."
    else:
        too_long = f"The text has {len(encoded) / 1000:.0f} kB as OSC 52, and many terminals refuse more than 74 kB"
        said = f"{too_long}: save it to a file instead."
    if copied:
        return f"Copied with {tool[0]}."
    return f"Copied to tmux's buffer (paste: prefix ]). {said}" if buffered else said


def tool_for(environ: Mapping[str, str], platform: str = sys.platform) -> list[str]:
    """The clipboard program for this display, installed or not, which reads UTF-8 from stdin; empty without any."""
    if platform == "darwin":
        return ["pbcopy"]
    if platform == "win32":
        return ["clip"]
    if environ.get("WAYLAND_DISPLAY") and shutil.which("wl-copy"):
        return ["wl-copy"]
    if environ.get("DISPLAY"):
        return ["xclip", "-selection", "clipboard"] if shutil.which("xclip") else ["xsel", "--clipboard", "--input"]
    return []


def _pipe(command: list[str], text: str) -> bool:
    """True when the program took the text and said so in time."""
    # Its outputs are no pipes: xclip and wl-copy leave a child that has them open for as long as it owns the clipboard.
    encoding = "utf-16-le" if command[0] == "clip" else "utf-8"
    try:
        done = subprocess.run(
            command,
            input=text.encode(encoding, errors="replace"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=MAX_WAIT_S / 2,  # at most two programs are tried
            start_new_session=True,
            check=False,
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return False
    return done.returncode == 0


def wrap(encoded: str, multiplexer: str) -> str:
    """OSC 52 of that base64 in the envelope that ``tmux`` or ``screen`` takes off; empty outside of both."""
    sequence = f"\x1b]52;c;{encoded}\x07"
    if multiplexer == "tmux":
        doubled = sequence.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{doubled}\x1b\\"
    if multiplexer == "screen":
        pieces = (sequence[start : start + SCREEN_PIECE] for start in range(0, len(sequence), SCREEN_PIECE))
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return ""
