"""The benchmark programs import each other by name, as they do when they are started."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest


@pytest.fixture
def program(monkeypatch):
    """Import one of them."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return import_module
