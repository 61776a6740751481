"""The ratios of comparisons as a chart: a line for each row with its interval around 1, on a logarithmic axis.

One picture for both kinds of page: it has a ground of its own, and its colours follow what the reader's system prefers.
A full mark is a row that was told apart, an empty one any other, so that nothing is in colour alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from cvbench_tui.base.cells import shorten
from cvbench_tui.base.escape import one_line
from cvbench_tui.core.measurement import Phase
from cvbench_tui.core.stats.ratio import Ratio
from cvbench_tui.results.compare import cells
from cvbench_tui.results.compare.model import ComparedRow, RunComparison
from cvbench_tui.results.compare.ratio_axis import RatioAxis, axis_for, tick_text

WIDTH, LEFT, RIGHT = 860, 250, 250  # pixels: of the picture, and of the texts beside the axis
LINE, TITLE, FOOT = 22, 34, 30  # heights: of a row, of a title, of the axis' numbers
MOST_CELLS = 34  # of a row's name; the whole one is its title
MOST_WORDS = 38  # cells of what stands to the right
_STYLE = """
.ground{fill:#fff}text{fill:#1f2328;font:13px system-ui,sans-serif}.title{font-weight:600}.end{text-anchor:end}
.tick{text-anchor:middle;font-size:11px}.grid{stroke:#8c959f;stroke-opacity:.35}.one{stroke:#57606a}
.bound{fill:#8c959f;fill-opacity:.18}.mark{stroke:#57606a;fill:#fff;stroke-width:1.6}
.faster{stroke:#0a6f4e;fill:#0a6f4e}.slower{stroke:#b4430f;fill:#b4430f}
@media(prefers-color-scheme:dark){.ground{fill:#0d1117}text{fill:#e6edf3}.one{stroke:#9198a1}.mark{stroke:#9198a1;fill:#0d1117}
.faster{stroke:#3fd0a0;fill:#3fd0a0}.slower{stroke:#ff9b66;fill:#ff9b66}}
""".replace("\n", "")


def render(comparisons: Sequence[RunComparison]) -> str:
    """The chart as a file: each phase of each judged side below the other."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + chart(comparisons, cells.phases_of(comparisons))


def chart(comparisons: Sequence[RunComparison], phases: Sequence[Phase]) -> str:
    """The picture of those phases, for a page."""
    drawn = [(one, phase, place) for phase in phases for place, one in enumerate(comparisons, 1)]
    parts: list[str] = []
    height = 6
    for one, phase, place in drawn:
        rows = [row for row in one.rows if row.phase == phase]
        if rows:
            parts += _panel(one, phase, place, rows, height)
            height += TITLE + LINE * (len(rows) + _has_mean(one, phase)) + FOOT
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    ground = f'<rect class="ground" width="{WIDTH}" height="{height}"/>'
    return "\n".join([f'{head} role="img"><style>{_STYLE}</style>', ground, *parts, "</svg>"]) + "\n"


def _has_mean(one: RunComparison, phase: Phase) -> bool:
    return any(mean[0] == phase for mean in one.means)


def _panel(one: RunComparison, phase: Phase, place: int, rows: Sequence[ComparedRow], top: int) -> Iterator[str]:
    """Title, the band that is called the same, rows, the mean, the axis."""
    means = [(mean[1], mean[2]) for mean in one.means if mean[0] == phase]
    axis = axis_for([*(row.ratio for row in rows if row.ratio is not None), *(mean for mean, _ in means)])
    yield _text(10, top + 20, cells.title([one], phase, place), "title")
    start, end = top + TITLE, top + TITLE + LINE * (len(rows) + len(means))
    left, right = _x(axis, 1 / (1 + one.bound)), _x(axis, 1 + one.bound)
    yield f'<rect class="bound" x="{left:.1f}" y="{start}" width="{right - left:.1f}" height="{end - start}"/>'
    for tick in axis.ticks:
        x = _x(axis, tick)
        yield f'<path class="{"one" if tick == 1 else "grid"}" d="M{x:.1f} {start}V{end}"/>'
        yield _text(x, end + 15, tick_text(tick), "tick")
    for number, row in enumerate(rows):
        words = cells.verdict_text(one, row) if row.ratio is not None else row.sentence or cells.verdict_text(one, row)
        told = row.verdict if row.verdict in ("faster", "slower") else ""
        yield from _row(axis, start + LINE * number, f"{row.label}, batch {row.batch}", row.ratio, words, told)
    for mean, count in means:
        name = f"geometric mean of {count}"
        yield from _row(axis, end - LINE, name, mean, "", "")


def _x(axis: RatioAxis, ratio: float) -> float:
    return LEFT + axis.place(ratio) * (WIDTH - LEFT - RIGHT)


def _row(axis: RatioAxis, top: int, name: str, ratio: Ratio | None, words: str, told: str) -> Iterator[str]:
    """Its name, the mark with its interval, the ratio and the verdict in words."""
    base, middle = top + 15, top + LINE / 2
    yield _text(LEFT - 12, base, name, "end", MOST_CELLS)
    if ratio is not None:
        if ratio.low is not None and ratio.high is not None:
            low, high = _x(axis, ratio.low), _x(axis, ratio.high)
            ends = "".join(f"M{x:.1f} {middle - 4}v8" for x in (low, high))
            yield f'<path class="mark {told}" d="M{low:.1f} {middle}H{high:.1f}{ends}"/>'
        yield f'<circle class="mark {told}" cx="{_x(axis, ratio.speedup):.1f}" cy="{middle}" r="4.5"/>'
        words = f"{cells.speedup_text(ratio)}  {cells.interval_text(ratio)}  {words}"
    yield _text(WIDTH - RIGHT + 12, base, words, "", MOST_WORDS)


def _text(x: float, y: float, text: str, style: str, most: int = 200) -> str:
    """Text from outside as text; what had to go of it is in its title."""
    whole = one_line(text)
    shown = shorten(whole, most)
    title = f"<title>{escape(whole)}</title>" if shown != whole else ""
    kind = f' class="{style}"' if style else ""
    return f'<text{kind} x="{x:.1f}" y="{y}">{escape(shown)}{title}</text>'
