"""What is known of a plan's rows before they are measured: those that cannot be, cannot be trained, or will not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cvbench_tui.base.escape import visible
from cvbench_tui.catalog.memory import too_large
from cvbench_tui.core import axes
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.image_sizes import cannot_take, cannot_train
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.row_names import batch_text
from cvbench_tui.core.text import plural
from cvbench_tui.results.text.units import bytes_parts, significant

Kind = Literal["unsupported", "no_training", "too_large"]
TITLES: dict[Kind, str] = {
    "unsupported": "unsupported",
    "no_training": "without training",
    "too_large": "will not fit in memory",
}
"""What is said of such rows, after their number."""
MEMORY_DIGITS = 2  # significant digits of a need of memory that is a guess, and of what it is compared with


@dataclass(frozen=True)
class PlanNote:
    """One row, and what is to be expected of it."""

    case: Case
    kind: Kind
    sentence: str
    name: str  # of the row, among those of its plan

    @property
    def text(self) -> str:
        """``VGG19 on cuda:0, batch 64: needs about 31 GiB, the device has 24 GiB.``"""
        return f"{visible(self.name)} on {self.case.device}, {batch_text(self.case)}: {self.sentence}"


def plan_notes(plan: Plan, environment: Environment) -> tuple[PlanNote, ...]:
    """At most one note for each row, by kind and then in the plan's order. All rows are tried all the same."""

    def note(case: Case, kind: Kind, sentence: str) -> PlanNote:
        return PlanNote(case, kind, sentence, plan.label(case, without=("device", "batch")))

    impossible = {case.case_id: cannot_take(case.workload) or axes.unsupported(case) for case in plan.cases}
    possible = [case for case in plan.cases if not impossible[case.case_id]]
    notes = [note(case, "unsupported", visible(why)) for case in plan.cases if (why := impossible[case.case_id])]
    if "training" in plan.protocol.passes:
        notes += [note(case, "no_training", why) for case in possible if (why := cannot_train(case))]
    for each in too_large(plan, environment):
        needs, has = _memory_text(each.needs_bytes), _memory_text(each.has_bytes)
        notes.append(note(each.case, "too_large", f"needs about {needs}, the device has {has}."))
    return tuple(notes)


def counted(notes: Sequence[PlanNote]) -> str:
    """``1 unsupported, 2 will not fit in memory``; empty without any."""
    kinds = [note.kind for note in notes]
    return ", ".join(f"{kinds.count(kind)} {words}" for kind, words in TITLES.items() if kind in kinds)


def named(notes: Sequence[PlanNote], most: int) -> tuple[str, ...]:
    """A line for each note, of more than ``most`` the number of the others."""
    more = len(notes) - most
    rest = (f"And {plural(more, 'more row')}: {counted(notes[most:])}.",) if more > 0 else ()
    return (*(note.text for note in notes[:most]), *rest)


def _memory_text(size_bytes: int) -> str:
    """``31 GiB``: a guess has no megabytes."""
    number, unit = bytes_parts(size_bytes)
    return f"{significant(float(number), MEMORY_DIGITS)} {unit}"
