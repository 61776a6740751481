"""The tables to paste."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from itertools import pairwise

import pytest

from cvbench_tui.base.cells import cell_len
from cvbench_tui.catalog.layers import LAYERS
from cvbench_tui.catalog.models import MODELS
from cvbench_tui.core.environment import Device
from cvbench_tui.core.evidence import Evidence, PassRecord
from cvbench_tui.core.measurement import Failure, Notice
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.core.workload import Workload
from cvbench_tui.results.export.markdown_short import MAX_WIDTH, SUPERSCRIPTS, render_short
from cvbench_tui.results.export.rerun_command import command_line, command_lines
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.table.view import View
from cvbench_tui.results.text import units
from cvbench_tui.results.text.ascii import to_ascii
from tests.every import every
from tests.results.samples import CONV, DENSE, ENVIRONMENT, graded_run, measurement, mixed_run, model, plan, run_of
from tests.results.test_markdown import tables

NUMBERS = str.maketrans({value: chr(key) for key, value in SUPERSCRIPTS.items()})
VGG, RESNET = Case(model("VGG16"), "cuda:0", 8), Case(model("Resnet18"), "cuda:0", 8)


def shown(run: Run, **view) -> str:
    return render_short(run, View(**view))


def titles(text: str) -> list[str]:
    return [line.removeprefix("### ") for line in text.splitlines() if line.startswith("### ")]


def column(table: list[list[str]], heading: str) -> list[str]:
    place = table[0].index(heading)
    return [row[place] for row in table[1:]]


def notes(text: str) -> dict[int, str]:
    """The numbered notes, lines joined."""
    body = text.partition("Medians,")[2].partition("<details>")[0].replace("\n", " ")
    parts = re.split(f"(?:^| )([{''.join(map(chr, SUPERSCRIPTS.values()))}]+) ", body) if body else []
    return {int(number.translate(NUMBERS)): sentence for number, sentence in zip(parts[1::2], parts[2::2], strict=True)}


def test_a_table_for_each_device_and_kind_has_what_its_rows_share_in_the_title() -> None:
    text = shown(mixed_run())
    cpu = "Intel(R) Xeon(R) Silver 4114 CPU @ 2.20GHz (16 threads)"
    assert titles(text) == [
        "mixed, models on NVIDIA H100 80GB HBM3: default precision, 224 px",
        "mixed, layers on NVIDIA H100 80GB HBM3: default precision, batch 8, images 224 px",
        f"mixed, models on {cpu}: fp32, batch 8, 224 px",
        f"mixed, layers on {cpu}: fp32, batch 8, 224 px",
    ]
    models, layers, *_ = tables(text)
    assert models[0] == ["Model", "Batch", "Forward ms", "Backward ms", "Total ms", "Inference ms", "img/s", "95% CI"]
    assert layers[0] == ["Layer", "Forward \u00b5s", "Backward \u00b5s", "Total \u00b5s", "Inference \u00b5s", "95% CI"]
    assert column(models, "Batch") == ["8", "8", "4"]
    alone = run_of(plan(VGG, RESNET, name="selection"), measurement(VGG, 0.02), measurement(RESNET, 0.006))
    assert titles(shown(alone)) == ["Models on NVIDIA H100 80GB HBM3: default precision, batch 8, 224 px"]
    named = replace(alone, plan=replace(alone.plan, name="resnets"))
    assert titles(shown(named)) == ["resnets on NVIDIA H100 80GB HBM3: default precision, batch 8, 224 px"]


def test_the_one_interval_of_a_row_is_its_widest_and_no_number_has_more_digits_than_its_own() -> None:
    run = run_of(plan(VGG), replace(measurement(VGG, 0.01), phases=wobbling(VGG, 1)))
    (table,) = tables(shown(run))
    widths = [result.relative or 0.0 for result in row_data(run, VGG).phases.values()]
    assert column(table, "95% CI") == [units.relative_text(max(widths))]
    assert column(table, "Total ms") == ["30.0"]


def test_an_invalid_number_is_a_dash_and_every_dash_has_its_reason() -> None:
    text = shown(graded_run())
    layers = tables(text)[-1]
    norm = next(row for row in layers if row[0] == "BatchNorm")
    assert norm[1:5] == ["-"] * 4
    assert norm[5].startswith("X impossible")
    models = tables(text)[0]
    assert column(models, "95% CI")[1] == "OOM\u00b9"
    assert notes(text)[1].startswith("OOM: Not enough memory on the device: 1 GiB was asked for")
    assert "~~" not in text


def test_each_reason_is_one_note_however_many_rows_have_it() -> None:
    cases = [Case(model(name), "cuda:0", batch) for name in ("VGG16", "Resnet18") for batch in (1, 2, 4)]
    rows = [
        replace(measurement(case, 0.01), passes=waiting(share)) for case, share in zip(cases, range(6, 12), strict=True)
    ]
    text = shown(run_of(plan(*cases), *rows))
    (table,) = tables(text)
    assert {cell.split("%")[1] for cell in column(table, "95% CI")} == {"\u00b9"}
    busy = "C busy: Benchmark threads waited for a CPU core"
    assert {number: note.strip() for number, note in notes(text).items()} == {1: f"{busy} up to 11% of the time."}
    one = shown(run_of(plan(cases[0]), rows[0]))
    assert notes(one)[1].strip() == f"{busy} 6% of the time."


def waiting(percent: int) -> tuple[PassRecord, ...]:
    """Threads that waited for so much of the time in all ten visits."""
    evidence = (Evidence(1.0, 1.0, waited_s=percent / 100),)
    return tuple(PassRecord(name, evidence) for name in ("training", "inference")) * 10


def wobbling(case: Case, share: int):
    """Rounds that differ, each case by another share."""
    steps = [1 + 0.01 * (share + 3) * wobble for wobble in (0, 1, -1, 1, -1) * 2]
    return tuple(
        replace(
            phase,
            rounds=tuple(
                tuple(sample * step for sample in samples) for samples, step in zip(phase.rounds, steps, strict=True)
            ),
        )
        for phase in measurement(case, 0.01).phases
    )


def test_failures_of_one_kind_share_a_note_and_other_errors_have_their_own() -> None:
    cases = [Case(model("VGG16"), "cuda:0", batch) for batch in (8, 16, 32, 64, 128)]
    kinds = ("out_of_memory", "out_of_memory", "error", "error", "error")
    sentences = ("It asked for 1 GiB.", "It asked for 2 GiB.", "No kernel.", "No kernel.", "No driver.")
    failures = [Failure(case.case_id, *told) for case, *told in zip(cases, kinds, sentences, strict=True)]
    text = shown(run_of(plan(*cases), *failures))
    (table,) = tables(text)
    assert column(table, "95% CI") == ["OOM\u00b9", "OOM\u00b9", "error\u00b2", "error\u00b2", "error\u00b3"]
    assert [notes(text)[number].strip() for number in (1, 2, 3)] == [
        "OOM: It asked for 1 GiB.", "error: No kernel.", "error: No driver.",
    ]  # fmt: skip
    assert table[0] == ["Model", "Batch", "95% CI"], "no time, no column of times"


def test_rows_that_wait_say_so_and_notices_are_notes_too() -> None:
    noticed = measurement(RESNET, 0.006, notices=(Notice("energy_failed", "No energy."),))
    text = shown(replace(run_of(plan(VGG, RESNET), noticed), ended=None))
    assert column(tables(text)[0], "95% CI") == ["queued", "\u00b10.1%\u00b9"]
    assert "The run had not ended when this was written." in text
    assert notes(text) == {1: "No energy.  "}


@every("name", ["m", "efficientnet_v2_large", "n" * 60, "\u6a21" * 50])
@every("batches", [(8,), (1, 4096)])
@every("images", [(224,), (224, 1024)])
@every("seconds", [1.2e-7, 0.0123, 0.98, 876.0])
def test_no_line_is_wider_than_a_hundred_cells(name: str, batches, images, seconds: float) -> None:
    cases = [Case(model(name, side=image), "cuda:0", batch) for batch in batches for image in images]
    cases += [Case(CONV, "cuda:0", batch) for batch in batches]
    run = run_of(plan(*cases), *(measurement(case, seconds) for case in cases))
    for view in (View(), View(reference=cases[0].case_id)):
        text = render_short(run, view)
        drawn = [line for line in text.splitlines() if line.startswith(("|", "#"))]
        assert max(map(cell_len, drawn)) <= MAX_WIDTH
        assert max(map(len, text.splitlines())) <= MAX_WIDTH
        for table in tables(text):
            assert any(heading.startswith("Total") for heading in table[0])
    assert sum(len(table) - 1 for table in tables(render_short(run, View()))) == len(cases)


def test_columns_that_the_user_chose_are_there_however_wide_they_make_it() -> None:
    chosen = ("device", "batch", "samples", "compute", "bandwidth", "energy", "memory", "first_call", "quality")
    table = tables(shown(graded_run(), columns=chosen))[2]
    assert table[0] == [
        "Model", "Samples in rounds", "Inference compute TFLOP/s", "Inference bandwidth GB/s",
        "Inference energy J/img", "Memory GiB", "First call ms", "Quality", "95% CI",
    ]  # fmt: skip
    assert table[1][2] == "30.00 10%"
    assert "max" not in table[0]


def test_the_marked_row_is_named() -> None:
    run = run_of(plan(VGG, RESNET), measurement(VGG, 0.02), measurement(RESNET, 0.01))
    text = shown(run, reference=VGG.case_id)
    assert column(tables(text)[0], "vs ref") == ["ref", "2.000x"]
    assert "vs ref: how many times as fast per input as VGG16 (cuda:0, batch 8)" in text


def test_a_filter_and_an_order_are_those_of_the_view() -> None:
    text = shown(mixed_run(), filter_text="cuda", sort="total")
    assert text.startswith('5 of 7 rows, filter "cuda".\n\n### ')
    assert [row[0] for row in tables(text)[1][1:]] == ["Resnet18", "VGG16", "Resnet101"]
    assert tables(shown(mixed_run(), filter_text="nothing like it")) == []


def test_a_row_alone_has_its_title_and_notes_and_nothing_folded_away() -> None:
    run = graded_run()
    key = next(case.case_id for case in run.plan.cases if (case.workload.name, case.device) == ("Dense", "cuda:0"))
    text = render_short(run, View(filter_text="conv"), key)
    assert [row[0] for row in tables(text)[0]] == ["Layer", "Dense"]
    assert "<details>" not in text
    assert notes(text)[1].startswith("B host-bound: A loop takes ")
    with pytest.raises(KeyError):
        render_short(run, View(), "nothing")


def test_under_the_published_method_times_are_means() -> None:
    text = shown(mixed_run("original"))
    said = (
        "Means, protocol original; clean: medians by today's method (\u00b13%); the interval is the widest of the row."
    )
    assert said in " ".join(text.split())
    assert {"Forward ms", "Total clean ms"} <= set(tables(text)[0][0])
    assert "Published means over clean numbers: models 1.14x in total" in " ".join(text.split())


def test_cards_of_one_name_are_told_apart() -> None:
    environment = replace(ENVIRONMENT, devices=tuple(Device(f"cuda:{number}", "RTX") for number in (0, 1)))
    cases = [Case(model("VGG16"), f"cuda:{number}", 8) for number in (0, 1)]
    run = run_of(plan(*cases), *(measurement(case, 0.01) for case in cases), environment=environment)
    assert titles(shown(run)) == [
        f"sample on RTX (cuda:{number}): default precision, batch 8, 224 px" for number in (0, 1)
    ]
    nowhere = run_of(plan(VGG), measurement(VGG, 0.01), environment=None)
    assert titles(shown(nowhere)) == ["sample on cuda:0: default precision, batch 8, 224 px"]


def test_what_is_folded_away_names_versions_and_repeats_the_run() -> None:
    text = shown(mixed_run())
    assert "<details><summary>\nPyTorch 2.14.1, driver 580.1, 2026-11-24: environment, method, how to reproduce" in text
    commands = text.partition("```\n")[2].partition("\n```")[0]
    assert commands.splitlines() == [
        "cvbench-tui run -m VGG16,Resnet18 -l Conv3x3/1,Dense -d cuda:0 -b 8 --protocol default",
        "cvbench-tui run -m Resnet101 -d cuda:0 -b 4 --protocol default",
        "cvbench-tui run -m VGG16 -l Conv3x3/1 -d cpu -b 8 --protocol default",
    ]


def test_the_commands_name_every_workload_of_the_catalog_once_and_a_shell_reads_them() -> None:
    cases = [Case(entry.workload, "cpu", 8) for entry in (*MODELS, *LAYERS)]
    run = run_of(plan(*cases))
    lines, left_out = command_lines(run, MAX_WIDTH)
    assert left_out == 0
    assert all(len(line) <= MAX_WIDTH for line in "\n".join(lines).splitlines())
    words = [word for line in "\n".join(lines).replace("\\\n", " ").splitlines() for word in shlex.split(line)]
    named = [name for option, names in pairwise(words) if option in ("-m", "-l") for name in names.split(",")]
    assert sorted(named) == sorted(entry.name for entry in (*MODELS, *LAYERS))
    one = run_of(plan(Case(DENSE, "cpu", 8)))
    assert command_lines(one, MAX_WIDTH) == ([command_line(one, one.plan.cases[0])], 0)
    odd = run_of(plan(Case(replace(DENSE, op="other"), "cpu", 8)))
    assert command_lines(odd, MAX_WIDTH) == ([], 1)
    assert "No command repeats 1 row." in shown(odd)
    older = replace(one, plan=replace(one.plan, protocol=replace(one.plan.protocol, precision=0.2)))
    assert "The protocol default has other numbers in this version." in shown(older)


def test_rows_of_several_frameworks_are_never_in_one_table() -> None:
    cases = [RESNET, replace(RESNET, framework="flux")]
    text = shown(run_of(plan(*cases, name="selection"), *(measurement(case, 0.01) for case in cases)))
    assert [title.partition(": ")[2] for title in titles(text)] == [
        "default precision, batch 8, 224 px", "default precision, flux, batch 8, 224 px",
    ]  # fmt: skip


def test_nothing_is_bold_and_the_marked_row_is_named_only_beside_its_column() -> None:
    assert "**" not in shown(mixed_run())
    run = mixed_run()
    chosen = shown(run, reference=run.plan.cases[0].case_id, columns=("forward",))
    assert "vs ref" not in chosen


def test_numbers_of_notes_are_read_in_ascii_too() -> None:
    assert to_ascii("\u00b11%\u00b9 \u00b2 \u00b9\u2070") == "+-1%^1 ^2 ^1^0"


def test_energy_whose_sources_differ_keeps_its_mark() -> None:
    table = tables(shown(graded_run(), columns=("energy",)))[2]
    assert column(table, "Inference energy J/img")[0].endswith("?")


def test_a_share_without_a_peak_is_a_dash_here_too() -> None:
    run = graded_run()
    unsure = {device: replace(peak, sure=False) for device, peak in run.ceilings.items()}
    table = tables(shown(replace(run, ceilings=unsure), columns=("compute",)))[2]
    assert column(table, "Inference compute TFLOP/s")[0] == "30.00 -"


def test_a_version_is_text_in_the_summary_and_cuda_is_named_only_beside_a_card() -> None:
    versions = (("torch", "2.14.1+cu130"), ("cuda", "13.0"), ("driver", "<b>580&"))
    run = replace(mixed_run(), environment=replace(ENVIRONMENT, versions=versions))
    assert "\nPyTorch 2.14.1, CUDA 13.0, driver &lt;b&gt;580&amp;, 2026-11-24: " in shown(run)
    cases = tuple(case for case in run.plan.cases if case.device == "cpu")
    alone = replace(run, plan=replace(run.plan, cases=cases))
    assert "\nPyTorch 2.14.1, 2026-11-24: " in shown(alone)


def test_units_that_differ_stand_beside_each_number_and_the_heading_has_its_name() -> None:
    text = Case(Workload("model", "Text", "text", (1024,)), "cuda:0", 8)
    run = run_of(plan(VGG, text), measurement(VGG, 0.01, memory=3 * 2**29), measurement(text, 0.01, memory=2**24))
    table = tables(shown(run, columns=("throughput", "memory")))[0]
    assert column(table, "Memory") == ["1.50 GiB", "16.0 MiB"]
    assert [cell.partition(" ")[2] for cell in column(table, "Throughput")] == ["img/s", "inputs/s"]


def test_the_widest_interval_is_that_of_the_widest_phase() -> None:
    taken, wide = measurement(VGG, 0.01), {phase.phase: phase for phase in wobbling(VGG, 4)}
    phases = tuple(wide[phase.phase] if phase.phase == "backward" else phase for phase in taken.phases)
    run = run_of(plan(VGG), replace(taken, phases=phases))
    width = row_data(run, VGG).phases["backward"].relative
    assert width is not None
    assert column(tables(shown(run))[0], "95% CI")[0].startswith(units.relative_text(width))


def test_what_rows_differ_in_is_a_column_and_what_they_share_is_in_the_title() -> None:
    axes = ({}, {"memory_format": "channels_last"}, {"memory_format": "channels_last", "threads": "4"})
    cases = [RESNET.varied(compile="default", **axis) for axis in axes]
    text = shown(run_of(plan(*cases, name="selection"), *(measurement(case, 0.01) for case in cases)))
    assert [title.partition(": ")[2] for title in titles(text)] == ["default precision, compiled, batch 8, 224 px"]
    (table,) = tables(text)
    assert column(table, "Memory format") == ["contiguous", "channels_last", "channels_last"]
    assert column(table, "Threads") == ["cores", "cores", "4"]
    assert not {"Compile", "Precision"} & set(table[0])


def test_what_a_reason_says_is_no_notice_too_and_the_numbers_of_a_row_rise() -> None:
    failed = Notice("energy_failed", "No energy.")
    noticed = (Notice("unsettled_total", "As files of schema 1 have it."), failed)
    wide = replace(measurement(RESNET, 0.01), notices=noticed)
    text = shown(run_of(plan(VGG, RESNET), measurement(VGG, 0.01, notices=(failed,)), wide))
    assert column(tables(text)[0], "95% CI")[1].endswith("\u00b9 \u00b2")
    assert list(notes(text)) == [1, 2]
    assert "schema 1" not in text


def test_throughput_gives_way_first_and_what_tells_rows_apart_never() -> None:
    cases = [Case(model("n" * 60, side=side), "cuda:0", batch) for side in (224, 1024) for batch in (1, 4096)]
    run = run_of(plan(*cases), *(measurement(case, 0.0123) for case in cases))
    head = tables(shown(run, reference=cases[0].case_id))[0][0]
    assert {"Batch", "Image px", "Forward ms", "vs ref"} <= set(head)
    assert not {"img/s", "Backward ms"} & set(head)
