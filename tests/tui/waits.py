"""Waiting: for another thread or process, for an app until something is so, or until it has nothing left to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from textual._context import active_app
from textual.app import App
from textual.pilot import Pilot

SOON_S = 1.0
"""One-shot timers of at most that long are what the app has put off for a moment: a drawing, a look at what is typed.
Toasts (5 s) and what Textual looks after in 3 minutes are not waited for."""


def wait_until(true: Callable[[], object]) -> None:
    """Wait for another thread or process; the test's own time-out ends a wait that is in vain."""
    while not true():
        time.sleep(0.005)


async def until(pilot: Pilot[Any], true: Callable[[], object]) -> None:
    """Let the app work until it is so; the test's own time-out ends a wait that is in vain."""
    while not true():
        await pilot.pause(0.01)
    await pilot.pause()


async def settled(_min_s: float = 0.0) -> None:
    """Until every message is handled and everything is drawn: nothing can go on without a thread, a timer or a key.

    In place of Textual's ``wait_for_idle`` behind each key. That one sleeps for 20 ms and looks whether the process has
    computed meanwhile: it takes who got no turn on a loaded machine for idle, and two sleeps a key were half the time
    of these tests.
    """
    app = active_app.get()
    await asyncio.sleep(0)
    await _handled()
    while _undrawn(app):
        app.screen._on_timer_update()
        await _handled()


async def rested(_min_s: float = 0.0) -> None:
    """Settled, and what was put off for a moment is done too. In place of ``wait_for_idle`` in ``pilot.pause()``."""
    await settled()
    while waiting := _put_off(active_app.get()):
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        await settled()


async def _handled() -> None:
    """Until the event loop has nothing ready to run but this."""
    loop: Any = asyncio.get_running_loop()
    while loop._ready:
        await asyncio.sleep(0)


def _undrawn(app: App[Any]) -> bool:
    """Whether the screen in front has something to do at its next beat, 16 ms from now."""
    if app._batch_count or not app.screen_stack:
        return False
    screen = app.screen
    return bool(
        screen._layout_required
        or screen._scroll_required
        or screen._repaint_required
        or screen._recompose_required
        or screen._dirty_widgets
        or screen._callbacks
    )


def _put_off(app: App[Any]) -> list[asyncio.Task[None]]:
    """One-shot timers that will soon have run off."""
    nodes = (app, *(node for screen in app.screen_stack for node in screen.walk_children(with_self=True)))
    timers = (timer for node in nodes for timer in node._timers)
    tasks = (timer._task for timer in timers if timer._repeat == 0 and timer._interval <= SOON_S)
    return [task for task in tasks if task is not None and not task.done()]
