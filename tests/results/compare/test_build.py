"""Two sides row by row: which rows belong together, what is called what, and what is said of rows without a verdict."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random
from types import SimpleNamespace

import pytest

from cvbench_tui.core.evidence import Evidence, Visit
from cvbench_tui.core.measurement import Failure, Measurement, PassRecord, PhaseSamples
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.run import Run
from cvbench_tui.core.stats.ratio import Ratio, p_different, p_slower
from cvbench_tui.core.stats.student import two_sided_p
from cvbench_tui.errors import SelectionError
from cvbench_tui.results.compare.build import compare, judged_together, sides_along, slower_by
from cvbench_tui.results.compare.cells import method_lines, tables
from cvbench_tui.results.compare.frameworks import by_framework
from cvbench_tui.results.compare.model import RunComparison, Side
from cvbench_tui.results.compare.sentences import _fault
from cvbench_tui.results.published.load import published
from tests.every import every
from tests.results import samples
from tests.results.samples import STARTED_AT_S, graded_run, mixed_run, model

ENVIRONMENT = replace(samples.ENVIRONMENT, identity_hash="0123456789abcdef")
RESNET, VGG = Case(model("Resnet18"), "cpu", 8), Case(model("VGG16"), "cpu", 8)
PAIR = (("memory_format", "channels_last"),)


def measured(
    case: Case,
    base_s: float,
    seed: int,
    *,
    visits: int = 10,
    noise: float = 0.001,
    begun_s: float = STARTED_AT_S,
    levels: tuple[float, ...] = (),
    phases: tuple[str, ...] = ("total",),
) -> Measurement:
    """So many visits, a round of ten samples each, a minute apart; ``levels``: of the machine at each visit."""
    random = Random(f"{case.case_id} {seed}")
    rounds = []
    for visit in range(visits):
        level = base_s * (1 + random.gauss(0, noise)) * (levels[visit] if levels else 1.0)
        rounds.append(tuple(level * (1 + random.gauss(0, noise)) for _ in range(10)))
    return Measurement(
        case.case_id,
        tuple(PhaseSamples(phase, tuple(rounds), 1, "perf_counter", "visit") for phase in phases),
        None, 7, 0.5, 1.0, 20.0, 2,
        visit_rounds=tuple((phase, (1,) * visits) for phase in phases),
        visit_records=tuple(Visit(begun_s + 60 * each, 2.0, each) for each in range(visits)),
    )  # fmt: skip


def run_of(name: str, *rows: tuple[Case, Measurement | Failure], alternate: str = "", protocol: str = "default") -> Run:
    plan = Plan(name, tuple(case for case, _ in rows), PROTOCOLS[protocol], alternate)
    outcomes = {case.case_id: outcome for case, outcome in rows}
    return Run(name, plan, STARTED_AT_S, "0.1.0", environment=ENVIRONMENT, outcomes=outcomes, ended="finished")


def of_row(name: str, *arguments, case: Case = RESNET, **known) -> Side:
    return Side(name, run_of(name, (case, measured(case, *arguments, **known))))


def verdicts(comparison: RunComparison) -> list[tuple[str, str | None]]:
    return [(row.label, row.verdict) for row in comparison.rows]


def test_a_run_against_itself_is_the_same_everywhere():
    for run in (mixed_run(), graded_run()):
        found = compare(Side("a", run), Side("a", run), phases=("total", "inference"))
        assert len(found.rows) == 2 * len(run.plan.cases)
        assert {row.verdict for row in found.rows} <= {"same", "not told apart", None}
        assert {row.ratio.speedup for row in found.rows if row.ratio is not None} == {1.0}
        assert found.differences == ()
        assert (found.only_a, found.only_b) == ((), ())
        assert all(mean.speedup == 1.0 for _, mean, _ in found.means)
        assert slower_by([found], 0.0) == [()]


@every(("larger", "verdict"), [(0.0, "same"), (0.004, "same"), (0.05, "slower"), (-0.05, "faster")])
def test_verdicts_of_a_quiet_row(larger, verdict):
    found = compare(of_row("a", 0.01, 1), of_row("b", 0.01 * (1 + larger), 2))
    assert verdicts(found) == [("Resnet18", verdict)]
    [row] = found.rows
    assert row.ratio.basis == "processes"
    assert row.ratio.speedup == pytest.approx(1 / (1 + larger), abs=0.002)
    assert row.ratio.low < row.ratio.speedup < row.ratio.high
    assert row.sentence == ""
    assert [(phase, count) for phase, _, count in found.means] == [("total", 1)]


def test_the_bound_is_the_users():
    sides = of_row("a", 0.01, 1), of_row("b", 0.0103, 2)
    assert verdicts(compare(*sides)) == [("Resnet18", "slower")]
    assert verdicts(compare(*sides, bound=0.05)) == [("Resnet18", "same")]


def test_what_a_row_that_is_not_told_apart_would_take():
    [row] = compare(of_row("a", 0.01, 1, noise=0.02), of_row("b", 0.0102, 2, noise=0.02)).rows
    assert row.verdict == "not told apart"
    assert row.sentence.startswith("needs ")
    assert row.sentence.endswith(" more processes")
    [row] = compare(of_row("a", 0.01, 1, noise=0.2), of_row("b", 0.0101, 2, noise=0.2)).rows
    assert "cannot be seen" in row.sentence
    assert row.sentence.startswith("\u00b1")


def test_a_table_of_many_rows_calls_no_more_of_them_different_by_chance():
    cases = [Case(model(f"Resnet{number}"), "cpu", 8) for number in range(60)]
    runs = [
        run_of(name, *((case, measured(case, 0.01, f"{name}{seed}", noise=0.03)) for case in cases))
        for seed in range(3)
        for name in ("a", "b")
    ]
    for a, b in zip(runs[::2], runs[1::2], strict=True):
        found = compare(Side("a", a), Side("b", b))
        assert found.count("faster") + found.count("slower") == 0


@pytest.mark.parametrize(("ended", "said"), [(None, "no number yet in b"), ("cancelled", "not begun in b")])
def test_a_row_that_has_not_been_measured_says_whether_it_may_be(ended, said):
    a = run_of("a", (RESNET, measured(RESNET, 0.01, 1)), (VGG, measured(VGG, 0.02, 1)))
    b = run_of("b", (RESNET, measured(RESNET, 0.01, 2)), (VGG, measured(VGG, 0.02, 2)))
    b = replace(b, outcomes={RESNET.case_id: b.outcomes[RESNET.case_id]}, ended=ended)
    assert [row.sentence for row in compare(Side("a", a), Side("b", b)).rows][1:] == [said]


def test_rows_without_a_verdict_are_there_with_their_reason():
    out = Failure(VGG.case_id, "out_of_memory", "Full.")
    a = run_of("a", (RESNET, measured(RESNET, 0.01, 1)), (VGG, measured(VGG, 0.02, 1)))
    b = run_of("b", (RESNET, measured(RESNET, 0.01, 2, phases=("inference",))), (VGG, out))
    found = compare(Side("a", a), Side("b", b))
    assert [(row.label, row.ratio, row.verdict, row.sentence) for row in found.rows] == [
        ("Resnet18", None, None, "no total in b"),
        ("VGG16", None, None, "OOM in b"),
    ]
    assert found.rows[1].a.seconds == pytest.approx(0.02, rel=0.01)
    assert found.rows[1].b is None
    assert found.means == ()
    sentences = {row.sentence for row in compare(Side("g", graded_run()), Side("g", graded_run())).rows}
    assert {"OOM in both", "two speeds in both", "X impossible in both"} <= sentences


def test_a_single_number_has_no_verdict_and_one_process_says_so():
    once = of_row("b", 0.02, 2, visits=1)
    [row] = compare(of_row("a", 0.01, 1), once).rows
    assert row.ratio.speedup == pytest.approx(0.5, rel=0.01)
    assert (row.ratio.low, row.verdict) == (None, None)
    assert row.sentence == "nothing was repeated: a single number has no interval"
    rounds = measured(RESNET, 0.02, 3)
    rounds = replace(rounds, visit_rounds=(("total", (10,)),), visit_records=rounds.visit_records[:1])
    [row] = compare(of_row("a", 0.01, 1), Side("b", run_of("b", (RESNET, rounds)))).rows
    assert (row.ratio.basis, row.verdict) == ("rounds", "slower")
    assert row.sentence == "measured in one process or two: 1% is taken for what others would differ by"
    assert slower_by([compare(of_row("a", 0.01, 1), Side("b", run_of("b", (RESNET, rounds))))], 0.05) == [()]


def test_the_gate_takes_only_what_is_certain():
    a = run_of("a", (RESNET, measured(RESNET, 0.01, 1)), (VGG, measured(VGG, 0.01, 1)))
    b = run_of("b", (RESNET, measured(RESNET, 0.0107, 2)), (VGG, measured(VGG, 0.0104, 2)))
    found = compare(Side("a", a), Side("b", b))
    assert [row.label for row in slower_by([found], 0.05)[0]] == ["Resnet18"]
    assert [row.label for row in slower_by([found], 0.08)[0]] == []
    assert slower_by([compare(Side("b", b), Side("a", a))], 0.0) == [()]


def test_rows_measured_in_turn_are_pairs():
    other = replace(RESNET, settings=PAIR)
    drift = tuple(1 + 0.03 * visit for visit in range(10))
    first = measured(RESNET, 0.01, 1, levels=drift)
    second = measured(other, 0.0102, 2, levels=drift, begun_s=STARTED_AT_S + 3)
    for alternate in ("memory_format", ""):  # the schedule visits such rows one right after the other anyway
        run = run_of("both", (RESNET, first), (other, second), alternate=alternate)
        a, b = sides_along(run, "memory_format")
        assert (a.name, b.name) == ("contiguous", "channels_last")
        [row] = compare(a, b, along="memory_format").rows
        assert (row.label, row.ratio.basis, row.ratio.repeats, row.verdict) == ("Resnet18", "pairs", 10, "slower")
        assert row.ratio.speedup == pytest.approx(1 / 1.02, abs=0.002)
    apart = replace(second, visit_records=tuple(Visit(STARTED_AT_S + 900 + 60 * each, 2.0, each) for each in range(10)))
    [row] = compare(*sides_along(run_of("both", (RESNET, first), (other, apart)), "memory_format"),
                    along="memory_format").rows  # fmt: skip
    assert (row.ratio.basis, row.verdict) == ("processes", "not told apart")


def test_rows_measured_in_turn_beside_other_programs_have_a_ratio_and_others_none():
    busy = tuple(PassRecord("training", (Evidence(1.0, 0.9, waited_s=0.9),), empty_region_s=1e-7) for _ in range(10))
    other = replace(RESNET, settings=PAIR)
    first = replace(measured(RESNET, 0.01, 1), passes=busy)
    second = replace(measured(other, 0.0103, 2, begun_s=STARTED_AT_S + 3), passes=busy)
    run = run_of("both", (RESNET, first), (other, second), alternate="memory_format")
    [row] = compare(*sides_along(run, "memory_format"), along="memory_format").rows
    assert [side.quality.text for side in (row.a, row.b)] == ["X busy", "X busy"]
    assert (row.ratio.basis, row.verdict) == ("pairs", "slower")
    [row] = compare(Side("a", run_of("a", (RESNET, first))), Side("b", run_of("b", (RESNET, first)))).rows
    assert (row.ratio, row.verdict, row.sentence) == (None, None, "X busy in both")
    broken = replace(second, phases=(replace(second.phases[0], rounds=((0.0,) * 10,) * 10),))
    run = run_of("both", (RESNET, first), (other, broken), alternate="memory_format")
    [row] = compare(*sides_along(run, "memory_format"), along="memory_format").rows
    assert row.ratio is None


def test_time_is_per_input_along_batches():
    many = replace(RESNET, batch=16)
    run = run_of("both", (many, measured(many, 0.018, 1)), (RESNET, measured(RESNET, 0.01, 2)))
    a, b = sides_along(run, "batch")
    assert (a.value, b.value) == ("8", "16")
    [row] = compare(a, b, along="batch").rows
    assert row.batch == "8 and 16"
    assert row.ratio.speedup == pytest.approx(2 / 1.8, abs=0.003)


def test_devices_of_a_run_and_of_two_machines():
    card = replace(RESNET, device="cuda:0")
    run = run_of("both", (RESNET, measured(RESNET, 0.01, 1)), (card, measured(card, 0.001, 1)))
    a, b = sides_along(run, "device")
    found = compare(a, b, along="device")
    assert verdicts(found) == [("Resnet18", "faster")]
    assert found.differences == ()
    second = replace(RESNET, device="cuda:1")
    elsewhere = run_of("b", (second, measured(second, 0.001, 2)))
    found = compare(Side("a", run), Side("b", elsewhere))
    assert verdicts(found) == [("Resnet18", "same")]
    assert (found.only_a, found.only_b) == (("Resnet18 cpu batch 8",), ())
    assert found.differences[0] == "device cuda:1, was cuda:0"
    cards = [with_card(run, "cuda:0", 700.0), with_card(elsewhere, "cuda:1", 700.0)]
    assert compare(Side("a", cards[0]), Side("b", cards[1])).differences == ("device cuda:1, was cuda:0",)
    cards[1] = with_card(elsewhere, "cuda:1", 500.0)
    said = "cuda:0.power_limit_w 500.0, was 700.0"
    assert compare(Side("a", cards[0]), Side("b", cards[1])).differences == ("device cuda:1, was cuda:0", said)


def with_card(run: Run, device: str, power_limit_w: float) -> Run:
    """The run on a machine whose card has that id and power limit."""
    card = replace(ENVIRONMENT.devices[1], id=device)
    facts = (*ENVIRONMENT.facts, (f"{device}.power_limit_w", power_limit_w))
    return replace(run, environment=replace(ENVIRONMENT, devices=(ENVIRONMENT.devices[0], card), facts=facts))


def test_what_else_differs_is_said():
    environment = replace(
        ENVIRONMENT, versions=(("python", "3.11.9"), ("torch", "2.11.0"), *ENVIRONMENT.versions[2:]),
        facts=(*ENVIRONMENT.facts, ("threads", 4)),
    )  # fmt: skip
    a, b = of_row("a", 0.01, 1), of_row("b", 0.01, 2)
    assert compare(a, b).differences == ()
    assert not compare(a, b).doubtful
    other = Side("b", replace(b.run, environment=environment))
    assert compare(a, other).differences == ("torch 2.11.0, was 2.14.1+cu130", "threads 4, was none")
    assert compare(a, other).doubtful
    old = Side("b", replace(b.run, environment=replace(environment, identity_hash=None)))
    assert compare(old, a).differences == ("the run does not say on what it was measured",)
    unknown = Side("b", replace(b.run, environment=None))
    assert compare(a, unknown).differences == ("the run does not say on what it was measured",)
    quick = run_of("b", (RESNET, measured(RESNET, 0.01, 2)), protocol="quick")
    assert compare(a, Side("b", quick)).differences == ("protocol quick, was default",)
    changed = replace(
        a.run.plan.protocol, precision=0.02, budget_s=1.0, visits=5, max_visits=15, span_s=1.0, silence_s=9
    )
    numbers = Side("b", replace(b.run, plan=replace(b.run.plan, protocol=changed)))
    found = compare(a, numbers).differences
    assert found[0] == "protocol's precision 0.02, was 0.01"
    assert (len(found), found[3]) == (4, "2 more numbers of the protocol")
    formatted = of_row("b", 0.01, 2, case=replace(RESNET, settings=PAIR))
    assert compare(a, formatted).differences == ("memory format channels_last, was contiguous",)
    evil = replace(environment, versions=(("torch", "2\n|x\x1b[31m"), *environment.versions[1:]))
    said = compare(a, Side("b", replace(b.run, environment=evil))).differences
    assert not any("\n" in each or "\x1b" in each for each in said)


def test_along_environments_their_versions_are_what_is_compared():
    run, newer = of_row("a", 0.01, 1).run, of_row("b", 0.01, 2, case=RESNET.varied(env="new")).run
    newer = replace(newer, environment=replace(ENVIRONMENT, versions=(("torch", "2.15"), *ENVIRONMENT.versions[2:])))
    assert compare(Side("a", run), Side("b", newer)).differences
    assert compare(Side("own", run, "own"), Side("new", newer, "new"), along="env").differences == ()


def test_best_and_worst_come_first_and_rows_without_a_ratio_last():
    cases = [Case(model(name), "cpu", 8) for name in ("Resnet18", "Resnet34", "Resnet50")]
    failed = Case(model("VGG16"), "cpu", 8)
    a = run_of("a", (failed, measured(failed, 0.01, 1)), *((case, measured(case, 0.01, 1)) for case in cases))
    b = run_of(
        "b", (failed, Failure(failed.case_id, "error", "No.")),
        *((case, measured(case, 0.01 * factor, 2)) for case, factor in zip(cases, (1.0, 0.8, 1.2), strict=True)),
    )  # fmt: skip
    names = {
        order: [row.label for row in compare(Side("a", a), Side("b", b), order=order).rows]
        for order in ("plan", "best", "worst")
    }
    assert names["plan"] == ["VGG16", "Resnet18", "Resnet34", "Resnet50"]
    assert names["best"] == ["Resnet34", "Resnet18", "Resnet50", "VGG16"]
    assert names["worst"] == ["Resnet50", "Resnet18", "Resnet34", "VGG16"]


def test_runs_without_common_rows_say_what_each_has():
    with pytest.raises(SelectionError) as raised:
        compare(of_row("a", 0.01, 1), of_row("b", 0.01, 1, case=VGG))
    assert raised.value.message == "No row of a does the work of a row of b."
    assert "1 row: Resnet18" in raised.value.hint
    assert "1 row: VGG16" in raised.value.hint
    with pytest.raises(SelectionError):
        compare(of_row("a", 0.01, 1), of_row("b", 0.01, 1, case=replace(RESNET, batch=4)))
    with pytest.raises(SelectionError) as raised:
        sides_along(of_row("a", 0.01, 1).run, "precision")
    assert raised.value.hint == "All its rows have default."


def test_rows_that_one_side_lacks_are_named():
    a = run_of("a", (RESNET, measured(RESNET, 0.01, 1)), (VGG, measured(VGG, 0.02, 1)))
    found = compare(Side("a", a), of_row("b", 0.01, 2))
    assert (len(found.rows), found.only_a, found.only_b) == (1, ("VGG16 cpu batch 8",), ())


def test_keys_are_unique_and_labels_tell_rows_apart():
    rows = [
        replace(RESNET, device=device, settings=settings) for device in ("cpu", "cuda:0") for settings in ((), PAIR)
    ]
    runs = [run_of(name, *((case, measured(case, 0.01, name)) for case in rows)) for name in ("a", "b")]
    found = compare(Side("a", runs[0]), Side("b", runs[1]), phases=("total", "inference"))
    assert len({row.key for row in found.rows}) == len(found.rows) == 8
    assert len({row.label for row in found.rows}) == 4
    assert math.isclose(found.means[0][1].speedup, 1.0, abs_tol=0.01)


def test_verdicts_and_the_gate_are_corrected_over_all_sides_of_a_table():
    for seed in range(200):
        found = compare(of_row("a", 0.01, 2 * seed, noise=0.02), of_row("b", 0.0102, 2 * seed + 1, noise=0.02))
        if 0.005 < p_different(found.rows[0].ratio) < 0.03 and p_slower(found.rows[0].ratio, 0.0) < 0.02:
            break
    assert found.count("slower") == 1
    assert judged_together([found])[0] == found
    together = judged_together([found] * 10)
    assert [(each.count("slower"), each.corrected) for each in together] == [(0, 10)] * 10
    assert "corrected over all 10 by" in method_lines(together[:1])[-1]
    assert slower_by([found], 0.0) == [found.rows]
    assert slower_by([found] * 10, 0.0) == [()] * 10


def test_the_level_of_a_verdict_is_4_percent():
    far = compare(of_row("a", 0.01, 1, noise=0.02), of_row("b", 0.01, 2, noise=0.02))
    for wanted, verdict in ((0.035, "faster"), (0.045, "not told apart")):
        t = next(t / 1000 for t in range(1, 9000) if two_sided_p(t / 1000, 10.0) <= wanted)
        ratio = Ratio(math.exp(0.02), 1.0, 1.1, "processes", 10, 0.02 / t, 10.0)
        [judged] = judged_together([replace(far, rows=(replace(far.rows[0], ratio=ratio),))])
        assert judged.rows[0].verdict == verdict
        ratio = replace(ratio, speedup=math.exp(-0.02))
        [rows] = slower_by([replace(far, rows=(replace(far.rows[0], ratio=ratio),))], 0.0)
        assert len(rows) == 1  # one-sided, half as likely


def test_of_two_runs_rows_that_are_alike_on_both_sides_are_told_apart_by_the_axis_as_well():
    pair = RESNET, replace(RESNET, settings=PAIR)
    sides = [Side(name, run_of(name, *((case, measured(case, 0.01, 1)) for case in pair))) for name in ("a", "b")]
    labels = [row.label for row in compare(*sides, along="memory_format").rows]
    assert len(set(labels)) == 2
    assert {
        row.label
        for row in compare(
            *(
                replace(side, run=sides[0].run, value=value)
                for side, value in zip(sides, ("contiguous", "channels_last"), strict=True)
            ),
            along="memory_format",
        ).rows
    } == {"Resnet18"}


def test_two_batches_are_compared_by_the_time_of_one_input():
    double = replace(RESNET, batch=16)
    run = run_of(
        "a", (RESNET, measured(RESNET, 0.01, 1)), (double, measured(double, 0.016, 2, begun_s=2 * STARTED_AT_S))
    )
    [row] = compare(*sides_along(run, "batch"), along="batch").rows
    assert row.ratio.basis == "processes"
    assert row.ratio.speedup == pytest.approx(1.25, rel=0.01)


def test_rows_that_could_be_the_partners_of_several_are_nobodys():
    threads = [
        tuple(replace(RESNET, settings=(("threads", str(count)),)) for count in side) for side in ((1, 2), (3, 4))
    ]
    sides = [
        Side(name, run_of(name, *((case, measured(case, 0.01, 1)) for case in each)))
        for name, each in zip("ab", threads, strict=True)
    ]
    with pytest.raises(SelectionError):
        compare(*sides)


def test_two_pairs_are_too_few_for_an_interval_of_pairs():
    other = replace(RESNET, settings=PAIR)
    rows = [(case, measured(case, 0.01, 1, visits=2)) for case in (RESNET, other)]
    run = run_of("a", *rows, alternate="memory_format")
    [row] = compare(*sides_along(run, "memory_format"), along="memory_format").rows
    assert row.ratio.basis == "rounds"


def test_the_phase_is_one_that_both_sides_have():
    [row] = compare(
        of_row("a", 0.01, 1, phases=("total", "inference")), of_row("b", 0.01, 2, phases=("inference",))
    ).rows
    assert row.phase == "inference"
    assert row.ratio is not None


def test_two_speeds_hide_no_ratio_of_rows_measured_in_turn():
    for share, in_turn, fault in (
        (0.5, False, "two speeds"),
        (0.5, True, ""),
        (0.3, False, "two speeds"),
        (0.1, False, ""),
    ):
        time = SimpleNamespace(reasons=(), valid=True, repeats=(0.0,), modes=SimpleNamespace(share_high=share))
        assert _fault(SimpleNamespace(time=lambda _, time=time: time), "total", in_turn=in_turn) == fault


def test_one_row_has_no_geometric_mean_at_its_foot():
    [table] = tables([compare(of_row("a", 0.01, 1), of_row("b", 0.02, 2))])
    assert table.foot == ()


def test_published_figures_of_two_frameworks_are_two_sides():
    sides = by_framework(Side("page", published()["published-1080ti"]))
    assert [side.name for side in sides] == ["page Pytorch 0.4.1", "page Flux 0.6.8+"]
    assert [len(side.run.plan.cases) for side in sides] == [15, 15]
