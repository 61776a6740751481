"""Bars of the app without a run: first frame, command line, memory, idling, keys on a busy machine."""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from app_programs import READY, ROWS
from metric import Metric
from terminal_session import TerminalSession

from cvbench_tui.base.cores import usable_cores
from cvbench_tui.selftest.busy import busy_cores

PROGRAMS = Path(__file__).with_name("app_programs.py")
CLI = (sys.executable, "-m", "cvbench_tui")
DRAWN = ("Models", "Devices", "Quit")
"""Words of the first full frame: titles of the panes and the end of the footer, which is mounted last."""
HELP = "Escape close"
DOWN_UP = ("\x1b[B", "\x1b[A")
READY_TO_RUN = (*DRAWN, "threads")
"""Also what the measuring process tells of the processor, however long torch takes to be imported."""
KEYS = 60
SETTLE_S = 8.0
"""Quiet that makes an idle app: the worker has told its devices, and live gauges have gone to rest (5 s)."""


@contextmanager
def home() -> Iterator[dict[str, str]]:
    """An environment with empty folders for settings, history and runs, so that nobody's own are touched."""
    with tempfile.TemporaryDirectory() as folder:
        kinds = ("CONFIG", "DATA", "STATE", "CACHE")
        yield {f"XDG_{kind}_HOME": f"{folder}/{kind.lower()}" for kind in kinds} | {
            "CVBENCH_RUNS_DIR": f"{folder}/runs"
        }


def program(name: str, *arguments: str) -> list[str]:
    """The command of one of ``app_programs.py``'s programs."""
    return [sys.executable, str(PROGRAMS), name, *arguments]


@contextmanager
def opened(command: Sequence[str], *words: str) -> Iterator[TerminalSession]:
    """The program, its first frame being drawn."""
    with home() as environment, TerminalSession(command, environment) as session:
        session.wait_for(*words)
        yield session


def first_frame(options: argparse.Namespace) -> Iterator[Metric]:
    """From exec to the first full frame, and from ``?`` pressed in that moment to the help page."""
    with opened(CLI, *DRAWN), opened(program("bare"), READY):
        pass  # byte code and files are in their caches from now on
    ours, bare, helped, busy, bare_busy = [], [], [], [], []
    for _ in range(options.repeats):
        with home() as environment, TerminalSession(CLI, environment) as session:
            ours.append(1e3 * (session.wait_for(*DRAWN) - session.began_at))
            busy.append(1e3 * session.cpu_s())
            asked = session.send("?")
            helped.append(1e3 * (session.wait_for(HELP, since=asked) - asked))
        with home() as environment, TerminalSession(program("bare"), environment) as session:
            bare.append(1e3 * (session.wait_for(READY) - session.began_at))
            bare_busy.append(1e3 * session.cpu_s())
    ratios = [one / other for one, other in zip(ours, bare, strict=True)]
    yield Metric("first frame / bare Textual's", ratios, "x", 1.5)
    yield Metric("first frame", ours, "ms", baseline=bare)
    yield Metric("processor until then", busy, "ms", baseline=bare_busy)
    yield Metric("? pressed then, to the help page", helped, "ms")


def command_line(options: argparse.Namespace) -> Iterator[Metric]:
    """``--help`` and ``--version`` beside ``python -c pass``."""
    commands = {"bare": (sys.executable, "-c", "pass"), "--help": (*CLI, "--help"), "--version": (*CLI, "--version")}
    taken: dict[str, list[float]] = {name: [] for name in commands}
    with home() as environment:
        for _ in range(3 * options.repeats):
            for name, command in commands.items():
                taken[name].append(_run_ms(command, environment))
    for name in ("--help", "--version"):
        ratios = [one / other for one, other in zip(taken[name], taken["bare"], strict=True)]
        yield Metric(f"{name} / python -c pass", ratios, "x", 5)
        yield Metric(name, taken[name], "ms", baseline=taken["bare"], baseline_name="python")


def _run_ms(command: Sequence[str], environment: Mapping[str, str]) -> float:
    settings = {**os.environ, **environment}
    began = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=settings)
    return 1e3 * (time.perf_counter() - began)


def memory(options: argparse.Namespace) -> Iterator[Metric]:
    """Resident memory at the first frame, and after a run of 1,000 rows."""
    taken: dict[str, list[float]] = {name: [] for name in ("ours", "bare", "shared", "rows", "table")}
    for _ in range(options.repeats):
        with opened(CLI, *DRAWN) as session:
            taken["ours"].append(session.resident_bytes() / 1e6)
            taken["shared"].append(session.proportional_bytes() / 1e6)
        with opened(program("bare"), READY) as session:
            taken["bare"].append(session.resident_bytes() / 1e6)
    yield Metric("resident at the first frame", taken["ours"], "MB", 55, taken["bare"])
    yield Metric("the same, shared pages counted in part", taken["shared"], "MB")
    for _ in range(max(1, options.repeats // 2)):
        with made_app(ROWS, 0.0) as session:
            run_made(session)
            taken["rows"].append(session.resident_bytes() / 1e6)
        with opened(program("table"), READY) as session:
            session.wait_quiet(0.5)
            taken["table"].append(session.resident_bytes() / 1e6)
    yield Metric(f"resident after a run of {ROWS:,} rows", taken["rows"], "MB", 75, taken["table"], "bare table")


@contextmanager
def made_app(rows: int, pause_s: float, *more: str) -> Iterator[TerminalSession]:
    """The app over a made run of so many rows, its devices known."""
    with tempfile.TemporaryDirectory() as folder:
        command = program("app", "--folder", folder, "--rows", str(rows), "--pause", str(pause_s), *more)
        with opened(command, *DRAWN, "a device") as session:
            session.wait_quiet(0.5)
            yield session


def run_made(session: TerminalSession) -> tuple[float, float]:
    """Run what is ticked to its end; when that began and when it was said to have ended."""
    began = session.send("r")
    ended = session.wait_for("finished:", since=began)
    session.wait_quiet(0.5)
    return began, ended


def idle(options: argparse.Namespace) -> Iterator[Metric]:
    """Bytes and processor of an app that nobody touches."""
    drawn, share, bare = [], [], []
    for _ in range(max(1, options.repeats // 2)):
        with opened(CLI, *READY_TO_RUN) as session:
            bytes_, cpu = _idle(session, options.seconds)
            drawn.append(float(bytes_))
            share.append(cpu)
        with opened(program("bare"), READY) as session:
            bare.append(_idle(session, options.seconds)[1])
    yield Metric(f"idle for {options.seconds:g} s: drawn", drawn, "bytes", 0)
    yield Metric("idle: processor", share, "% core", 0.5, bare)


def _idle(session: TerminalSession, seconds: float) -> tuple[int, float]:
    """Bytes, and percent of a core."""
    session.wait_quiet(SETTLE_S)
    began, cpu = time.perf_counter(), session.cpu_s()
    time.sleep(seconds)
    return session.bytes_since(began), 100 * (session.cpu_s() - cpu) / (time.perf_counter() - began)


def keys(options: argparse.Namespace) -> Iterator[Metric]:
    """From a key to what it draws, with a busy process on every core."""
    ours: list[float] = []
    bare: list[float] = []
    with opened(CLI, *READY_TO_RUN) as one, opened(program("list"), READY) as other:
        for session in (one, other):
            session.send("\t" if session is other else "1")
            session.wait_quiet(SETTLE_S)
        with busy_cores(usable_cores()):
            for number in range(max(KEYS, 12 * options.repeats)):
                key = DOWN_UP[number % 2]  # a list that has come to its end draws nothing
                ours.append(_key_ms(one, key))
                bare.append(_key_ms(other, key))
    for name, place, bar in (("median", 0.5, None), ("95th of 100", 0.95, 50.0)):
        cut = int(place * len(ours))
        values = [sorted(values)[cut] for values in (ours, bare)]
        yield Metric(f"key to paint on busy cores, {name}", values[:1], "ms", bar, values[1:], "bare list")


def _key_ms(session: TerminalSession, key: str) -> float:
    pressed = session.send(key)
    painted = session.next_piece(pressed)
    session.wait_quiet(0.08)
    time.sleep(random.uniform(0.0, 0.05))
    return 1e3 * (painted - pressed)
