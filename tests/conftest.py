"""What every test stands on: no folder of the user's own, no colours or sizes of the developer's terminal."""

from __future__ import annotations

import gc
import signal
from itertools import count

import pytest
from hypothesis import HealthCheck, settings

from tests.fake_machine import FakeMachine

# How long an example takes says how busy the machine is.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

# A shell ignores these in what it runs in the background, and every program that a test starts would inherit that.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGQUIT") and signal.getsignal(signal.SIGQUIT) == signal.SIG_IGN:
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@pytest.fixture(scope="session")
def _folders(tmp_path_factory):
    """One folder after another. ``mktemp`` looks at all there are: 10 ms for each of some thousand tests."""
    whole = tmp_path_factory.mktemp("isolated")
    return (whole / str(number) for number in count())


@pytest.fixture(autouse=True)
def _isolated(monkeypatch, _folders):
    """Runs go to a folder of the test's own; the environment says nothing about the terminal."""
    folder = next(_folders)
    for name in ("runs", "config"):
        (folder / name).mkdir(parents=True)
    monkeypatch.setenv("CVBENCH_RUNS_DIR", str(folder / "runs"))
    monkeypatch.setenv("CVBENCH_CONFIG", str(folder / "config" / "config.toml"))
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TEXTUAL_THEME", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("CVBENCH_LOCKS", "")  # tests run beside each other, and none may hear of another's device


@pytest.fixture(autouse=True)
def _collector():
    """As Python starts it, whatever the test before has left: a measurement switches it off, in the process it ends."""
    gc.enable()
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    """Nobody else uses the machine, whoever does: no test may depend on that, nor wait for a look at it."""
    from cvbench_tui.engine.host import others

    monkeypatch.setattr(others, "ThisMachine", lambda cards: FakeMachine())


@pytest.fixture(autouse=True)
def _without_timm(monkeypatch):
    """As where timm is not installed, whether it is or not: the lists have the same lines everywhere."""
    from cvbench_tui.catalog import timm_list

    monkeypatch.setattr(timm_list, "version", lambda: None)


@pytest.fixture
def with_timm(_without_timm, monkeypatch):
    """As where timm is installed, for what does not import it: its list is shipped."""
    from cvbench_tui.catalog import timm_list

    monkeypatch.setattr(timm_list, "version", lambda: timm_list.VERSION)
