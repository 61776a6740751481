"""Where fork is unsafe (macOS, Windows): this process answers probes and measures one case, then ends.

The parent starts a fresh one for the next case. A thread watches stdin while the case runs, blocked in
a read, so that no orphan goes on measuring when the parent dies.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence

from cvbench_tui.core.measurement import Notice
from cvbench_tui.worker.process import job
from cvbench_tui.worker.process.channel import Channel, Requests


def serve_one(channel: Channel, requests: Requests, notices: Sequence[Notice] = ()) -> None:
    """Answer requests up to and including the first case."""
    while True:
        request = requests.next()
        if request is None:
            return
        measuring = request["kind"] == "measure"
        if measuring:
            threading.Thread(target=_exit_at_end, args=(requests,), daemon=True).start()
        job.run(request, channel, notices)
        if measuring:
            return


def _exit_at_end(requests: Requests) -> None:
    """End the process, whatever it does, when the parent closes stdin."""
    while not requests.ended:
        requests.fill()
    os._exit(0)
