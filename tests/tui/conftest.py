"""What every test of the app stands on: a pause lasts until the app has nothing left to do."""

from __future__ import annotations

import pytest

from tests.tui.waits import rested, settled


@pytest.fixture(autouse=True)
def _pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that end with what they wait for, in place of sleeps."""
    monkeypatch.setattr("textual.app.wait_for_idle", settled)
    monkeypatch.setattr("textual.pilot.wait_for_idle", rested)
