"""How large is the parent, and how soon does the first case start? Bars: 60 MB resident, 100 ms (Linux).

The parent is the real command line (``cvbench-tui run``) in a process of its own; its resident memory is read at its
peak. The start is the time from the worker's being ready to the first case's ``case_started``, and from one case's end
to the next one's start, by the events of the engine. Exit code 1 when a median is beyond its bar.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from common import parser

from cvbench_tui.catalog.names import find_layer
from cvbench_tui.core.event import CaseFinished, CaseStarted
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.engine.live import LiveSource

MEMORY_BAR_BYTES = 60e6
START_BAR_S = 0.1
LAYERS = ("Dense", "Softmax", "LayerNorm")
POLL_S = 0.05


def peak_bytes(device: str) -> float:
    """The peak resident memory of a headless run of a few layers."""
    command = [sys.executable, "-m", "cvbench_tui", "run", "-l", ",".join(LAYERS), "-d", device, "--protocol", "quick"]
    peak = 0.0
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen([*command, "--runs-dir", folder], stdout=subprocess.DEVNULL)
        while process.poll() is None:
            with contextlib.suppress(OSError, StopIteration):  # it may end between two reads
                lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
                peak = 1024.0 * int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])
            time.sleep(POLL_S)
    if process.returncode != 0:
        raise SystemExit(f"the run ended with code {process.returncode}")
    return peak


def starts_s(device: str) -> list[float]:
    """Seconds from a request to ``case_started``, for each of the layers, the worker being ready and asked before."""
    source = LiveSource()
    found = []
    try:
        source.probe()
        cases = tuple(Case(find_layer(name).workload, device, 8, settings=(("threads", "1"),)) for name in LAYERS)
        since = time.time()
        for event in source.events(Plan("footprint", cases, PROTOCOLS["quick"])):
            if isinstance(event, CaseStarted):
                found.append(event.at_s - since)
            elif isinstance(event, CaseFinished):
                since = time.time()
    finally:
        source.close()
    return found


def main() -> int:
    """Print both."""
    arguments = parser(__doc__)
    arguments.add_argument("--repeats", type=int, default=5)
    options = arguments.parse_args()
    if sys.platform != "linux":
        raise SystemExit("needs /proc")
    memory = [peak_bytes(options.device) for _ in range(options.repeats)]
    starts = [starts_s(options.device) for _ in range(options.repeats)]
    first, later = [one[0] for one in starts], [value for one in starts for value in one[1:]]
    print(f"parent, resident peak: {median(memory) / 1e6:.1f} MB, {min(memory) / 1e6:.1f} to {max(memory) / 1e6:.1f}")
    for name, values in (("first case", first), ("later cases", later)):
        print(f"{name} started after {1e3 * median(values):.0f} ms, {1e3 * min(values):.0f} to {1e3 * max(values):.0f}")
    return int(median(memory) > MEMORY_BAR_BYTES or median(first) > START_BAR_S)


if __name__ == "__main__":
    sys.exit(main())
