"""What a worker is started with."""

from __future__ import annotations

import os
from pathlib import Path

from cvbench_tui.engine.worker_process import MALLOC, child_environment


def test_the_allocator_begins_where_a_long_process_ends(monkeypatch):
    """Without it a small layer may give its output back to the system in every iteration, by the luck of its heap."""
    for name in MALLOC:
        monkeypatch.delenv(name, raising=False)
    environment = child_environment()
    assert environment["MALLOC_MMAP_THRESHOLD_"] == str(32 << 20)
    assert environment["MALLOC_TRIM_THRESHOLD_"] == str(64 << 20)


def test_what_the_user_has_set_for_the_allocator_stays(monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "123")
    assert child_environment()["MALLOC_TRIM_THRESHOLD_"] == "123"


def test_this_package_is_found_first_and_the_users_path_after_it(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    first, second = child_environment()["PYTHONPATH"].split(os.pathsep)
    assert (Path(first) / "cvbench_tui").is_dir()
    assert second == "elsewhere"
