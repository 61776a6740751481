"""The recorded run and an app over it, as the tests of the app use them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.catalog.selection import Selection
from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.event import Event, Progress
from cvbench_tui.core.plan import Plan
from cvbench_tui.errors import WorkerError
from cvbench_tui.tui.app import BenchApp
from cvbench_tui.wire import decode
from tests.replay import ReplaySource

DATA = Path(__file__).parent.parent / "data"
NOW_S = 1_764_000_100.0
TOP = Selection("selection", (find_model("Resnet18"), find_model("VGG16")), (), ("cpu", "cuda:0"), (), (), "quick")
ALL = Selection(
    "selection",
    (find_model("Resnet18"), find_model("VGG16")),
    (find_layer("Conv3x3/1"),),
    ("cpu", "cuda:0"),
    (),
    (),
    "quick",
)


GRADED = Selection(
    "graded",
    (find_model("Resnet18"), find_model("VGG16")),
    tuple(find_layer(name) for name in ("Conv3x3/1", "Dense", "BatchNorm")),
    ("cpu", "cuda:0"),
    (),
    (),
    "default",
)
"""What ``graded.jsonl`` was recorded of."""


def good() -> list[Event]:
    """A run of schema 1."""
    return _events("good.jsonl")


def graded() -> list[Event]:
    """Rows of every grade, with all that can stand beside a number."""
    return _events("graded.jsonl")


def _events(name: str) -> list[Event]:
    return [decode(line) for line in (DATA / name).read_text().splitlines()]


def app(folder: Path, source: object = None, selection: Selection | None = None) -> BenchApp:
    """An app whose clock stands still and whose machine has a fixed name."""
    saves = folder / "saves"
    saves.mkdir(exist_ok=True)
    return BenchApp(
        source if source is not None else ReplaySource(good()),  # type: ignore[arg-type]
        runs_folder=folder / "runs",
        selection=selection,
        save_folder=saves,
        host="testhost",
        clock=lambda: NOW_S,
    )


class Gated(ReplaySource):
    """Stands still behind the first progress that has an interval, until told to go on."""

    def __init__(self, recorded: list[Event]) -> None:
        super().__init__(recorded)
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self.closed = False

    def events(self, plan: Plan, *more: Any) -> Iterator[Event]:
        for event in super().events(plan, *more):
            yield event
            if isinstance(event, Progress) and event.median_s is not None and not self.go_on.is_set():
                self.reached.set()
                self.go_on.wait(600)

    def cancel(self) -> None:
        super().cancel()
        self.go_on.set()

    def close(self) -> None:
        self.closed = True
        self.cancel()


class SlowCancel(Gated):
    """Does not end at once when it is cancelled."""

    def cancel(self) -> None:
        ReplaySource.cancel(self)


class SlowProbe(ReplaySource):
    """Tells its devices only when it is let."""

    def __init__(self, recorded: list[Event]) -> None:
        super().__init__(recorded)
        self.let = threading.Event()

    def probe(self) -> Environment:
        self.let.wait(600)
        return super().probe()


class NoWorker(ReplaySource):
    """Has no worker the first time it is asked."""

    asked = 0

    def probe(self) -> Environment:
        self.asked += 1
        if self.asked == 1:
            raise WorkerError("The measuring process ended at once: [/] no torch [bold].", "Install PyTorch.")
        return super().probe()


class BrokenDriver(ReplaySource):
    """A machine whose driver is there and cannot be used."""

    def probe(self) -> Environment:
        environment = super().probe()
        reason = "The driver did not answer within 30 s."
        absent = Device("cuda", "NVIDIA or AMD GPU", available=False, reason=reason, expected=True)
        return replace(environment, devices=(*(each for each in environment.devices if each.is_cpu), absent))


class NoGpu(ReplaySource):
    """A machine with a processor only; the kinds of device it lacks say why."""

    def probe(self) -> Environment:
        environment = super().probe()
        absent = (
            Device("cuda", "", available=False, reason="No usable card or driver was found."),
            Device("mps", "", available=False, reason="Only on Macs with Apple silicon."),
        )
        return replace(environment, devices=(*(each for each in environment.devices if each.is_cpu), *absent))
