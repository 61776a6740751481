from __future__ import annotations

import os
import queue
from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from types import SimpleNamespace
from typing import cast

import pytest
from textual.app import App, ComposeResult
from textual.message import Message

from cvbench_tui.base import cores
from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.event import CaseStarted
from cvbench_tui.core.run import Run, fold
from cvbench_tui.engine.host import gauges as engine_gauges
from cvbench_tui.engine.host.gauges import GaugeReading
from cvbench_tui.tui.background.gauge_thread import GaugeThread
from cvbench_tui.tui.controllers.gauges import GaugesController
from cvbench_tui.tui.messages import GaugeRead
from cvbench_tui.tui.state.checklist_model import ChecklistModel, Item
from cvbench_tui.tui.state.run_state import RunState
from cvbench_tui.tui.widgets.strips import GaugeStrip, fitted, gauge_parts
from tests.tui import recorded
from tests.tui.waits import until, wait_until

GIB = 2.0**30
HOST = GaugeReading(0.12, 2.4e9, 0.53, 3.1 * GIB, 23.5 * GIB)
CARD = replace(
    HOST,
    gpu_share=0.87,
    gpu_hz=1.98e9,
    gpu_celsius=61.0,
    gpu_watts=412.3,
    gpu_memory_used_bytes=12.1 * GIB,
    gpu_memory_total_bytes=80.0 * GIB,
)
HOST_LINE = "cpu 12% 2400 MHz load 0.53 mem 3.1/23.5 GiB"
WAIT_S = 60.0
LONG_S = 3600.0


class Bare(App[None]):
    """The strip and nothing else."""

    def compose(self) -> ComposeResult:
        yield GaugeStrip(id="gauges")

    @property
    def strip(self) -> GaugeStrip:
        return self.query_one(GaugeStrip)

    @property
    def line(self) -> str:
        return str(self.strip.visual)


class Counting:
    """Gauges that count their readings."""

    def __init__(self) -> None:
        self.readings, self.closed = 0, False

    def read(self) -> GaugeReading:
        self.readings += 1
        return replace(HOST, load=float(self.readings))

    def close(self) -> None:
        self.closed = True


class Thread:
    """A thread over counting gauges, and what it posts."""

    def __init__(self) -> None:
        self.gauges = Counting()
        self.posted: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.thread = GaugeThread(self.posted.put, self.gauges, every_s=0.01, live_s=LONG_S)
        self.thread.start()

    def next(self) -> GaugeRead:
        message = self.posted.get(timeout=WAIT_S)
        assert isinstance(message, GaugeRead)
        return message

    def resting(self) -> GaugeRead:
        while (message := self.next()).live:
            pass
        return message

    def asleep(self) -> None:
        """Until the thread waits for something, having heard what it was told."""
        wait_until(lambda: self.thread._changed._waiters)  # type: ignore[attr-defined]

    def end(self) -> None:
        self.thread.stop()
        self.thread.join(WAIT_S)
        assert not self.thread.is_alive()


@pytest.fixture
def run() -> Iterator[Thread]:
    made = Thread()
    yield made
    made.end()
    assert made.gauges.closed


async def test_the_machine_and_its_card_in_one_line() -> None:
    app = Bare()
    async with app.run_test(size=(120, 5)) as pilot:
        app.strip.show(CARD, "cuda:0", False)
        await pilot.pause()
        assert app.line == HOST_LINE + " | cuda:0 87% 1980 MHz 61 C 412 W 12.1/80.0 GiB"
        assert app.strip.size.height == 1
        app.strip.show(CARD, "cpu", False)
        assert app.line == HOST_LINE


async def test_a_narrower_line_loses_whole_items_from_the_right() -> None:
    app = Bare()
    async with app.run_test(size=(80, 5)) as pilot:
        app.strip.show(CARD, "cuda:0", False)
        await pilot.pause()
        assert app.line == HOST_LINE + " | cuda:0 87% 1980 MHz 61 C 412 W"
        await pilot.resize_terminal(50, 5)
        await pilot.pause()
        assert app.line == HOST_LINE
    everything = fitted(gauge_parts(CARD, "cuda:0"), 500)
    for width in range(len(everything) + 1):
        line = fitted(gauge_parts(CARD, "cuda:0"), width)
        assert len(line) <= width
        assert everything.startswith(line)


async def test_what_is_not_there_is_a_dash_or_nothing() -> None:
    app = Bare()
    async with app.run_test(size=(120, 5)):
        app.strip.show(None, "cpu", False)
        assert app.line == ""
        app.strip.show(GaugeReading(), "cuda:0", False)
        assert app.line == "cpu - load - mem -/- GiB | cuda:0 -"
        app.strip.show(replace(GaugeReading(), gpu_share=0.0), "cuda:0", False)
        assert app.line.endswith("| cuda:0 0% - C - W -/- GiB")
        app.strip.show(GaugeReading(), "[bold]\x1b[2J", False)
        assert "[bold]" in app.line
        assert "\x1b" not in app.line


async def test_while_measuring_it_says_that_it_is_off_and_afterwards_that_it_is_old() -> None:
    app = Bare()
    async with app.run_test(size=(120, 5)):
        app.strip.show(HOST, "cpu", False)
        assert app.strip.has_class("-live")
        app.strip.show(HOST, "cpu", True)
        assert app.line == "gauges off while measuring"
        assert not app.strip.has_class("-live")
        app.strip.show(HOST, "cpu", False, live=False)
        assert app.line == "last " + HOST_LINE
        assert not app.strip.has_class("-live")


async def test_the_same_reading_is_not_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[object] = []
    update = GaugeStrip.update
    monkeypatch.setattr(GaugeStrip, "update", lambda self, *a, **k: (drawn.append(a), update(self, *a, **k))[1])
    app = Bare()
    async with app.run_test(size=(120, 5)) as pilot:
        for share in (0.121, 0.124, 0.129):
            app.strip.show(replace(HOST, cpu_share=share), "cpu", False)
            await pilot.pause()
    assert len(drawn) == 1


def test_it_sleeps_until_somebody_is_there(run: Thread) -> None:
    run.asleep()
    assert run.gauges.readings == 0
    run.end()
    again = Thread()
    again.thread.wake()
    assert again.next().live
    assert again.next().gauge.load == 3.0  # the first reading is where the busy share counts from
    again.end()


def test_a_run_keeps_it_live_and_its_end_leaves_the_last_reading(run: Thread) -> None:
    run.thread.follow(running=True, paused=False)
    assert run.next().live
    run.thread.follow(running=False, paused=False)
    last = run.resting()
    run.end()
    assert last.gauge.load == run.gauges.readings
    assert run.posted.empty()


def test_paused_it_reads_nothing_and_goes_on_afterwards(run: Thread) -> None:
    run.thread.wake()
    run.next()
    run.thread.follow(running=True, paused=True)
    run.thread.follow(running=False, paused=False)
    assert run.next().live
    run.end()
    paused = Thread()
    paused.asleep()
    for tell in (lambda: paused.thread.follow(running=True, paused=True), paused.thread.wake):
        tell()
        paused.asleep()
    paused.end()
    assert paused.gauges.readings == 0
    assert paused.posted.empty()


def test_it_is_stopped_at_once_in_the_middle_of_its_wait() -> None:
    slow = Thread.__new__(Thread)
    slow.gauges, slow.posted = Counting(), queue.SimpleQueue()
    slow.thread = GaugeThread(slow.posted.put, slow.gauges, every_s=LONG_S, live_s=LONG_S)
    slow.thread.start()
    slow.thread.wake()
    slow.end()
    assert slow.gauges.closed


async def test_a_reading_arrives_as_a_message() -> None:
    class Live(Bare):
        def on_gauge_read(self, event: GaugeRead) -> None:
            self.strip.show(event.gauge, "cpu", False, live=event.live)

    app = Live()
    async with app.run_test(size=(120, 5)) as pilot:
        thread = GaugeThread(app.post_message, Counting(), every_s=0.01, live_s=LONG_S)
        thread.start()
        thread.follow(running=True, paused=False)
        await until(pilot, lambda: "load" in app.line)
        thread.follow(running=False, paused=False)
        await until(pilot, lambda: app.line.startswith("last cpu 12%"))
        thread.stop()


@pytest.mark.parametrize(
    ("quota", "device", "paused"),
    [(2.0, "cpu", True), (3.0, "cpu", True), (4.0, "cpu", False), (None, "cpu", False), (2.0, "cuda:0", False)],
)
def test_nothing_is_read_while_a_case_has_the_few_cores(
    monkeypatch: pytest.MonkeyPatch, quota: float, device: str, paused: bool
) -> None:
    """On a machine of 64 cores with a quota of 2 a reading takes its time from the case that is measured."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    monkeypatch.setattr(cores, "quota_cores", lambda root: quota)
    monkeypatch.setattr(GaugeThread, "start", lambda self: None)
    run = reduce(fold, recorded.good(), cast(Run, None))
    case = next(case for case in run.plan.cases if case.device == device)
    run = replace(run, running=CaseStarted(case.case_id, 1), ended=None)
    gauges = controller("cpu")
    gauges.follow(RunState("running", run.environment, run=run))
    assert gauges.paused == paused
    gauges.follow(RunState("idle", run.environment, run=replace(run, running=None)))
    assert not gauges.paused


def controller(*ticked: str) -> GaugesController:
    """With a strip that shows nothing, and these devices ticked."""
    strip = SimpleNamespace(show=lambda *_: None)
    devices = ChecklistModel([Item(each, each) for each in ticked], ticked)
    return GaugesController(lambda message: None, strip, devices, off=False)  # type: ignore[arg-type]


@pytest.mark.parametrize(("uuid", "pci_id"), [("GPU-1", "0000:01:00.0"), ("", "0000:01:00.0"), ("", "")])
def test_the_ticked_card_is_looked_up_as_the_probe_named_it(
    monkeypatch: pytest.MonkeyPatch, uuid: str, pci_id: str
) -> None:
    """Before PyTorch 2.4 a card has no identity, only its address on the bus."""
    asked: list[tuple[object, ...]] = []
    reader = lambda device_id, *, uuid, pci_id: asked.append((device_id, uuid, pci_id))  # noqa: E731
    monkeypatch.setattr(engine_gauges, "GaugeReader", reader)
    monkeypatch.setattr(GaugeThread, "start", lambda self: None)
    facts = (("cuda:1.pci_id", pci_id), ("cuda:0.pci_id", "0000:09:00.0")) if pci_id else ()
    environment = Environment(versions=(), devices=(Device("cuda:1", "a card", uuid=uuid),), facts=facts)
    controller("cuda:1", "cpu").follow(RunState(environment=environment))
    assert asked == [("cuda:1", uuid or None, pci_id or None)]
