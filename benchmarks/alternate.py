"""Does alternation see 3%? A layer in two folders of code, as two environments, measured in turn.

In half of the comparisons the folder `new` has the layer made 3% larger (a linear layer of 2,048 to 2,112 features),
in the other half it has the same. Each comparison is a run of its own, by a Session with live workers, as `cvbench-tui
run --alternate env` makes it; printed are the ratio, its interval and the verdict.

Bars: of those made larger nine in ten are called slower, of those unchanged none is called slower or faster. Exit code
1 when a bar is missed. With --keep FOLDER runs stay, and those that are there are not measured again.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from common import Bar, conclude, parser

from cvbench_tui.catalog.environments import check_devices
from cvbench_tui.catalog.selection import to_plan
from cvbench_tui.cli.run import live_source, selection_from
from cvbench_tui.core.run import Run
from cvbench_tui.engine.session import Session
from cvbench_tui.results.compare.build import compare, sides_along
from cvbench_tui.results.compare.model import ComparedRow
from cvbench_tui.results.storage import SUFFIX
from cvbench_tui.results.storage.run_file import load
from cvbench_tui.results.storage.run_log import create_log

CODE = """import torch


def make():
    return torch.nn.Linear(1024, {size})


def inputs(batch, image, device):
    return torch.randn(batch, 1024, device=device)
"""
SIZES = {"larger": 2112, "unchanged": 2048}  # of the layer in the folder ``new``; 3.1% more work, in blocks of 64
SIZE = 2048  # in the folder ``old``
FOUND, WRONG = 0.9, 0.0


def measured(folder: Path, kind: str, number: int, device: str, protocol: str) -> Run:
    """The run of that comparison, read where it is kept."""
    place = folder / f"{kind}-{number}"
    if kept := sorted(place.glob(f"*{SUFFIX}")):
        run = load(kept[-1])
        if run.ended == "finished":
            return run
    for side, size in (("old", SIZE), ("new", SIZES[kind])):
        (place / side).mkdir(parents=True, exist_ok=True)
        (place / side / "layer.py").write_text(CODE.format(size=size))
    environments = [f"{side}={place / side}" for side in ("old", "new")]
    selection = selection_from(
        None, ["./layer.py:make"], (), [device], ["256"], (), protocol, phases=["inference"], env=environments
    )
    with closing(
        live_source(str(place), cpu_only=selection.cpu_only, named=selection.code, environments=selection.environments)
    ) as source:
        plan = to_plan(replace(selection, alternate="env"), source.probe())
        check_devices(source.probe_named(), plan)
        session = Session(source, plan)
        with create_log(place, session.run_id) as log:
            return list(session.run(log))[-1][1]


def judged(run: Run) -> ComparedRow:
    """The one row of the comparison, new against old."""
    return compare(*sides_along(run, "env"), along="env").rows[0]


def main() -> int:
    """Measure, print and judge. Returns the exit code."""
    options = parser(__doc__)
    options.add_argument("--pairs", type=int, default=10, help="comparisons of each kind (default: %(default)s)")
    options.add_argument("--protocol", default="default", help="(default: %(default)s)")
    options.add_argument("--keep", type=Path, help="folder of the runs; those in it are not measured again")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (chosen.keep or Path(scratch)).absolute()
        verdicts: dict[str, list[str]] = {kind: [] for kind in SIZES}
        for number in range(chosen.pairs):
            for kind, found in verdicts.items():
                row = judged(measured(folder, kind, number, chosen.device, chosen.protocol))
                ratio = row.ratio
                interval = f"{ratio.low:.4f} to {ratio.high:.4f}" if ratio and ratio.low and ratio.high else "-"
                speedup, pairs = (f"{ratio.speedup:.4f}", f"{ratio.repeats} {ratio.basis}") if ratio else ("-", "-")
                print(f"{kind:<10} {number + 1:>2}  {speedup}  {interval}  {pairs:<10}  {row.verdict or row.sentence}")
                found.append(row.verdict or "none")
    count = chosen.pairs
    slower = verdicts["larger"].count("slower")
    wrong = count - verdicts["unchanged"].count("same") - verdicts["unchanged"].count("not told apart")
    return conclude(
        [
            Bar("made 3% larger: called slower", slower / count, FOUND, note=f"{slower} of {count}"),
            Bar("unchanged: called another", wrong / count, WRONG, at_least=False, note=f"{wrong} of {count}"),
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())
