"""What a worker is started with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from cvbench_tui.engine.workers import worker_process
from cvbench_tui.engine.workers.worker_process import MALLOC, WorkerProcess, child_environment


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


def test_without_a_driver_none_can_be_loaded_and_the_users_libraries_can(monkeypatch):
    monkeypatch.setenv("LD_LIBRARY_PATH", "elsewhere")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert child_environment()["LD_LIBRARY_PATH"] == "elsewhere"
    environment = child_environment(no_driver=True)
    first, second = environment["LD_LIBRARY_PATH"].split(os.pathsep)
    assert (Path(first) / "libcuda.so.1").is_file()
    assert second == "elsewhere"
    load = "import ctypes; ctypes.CDLL('libcuda.so.1')"
    told = subprocess.run([sys.executable, "-c", load], env=environment, capture_output=True, text=True, check=False)
    assert "OSError" in told.stderr


def test_no_driver_is_loaded_where_a_variable_hides_every_card(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert child_environment()["LD_LIBRARY_PATH"].startswith(worker_process.NO_DRIVER)
    assert worker_process.NO_DRIVER not in child_environment(no_driver=None).get("LD_LIBRARY_PATH", "")


def test_a_worker_that_cannot_be_killed_is_not_waited_for(monkeypatch):
    """As one that waits inside the kernel for a driver."""
    worker = WorkerProcess([sys.executable, "-c", "import time; time.sleep(600)"])
    monkeypatch.setattr(worker_process, "END_S", 0.01)
    with monkeypatch.context() as patched:
        patched.setattr(worker, "kill", lambda: None)
        worker.close()
        assert worker.returncode is None
    worker.kill()
    worker.close()
    assert worker.returncode is not None
