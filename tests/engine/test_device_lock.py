"""Locks of devices, against second processes that hold them."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from cvbench_tui.core.environment import Device
from cvbench_tui.engine.device_lock import FOLDER_VARIABLE, DeviceLocks, Holder

pwd = pytest.importorskip("pwd", reason="there is none on Windows")

CPU = Device("cpu", "a CPU")
CARD = Device("cuda:0", "a card", uuid="GPU-aa")
SAME_CARD = Device("cuda:3", "a card", uuid="GPU-aa")
OTHER_CARD = Device("cuda:1", "a card", uuid="GPU-bb")
NOBODY = 65534
HOLD = """
import os
import pwd
import sys
from pathlib import Path
from cvbench_tui.core.environment import Device
from cvbench_tui.engine.device_lock import DeviceLocks
if sys.argv[2:]:
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[2]))
locks = DeviceLocks([Device("cpu", ""), Device("cuda:0", "", uuid="GPU-aa")], run_id="run-7", program="cvbench-tui run",
                    folder=Path(sys.argv[1]))
print(locks.try_take(), flush=True)
sys.stdin.read()
locks.release()
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "locks"


@pytest.fixture
def shared():
    """A folder in which everybody may write; pytest's own are its user's alone."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o1777)
        yield Path(folder)


@pytest.fixture
def other(folder):
    """A second process that holds the CPU and a card."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "None\n"
        yield process
        process.kill()


def take(folder: Path, *devices: Device) -> Holder | None:
    with DeviceLocks(devices, folder=folder) as locks:
        return locks.try_take()


@pytest.mark.parametrize("device", [CPU, CARD, SAME_CARD])
def test_a_second_run_is_told_whose_the_device_is(folder, other, device):
    holder = take(folder, OTHER_CARD, device)
    assert holder is not None
    assert (holder.device, holder.pid, holder.run_id) == (device.id, other.pid, "run-7")
    user = pwd.getpwuid(os.getuid()).pw_name
    assert holder.sentence.startswith(
        f"{device.id} is in use by cvbench-tui run of {user} (process {other.pid}, run run-7, since 20"
    )


def test_another_device_is_free_and_none_is_kept_when_one_is_not(folder, other):
    assert take(folder, OTHER_CARD) is None
    refused = DeviceLocks([OTHER_CARD, CPU], folder=folder)
    assert refused.try_take() is not None
    assert take(folder, OTHER_CARD) is None


def test_a_lock_of_a_killed_process_is_free_at_once(folder, other):
    other.send_signal(signal.SIGKILL)
    other.wait()
    with DeviceLocks([CPU], folder=folder, run_id="new") as locks:
        assert locks.try_take() is None
        again = take(folder, CPU)
        assert again is not None
        assert (again.pid, again.run_id) == (os.getpid(), "new")
    assert take(folder, CPU) is None


def test_a_wait_ends_when_the_other_run_does(folder, other):
    heard = []

    def hear(holder):
        heard.append(holder.pid)
        other.stdin.close()

    with DeviceLocks([CPU], folder=folder) as locks:
        assert locks.wait(threading.Event(), hear) is None
        assert take(folder, CPU) is not None
    assert heard == [other.pid]


def test_a_wait_ends_when_it_is_told_to(folder, other):
    stop = threading.Event()
    holder = DeviceLocks([CPU], folder=folder).wait(stop, lambda holder: stop.set())
    assert holder is not None
    assert holder.pid == other.pid
    assert other.poll() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
@pytest.mark.parametrize("mine_first", [True, False])
def test_another_user_locks_in_the_same_folder_and_reads_whose_it_is(shared, mine_first):
    folder = shared / "locks"
    mine = DeviceLocks([CPU], folder=folder, run_id="mine")
    mask = os.umask(0o077)  # a careful user's
    try:
        if mine_first:
            assert mine.try_take() is None
        started = subprocess.run(
            [sys.executable, "-c", HOLD, str(folder), str(NOBODY)],
            input="",
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        os.umask(mask)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o1777
    if mine_first:
        assert "run_id='mine'" in started.stdout
        mine.release()
        assert take(folder, CPU) is None
    else:
        assert started.stdout == "None\n"
        assert folder.stat().st_uid == NOBODY
        assert mine.try_take() is None
        assert take(folder, CPU) is not None
        mine.release()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[" * 4000,
        b"\xff\x00",
        b"7",
        b'{"pid": 1e400, "user": 3, "run_id": ["x"], "started_at_s": NaN}',
        b'{"pid": -1, "program": null, "started_at_s": true}',
        b'{"pid": ' + b"9" * 3000 + b"}",
    ],
)
def test_a_record_that_says_nothing_is_another_program(folder, other, content):
    (folder / "cpu.lock").write_bytes(content)
    holder = take(folder, CPU)
    assert holder is not None
    assert (holder.pid, holder.run_id) == (0, "")
    assert holder.sentence.startswith("cpu is in use by another program")


def test_a_record_cannot_give_orders_to_a_terminal(folder, other):
    record = {"pid": 5, "user": "\x1b]0;mine\x07\n\u202e", "run_id": "x" * 3000, "program": "p"}
    (folder / "cpu.lock").write_text(json.dumps(record))
    holder = take(folder, CPU)
    assert holder is not None
    assert holder.sentence.isprintable()
    assert len(holder.sentence) < 300


def test_a_link_is_not_followed(folder, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    folder.mkdir()
    (folder / "cpu.lock").symlink_to(precious)
    os.link(precious, folder / "GPU-aa.lock")
    os.mkfifo(folder / "GPU-bb.lock")
    with DeviceLocks([CPU, CARD, OTHER_CARD], folder=folder) as locks:
        assert locks.try_take() is None
    assert precious.read_text() == "mine"
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with DeviceLocks([Device("mps", "")], folder=folder) as locks:
        assert locks.try_take() is None
    assert not (tmp_path / "elsewhere" / "mps.lock").exists()


@pytest.mark.parametrize(
    "path", ["/proc/locks-of-ours", "/dev/null", "/nonexistent/folder", "/tmp/\0", "/" + "x" * 300]
)
def test_where_no_lock_can_be_had_there_is_none(path):
    assert take(Path(path), CPU) is None


def test_the_variable_names_another_folder_or_none(monkeypatch, folder, other):
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    assert DeviceLocks([CPU]).try_take() is not None
    monkeypatch.setenv(FOLDER_VARIABLE, "")
    assert DeviceLocks([CPU]).try_take() is None


@pytest.mark.parametrize("uuid", ["../../x", "a" * 500, "", "GPU\n\x1b"])
def test_an_odd_identity_stays_in_the_folder(folder, uuid):
    device = Device("cuda:0", "", uuid=uuid)
    with DeviceLocks([device], folder=folder) as locks:
        assert locks.try_take() is None
        assert take(folder, device) is not None
    assert len(list(folder.iterdir())) == 1


def test_a_program_that_outlives_us_keeps_no_lock(folder):
    """As a worker whose parent was killed does for a moment."""
    with DeviceLocks([CPU], folder=folder) as locks:
        assert locks.try_take() is None
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
            os.close(locks._held.pop())  # as our end would
            assert child.poll() is None
            assert take(folder, CPU) is None


def test_who_looks_takes_nothing_and_does_not_keep_a_taker_out(tmp_path):
    """A hundred times as many looks as in a run, beside takers: none hears of a run that is not there."""
    device, over = Device("cpu", "a CPU"), threading.Event()

    def look() -> None:
        while not over.wait(0.005):
            DeviceLocks([device], folder=tmp_path).look()

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(200):
            with DeviceLocks([device], folder=tmp_path) as locks:
                assert locks.try_take() is None
                assert locks.held
    finally:
        over.set()
        looking.join()
    assert DeviceLocks([device], folder=tmp_path).look() is None
