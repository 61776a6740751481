"""One-shot timers that come late rather than never.

Textual 8.2's timer leaves out a beat that is overdue when its task first looks at the clock, and a one-shot timer has
no other: where the process or its thread gets no turn for as long as the timer lasts (8 ms for a change of size), as on
a busy machine, the timer is lost and whoever waits for it waits for ever.
"""

from __future__ import annotations

from textual.timer import Timer


def sure_timer(timer: Timer) -> Timer:
    """The timer, just made, without the leaving out."""
    timer._skip = False
    return timer
