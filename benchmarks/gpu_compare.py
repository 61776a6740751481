"""Our times of models against those of ``gpu_truth.py``: its JSON first, then one or more of ours (``run -o x.json``).

What must hold, for every model that both have, in training (total) and inference:

    host-bound  our wall time an iteration is within 10% of the truth's
    A and B     our device time lies between the graph's replay (the shortest gaps) less 2% and the span under the
                profiler (gaps, and what the profiler adds to them) plus 2%
    no card     our time is within 10% of the truth's wall time
    X, other C  not judged

Exit code 1 when a row fails, or none could be judged.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEVICE_BOUND = 0.02
HOST_BOUND = 0.10
PHASES = ("total", "inference")
TRUTHS = ("kernel", "span", "graph", "wall", "host")
HEADINGS = ("model", "phase", "kernels", "span", "graph", "wall", "host", "| device", "host", "headline", "grade")

Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One phase of one model. Times are seconds an iteration; None where not known."""

    name: str  # resnet18:8
    phase: str
    truth: Figures
    ours: Figures  # of the export; empty when it was not measured

    @property
    def device_s(self) -> float | None:
        """Our device time: of its own, or the headline of a row that events timed and the host did not hold back."""
        by_events = self.ours.get("clock") == "cuda_event" and not self.ours.get("host_bound")
        found = self.ours.get("device_s")
        return self.ours.get("median_s") if found is None and by_events else found

    @property
    def host_s(self) -> float | None:
        """Our wall time; where no card queues the work, that is the headline."""
        found = self.ours.get("host_s")
        return self.ours.get("median_s") if found is None and self.ours.get("clock") == "perf_counter" else found

    def judged(self) -> tuple[str, str]:
        """ok, FAIL or ``-`` for a row that is not judged, and why."""
        if not self.ours:
            return "-", "we have no number"
        if self.ours.get("grade") == "X":
            return "-", "graded X"
        low_s, high_s = extremes(self.truth.get(key) for key in ("graph_s", "span_s"))
        if self.ours.get("host_bound") or self.ours.get("clock") == "perf_counter":
            wall_s = self.truth.get("wall_s")
            return within(self.host_s, wall_s, wall_s, HOST_BOUND, "wall time")
        if self.ours.get("grade") in ("A", "B"):
            return within(self.device_s, low_s, high_s, DEVICE_BOUND, "device time")
        return "-", f"graded {self.ours.get('grade')}"

    def cells(self) -> tuple[str, ...]:
        """As printed, in milliseconds."""
        verdict, why = self.judged()
        truth = (self.truth.get(f"{key}_s") for key in TRUTHS)
        ours = (self.device_s, self.host_s, self.ours.get("median_s"))
        grade = f"{self.ours.get('grade', '-')}{', host-bound' if self.ours.get('host_bound') else ''}"
        times = [*map(milliseconds, truth), *map(milliseconds, ours)]
        times[len(TRUTHS)] = f"| {times[len(TRUTHS)]}"
        return (self.name, self.phase, *times, grade, f"{verdict}: {why}")


def extremes(values: Iterable[float | None]) -> tuple[float | None, float | None]:
    """The smallest and the largest that are known."""
    known = [value for value in values if value is not None]
    return min(known, default=None), max(known, default=None)


def within(ours_s: float | None, low_s: float | None, high_s: float | None, bound: float, what: str) -> tuple[str, str]:
    """ok or FAIL, with how far ours is outside; not judged without one of them."""
    if ours_s is None or low_s is None or high_s is None:
        return "-", f"{what}: not known {'here' if ours_s is None else 'in the truth'}"
    off = ours_s / high_s - 1 if ours_s > high_s else min(0.0, ours_s / low_s - 1)
    return "ok" if abs(off) <= bound else "FAIL", f"{what} {100 * off:+.1f}%, at most {100 * bound:.0f}%"


def milliseconds(seconds: float | None) -> str:
    """``1.234``, or a dash."""
    return "-" if seconds is None else f"{1e3 * seconds:.3f}"


def key_of(name: str, batch: int) -> str:
    """``resnet18:8``, as ``gpu_truth.py --models`` takes it."""
    return f"{name}:{batch}"


def exported(document: Figures) -> dict[str, Figures]:
    """Phases of every model of an export that was measured, by ``resnet18:8``."""
    results = document.get("results", ())
    return {
        key_of(result["case"]["op"], result["case"]["batch"]): result.get("phases") or {}
        for result in results
        if result["case"]["kind"] == "model"
    }


def rows_of(truth: Figures, exports: Iterable[Figures]) -> Iterator[Row]:
    """A row for each phase of each model of the truth."""
    ours: dict[str, Figures] = {}
    for document in exports:
        ours |= exported(document)
    for model in truth.get("models", ()):
        name = key_of(model["name"], model["batch"])
        for phase in PHASES:
            if phase in model["phases"]:
                yield Row(name, phase, model["phases"][phase], ours.get(name, {}).get(phase, {}))


def table(rows: Sequence[Row]) -> str:
    """Truth on the left, ours on the right, milliseconds."""
    lines = [(*HEADINGS, "verdict"), *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, cells, widths)).rstrip() for cells in lines)


def details(rows: Iterable[Row]) -> Iterator[str]:
    """All that is known of each row, but for its samples."""
    for row in rows:
        known = {key: value for key, value in row.ours.items() if key not in ("samples_s", "samples_per_round")}
        yield f"{row.name}, {row.phase}\n  truth {json.dumps(row.truth)}"
        yield from (f"  {key} {json.dumps(value)}" for key, value in known.items())


def read(path: Path) -> Figures:
    """A JSON file; empty, with a sentence, where there is none: a step that was cut off leaves none behind."""
    try:
        found: Figures = json.loads(path.read_text())
        return found
    except (OSError, ValueError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        return {}


def main(words: Sequence[str] | None = None) -> int:
    """Print the table and what failed. Returns the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("truth", type=Path)
    arguments.add_argument("ours", type=Path, nargs="+")
    arguments.add_argument("--failed", type=Path, help="write the models that failed there, one a line")
    arguments.add_argument("--detail", action="store_true", help="everything that is known of every row as well")
    options = arguments.parse_args(words)
    rows = list(rows_of(read(options.truth), map(read, options.ours)))
    verdicts = [row.judged()[0] for row in rows]
    if options.detail:
        print(*details(rows), sep="\n")
    print(table(rows))
    failed = dict.fromkeys(row.name for row, verdict in zip(rows, verdicts, strict=True) if verdict == "FAIL")
    good, bad, rest = (verdicts.count(word) for word in ("ok", "FAIL", "-"))
    print(f"{good} ok, {bad} failed, {rest} not judged{': ' * bool(failed)}{' '.join(failed)}")
    if options.failed:
        options.failed.write_text("".join(f"{name}\n" for name in failed))
    return int(bad > 0 or good == 0)


if __name__ == "__main__":
    sys.exit(main())
