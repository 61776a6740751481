"""What every test of the app stands on: a pause lasts until the app has nothing left to do, and it ends in order."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.app import App
from textual.messages import ExitApp

from tests.tui.waits import rested, settled


@pytest.fixture(autouse=True)
def _pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that end with what they wait for, in place of sleeps."""
    monkeypatch.setattr("textual.app.wait_for_idle", settled)
    monkeypatch.setattr("textual.pilot.wait_for_idle", rested)


@pytest.fixture(autouse=True)
def _ends_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """First no message is handled any more, then the screens go, as in a terminal.

    Textual's ``run_test`` takes the screens away while messages are handled, so that the one a thread sends just then
    finds no widgets.
    """
    shut_down = App._shutdown

    async def in_order(app: App[Any]) -> None:
        if app._task is not None:
            app.post_message(ExitApp())
            await asyncio.wait({app._task})
        await shut_down(app)

    monkeypatch.setattr(App, "_shutdown", in_order)
