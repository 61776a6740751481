"""What is said once about several rows."""

from __future__ import annotations

from dataclasses import replace

from cvbench_tui.core.measurement import Failure, Measurement, Notice
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.results.stats.shared_notes import shared_failures, shared_notes
from tests.every import every
from tests.results.samples import CONV, DENSE, graded_run, measurement, model, plan, run_of
from tests.results.test_markdown_short import waiting

CASES = [Case(model(name), "cpu", 8) for name in ("Resnet18", "VGG16", "Resnet50", "Resnet101", "Resnet152")]


def texts(*rows: Measurement | Failure, cases=CASES) -> list[str]:
    run = run_of(plan(*cases), *rows)
    shown = run.plan.cases
    return [note.text for note in (*shared_failures(run, shown), *shared_notes(run, shown))]


def noticed(case: Case, sentence: str) -> Measurement:
    return replace(measurement(case, 0.1), notices=(Notice("energy_failed", sentence),))


@every(
    ("count", "who"),
    [(1, "Resnet18"), (2, "Resnet18, VGG16"), (4, "Resnet18, VGG16, Resnet50, Resnet101"), (5, "5 rows")],
)
def test_rows_are_named_as_long_as_they_are_few(count: int, who: str) -> None:
    (text,) = texts(*(replace(measurement(case, 0.1), passes=waiting(9)) for case in CASES[:count]))
    assert text.startswith(f"C busy in {who}: Benchmark threads waited for a CPU core 9% of the time. Close ")


def test_sentences_that_differ_in_a_number_are_one_with_the_worst_of_them() -> None:
    (text,) = texts(
        *(
            replace(measurement(case, 0.1), passes=waiting(share))
            for case, share in zip(CASES, (9, 23, 6), strict=False)
        )
    )
    assert "waited for a CPU core up to 23% of the time." in text


def test_of_what_is_too_little_the_least_is_the_worst() -> None:
    few = []
    for case, count in zip(CASES, (5, 3), strict=False):
        taken = measurement(case, 0.1)
        phases = tuple(replace(phase, rounds=phase.rounds[:count]) for phase in taken.phases)
        counts = tuple((phase.phase, (1,) * count) for phase in phases)
        few.append(replace(taken, phases=phases, visit_rounds=counts, visit_records=taken.visit_records[:count]))
    (text,) = texts(*few)
    assert text.startswith("B few visits in Resnet18, VGG16: Only 3 of 10 visits were made. ")


def test_grades_and_phases_keep_reasons_apart() -> None:
    training = tuple(each for each in waiting(3) if each.name == "training")
    found = texts(
        replace(measurement(CASES[0], 0.1), passes=training), replace(measurement(CASES[1], 0.1), passes=waiting(9))
    )
    assert [text.split(": ")[0] for text in found] == [
        "C busy in VGG16",
        "B busy in Resnet18 (forward, backward, total)",
    ]


def test_the_worst_is_said_first_and_notices_last() -> None:
    titles = [note.title for note in shared_notes(graded_run(), graded_run().plan.cases)]
    assert titles == ["X impossible", "X hidden work", "C two speeds", "C busy", "B host-bound", "", "", "", ""]


def test_rows_of_one_name_are_told_apart_by_what_they_differ_in() -> None:
    cases = [Case(CONV, "cpu", 8), Case(CONV, "cpu", 16), Case(DENSE, "cpu", 8), Case(DENSE, "cuda:0", 8)]
    found = texts(*(noticed(case, "It is so.") for case in cases), cases=cases)
    assert found[0].startswith("Note on Conv3x3/1 batch 8, Conv3x3/1 batch 16, Dense cpu, Dense cuda:0: It is so. ")


def test_numbers_in_a_sentence_from_outside_are_left_alone() -> None:
    found = texts(noticed(CASES[0], "Driver 1 said 2."), noticed(CASES[1], "Driver 4 said 9."))
    assert found[0].startswith("Note on Resnet18, VGG16: Driver 1 said 2. ")


def test_failures_of_one_kind_are_one_sentence() -> None:
    asked = [Failure(case.case_id, "out_of_memory", f"It asked for {size} GiB.") for size, case in enumerate(CASES, 1)]
    other = replace(asked[-1], kind="error")
    assert texts(*asked[:-1], other) == [
        "Resnet18, VGG16, Resnet50, Resnet101: OOM. It asked for 1 GiB.",
        "Resnet152: error. It asked for 5 GiB.",
    ]


def test_of_rows_that_are_not_shown_nothing_is_said() -> None:
    run: Run = graded_run()
    assert shared_notes(run, ()) == shared_failures(run, ()) == ()
