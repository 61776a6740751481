"""A folder of 10,000 runs, or a run of 20,000 rows: how long they take to list, open, show and save, and the memory.

``scale.py folder [--files 10000]`` and ``scale.py rows [--rows 20000]``; ``--only NAME`` takes some of the lines. Each
command is a process of its own, its time that of the whole process; in the app it is from the key to the frame.
``cold``: without an index. Times are this machine's; ``PYTHONPATH`` of another checkout measures that one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.app import App

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
PROGRAM = (sys.executable, "-m", "cvbench_tui")
LISTED_S = 1.0  # of CPU, from an index that is there to the list of 10,000 runs
RUN = ROOT / "tests/data/good.jsonl"  # 6 rows, 20 kB


def main() -> int:
    """Print one line for each part. 1 where a bar is missed, else 0."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("what", choices=("folder", "rows"))
    arguments.add_argument("--files", type=int, default=10_000)
    arguments.add_argument("--rows", type=int, default=20_000)
    arguments.add_argument("--kind", choices=("pending", "failed", "small", "full"), default="small", help="of rows")
    arguments.add_argument("--only", action="append", help="beginning of a line's name; may be repeated")
    arguments.add_argument("--keep", type=Path, help="use this folder and leave it")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = options.keep or Path(made)
        if options.what == "folder":
            parts = folder_parts(folder, options.files)
        else:
            parts = row_parts(folder, options.rows, options.kind)
        missed = False
        for name, part in parts:
            if options.only is None or any(name.startswith(each) for each in options.only):
                line = part()
                missed |= isinstance(line, Missed)
                print(f"{name:<44} {line}", flush=True)
    return int(missed)


class Missed(str):
    """A line whose figure is above its bar."""

    __slots__ = ()


def judged(line: str, cpu_s: float) -> str:
    """The line with whether 10,000 runs were listed in a second of CPU, not of a wall clock that others share."""
    within = cpu_s <= LISTED_S
    said = f"{line}: {cpu_s:.2f} s of at most {LISTED_S:g} s CPU, {'met' if within else 'missed'}"
    return said if within else Missed(said)


def fill(folder: Path, files: int) -> None:
    """As many runs, a minute apart, under names and ids of their own."""
    header, _, rest = RUN.read_text().partition("\n")
    first = json.loads(header)
    for number in range(files):
        at_s = 1_700_000_000.0 + 60.0 * number
        name = time.strftime("%Y%m%d-%H%M%S", time.gmtime(at_s)) + f"-{number:04x}"
        path = folder / f"{name}.jsonl"
        path.write_text(json.dumps({**first, "run_id": name, "at_s": at_s}, separators=(",", ":")) + "\n" + rest)
        os.utime(path, (at_s, at_s))


def folder_parts(folder: Path, files: int) -> Iterator[tuple[str, Callable[[], str]]]:
    """Lines about a folder of runs."""
    if not any(folder.iterdir()):
        fill(folder, files)
    index = folder / "index.sqlite"

    def cold() -> str:
        index.unlink(missing_ok=True)
        return command(folder, "list", "runs")

    yield "list runs, cold", cold
    yield "list runs", lambda: command(folder, "list", "runs")
    yield "list runs again", lambda: judged(*cost(folder, "list", "runs"))
    yield (
        "list runs, chosen",
        lambda: command(folder, "list", "runs", "--device", "cpu", "--workload", "vgg", "resnet18"),
    )
    yield "name of the oldest", lambda: command(folder, "name", "20231114-221320", "oldest", "--tag", "kept")
    yield "show of it, by its name", lambda: command(folder, "show", "oldest")
    yield "list runs --json", lambda: command(folder, "list", "runs", "--json")
    yield "show last", lambda: command(folder, "show", "last")
    yield "show of the oldest, by a prefix", lambda: command(folder, "show", "20231114-221320")
    yield "Tab completion of a run", lambda: command(folder, completing="show 2023")
    yield "app, with the index", lambda: asyncio.run(opened(folder))
    yield "app again", lambda: asyncio.run(opened(folder))
    index_cold = folder / "index.sqlite"

    def app_cold() -> str:
        index_cold.unlink(missing_ok=True)
        return asyncio.run(opened(folder))

    yield "app, cold", app_cold


def command(folder: Path, *arguments: str, completing: str = "") -> str:
    """Wall time, CPU time and most memory of a command."""
    return cost(folder, *arguments, completing=completing)[0]


def cost(folder: Path, *arguments: str, completing: str = "") -> tuple[str, float]:
    """The same, and the CPU time in seconds."""
    environment = {**os.environ, "CVBENCH_RUNS_DIR": str(folder), "COLUMNS": "200"}
    if completing:
        words = f"cvbench-tui {completing}"
        environment |= {"_CVBENCH_TUI_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "2"}
    before, began_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen([*PROGRAM, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate()
    wall_s = time.perf_counter() - began_s
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = usage.ru_utime + usage.ru_stime - before.ru_utime - before.ru_stime
    lines, said = out.count(b"\n"), err.decode().strip().splitlines()[-1:]
    memory = f"at most {usage.ru_maxrss / 1024:.0f} MB so far"
    return f"{wall_s:6.2f} s, {cpu_s:.2f} s CPU, {lines} lines, {memory}, exit {process.returncode} {said}", cpu_s


async def opened(folder: Path) -> str:
    """The app over that folder: its start, ``H``, keys in the dialog, its filter."""
    from textual.widgets import Input

    from cvbench_tui.tui.app import BenchApp
    from tests.replay import ReplaySource
    from tests.tui.recorded import good

    marks = [("start", time.perf_counter())]
    app = BenchApp(ReplaySource(good()), runs_folder=folder)
    async with app.run_test(size=(120, 40)) as pilot:
        marks.append(("first frame", time.perf_counter()))
        while app.forecast.history._files is None:  # the first that it knows
            await pilot.pause(0.01)
        marks.append(("history known", time.perf_counter()))
        began_cpu = time.process_time()
        while not app.forecast.history._refreshing.acquire(blocking=False):
            await pilot.pause(0.05)
        app.forecast.history._refreshing.release()
        marks.append(("history read", time.perf_counter()))
        cpu_s = time.process_time() - began_cpu
        marks.append(("rest", time.perf_counter()))
        began_cpu, listed_cpu_s = time.process_time(), 0.0
        for key in ("H", "down", "end", "home", "slash", *"2024"):
            await pressed(app, key)
            marks.append((key, time.perf_counter()))
            listed_cpu_s = listed_cpu_s or time.process_time() - began_cpu
        assert app.screen.query_one(Input).value == "2024"
        await pressed(app, "escape")
    steps = zip(marks, marks[1:])  # noqa: B905, RUF007
    line = ", ".join(f"{name} {now - before:.2f}" for (_, before), (name, now) in steps) + f" s, {cpu_s:.2f} s CPU"
    return judged(f"{line}, list", listed_cpu_s)


async def pressed(app: App[Any], key: str) -> None:
    """Press a key and wait for its frame: not as the pilot does, which waits until the process is idle."""
    app.simulate_key(key)
    for _ in range(3):  # through the app to the screen, the focused widget, and what that posts
        drawn = asyncio.Event()
        (app.focused or app.screen).call_after_refresh(drawn.set)
        await drawn.wait()
        await asyncio.sleep(0)


def row_parts(folder: Path, rows: int, kind: str) -> Iterator[tuple[str, Callable[[], str]]]:
    """Lines about one large run."""
    path = folder / f"{kind}.jsonl"
    if not path.exists():
        write_large(path, rows, kind)
    yield "size", lambda: f"{path.stat().st_size / 1e6:.0f} MB"
    yield "show", lambda: command(folder, "show", str(path))
    yield "show --layout full", lambda: command(folder, "show", str(path), "--layout", "full")
    yield "show --plain", lambda: command(folder, "show", str(path), "--plain")
    for suffix in (".md", ".csv", ".json"):
        yield f"export {suffix}", partial(command, folder, "export", str(path), "-o", f"{folder}/o{suffix}")
    yield "list runs", lambda: command(folder, "list", "runs")
    yield "opened in the app", lambda: asyncio.run(shown(folder, path))
    yield "live, per event", lambda: live(path)


def write_large(path: Path, rows: int, kind: str) -> None:
    """A run of that many rows on one device. ``pending``: without outcomes; ``failed``; ``small``: a visit with
    three samples of one phase; ``full``: as it was recorded."""
    from dataclasses import replace

    from cvbench_tui.core.event import CaseFailed, CaseFinished, RunFinished, RunStarted
    from cvbench_tui.core.measurement import Failure, Measurement, PhaseSamples
    from cvbench_tui.core.plan import Plan
    from cvbench_tui.results.storage.run_file import read_events
    from cvbench_tui.wire import encode

    events = list(read_events(RUN))
    header = next(each for each in events if isinstance(each, RunStarted))
    done = next(each for each in events if isinstance(each, CaseFinished))
    case = header.plan.case(done.measurement.case_id)
    cases = tuple(replace(case, batch=number + 1) for number in range(rows))
    with path.open("w") as file:
        plan = Plan("large", cases, header.plan.protocol)
        file.write(encode(replace(header, plan=plan)) + "\n")
        for event in events[1:3]:
            file.write(encode(event) + "\n")
        for number, each in enumerate(cases if kind != "pending" else ()):
            event = replace(done, measurement=replace(done.measurement, case_id=each.case_id))
            if kind == "failed":
                event = CaseFailed(Failure(each.case_id, "out_of_memory", f"Out of memory at {number} MB."))
            elif kind == "small":
                samples = ((1e-3 + 1e-7 * number, 1.1e-3), (1e-3,))
                phase = PhaseSamples("inference", samples, 1, "perf_counter", "precision")
                event = CaseFinished(Measurement(each.case_id, (phase,), None, 7, 0.5, 1.0, 2.0, 2, ()))
            file.write(encode(event) + "\n")
        file.write(encode(RunFinished("finished", header.at_s + 60)) + "\n")


async def shown(folder: Path, path: Path) -> str:
    """Opening it in the app, and keys in its table."""
    from cvbench_tui.tui.app import BenchApp
    from tests.replay import ReplaySource
    from tests.tui.recorded import good

    empty = folder / "empty"
    app = BenchApp(ReplaySource(good()), runs_folder=empty)
    async with app.run_test(size=(120, 40)) as pilot:
        marks = [("start", time.perf_counter())]
        app.open_controller.open_run(path)
        while app.run_manager.state.run is None:
            await pilot.pause(0.02)
        await pilot.pause()
        marks.append(("open", time.perf_counter()))
        for key in ("down", "pagedown", "end", "home", "s", "slash", "3", "3"):
            await pressed(app, key)
            marks.append((key, time.perf_counter()))
    steps = zip(marks, marks[1:])  # noqa: B905, RUF007
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return ", ".join(f"{name} {now - before:.2f}" for (_, before), (name, now) in steps) + f" s, at most {peak:.0f} MB"


def live(path: Path) -> str:
    """CPU time of the last events of a run that large: fold, table, progress line, ETA."""
    from cvbench_tui.core.run import fold
    from cvbench_tui.results.stats.eta import done_share, eta_s
    from cvbench_tui.results.stats.outcome import settled_rows
    from cvbench_tui.results.storage.run_file import read_events
    from cvbench_tui.results.table.build import build

    events = list(read_events(path))
    last = events[-51:-1]  # with few outcomes: too few events to say much
    run = None
    began = time.process_time()
    for event in events[:-51]:
        run = fold(run, event)
    folded_s = time.process_time() - began
    assert run is not None
    build(run)
    spent: dict[str, float] = {}
    for event in last:
        began = time.process_time()
        run = fold(run, event)
        spent["fold"] = spent.get("fold", 0.0) + time.process_time() - began
        works: dict[str, Callable[[], object]] = {
            "table": partial(build, run), "done_share": partial(done_share, run, {}), "eta": partial(eta_s, run, {}),
            "settled": partial(settled_rows, run),
        }  # fmt: skip
        for name, work in works.items():
            began = time.process_time()
            work()
            spent[name] = spent.get(name, 0.0) + time.process_time() - began
    each = ", ".join(f"{name} {1000 * seconds / len(last):.2f}" for name, seconds in spent.items())
    return f"{each} ms; all folded in {folded_s:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
