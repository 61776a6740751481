"""The measured peaks of this user's devices, kept from run to run in one JSON file in the folder of runs.

A cache and no more: a file that is missing or broken is an empty one, and one that cannot be written is done without.
"""

from __future__ import annotations

import dataclasses
import json
import math
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

from cvbench_tui.base.atomic import write_atomically
from cvbench_tui.core.limits import impossible
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.run import Run
from cvbench_tui.errors import StoreError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FILE_NAME = "ceilings.json"
MAX_BYTES = 1 << 17  # 64 peaks are 30 kB. A larger file is none of ours, and what is no regular file is not read.
MAX_KEPT = 64  # of so many devices, drivers and numbers of threads; the oldest goes first


class PeakCache:
    """Keeps peaks by key. Several programs may use one file: the last to write wins."""

    def __init__(self, folder: Path) -> None:
        """``folder``: as ``results.storage.runs_folder`` tells; created when something is first kept."""
        self.path = folder / FILE_NAME

    def get(self, key: str) -> DevicePeak | None:
        """The peak measured under that key, or None."""
        return self._read().get(key)

    def put(self, peak: DevicePeak) -> None:
        """Keep it. One that is not sure is not kept: the next run shall measure it again."""
        if not peak.sure:
            return
        kept = {**self._read(), peak.key: peak}
        newest = sorted(kept.values(), key=lambda each: each.at_s)[-MAX_KEPT:]
        text = json.dumps([dataclasses.asdict(each) for each in newest], indent=1, allow_nan=False)
        with suppress(OSError, StoreError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path, text + "\n")

    def _read(self) -> dict[str, DevicePeak]:
        from pydantic import ValidationError

        try:
            status = self.path.stat()
            if not S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
                return {}
            found = _adapter().validate_json(self.path.read_bytes())
        except (OSError, ValidationError):
            return {}
        return {peak.key: peak for peak in found if peak.sure and not impossible(peak)}


def with_best(run: Run, folder: Path) -> Run:
    """The run with the best sentinel that is known of its devices by now, so that one of a slow hour shows as such,
    also where it was the first on its machine. Events and file stay as they are."""
    best = PeakCache(folder)._read()
    known = {device: best.get(peak.key) for device, peak in run.ceilings.items()}
    better = {
        device: replace(run.ceilings[device], product_s=peak.product_s)
        for device, peak in known.items()
        if peak is not None and peak.product_s and peak.product_s < (run.ceilings[device].product_s or math.inf)
    }
    return replace(run, ceilings={**run.ceilings, **better}) if better else run


@cache
def _adapter() -> TypeAdapter[list[DevicePeak]]:
    from pydantic import TypeAdapter

    return TypeAdapter(list[DevicePeak])
