"""``python -m cvbench_tui.worker``: claim the event channel, import torch, serve requests until stdin closes.

``--one-case`` measures in this very process, and the parent starts another for a
fresh one; so it is wherever fork is unsafe.
Exit codes: 0 stdin closed, 3 torch or torchvision cannot be imported, 4 the two do not belong together. The last line
on stderr is the reason.
The protocol is docs/worker-protocol.md.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import platform
import re
import sys
import time
from functools import partial
from importlib import metadata

from cvbench_tui.base.cores import affinity, restore_affinity
from cvbench_tui.core.event import WorkerReady
from cvbench_tui.core.measurement import Notice
from cvbench_tui.worker.process.channel import claim_stdout
from cvbench_tui.worker.process.parent import abandoned, die_with
from cvbench_tui.worker.process.servers import server

NO_TORCH, MISMATCH = 3, 4
OTHER_TORCH = re.compile("operator torchvision::|undefined symbol")  # of a torchvision that was built for another
ONE_CASE = "--one-case"
CAN = ("ceiling", "layers", "try_batch", "turns")  # requests it answers besides probes and cases
AFFINITY_SHRUNK = Notice(
    "affinity_shrunk",
    "Importing torch restricted this process to fewer CPU cores; they were restored before the timing.",
)


def main() -> int:
    """Serve until the parent closes stdin. Returns the exit code."""
    die_with(os.getppid())  # importing torch takes seconds in which nobody reads stdin
    if abandoned():
        return 0
    channel = claim_stdout()
    faulthandler.enable()
    sys.stdout = sys.stderr  # Python's own talk too: descriptor 1 already points there
    cores = affinity()
    started = time.perf_counter()
    try:
        import torch

        if reason := mismatch():
            print(reason, file=sys.stderr)  # noqa: T201
            return MISMATCH
    except Exception as error:  # a broken install raises anything from ImportError to OSError and RuntimeError
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        return NO_TORCH
    import_s = time.perf_counter() - started
    one_case = ONE_CASE in sys.argv or sys.platform != "linux"
    python, version = platform.python_version(), torch.__version__
    notices = (AFFINITY_SHRUNK,) if restore_affinity(cores) else ()
    with contextlib.suppress(BrokenPipeError):  # the parent is gone
        # Needs torch; imported before the parent may ask, so that cases begin at once.
        from cvbench_tui.worker.process import job

        crash = partial(job.report_crash, channel)
        serve = server(partial(job.run, channel=channel, notices=notices), crash, one_case=one_case)
        channel.send(WorkerReady(os.getpid(), python, version, round(import_s, 3), one_case, CAN))
        serve()
    return 0


def mismatch() -> str:
    """Why torchvision and this PyTorch do not belong together, in one sentence; empty when they do. Imports it. Raises
    what the import does where that has another cause: a package is not installed, or another library is broken.

    One that was built for another PyTorch fails in ways that name neither version, or comes without its operators.
    """
    import torch

    try:
        import torchvision  # noqa: F401

        if not hasattr(torch.ops.torchvision, "nms"):
            raise ImportError("torchvision's operators cannot be loaded")
        return ""
    except ModuleNotFoundError:
        raise
    except Exception as error:
        package = next(iter(metadata.distributions(name="torchvision")), None)
        asked = [re.match(r"torch\s*\(?==\s*([\w.]+)", each) for each in (package and package.requires) or ()]
        wrong = any(each and each[1] != torch.__version__.split("+")[0] for each in asked)
        if not (wrong or OTHER_TORCH.search(str(error))):
            raise
        version = package.version if package else "of an unknown version"
        first = (str(error).strip().splitlines() or ["no message"])[0].rstrip(".")
        reason = f"{type(error).__name__}: {first}"
        return f"torchvision {version} and torch {torch.__version__} do not belong together ({reason})."


if __name__ == "__main__":
    code = main()
    with contextlib.suppress(OSError):  # nobody reads it any more
        sys.stderr.flush()
    # Once torch is imported Python's own end takes 0.4 s, beside busy processes 2 to 5 s, and nobody would end an
    # orphan that hangs in it.
    os._exit(code)
