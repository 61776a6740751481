"""Where the rows on a page are from: of the run, of others whose rows stand beside, and of published figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cvbench_tui.core.figures import FigureSet
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.core.text import plural
from cvbench_tui.results.export.markdown_table import began_line, environment_line
from cvbench_tui.results.stats.row_data import row_data

MAX_NAMED = 3  # rows that are named


def beside_lines(run: Run, cases: Sequence[Case]) -> list[str]:
    """A sentence or two for each other measured run whose rows stand beside those of this one, then the sources of all
    published figures among these cases with the notes that they are read with, each note once."""
    others = {source.id: source for source, _ in map(run.home, cases) if source is not run and not source.figures}
    lines = [f"Rows of {other.id}: {began_line(other)} {environment_line(other)}" for other in others.values()]
    return [*lines, *_figure_lines(run, cases)]


def _figure_lines(run: Run, cases: Sequence[Case]) -> Iterator[str]:
    """The sources of published figures among these cases, and the notes that they are read with, each once."""
    sets: dict[str, dict[FigureSet, list[Case]]] = {}
    for case in cases:
        if (figure := row_data(run, case).figure) is not None:
            sets.setdefault(run.home(case)[0].id, {}).setdefault(figure.of, []).append(case)
    said: set[str] = set()
    for name, mine in sets.items():
        of = next(iter(mine))
        yield (
            f"{name}: published figures, not measured here. Source: {of.source} ({of.url}). Licence: {of.licence}."
            f" Hardware: {of.device}, {of.hardware}."
        )
        for of, rows in mine.items():
            kinds = " and ".join(dict.fromkeys(f"{case.workload.kind}s" for case in rows))
            notes = [note for note in of.notes if note not in said]
            said.update(notes)
            yield (
                f"{run.home(rows[0])[1].framework}, {of.device}, {kinds} ({plural(len(rows), 'row')}): {of.software}."
                f" Precision: {of.precision}. Statistic: {of.statistic}. {' '.join(notes)}"
            ).rstrip()
    about: dict[tuple[str, str], list[str]] = {}
    for case in (case for mine in sets.values() for rows in mine.values() for case in rows):
        figure = row_data(run, case).figure
        for note in figure.notes if figure is not None else ():
            about.setdefault((run.home(case)[1].framework, note), []).append(case.workload.name)
    for (framework, note), names in about.items():
        named = ", ".join(names[:MAX_NAMED]) + (f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else "")
        yield f"{named}, {framework}: {note}"
