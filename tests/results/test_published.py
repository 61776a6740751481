"""The published means against the clean numbers beside them: in the detail, in every file and in one sentence."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from cvbench_tui.core.measurement import PhaseSamples
from cvbench_tui.core.plan import Case
from cvbench_tui.results.detail.row import detail, detail_text, histograms
from cvbench_tui.results.export import csv as csv_export
from cvbench_tui.results.export import json as json_export
from cvbench_tui.results.export.markdown import render
from cvbench_tui.results.export.plain_text import sentences
from cvbench_tui.results.stats.published import difference, difference_line
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.table.view import View
from tests.results.samples import CONV, measurement, mixed_run, model, plan, run_of, with_clean

VGG = Case(model("VGG16"), "cpu", 8)


def cold_run(**changes):
    """A published loop of ten iterations of 1 s but for the first of 11 s, beside clean ones of 0.875 s."""
    taken = with_clean(VGG, 1.0)
    rounds = ((11.0, 1.0), *(((1.0, 1.0),) * 4))
    phases = tuple(PhaseSamples(each.phase, rounds, 1, "perf_counter", "fixed") for each in taken.phases)
    return run_of(plan(VGG, protocol="original"), replace(taken, phases=phases, **changes))


def row(case, *, protocol="original", forward_s=1.0):
    return row_data(run_of(plan(case, protocol=protocol), with_clean(case, forward_s)), case)


def test_the_ratio_is_of_mean_and_median_and_another_is_without_the_cold_iteration():
    found = difference(row_data(cold_run(), VGG), "forward")
    assert found.ratio == pytest.approx(2.0 / 0.8755, rel=1e-3)
    assert found.warm_ratio == pytest.approx(1.0 / 0.8755, rel=1e-3)
    assert difference(row_data(cold_run(clean=None), VGG), "forward") is None


def test_a_number_of_grade_x_is_compared_with_nothing():
    broken = replace(
        measurement(VGG, 1.0), phases=(PhaseSamples("forward", ((1.0,),) * 12, 1, "perf_counter", "rounds"),)
    )
    reading = row_data(cold_run(clean=broken), VGG)
    assert reading.clean["forward"].grade == "X"
    assert difference(reading, "forward") is None
    assert difference_line([reading]) == ""


def test_one_sentence_names_the_ratios_by_kind_and_the_causes_that_apply():
    models = difference_line([row(VGG), row(Case(model("VGG16"), "cpu", 4), forward_s=2.0)])
    assert models == (
        "Published means over clean numbers: models 1.14x in total, 1.14x in inference. What differs: the cold "
        "iteration is in the mean, Python's collector is on, gradients accumulate, output gradients are ones, autograd "
        "records inference."
    )
    both = difference_line([row(VGG), row(Case(CONV, "cuda:0", 8))])
    assert "layers 1.14x in total" in both
    assert "the device is waited for after every pass" in both
    assert "inputs of layers are uniform and get no gradient, which is less work" in both
    assert difference_line([row(VGG, protocol="default")]) == ""


@pytest.mark.parametrize("write", [lambda run: render(run, "short"), lambda run: render(run, "full"), sentences])
def test_every_layout_has_the_sentence_once(write):
    text = " ".join(write(mixed_run("original")).split())
    assert text.count("Published means over clean numbers: models ") == 1
    assert "Published means" not in write(mixed_run())


def test_the_detail_has_the_ratio_the_clean_numbers_and_their_samples():
    run = cold_run()
    sections = {section.title: dict(section.pairs) for section in detail(run, VGG.case_id)}
    assert sections["Total"]["against clean"] == "0.761x, 0.381x without the cold iteration"
    assert sections["Total"]["stopped"] == "after the fixed number of iterations of the published method"
    assert sections["Total, clean"]["stopped"] == "\u00b13% reached"
    assert "against clean" not in sections["Total, clean"]
    assert list(histograms(run, VGG.case_id)) == [
        *(phase.capitalize() for phase in ("forward", "backward", "total", "inference")),
        *(f"{phase.capitalize()}, clean" for phase in ("forward", "backward", "total", "inference")),
    ]
    assert "  Total, clean samples\n" in detail_text(run, VGG.case_id)
    assert not [title for title in sections if "clean" in title and "clean" not in title.split(", ")[1]]


def test_two_speeds_of_the_clean_numbers_are_those_that_the_layout_of_the_page_names():
    rounds = ((0.8,) * 10 + (1.0,) * 10,) * 5
    clean = measurement(VGG, 1.0)
    phases = tuple(replace(each, rounds=rounds) if each.phase == "total" else each for each in clean.phases)
    (line,) = (
        line
        for line in render(cold_run(clean=replace(clean, phases=phases)), "original").splitlines()
        if "speeds" in line
    )
    assert "C two speeds in total of the clean numbers: 50% of the samples" in line
    assert line.endswith("The speeds are total 0.800/1.00 s; the table's number describes neither.")


def test_files_have_the_clean_figures_beside_the_others():
    run = cold_run()
    (result,) = json.loads(json_export.render(run, "short", View()))["results"]
    assert result["clean"]["differences"]["forward"]["ratio"] == pytest.approx(2.284, abs=1e-3)
    assert len(result["clean"]["phases"]["total"]["samples_s"]) == 20
    assert "valid" not in result["cells"]["total_clean"]
    (line,) = csv.DictReader(io.StringIO(csv_export.render(run, "short", View())))
    assert float(line["forward_clean_median_s"]) == pytest.approx(0.8755, abs=1e-3)
    assert line["forward_clean_grade"] == "A"
    assert float(line["forward_clean_published_warm_ratio"]) == pytest.approx(1.142, abs=1e-3)
    (before,) = csv.DictReader(
        io.StringIO(csv_export.render(run_of(plan(VGG), measurement(VGG, 1.0)), "short", View()))
    )
    assert not [name for name in before if "clean" in name]


def test_what_a_page_does_not_show_is_not_compared_on_it():
    rows = [row(VGG), row(Case(CONV, "cpu", 8))]
    assert "in inference" in difference_line(rows)
    assert "inference" not in difference_line(rows, lambda _: ("forward", "backward", "total"))
