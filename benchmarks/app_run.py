"""Bars of the app with a run going on: output and processor, 1,000 rows, quitting, cancelling, a whole run's bytes."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app_idle import CLI, READY_TO_RUN, made_app, opened, program, run_made
from app_programs import READY, ROWS
from metric import Metric
from terminal_session import TerminalSession, alive, descendants

from cvbench_tui.catalog.layers import LAYERS

SHORT = tuple(entry.name for entry in LAYERS[:30])
REPLAY_PAUSE_S = 0.25
"""A row of the protocol quick tells its progress every 0.25 s and takes about 3 s: ten steps."""
FILL_PAUSE_S = 0.001
LONG_LAYER, LONG_BATCH = "Linear up", 768
"""One forward pass is one kernel of 0.7 TFLOP: many seconds on any processor."""


@contextmanager
def planned(layers: tuple[str, ...], batch: int) -> Iterator[TerminalSession]:
    """The app with these layers ticked on the cpu, its measuring process ready."""
    with tempfile.TemporaryDirectory() as folder:
        preset = Path(folder) / "bars.toml"
        names = json.dumps(list(layers))
        preset.write_text(f'layers = {names}\ndevices = ["cpu"]\nbatch = {batch}\nprotocol = "quick"\n')
        with opened([*CLI, "tui", str(preset)], *READY_TO_RUN) as session:
            session.wait_quiet(0.5)
            yield session


def running(options: argparse.Namespace) -> Iterator[Metric]:
    """Short layers by a real worker."""
    rates, shares = [], []
    for _ in range(max(1, options.repeats // 2)):
        with planned(SHORT, 1) as session:
            rate, share = _watched(session, options.seconds)
            rates.append(rate)
            shares.append(share)
    yield Metric("a run of short layers: drawn", rates, "kB/s", 10)
    yield Metric("a run of short layers: processor", shares, "% core", 5)


def replayed(options: argparse.Namespace) -> Iterator[Metric]:
    """The same without a worker: what the app alone draws and uses."""
    rates, shares = [], []
    for _ in range(max(1, options.repeats // 2)):
        with made_app(30, REPLAY_PAUSE_S, "--steps", "10") as session:
            rate, share = _watched(session, options.seconds)
            rates.append(rate)
            shares.append(share)
    yield Metric("a replay at real pace: drawn", rates, "kB/s", 10)
    yield Metric("a replay at real pace: processor", shares, "% core", 5)


def _watched(session: TerminalSession, seconds: float) -> tuple[float, float]:
    """kB a second and percent of a core, from the second row on."""
    began = session.send("r")
    session.wait_for("measuring", since=began)
    time.sleep(4)
    began, cpu = time.perf_counter(), session.cpu_s()
    time.sleep(seconds)
    took = time.perf_counter() - began
    return session.bytes_since(began) / took / 1e3, 100 * (session.cpu_s() - cpu) / took


def many_rows(options: argparse.Namespace) -> Iterator[Metric]:
    """1,000 rows that arrive as fast as they can be read; then sorting them."""
    worst, sorted_ms, bare, rates = [], [], [], []
    for _ in range(max(1, options.repeats // 2)):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "gaps.json"
            with made_app(ROWS, FILL_PAUSE_S, "--gaps", str(file)) as session:
                began, ended = run_made(session)
                rates.append(ROWS / (ended - began))
                sorted_ms += _sorts(session, options.repeats)
                session.send("q")
                session.wait_end()
            gaps = [late for at, late in json.loads(file.read_text()) if began <= at <= ended]
            worst.append(1e3 * max(gaps, default=0.0))
        with opened(program("table"), READY) as session:
            session.wait_quiet(0.5)
            bare += _sorts(session, options.repeats)
    yield Metric(f"filling {ROWS:,} rows: worst gap of the loop", worst, "ms", 100)
    yield Metric("filling: rows a second", rates, "1/s")
    yield Metric(f"sorting {ROWS:,} rows, to paint", sorted_ms, "ms", 250, bare, "bare table")


def _sorts(session: TerminalSession, times: int) -> list[float]:
    """Milliseconds from ``.`` to the end of what it draws."""
    found = []
    for _ in range(times):
        pressed = session.send(".")
        session.next_piece(pressed)
        found.append(1e3 * (session.wait_quiet(0.25) - pressed))
    return found


def quitting(options: argparse.Namespace) -> Iterator[Metric]:
    """From the answer to the end of the app and of every process it had started."""
    ends, gone, bare = [], [], []
    for _ in range(options.repeats):
        with opened(program("bare"), READY) as session:
            pressed = session.send("q")
            bare.append(session.wait_end() - pressed)
        with planned(SHORT, 1) as session:
            began = session.send("r")
            session.wait_for("measuring", since=began)
            started = descendants(session.process.pid)
            asked = session.send("q")
            session.wait_for("Stop and quit", since=asked)
            answered = session.send("y")
            ends.append(session.wait_end() - answered)
            while any(map(alive, started)) and time.perf_counter() - answered < 10:
                time.sleep(0.005)
            gone.append(time.perf_counter() - answered)
    yield Metric("quit in mid-run: the app has ended", ends, "s", 0.5, bare)
    yield Metric("quit in mid-run: no process is left", gone, "s", 0.5, bare)


def cancelling(options: argparse.Namespace) -> Iterator[Metric]:
    """From ``x`` inside one kernel of many seconds to the word that it is cancelled."""
    taken = []
    for _ in range(max(1, options.repeats // 2)):
        with planned((LONG_LAYER,), LONG_BATCH) as session:
            began = session.send("r")
            session.wait_for("warming up", since=began)
            time.sleep(1)
            pressed = session.send("x")
            taken.append(session.wait_for("cancelled:", since=pressed) - pressed)
    yield Metric("cancel inside a kernel", taken, "s", 2)


def whole_run(options: argparse.Namespace) -> Iterator[Metric]:
    """Bytes of the preset quick from launch to quit, as a slow line has to carry them."""
    whole, start, seconds = [], [], []
    for _ in range(max(1, options.repeats // 2)):
        with opened([*CLI, "tui", "quick"], *READY_TO_RUN) as session:
            session.wait_quiet(0.5)
            start.append(session.bytes_since() / 1e3)
            began, ended = run_made(session)
            session.send("q")
            session.wait_end()
            whole.append(session.bytes_since() / 1e3)
            seconds.append(ended - began)
    yield Metric("launch, the preset quick, quit: drawn", whole, "kB")
    yield Metric("  of that up to the run", start, "kB")
    yield Metric("  duration of the run", seconds, "s")
