"""One row of a run as the columns and the exports read it: its statistics, rates and energy, each computed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cvbench_tui.core.figures import Figure
from cvbench_tui.core.grading.reasons import GRADES, NOTICES, REASONS, Grade
from cvbench_tui.core.measurement import PASS_OF, WHOLE_PHASE, Measurement, Phase
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run, environment_of
from cvbench_tui.core.stats.pairs import settled
from cvbench_tui.core.stats.visits import complete, enough, share
from cvbench_tui.results.stats.comparison import Comparison
from cvbench_tui.results.stats.derived_metrics import Energy, Rates, energies, rates
from cvbench_tui.results.stats.kept import Kept
from cvbench_tui.results.stats.phase_stats import PhaseResult, clean_of, phase_results, terms_of
from cvbench_tui.results.stats.quality import PUBLISHED, Quality, begun, verdict, without_numbers
from cvbench_tui.results.text.units import part_text


@dataclass(frozen=True)
class RowNote:
    """One thing about a row."""

    code: str  # key of ``core.grading.reasons.REASONS``, or of a notice
    grade: Grade | None  # the best grade that its phases can have with it; None for a notice, which lowers none
    phases: tuple[Phase, ...]  # those it was seen in with that grade; empty where it is about the whole row
    sentence: str  # what was seen in the first of the phases
    remedy: str = ""
    everywhere: bool = False  # True when it was seen in every phase that was measured
    clean: bool = False  # True when it is about what was measured beside the published loop

    @property
    def text(self) -> str:
        """``C drift in total, forward: What was seen. What to do.``"""
        phases = "all phases" if self.everywhere else ", ".join(self.phases)
        where = f"{self.title} {phases}{' of the clean numbers' * self.clean}: " if self.grade else ""
        return f"{where}{self.sentence} {self.remedy}".rstrip()

    @property
    def title(self) -> str:
        """``C drift in``, in front of where it was seen."""
        return f"{self.grade} {REASONS[self.code].word} in" if self.grade not in ("A", None) else "Note on"


def remedy_of(code: str, *, notice: bool = False) -> str:
    """What can be done about a reason, or about a notice; empty for a code of another version."""
    if notice and code in NOTICES:
        return NOTICES[code].remedy
    return REASONS[code].remedy if code in REASONS else ""


def row_notes(measurement: Measurement, phases: Mapping[Phase, PhaseResult]) -> tuple[RowNote, ...]:
    """The reasons, worst first, each once for every grade that it costs; then the notices that no reason repeats."""
    seen: dict[tuple[str, Grade], dict[Phase, str]] = {}
    for phase, result in phases.items():
        for reason in result.reasons:
            seen.setdefault((reason.code, reason.grade), {}).setdefault(phase, reason.sentence)
    ranked = sorted(seen.items(), key=lambda item: -GRADES.index(item[0][1]))
    reasons = [
        RowNote(
            code, grade, tuple(sentences), next(iter(sentences.values())), remedy_of(code),
            everywhere=1 < len(phases) == len(sentences),
        )
        for (code, grade), sentences in ranked
    ]  # fmt: skip
    # files of schema 1 have a notice for a reason of a whole pass: ``unsettled_total``
    repeated = {f"{code}_{WHOLE_PHASE[PASS_OF[phase]]}" for (code, _), where in seen.items() for phase in where}
    notices = dict.fromkeys(notice for notice in measurement.notices if notice.code not in repeated)
    return (*reasons, *(_noticed(notice.code, notice.sentence) for notice in notices))


def _noticed(code: str, sentence: str) -> RowNote:
    return RowNote(code, None, (), sentence, remedy_of(code, notice=True))


@dataclass(frozen=True)
class RowData:
    """One case with what is known of it."""

    case: Case
    quality: Quality
    measurement: Measurement | None  # None while there are no numbers
    phases: Mapping[Phase, PhaseResult]  # the measured phases only
    rates: Rates | None = None  # of inference; None where its work is not known
    energy: Energy | None = None  # of inference; None without a counter
    versus: Comparison | None = None  # against the marked row; None where none is marked, or nothing can be compared
    clean: Mapping[Phase, PhaseResult] = field(default_factory=dict)
    """The phases by today's method, as far as they were measured beside the published loop."""
    complete: bool = False  # no further visit is needed
    origin: str = ""  # whose row it is, where rows of several runs or frameworks stand together
    figure: Figure | None = None  # what is known of figures that others have published

    @property
    def input_noun(self) -> str:
        """What the batch counts, in a unit."""
        return "img" if self.case.image is not None else "input"

    def comparable(self, phase: Phase) -> bool:
        """False for what may not be called the fastest: no number, an invalid one, or one between two speeds."""
        result = self.phases.get(phase)
        return result is not None and result.valid and result.modes is None

    @property
    def row_notes(self) -> tuple[RowNote, ...]:
        """Reasons and notices of the row, and energy whose two sources disagree."""
        if self.measurement is None:
            return ()
        notes = list(row_notes(self.measurement, self.phases))
        if self.measurement.clean is not None:
            notes += [replace(note, clean=True) for note in row_notes(self.measurement.clean, self.clean)]
        for each in (each for each in energies(self.measurement, self.case) if each.doubtful):
            apart = f"its counter and the sum of its power readings are {part_text(each.disagreement)} apart"
            notes.append(_noticed("energy", f"Energy of {each.name}: {apart}."))
        return tuple(notes)


_KEPT: Kept[RowData] = Kept()
"""5 ms of work for a row of usual size, asked for by every table, detail and export; without the measurement."""


def row_data(run: Run, case: Case) -> RowData:
    """The case as the columns see it; made once for each measurement under the same terms."""
    source, mine = run.home(case)
    if source is not run:
        return replace(row_data(source, mine), case=case, origin=run.borrowed[case.case_id].label)
    outcome = run.outcomes.get(case.case_id)
    if not isinstance(outcome, Measurement):
        return RowData(case, without_numbers(run, case), None, {}, origin=run.own_labels.get(case.device, ""))
    made_from = (case, environment_of(run, case), run.plan.protocol, run.ceilings.get(case.device))
    made = _KEPT.of(outcome, made_from, lambda: _made(run, case, outcome))
    quality, whole = made.quality, made.complete
    if run.plan.alternate and run.plan.in_turn(case.case_id):
        whole = settled(run.plan, run.outcomes, case.case_id)
        quality = replace(quality, share=None if whole else min(outcome.visits / run.plan.protocol.max_visits, 1.0))
    if quality.share is not None:
        running = run.ended is None and run.running is not None and run.running.case_id == case.case_id
        going_on = quality.share + (begun(run) if running else 0.0)
        quality = replace(quality, share=None if run.ended is not None else going_on)
    # put together by hand: replace() takes four times as long, 1,000 times for each drawing
    whose = run.own_labels.get(case.device, "")
    if made.figure is not None:
        whose = made.figure.label(case.framework) if run.borrowed else case.framework
    return RowData(
        case, quality, outcome, made.phases, made.rates, made.energy, None, made.clean, whole, whose,
        made.figure,
    )  # fmt: skip


def _made(run: Run, case: Case, measurement: Measurement) -> RowData:
    """The same without the measurement, and as it is while nothing goes on."""
    terms, protocol = terms_of(run, case), run.plan.protocol
    phases = phase_results(measurement, terms)
    energy = next((each for each in energies(measurement, case) if each.name == "inference"), None)
    achieved = rates(measurement, "inference", phases.get("inference"), terms)
    beside = clean_of(measurement, terms)
    clean = phase_results(*beside) if beside is not None else {}
    had = None if enough(measurement, protocol) else share(measurement, protocol)
    quality = replace(verdict(phases), share=had) if terms.graded else PUBLISHED
    whole, figure = complete(measurement, protocol), run.figures.get(case.case_id)
    return RowData(case, quality, None, phases, achieved, energy, clean=clean, complete=whole, figure=figure)
