"""The plan of a run without the app, as text: its rows for ``--dry-run``, and what is known of them before."""

from __future__ import annotations

from cvbench_tui.base.escape import visible
from cvbench_tui.catalog.duration import about, expected_s, too_long
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.plan import Plan
from cvbench_tui.core.row_names import batch_text, title
from cvbench_tui.core.text import plural
from cvbench_tui.results.plan_notes import counted, named, plan_notes
from cvbench_tui.results.text.units import duration_text

MAX_NAMED = 5  # rows that are named before a run


def plan_lines(plan: Plan, environment: Environment) -> list[str]:
    """Every row with what is known of it, then how many there are and how long they may take."""
    notes = plan_notes(plan, environment)
    by_row = {note.case.case_id: f"  {note.kind.replace('_', ' ')}: {note.sentence}" for note in notes}
    lines = []
    for case in plan.cases:
        image = f" image {case.image}" if case.image else ""
        row = f"{title(case)}  {case.device}  {batch_text(case)}{': found in the run' * case.finds_batch}{image}"
        lines.append(visible(row) + by_row.get(case.case_id, ""))
    rows, duration = plural(len(plan.cases), "row"), duration_text(expected_s(plan))
    problems = [f"; {words}" for words in (counted(notes), _long(plan)) if words]
    turns = f", alternated along {plan.alternate.replace('_', ' ')}" * bool(plan.alternate)
    return [*lines, f"{rows}, protocol {plan.protocol.name}{turns}, {about(plan)} {duration}{''.join(problems)}"]


def expected_problems(plan: Plan, environment: Environment) -> tuple[str, ...]:
    """A line for each of the first rows that cannot be measured, not be trained or will not fit, and for the others;
    one for a plan that is long."""
    rows, duration = plural(len(plan.cases), "row"), duration_text(expected_s(plan))
    long = (f"{rows}, {about(plan)} {duration}: {words}.",) if (words := _long(plan)) else ()
    return (*named(plan_notes(plan, environment), MAX_NAMED), *long)


def _long(plan: Plan) -> str:
    return too_long(len(plan.cases), expected_s(plan))
