"""Detail of one row, as titled pairs of texts and as histograms. The screen draws them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from cvbench_tui.base.cells import cell_len
from cvbench_tui.base.escape import one_line, visible
from cvbench_tui.core.axes import Setting
from cvbench_tui.core.axes import axis as axis_of
from cvbench_tui.core.event import tries_text
from cvbench_tui.core.facts import GROUPS, environment_id, kind_of
from cvbench_tui.core.figures import Figure
from cvbench_tui.core.measurement import PHASES, Failure, Measurement, Phase
from cvbench_tui.core.plan import BATCH_MAX, Case
from cvbench_tui.core.row_names import title
from cvbench_tui.core.run import Run
from cvbench_tui.core.stats.pairs import partners
from cvbench_tui.results.detail.phase import Pair, phase_pairs
from cvbench_tui.results.detail.system import case_pairs, energy_pairs, pass_pairs
from cvbench_tui.results.export.rerun_command import command_line, differs
from cvbench_tui.results.stats.derived_metrics import energies
from cvbench_tui.results.stats.layer_sums import layer_sum
from cvbench_tui.results.stats.phase_stats import clean_of, terms_of
from cvbench_tui.results.stats.published import difference
from cvbench_tui.results.stats.row_data import RowData, row_data
from cvbench_tui.results.stats.series import histogram
from cvbench_tui.results.text import units
from cvbench_tui.results.text.fact_text import fact_text, label

CLEAN = ", clean"  # after the title of what was measured beside the published loop
BINS = 12  # bins of a row's histograms: enough for a shape, few enough for a small terminal


@dataclass(frozen=True)
class Section:
    """A title with labelled texts, lines, or both."""

    title: str
    pairs: tuple[Pair, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bin:
    """One bar of a histogram."""

    low: str  # its lower edge as text; every bin of one histogram is in one unit
    high: str
    count: int


def detail(run: Run, case_id: str) -> tuple[Section, ...]:
    """Every section there is about that row. Raises KeyError when the plan has no such case."""
    source, case = run.home(run.plan.case(case_id))
    if source is not run:
        return detail(source, case.case_id)
    outcome, reading = run.outcomes.get(case_id), row_data(run, case)
    sections = [Section(title(case), tuple(_case(run, reading)))]
    if reading.figure is not None:
        return (*sections, *_published(reading, reading.figure))
    if isinstance(outcome, Measurement):
        sections += _measured(run, reading, outcome)
    elif isinstance(outcome, Failure):
        sections += [Section("Failure", (("kind", outcome.kind.replace("_", " ")), ("reason", outcome.sentence)))]
        sections += [Section("Details", lines=tuple(outcome.detail.splitlines()))] if outcome.detail else []
    repeat = [("command", command_line(run, case))]
    if differs(run.plan.protocol):
        repeat.append(("note", f"The protocol {run.plan.protocol.name} has other numbers in this version."))
    return (*sections, Section("Repeat this row", tuple(repeat)), *_environment(run, case))


def detail_text(run: Run, case_id: str) -> str:
    """Every section and histogram as plain text to paste, ending in a newline. Raises KeyError as ``detail``."""
    counted = histograms(run, case_id)
    lines: list[str] = []
    for section in detail(run, case_id):
        pairs = [(one_line(name), one_line(text)) for name, text in section.pairs]
        wide = max((cell_len(name) for name, _ in pairs), default=0)
        lines.append(one_line(section.title))
        lines += [f"  {name}{' ' * (wide - cell_len(name))}  {text}" for name, text in pairs]
        lines += [f"  {visible(line)}" for line in section.lines]
        if section.title in counted:
            lines.append(f"  {section.title} samples")
            lines += [f"    {each.low} to {each.high}: {each.count}" for each in counted[section.title]]
        lines.append("")
    return "\n".join(lines)


def histograms(run: Run, case_id: str, bins: int = BINS) -> dict[str, tuple[Bin, ...]]:
    """The samples of every measured phase of that row by the title of its section, those of disturbed rounds too: a
    histogram is where they can be seen; none of a published figure. Raises KeyError as ``detail``."""
    run, case = run.home(run.plan.case(case_id))
    outcome = run.outcomes.get(case.case_id) if case.case_id not in run.figures else None
    shown = {}
    phases = [("", each) for each in outcome.numbers] if isinstance(outcome, Measurement) else []
    if isinstance(outcome, Measurement) and outcome.clean is not None:
        phases += [(CLEAN, each) for each in outcome.clean.numbers]
    for after, phase in phases:
        samples = [sample for samples in phase.rounds for sample in samples]
        if samples:
            counts, edges = histogram(samples, bins)
            scale, digits = units.scale_for(edges), units.distinct_digits(edges)
            texts = [scale.text(edge, digits=digits) for edge in edges]
            shown[f"{phase.phase.capitalize()}{after}"] = tuple(map(Bin, texts[:-1], texts[1:], counts))
    return shown


def _case(run: Run, reading: RowData) -> Iterator[tuple[str, str]]:
    case = reading.case
    device = run.environment.device(case.device) if run.environment is not None else None
    yield "quality", reading.quality.text
    yield "kind", case.workload.kind
    arguments = ", ".join(f"{name}={value}" for name, value in case.workload.params)
    yield "built by", f"{case.workload.op}({arguments})" if arguments else case.workload.op
    yield "device", f"{case.device}, {device.name}" if device is not None else case.device
    yield "input", " x ".join(str(size) for size in (case.batch, *case.workload.input_shape))
    found = run.batches.get(case.case_id)
    if found is not None and found.batch == case.batch:
        yield "largest batch", f"{found.batch:,}, {tries_text(found.tries)}"
    yield "framework", case.framework
    yield from map(_setting, case.settings)
    yield "protocol", run.plan.protocol.name


def _published(reading: RowData, figure: Figure) -> Iterator[Section]:
    """The figures as they are printed, where they are from, and how they are read."""
    of = figure.of
    times = ((phase, figure.printed[phase], result.median_s) for phase, result in reading.phases.items())
    yield Section(
        "Published figures",
        tuple(
            (phase, text if text.endswith("s") and "/" not in text else f"{units.seconds_text(seconds)}, from {text}")
            for phase, text, seconds in times
        ),
    )
    yield Section(
        "Source",
        (("source", of.source), ("page", of.url), ("licence", of.licence), ("hardware", of.hardware),
         ("software", of.software), ("precision", of.precision), ("statistic", of.statistic)),
    )  # fmt: skip
    yield Section("How to read them", tuple((f"{number}", note) for number, note in enumerate(figure.reading, 1)))


def _setting(setting: Setting) -> Pair:
    """``precision``, ``amp-bf16: autocast to bfloat16, weights float32``."""
    name, value = setting
    axis = axis_of(name)
    meaning = axis.value(value).help if axis is not None else ""
    if setting == BATCH_MAX:
        meaning = "the largest batch that fits into the device's memory"
    called = axis.title.lower() if axis is not None else name.replace("_", " ")
    return called, f"{value}: {meaning}" if meaning else value


def _measured(run: Run, reading: RowData, measurement: Measurement) -> Iterator[Section]:
    """The phases, then what belongs to all of them."""
    terms = terms_of(run, reading.case)
    others = partners(run.plan, run.outcomes, reading.case.case_id)
    for name in PHASES:
        if name in reading.phases:
            pairs = tuple(phase_pairs(terms, measurement, name, reading.phases, others))
            yield Section(name.capitalize(), (*pairs, *_against_clean(reading, name)))
    layers = layer_sum(run, reading.case)
    if layers is not None:
        times = tuple((phase, layers.phase_text(phase)) for phase in layers.seconds)
        yield Section("Its layers, of its time", (*times, ("covered", layers.covered)))
    beside = clean_of(measurement, terms)
    if beside is not None:
        for name in reading.clean:
            pairs = tuple(phase_pairs(beside[1], beside[0], name, reading.clean))
            yield Section(f"{name.capitalize()}{CLEAN}", pairs)
    notices = tuple((each.code, each.text) for each in reading.row_notes if each.grade is None)
    if notices:
        yield Section("Notices", notices)
    yield from _system(measurement)
    yield from _system(beside[0], CLEAN) if beside is not None else ()
    for energy in energies(measurement, reading.case):
        yield Section(f"Energy of {energy.name}", tuple(energy_pairs(energy, reading.input_noun)))
    yield Section("Case", tuple(case_pairs(measurement)))


def _system(measurement: Measurement, after: str = "") -> Iterator[Section]:
    """What was seen during each pass, by visit."""
    counts: Counter[str] = Counter()
    for record in measurement.passes:
        counts[record.name] += 1
        visit = f", visit {counts[record.name]}" if measurement.visits > 1 else ""
        yield Section(f"System during {record.name}{after}{visit}", tuple(pass_pairs(record)))


def _against_clean(reading: RowData, name: Phase) -> Iterator[Pair]:
    """``1.04x, 1.01x without the cold iteration``."""
    found = difference(reading, name)
    if found is not None:
        warm = "" if found.warm_ratio is None else f", {units.times_text(found.warm_ratio)} without the cold iteration"
        yield "against clean", f"{units.times_text(found.ratio)}{warm}"


def _environment(run: Run, case: Case) -> Iterator[Section]:
    """The machine's known facts, without those of other cards than the case's."""
    pairs = [("run", run.id), ("started", units.utc_text(run.started_at_s)), ("cvbench-tui", run.program)]
    environment = run.environment
    if environment is None:
        yield Section("Environment", tuple(pairs))
        return
    identity = environment_id(environment, case.device)
    pairs += [("environment ID", identity)] if identity else []
    pairs += [(name, version) for name, version in environment.versions if name != "cvbench-tui"]
    device = environment.device(case.device)
    if device is not None:
        pairs.append(("device memory", units.bytes_text(device.memory_bytes)))
        pairs.append(("device detail", device.detail or units.MISSING))
        pairs += [("device id", device.uuid)] if device.uuid else []
    peak = run.ceilings.get(case.device)
    if peak is not None:
        doubt = "" if peak.sure else " (unsure, may be too low)"
        pairs += [(f"peak matmul {name}", units.count_text(rate, "FLOP/s") + doubt) for name, rate in peak.flops_per_s]
        pairs.append(("peak copy", units.count_text(peak.bytes_per_s, "B/s") + doubt))
    yield Section("Environment", tuple(pairs))
    groups: dict[str, list[Pair]] = {title: [] for title in GROUPS.values()}
    for name, value in environment.facts:
        kind = kind_of(name)
        if ":" not in name or name.startswith(f"{case.device}."):
            title = GROUPS[kind.group] if kind else "Other facts"
            groups.setdefault(title, []).append((label(name), fact_text(name, value)))
    yield from (Section(title, tuple(facts)) for title, facts in groups.items() if facts)
