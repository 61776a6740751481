"""The locks of a plan's devices: held while a source measures; else waited for, or taken later."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from cvbench_tui.core.environment import Device
from cvbench_tui.engine.device_lock import DeviceLocks
from cvbench_tui.engine.session import Session
from tests.engine.test_live import Kept, plan
from tests.processes import wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no locks on Windows")


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes locks of another run's."""
    monkeypatch.setenv("CVBENCH_LOCKS", str(tmp_path / "locks"))
    return lambda: DeviceLocks([Device("cpu", "a CPU")], program="their program")


def test_the_device_is_held_while_it_is_measured_on_and_free_afterwards(live, locks):
    seen = []
    for event, _run in Session(live("good"), plan()).run(Kept()):
        if event.kind == "case_finished":
            seen.append(locks().look())
    assert [holder.program for holder in seen] == ["cvbench-tui", "cvbench-tui"]
    assert locks().look() is None


def test_who_waits_for_devices_begins_when_the_other_run_has_ended(live, locks, monkeypatch):
    waiting = threading.Event()
    wait = DeviceLocks.wait

    def told(self: DeviceLocks, *arguments):
        waiting.set()
        return wait(self, *arguments)

    monkeypatch.setattr(DeviceLocks, "wait", told)
    source, kept = live("good"), Kept()
    source.wait_for_devices = True
    with locks() as theirs:
        assert theirs.try_take() is None
        run = threading.Thread(target=lambda: list(Session(source, plan()).run(kept)))
        run.start()
        assert waiting.wait(60)
        assert "case_started" not in [event.kind for event in kept.events]
    run.join()
    assert [event.kind for event in kept.events].count("case_finished") == 2


def test_who_does_not_wait_measures_beside_it_and_takes_the_device_once_it_is_free(live, locks):
    seen = []
    with locks() as theirs:
        assert theirs.try_take() is None
        for event, _run in Session(live("good"), plan()).run(Kept()):
            if event.kind == "case_finished":
                seen.append(locks().look().program)
                theirs.release()
    assert seen == ["their program", "cvbench-tui"]


def test_a_wait_for_a_device_ends_with_a_cancel(live, locks):
    source = live("good")
    source.wait_for_devices = True
    with locks() as theirs:
        assert theirs.try_take() is None
        session = Session(source, plan())
        canceller = threading.Thread(target=lambda: (wait_until(lambda: kept.events), session.cancel()))
        kept = Kept()
        canceller.start()
        run = list(session.run(kept))[-1][1]
        canceller.join()
    assert (run.ended, run.pending) == ("cancelled", 2)
