"""The waits that the other tests stand on: what they wait for has happened, and they wait for no more."""

from __future__ import annotations

import asyncio
import time
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Static

from tests.tui.waits import SOON_S

LINKS = 10
NO_TURN_S = 0.03
"""How long the process gets no turn for every link, as on a loaded machine: Textual's own wait takes that for idle."""
LATE_S = 30.0
"""More than the test has time for."""


class Link(Message):
    """One of a chain of messages, each of which is posted when the one before it is handled."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left


class Chain(App[None]):
    """A key begins something that goes on by messages, tasks and drawings."""

    BINDINGS: ClassVar[list[BindingType]] = [("a", "begin"), ("b", "put_off"), ("c", "put_off_for_long")]

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []

    def action_begin(self) -> None:
        self.post_message(Link(LINKS))

    async def on_link(self, link: Link) -> None:
        time.sleep(NO_TURN_S)
        await asyncio.sleep(0)
        if link.left:
            self.screen.call_after_refresh(self.post_message, Link(link.left - 1))
        else:
            self.done.append("chain")

    def action_put_off(self) -> None:
        self.set_timer(0.2, lambda: self.done.append("put off"))

    def action_put_off_for_long(self) -> None:
        self.set_timer(LATE_S, lambda: self.done.append("too late"))


async def test_a_key_is_waited_for_to_its_last_consequence() -> None:
    app = Chain()
    async with app.run_test() as pilot:
        await pilot.press("a")
        assert app.done == ["chain"]


async def test_a_pause_waits_for_what_was_put_off_for_a_moment() -> None:
    app = Chain()
    async with app.run_test() as pilot:
        await pilot.press("b")
        await pilot.pause()
        assert app.done == ["put off"]


async def test_nobody_waits_for_what_was_put_off_for_long() -> None:
    app = Chain()
    async with app.run_test() as pilot:
        await pilot.press("c")
        await asyncio.wait_for(pilot.pause(), LATE_S - SOON_S)
        assert app.done == []


class Parting(Static):
    """Sends a last message when it is taken away."""

    def on_unmount(self) -> None:
        self.app.post_message(Link(0))


class Looking(App[None]):
    """Looks for the widget at every message."""

    def compose(self) -> ComposeResult:
        yield Parting()

    def on_link(self) -> None:
        self.query_one(Parting)


async def test_no_message_is_handled_when_the_screens_go() -> None:
    app = Looking()
    async with app.run_test() as pilot:
        app.post_message(Link(0))
        await pilot.pause()
    assert app._exception is None
