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

from cvbench_tui.base.nvml import find_card

SLACK_BYTES = 16 << 20
"""More taken than before that is not called a leak: the driver's own tables vary by some MiB."""
BACK_S = 10.0  # time for the driver to give back the memory of a process that has ended


def used(uuid: str | None) -> int:
    """Bytes taken on that card, by anybody; 0 when not known. By UUID: PyTorch and the driver count differently."""
    with suppress(pynvml.NVMLError):
        pynvml.nvmlInit()
        card = find_card(pynvml, uuid, whole=True)
        return int(getattr(card and card.memory(), "used", 0))
    return 0


def main() -> int:
    """Run, kill, look."""
    arguments = parser(__doc__, device="cuda:0")
    arguments.add_argument("--model", default="resnet152")
    options = arguments.parse_args()
    command = [sys.executable, "-m", "cvbench_tui", "run", "-m", options.model, "-l", "Dense", "-b", "1"]
    command += ["-d", options.device, "--protocol", "quick", "--json-lines"]
    uuid, before, pid, killed, kinds = None, 0, 0, False, Counter[str]()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        for line in run.stdout:
            event = json.loads(line)
            kinds[event["kind"]] += 1
            if event["kind"] == "environment_probed":  # nothing is measured yet
                devices = event["environment"]["devices"]
                uuid = next((each["uuid"] for each in devices if each["id"] == options.device), None)
                before = used(uuid)
            pid = event["pid"] if event["kind"] == "case_started" else pid
            if event.get("stage") == "measuring" and not killed:
                print(f"{event['case_id']} is killed; it has taken {(used(uuid) - before) >> 20} MiB of the card")
                os.kill(pid, signal.SIGKILL)
                killed, killed_at = True, time.monotonic()
    if not killed:
        print(f"nothing was there to kill: exit code {run.returncode}, {dict(kinds)}")
        return 1
    if options.device.startswith("cuda") and not before:  # a driver keeps some for itself
        print("the card's memory is not known")
        return 1
    ended_at = time.monotonic()
    while (left := used(uuid) - before) > SLACK_BYTES and time.monotonic() < ended_at + BACK_S:
        time.sleep(0.1)
    print(
        f"exit code {run.returncode} (1 is right), {kinds['case_failed']} row lost, {kinds['case_finished']} measured;"
    )
    print(f"{time.monotonic() - killed_at:.1f} s after the kill {left >> 20} MiB more are taken than before the run")
    return int((run.returncode, kinds["case_failed"], kinds["case_finished"]) != (1, 1, 1) or left > SLACK_BYTES)


if __name__ == "__main__":
    sys.exit(main())
