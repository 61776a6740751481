"""One-shot timers that come late rather than never.

Textual 8.2's timer leaves out a beat that is overdue when its task gets its first turn, and a one-shot timer has no
other: while another thread holds the interpreter's lock (reading a row takes about 10 ms) a timer of a few milliseconds
is lost now and then, and whoever waits for it waits for ever. So did the app for a change of its size.
"""

from __future__ import annotations

from textual.timer import Timer


def once(timer: Timer) -> Timer:
    """The timer, just made, without the leaving out."""
    timer._skip = False
    return timer
