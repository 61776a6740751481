from pathlib import Path

import psutil
import pytest

from cvbench_tui.core.environment import Environment
from cvbench_tui.engine import host


def test_the_workers_own_words_are_kept_and_ours_added():
    environment = Environment((("torch", "2"),), (), (("threads", 4),))
    found = host.with_host_facts(environment)
    assert found.version("torch") == "2"
    assert found.version("cvbench-tui")
    assert found.fact("threads") == 4
    assert found.fact("physical_cores") == psutil.cpu_count(logical=False)
    assert found.fact("memory_available_bytes") > 0


def test_a_governor_is_read_where_there_is_one(tmp_path: Path):
    file = tmp_path / "governor"
    file.write_text("powersave\n")
    assert list(host._governor(str(file))) == [("governor", "powersave")]
    assert list(host._governor(str(tmp_path / "none"))) == []


@pytest.mark.parametrize("broken", [OSError("hidden"), RuntimeError("odd sensor")])
def test_a_sensor_that_fails_gives_fewer_facts_and_no_error(monkeypatch, broken):
    def fails():
        raise broken

    monkeypatch.setattr(psutil, "sensors_battery", fails, raising=False)
    names = [name for name, _ in host.host_facts()]
    assert "load_1min" in names
    assert "on_battery" not in names


def test_no_driver_is_no_version():
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        assert list(host._driver()) == []
    else:
        pynvml.nvmlShutdown()
        assert dict(host._driver())["driver"]
