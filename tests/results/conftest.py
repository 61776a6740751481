"""Golden files: compared byte for byte; written anew only when CVBENCH_REGENERATE_GOLDEN is set."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("CVBENCH_REGENERATE_GOLDEN"):
            path.write_bytes(text.encode())
        assert path.read_bytes().decode() == text

    return compare
