"""A case is killed (SIGKILL) while it is measured: its row is lost, the run goes on, the card has its memory back.

Exit code 0 when all three are so. Without a card the memory is not looked at.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress

import pynvml
from common import parser

SLACK_BYTES = 16 << 20
"""More taken than before that is not called a leak: the driver's own tables vary by some MiB."""
BACK_S = 10.0  # time for the driver to give back the memory of a process that has ended


def used() -> int:
    """Bytes taken on all cards, by anybody; 0 where there is none. All of them: so none has to be found by its UUID."""
    with suppress(pynvml.NVMLError):
        pynvml.nvmlInit()
        cards = map(pynvml.nvmlDeviceGetHandleByIndex, range(pynvml.nvmlDeviceGetCount()))
        return sum(int(pynvml.nvmlDeviceGetMemoryInfo(card).used) for card in cards)
    return 0


def main() -> int:
    """Run, kill, look."""
    arguments = parser(__doc__, device="cuda:0")
    arguments.add_argument("--model", default="resnet152")
    options = arguments.parse_args()
    command = [sys.executable, "-m", "cvbench_tui", "run", "-m", options.model, "-l", "Dense", "-b", "1"]
    command += ["-d", options.device, "--protocol", "quick", "--json-lines"]
    before, pid, killed, kinds = used(), 0, False, Counter[str]()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        for line in run.stdout:
            event = json.loads(line)
            kinds[event["kind"]] += 1
            pid = event["pid"] if event["kind"] == "case_started" else pid
            if event.get("stage") == "measuring" and not killed:
                print(f"{event['case_id']} is killed; it has taken {(used() - before) >> 20} MiB of the card")
                os.kill(pid, signal.SIGKILL)
                killed, killed_at = True, time.monotonic()
    if not killed:
        print(f"nothing was there to kill: exit code {run.returncode}, {dict(kinds)}")
        return 1
    ended_at = time.monotonic()
    while (left := used() - before) > SLACK_BYTES and time.monotonic() < ended_at + BACK_S:
        time.sleep(0.1)
    print(
        f"exit code {run.returncode} (1 is right), {kinds['case_failed']} row lost, {kinds['case_finished']} measured;"
    )
    print(f"{time.monotonic() - killed_at:.1f} s after the kill {left >> 20} MiB more are taken than before the run")
    return int((run.returncode, kinds["case_failed"], kinds["case_finished"]) != (1, 1, 1) or left > SLACK_BYTES)


if __name__ == "__main__":
    sys.exit(main())
