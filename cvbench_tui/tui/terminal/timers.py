"""One-shot timers that fire late rather than never.

Textual 8.2's timer skips a tick that is overdue when its task first runs, and a one-shot timer has only one: where the
process is not scheduled for as long as the timer lasts (8 ms for a change of size), as on a busy machine, it never
fires.
"""

from __future__ import annotations

from textual.timer import Timer


def sure_timer(timer: Timer) -> Timer:
    """The timer, just made, with skipping switched off."""
    timer._skip = False
    return timer
