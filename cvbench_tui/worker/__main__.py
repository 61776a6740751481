"""``python -m cvbench_tui.worker``: claim the event channel, import torch, serve requests until stdin closes.

Exit codes: 0 stdin closed, 3 torch or torchvision cannot be imported (the reason is on stderr).
The protocol is docs/worker-protocol.md.
"""

from __future__ import annotations

import faulthandler
import os
import platform
import sys
import time

from cvbench_tui.core.event import WorkerReady
from cvbench_tui.worker.channel import Channel, Requests, claim_stdout

NO_TORCH = 3


def main() -> int:
    """Serve until the parent closes stdin. Returns the exit code."""
    channel = claim_stdout()
    faulthandler.enable()
    _log_to_stderr()
    started = time.perf_counter()
    try:
        import torch
        import torchvision  # noqa: F401
    except Exception as error:  # a broken install raises anything from ImportError to OSError and RuntimeError
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        return NO_TORCH
    import_s = time.perf_counter() - started
    channel.send(WorkerReady(os.getpid(), platform.python_version(), torch.__version__, round(import_s, 3)))
    return _serve(channel)


def _serve(channel: Channel) -> int:
    """One process per case where fork is safe; else this process takes one case and ends."""
    requests = Requests()
    try:
        if sys.platform == "linux":
            from cvbench_tui.worker.zygote import Zygote

            Zygote(channel, requests).serve()
        else:
            from cvbench_tui.worker.single import serve_one

            serve_one(channel, requests)
    except BrokenPipeError:
        pass  # the parent is gone: nobody is left to tell
    return 0


def _log_to_stderr() -> None:
    """Make Python's own stdout unbuffered talk on stderr (descriptor 1 already points there)."""
    sys.stdout = sys.stderr


if __name__ == "__main__":
    sys.exit(main())
