"""What the engine's tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cvbench_tui.engine.live import LiveSource

FAKE = Path(__file__).parent / "workers" / "fake.py"


@pytest.fixture
def live(tmp_path: Path):
    """Makes sources over a worker without torch, by its mode; each is closed at the end."""
    made: list[LiveSource] = []

    def make(mode: str) -> LiveSource:
        made.append(LiveSource((sys.executable, str(FAKE), mode, str(tmp_path / "mark")), start_s=60))
        return made[-1]

    yield make
    for source in made:
        source.close()
