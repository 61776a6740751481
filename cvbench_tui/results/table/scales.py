"""In which unit the times of a row are written: models in ms and layers in \u00b5s, where that reads well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cvbench_tui.core.workload import Kind
from cvbench_tui.results.text.units import MICROSECONDS, MILLISECONDS, SCALES, Scale, scale_for

READABLE = (0.1, 10_000.0)  # a time reads well from here to here: neither 0.02 ms nor 16916 \u00b5s
USUAL: dict[Kind, Scale] = {"model": MILLISECONDS, "layer": MICROSECONDS}


def row_scales(rows: Sequence[tuple[Kind, Sequence[float]]]) -> list[Scale]:
    """One for each row, given as its kind and all its times in seconds.

    The usual one of its kind, or another in which all times of that kind read well; where there is none, each row has
    the one that suits its own times.
    """
    shared = {kind: _shared(usual, [time for each, times in rows if each == kind for time in times])
              for kind, usual in USUAL.items()}  # fmt: skip
    return [shared[kind] or scale_for(times) for kind, times in rows]


def _shared(usual: Scale, seconds: Iterable[float]) -> Scale | None:
    """The usual scale or, if not all times read well in it, the largest in which they do; None without such a one."""
    low, high = READABLE
    times = [time for time in seconds if time > 0]
    ends = (min(times), max(times)) if times else ()
    return next((each for each in (usual, *SCALES) if all(low <= end * each.per_second < high for end in ends)), None)
