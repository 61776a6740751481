"""What compares, in a thread: reading ten runs and judging a thousand rows takes a second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from cvbench_tui.errors import CvbenchError
from cvbench_tui.results.compare.model import Side
from cvbench_tui.tui import messages
from cvbench_tui.tui.messages import Post
from cvbench_tui.tui.state.compare_request import CompareRequest
from cvbench_tui.tui.state.run_state import moment


def compare_sides(post: Post, request: CompareRequest) -> None:
    """Compare the two sides that are asked for: ``Compared`` or ``NotCompared``. Verdicts are corrected over the rows
    of all sides, as in a table that has them all: whoever looks at one after the other looks at as many rows."""
    # Behind the first frame: they bring the statistics.
    from cvbench_tui.results.compare.build import compare, judged_together
    from cvbench_tui.results.compare.ways import alike, common_phases, ways
    from cvbench_tui.tui.state.compare_lines import lines_of

    a, b = request.sides[request.a], request.sides[request.b]
    others = [side for place, side in enumerate(request.sides) if place not in (request.a, request.b)]
    phases = (request.phase,) if request.phase is not None else ()
    found = []
    try:
        found.append(compare(a, b, along=request.along, phases=phases, order=request.order))
    except CvbenchError as error:
        post(messages.NotCompared(error, request))
        return
    for side in others:
        with suppress(CvbenchError):  # one without common rows is said to be so when it is asked for
            found.append(compare(a, side, along=request.along, phases=phases))
    comparison = judged_together(found)[0]
    several = request.along != "run" and len(ways(a.run)) > 1
    known = common_phases(a, b, request.along)
    post(messages.Compared(request, lines_of(comparison), known, alike(a, b), several))


def compare_files(post: Post, paths: Sequence[Path], wanted: Callable[[CompareRequest], object]) -> None:
    """Read these run files, the baseline first, and compare the first two: ``wanted`` gets what is asked for before
    that. ``Failed`` where one cannot be read."""
    from cvbench_tui.results.storage.peak_cache import with_best
    from cvbench_tui.results.storage.run_file import load

    try:
        runs = [with_best(load(path), path.parent) for path in paths]
    except CvbenchError as error:
        post(messages.Failed(error))
        return
    names = [run.name or moment(run.started_at_s) for run in runs]
    sides = [
        Side(name if names.count(name) == 1 else f"{name} {run.id}", run)
        for name, run in zip(names, runs, strict=True)
    ]  # fmt: skip
    request = CompareRequest(tuple(sides), "run")
    wanted(request)
    compare_sides(post, request)
