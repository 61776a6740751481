"""What every test stands on: no folder of the user's own, no colours or sizes of the developer's terminal."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _isolated(monkeypatch, tmp_path_factory):
    """Runs go to a folder of the test's own; the environment says nothing about the terminal."""
    monkeypatch.setenv("CVBENCH_RUNS_DIR", str(tmp_path_factory.mktemp("runs")))
    monkeypatch.setenv("CVBENCH_CONFIG", str(tmp_path_factory.mktemp("config") / "config.toml"))
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TEXTUAL_THEME", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
