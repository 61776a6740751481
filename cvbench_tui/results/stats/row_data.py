"""One row of a run as the columns and the exports read it: its statistics, rates and energy, each computed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from weakref import finalize

from cvbench_tui.core.environment import Environment
from cvbench_tui.core.measurement import Measurement, Phase
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.run import Run
from cvbench_tui.results.stats.comparison import Comparison
from cvbench_tui.results.stats.derived_metrics import Energy, Rates, energies, energy_of, rates
from cvbench_tui.results.stats.phase_stats import PhaseResult, phase_results, terms_of, throughput_per_s
from cvbench_tui.results.stats.row_notes import RowNote, notice_remedy, row_notes
from cvbench_tui.results.stats.row_state import RowState, row_state
from cvbench_tui.results.text.units import part_text

PHASE_OF_PASS: tuple[Phase, ...] = ("total", "inference")  # one of each pass: all phases of a pass have as many samples


@dataclass(frozen=True)
class RowData:
    """One case with what is known of it."""

    case: Case
    state: RowState
    measurement: Measurement | None  # None while there are no numbers
    phases: Mapping[Phase, PhaseResult]  # the measured phases only
    rates: Rates | None = None  # of inference; None where its work is not known
    energy: Energy | None = None  # of inference; None without a counter
    versus: Comparison | None = None  # against the marked row; None where none is marked, or nothing can be compared

    @property
    def input_noun(self) -> str:
        """What the batch counts, in a unit."""
        return "img" if self.case.image is not None else "input"

    @property
    def inference_per_s(self) -> float | None:
        """Inputs per second in inference; None when that was not measured."""
        result = self.phases.get("inference")
        return throughput_per_s(self.case, result) if result is not None else None

    def comparable(self, phase: Phase) -> bool:
        """False for what may not be called the fastest: no number, an invalid one, or one between two speeds."""
        result = self.phases.get(phase)
        return result is not None and result.valid and result.modes is None

    @property
    def samples(self) -> int | None:
        """Samples of both passes; None while there are none."""
        return sum(self.phases[phase].n for phase in PHASE_OF_PASS if phase in self.phases) or None

    @property
    def memory_bytes(self) -> int | None:
        """Peak memory of the row."""
        return self.measurement.memory_peak_bytes if self.measurement is not None else None

    @property
    def row_notes(self) -> tuple[RowNote, ...]:
        """Reasons and notices of the row, and energy whose two sources disagree."""
        if self.measurement is None:
            return ()
        doubtful = [energy for energy in energies(self.measurement, self.case) if energy.doubtful]
        return (*row_notes(self.measurement, self.phases), *map(_energy_note, doubtful))


def _energy_note(energy: Energy) -> RowNote:
    apart = part_text(energy.disagreement)
    sentence = f"Energy of {energy.name}: its counter and the sum of its power readings are {apart} apart."
    return RowNote("energy", None, (), sentence, notice_remedy("energy"))


@dataclass(frozen=True)
class _Known:
    """A row with all that it was made from. Its measurement is left out: it would keep itself in use."""

    case: Case
    protocol: Protocol
    peak: DevicePeak | None
    environment: Environment | None
    row: RowData

    def fits(self, run: Run, case: Case) -> bool:
        """True for a run that judges by the same objects: to compare their values would take longer than to read."""
        return (
            self.case is case
            and self.environment is run.environment
            and self.protocol is run.plan.protocol
            and self.peak is run.ceilings.get(case.device)
        )


_KNOWN: dict[int, _Known] = {}
"""The newest row of each measurement that is still in use, by identity: 5 ms of work for a row of usual size, asked for
by every table, detail and export. Any thread may ask, so that the one that draws finds it made."""


def row_data(run: Run, case: Case) -> RowData:
    """The case as the columns see it; made once for each measurement under the same terms."""
    outcome = run.outcomes.get(case.case_id)
    if not isinstance(outcome, Measurement):
        return RowData(case, row_state(run, case), None, {})
    known = _KNOWN.get(id(outcome))
    if known is None or not known.fits(run, case):
        if known is None:
            finalize(outcome, _KNOWN.pop, id(outcome), None).atexit = False
        row = replace(_read(replace(run, running=None), case, outcome), measurement=None)
        known = _Known(case, run.plan.protocol, run.ceilings.get(case.device), run.environment, row)
        _KNOWN[id(outcome)] = known
    running = run.running is not None and run.running.case_id == case.case_id
    made = known.row  # put together by hand: replace() takes four times as long, 1,000 times for each drawing
    state = row_state(run, case) if running else made.state
    return RowData(case, state, outcome, made.phases, made.rates, made.energy)


def _read(run: Run, case: Case, outcome: Measurement) -> RowData:
    terms = terms_of(run, case)
    phases = phase_results(outcome, terms)
    achieved = rates(outcome, "inference", phases.get("inference"), terms)
    return RowData(case, row_state(run, case), outcome, phases, achieved, energy_of(outcome, case, "inference"))
