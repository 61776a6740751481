from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from cvbench_tui.base.choices import LAYOUTS
from cvbench_tui.base.escape import visible
from cvbench_tui.core.environment import Device
from cvbench_tui.core.facts import environment_id
from cvbench_tui.core.grading.reasons import GRADE_HELP
from cvbench_tui.core.measurement import Failure
from cvbench_tui.core.plan import Case
from cvbench_tui.errors import SelectionError
from cvbench_tui.results.export.markdown import render
from cvbench_tui.results.export.markdown_original import render_original
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.column_fit import visible_columns
from cvbench_tui.results.table.view import View
from tests.results.samples import (
    CONV,
    DENSE,
    ENVIRONMENT,
    FACTORS,
    flux_run,
    graded_run,
    measurement,
    mixed_run,
    model,
    plan,
    run_of,
    with_clean,
)

PARSER = MarkdownIt("commonmark").enable("table")
NAMES = st.text(max_size=12) | st.text(alphabet="|`*_[]<>()\\&#!~-+=.1 \t\n\rab$", max_size=10)


def text_of(inline: Token) -> str:
    """What a reader sees; anything but plain text and bold in it is a mistake."""
    assert inline.children is not None
    for child in inline.children:
        assert child.type in ("text", "text_special", "strong_open", "strong_close", "softbreak"), child.type
    return "".join("\n" if child.type == "softbreak" else child.content for child in inline.children)


def tables(markdown: str) -> list[list[list[str]]]:
    """Every table as rows of cell texts, heading first."""
    found: list[list[list[str]]] = []
    for token, following in zip(*(lambda tokens: (tokens, tokens[1:]))(PARSER.parse(markdown)), strict=False):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("th_open", "td_open"):
            found[-1][-1].append(text_of(following))
    return found


def texts_in(markdown: str, kind: str) -> list[str]:
    tokens = PARSER.parse(markdown)
    return [text_of(tokens[place + 1]) for place, token in enumerate(tokens) if token.type == kind]


def list_items(markdown: str) -> list[str]:
    tokens = PARSER.parse(markdown)
    return [text_of(tokens[place + 2]) for place, token in enumerate(tokens) if token.type == "list_item_open"]


def test_short_golden(golden):
    golden("short.md", render(mixed_run(), "short"))
    golden("short-published.md", render(mixed_run("original"), "short"))


def test_full_golden(golden):
    golden("full.md", render(mixed_run(), "full"))
    golden("full-published.md", render(mixed_run("original"), "full"))


def test_original_golden(golden):
    golden("original.md", render(mixed_run(), "original"))
    golden("original-published.md", render(mixed_run("original"), "original"))


def test_graded_golden(golden):
    golden("graded-short.md", render(graded_run(), "short"))
    golden("graded-full.md", render(graded_run(), "full"))
    golden("graded-original.md", render(graded_run(), "original"))


def together(first, second):
    """One run with the rows of both, as of two frameworks."""
    versions = dict.fromkeys((*first.environment.versions, *second.environment.versions))
    environment = replace(first.environment, versions=tuple(versions))
    cases = (*first.plan.cases, *second.plan.cases)
    outcomes = {**first.outcomes, **second.outcomes}
    return replace(first, plan=replace(first.plan, cases=cases), outcomes=outcomes, environment=environment)


def test_a_number_of_grade_x_is_struck_through_and_never_bold():
    full = render(graded_run(), "full")
    assert "~~1.000 ms~~" in full
    fast = graded_run()
    slow = replace(fast, plan=replace(fast.plan, cases=tuple(replace(c, framework="flux") for c in fast.plan.cases)))
    twins = {case.case_id: outcome for case, outcome in zip(slow.plan.cases, fast.outcomes.values(), strict=True)}
    text = render_original(together(fast, replace(slow, outcomes=twins)), View())
    rows = [line for line in text.splitlines() if line.startswith("|BatchNorm|")]
    assert [row.split("|")[3:6] for row in rows] == [["-"] * 3, ["__16 ms__", "__32 ms__", "__48 ms__"]]


def test_everything_computed_from_a_number_of_grade_x_is_struck_through():
    full = render(graded_run(), "full")
    (row,) = [line for line in full.splitlines() if line.startswith("| BatchNorm | cuda:0")]
    cells = [cell.strip() for cell in row.split("|")[5:18]]
    assert cells.pop(9) == "100 in 10"
    assert all(cell.startswith("~~") and cell.endswith("~~") for cell in cells), cells
    assert row.rstrip(" |").endswith("| X impossible")
    case = Case(CONV, "cpu", 8)
    still = measurement(case, 0.01)
    still = replace(still, phases=tuple(replace(phase, rounds=((0.01,) * 10,)) for phase in still.phases))
    assert "~~10.0 ms (min 10.0)~~" in render(run_of(plan(case, protocol="original"), still), "full")


def test_a_number_between_two_speeds_is_never_bold_and_its_footnote_has_both():
    mine = graded_run()
    other = replace(mine, plan=replace(mine.plan, cases=tuple(replace(c, framework="flux") for c in mine.plan.cases)))
    twins = {case.case_id: outcome for case, outcome in zip(other.plan.cases, mine.outcomes.values(), strict=True)}
    text = render_original(together(mine, replace(other, outcomes=twins)), View())
    card, cpu = (line for line in text.splitlines() if line.startswith("|Conv3x3/1|Pytorch"))
    assert "|2.03 ms|4.05 ms|6.08 ms|" in card
    assert "|__32.00 ms__|" in cpu
    (doubt,) = [item for item in list_items(text) if item.startswith("Conv3x3/1, Pytorch")]
    assert "forward 2.00/2.59 ms, backward 4.00/5.18 ms, total 6.00/7.77 ms; " in doubt


def test_every_dash_and_every_doubt_of_the_graded_run_has_a_reason():
    items = list_items(render(graded_run(), "original"))
    assert any(
        item.startswith("BatchNorm, Pytorch 2.14.1: X impossible in forward, backward, total: ") for item in items
    )
    assert any(item.startswith("Conv3x3/1, Pytorch 2.14.1: C two speeds in all phases: ") for item in items)
    assert len(items) == len(set(items)), "each reason once"
    assert "BatchNorm on cpu, Pytorch 2.14.1: its widest interval is \u00b116%." in items


def test_identity_ceilings_and_grades_are_explained():
    text = render(graded_run(), "full")
    ids = ", ".join(f"{each} {environment_id(graded_run().environment, each)}" for each in ("cpu", "cuda:0"))
    assert f"Environment ID {ids} (same ID: comparable)." in text
    assert "Measured peaks of cuda:0: 50.00 TFLOP/s (matmul, float32)" in text
    for grade, meaning in GRADE_HELP.items():
        assert f"{grade}: {meaning}" in text


def test_several_frameworks_golden(golden):
    golden("original-two-frameworks.md", render_original(together(mixed_run(), flux_run()), View()))


def test_full_is_the_table_of_the_screen():
    run = mixed_run()
    for sort, descending in ((None, False), ("total", True), ("name", False)):
        table = build(run, View(sort=sort, descending=descending))
        (shown,) = tables(render(run, "full", View(sort=sort, descending=descending)))
        places = visible_columns(table, "file")
        assert shown[0] == [table.columns[place].heading for place in places]
        assert shown[1:] == [[table.texts(row, "file")[place] for place in places] for row in table.rows]


def test_original_has_the_published_form():
    text = render(mixed_run(), "original")
    assert (
        "|Model|Framework|Forward Pass|Backward Pass|Total Time|Inference|\n|:---:|:---:|:---:|:---:|:---:|:---:|"
        in text
    )
    assert "|Layer|Framework|Forward Pass|Backward Pass|Total Time|\n|:---:|:---:|:---:|:---:|:---:|" in text
    assert texts_in(text, "heading_open") == [
        "Popular Computer Vision Model Benchmarks",
        "Input Dimensions",
        "GPU USED --- NVIDIA H100 80GB HBM3",
        "CPU USED --- Intel(R) Xeon(R) Silver 4114 CPU @ 2.20GHz",
        "Individual Layer Benchmarks",
        "Layer Descriptions",
        "GPU USED --- NVIDIA H100 80GB HBM3",
        "CPU USED --- Intel(R) Xeon(R) Silver 4114 CPU @ 2.20GHz",
        "NOTE",
    ]
    models, _, layers, _ = tables(text)
    assert models[1] == ["VGG16", "Pytorch 2.14.1", "0.02452 s", "0.04905 s", "0.07357 s", "0.01839 s"]
    assert layers[1] == ["Conv3x3/1", "Pytorch 2.14.1", "0.2314 ms", "0.4629 ms", "0.6943 ms"]


def test_bold_only_where_frameworks_can_be_compared():
    alone = render(mixed_run(), "original")
    assert "__" not in alone
    lines = render_original(together(mixed_run(), flux_run()), View()).splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("|Resnet18|"))
    # Flux is faster forward, Pytorch backward and in total, and nothing is compared with Flux's missing inference.
    assert lines[place] == "|Resnet18|Pytorch 2.14.1|0.006406 s|__0.01281 s__|__0.01922 s__|0.004805 s|"
    assert lines[place + 1] == "||Flux 0.6.8+|__0.004004 s__|0.01602 s|0.02002 s|-|"


def test_equals_are_both_bold():
    case, other = (Case(model("VGG16"), "cpu", 8, framework) for framework in ("torch", "flux"))
    both = run_of(plan(case, other), measurement(case, 0.01), measurement(other, 0.01))
    assert render_original(both, View()).count("__0.01001 s__") == 2


def test_every_dash_of_the_original_layout_has_a_reason():
    text = render_original(together(mixed_run(), flux_run()), View())
    items = list_items(text)
    for reason in (
        "Resnet18, Flux 0.6.8+: no inference.",
        "Resnet101, Pytorch 2.14.1: OOM. The card has 80 GiB, of which 2 GiB were free.",
        "Dense, Flux 0.6.8+: unsupported. Flux has no such [layer].",
        "Conv3x3/1, Flux 0.6.8+: not begun.",
    ):
        assert reason in items


def test_the_published_method_has_means_minima_and_its_differences():
    case = Case(model("VGG16"), "cpu", 8)
    text = render(run_of(plan(case, protocol="original"), with_clean(case, 0.1)), "original")
    means, minima, clean = tables(text)
    assert (means[1][2], minima[1][2], clean[1][2]) == ("0.1001 s", "0.09990 s", "0.08759 s")
    assert [heading.split(" (")[-1] for heading in texts_in(text, "heading_open")[3:5]] == ["minimum)", "clean)"]
    assert "the first, cold iteration counts and the second does not" in text
    assert "the scripts printed the last training forward pass again" in text
    assert "Published means over clean numbers: models 1.14x in total, 1.14x in inference. What differs: " in text
    without = run_of(plan(case, protocol="original"), measurement(case, 0.1, stop="fixed"))
    assert len(tables(render(without, "original"))) == 2
    assert "Published means" not in render(without, "original")


def test_the_fastest_clean_number_is_bold_as_the_others_are():
    mine = run_of(
        plan(Case(model("VGG16"), "cpu", 8), protocol="original"), with_clean(Case(model("VGG16"), "cpu", 8), 0.1)
    )
    flux = Case(model("VGG16"), "cpu", 8, "flux")
    other = run_of(plan(flux, protocol="original"), with_clean(flux, 0.2))
    text = render_original(together(mine, other), View())
    assert [text.count(f"__{forward}__") for forward in ("0.1001 s", "0.09990 s", "0.08759 s")] == [1, 1, 1]
    assert text.count("__") == 2 * 3 * 4, "the faster one of three tables, in four columns"


def test_dimensions_are_those_measured():
    cases = (Case(model("Resnet18"), "cpu", 8), Case(model("Resnet34"), "cpu", 8), Case(DENSE, "cpu", 1))
    text = render(run_of(plan(*cases)), "original")
    assert "1. Batch Size = 8, Image = 3 x 224 x 224 (IF NOTHING SPECIFIED)\n" in text
    assert "2. Batch Size = 1, Input = 1024\n    * Dense\n" in text
    alone = render(run_of(plan(Case(model("Resnet18", side=64), "cpu", 2))), "original")
    assert "1. Batch Size = 2, Image = 3 x 64 x 64\n" in alone


def test_one_name_at_two_sizes_says_which():
    cases = [Case(model("VGG16"), "cpu", batch) for batch in (1, 8)]
    text = render(run_of(plan(*cases)), "original")
    assert [row[0] for row in tables(text)[0][1:]] == ["VGG16 (1 x 3 x 224 x 224)", "VGG16 (8 x 3 x 224 x 224)"]


def test_layers_alone_have_no_models_page():
    text = render(run_of(plan(Case(CONV, "cpu", 1))), "original")
    assert text.startswith("# Individual Layer Benchmarks\n\n## Input Dimensions\n")
    assert "Popular" not in text


def test_layers_are_described_by_what_was_measured():
    grouped = replace(CONV, name="Odd", params=(*CONV.params, ("groups", 3)))
    text = render(run_of(plan(*(Case(layer, "cpu", 8) for layer in (CONV, DENSE, grouped)))), "original")
    assert "1. Conv3x3/1 = Conv2d, 3x3 Kernel, 1x1 Padding, 1x1 Stride" in text
    assert "2. Dense = 1024 => 512" in text
    assert "groups=3" in next(item for item in list_items(text) if item.startswith("Odd"))


def test_two_cards_of_one_name_are_told_apart():
    cards = tuple(Device(f"cuda:{number}", "RTX") for number in (0, 1))
    environment = replace(ENVIRONMENT, devices=cards)
    cases = [Case(model("VGG16"), f"cuda:{number}", 8) for number in (0, 1)]
    text = render(run_of(plan(*cases), environment=environment), "original")
    assert {"GPU USED --- RTX (cuda:0)", "GPU USED --- RTX (cuda:1)"} <= set(texts_in(text, "heading_open"))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_run_without_environment_and_one_without_rows_can_be_written(layout):
    case = Case(model("VGG16"), "cuda:0", 8)
    assert "unknown" in render(run_of(plan(case), environment=None), layout)
    assert render(run_of(plan()), layout).endswith("\n")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_how_a_run_ended_is_said(layout):
    run = mixed_run()
    assert "had not ended" in render(replace(run, ended=None), layout)
    assert "was cancelled" in render(replace(run, ended="cancelled"), layout)
    assert "The run failed: no worker" in render(replace(run, ended="failed", ended_sentence="no worker"), layout)
    assert "The run" not in render(run, layout)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_unknown_column_is_refused(layout):
    with pytest.raises(SelectionError):
        render(mixed_run(), layout, View(sort="nonsense"))


def test_sorting_moves_the_groups_of_the_original_layout():
    text = render(mixed_run(), "original", View(sort="forward"))
    assert [row[0] for row in tables(text)[0][1:]] == ["Resnet18", "VGG16", "Resnet101"]


@settings(max_examples=150)
@given(NAMES, NAMES)
@example("a|b", "`c`")
@example("a\\", "\\|")
@example("[link](http://x)", "<b>&amp;")
@example(" lead", "trail\t")
@example("two\nlines", "1. one")
@example("- item", "# heading #")
@example("__bold__", "vgg16_bn")
def test_any_text_in_any_place_is_read_as_it_is(name, sentence):
    first = Case(model(name, "x"), "cuda:0", 8)
    second = Case(model(name, "x"), "cpu", 4)
    run = run_of(
        plan(first, second, name=name),
        measurement(first, 0.01, factors={phase: factor for phase, factor in FACTORS.items() if phase != "total"}),
        Failure(second.case_id, "error", sentence),
    )
    shown, read = visible(name), visible(sentence)
    full, original = render(run, "full"), render(run, "original")
    (table,) = tables(full)
    assert [row[0] for row in table[1:]] == [shown, shown]
    assert all(len(row) == len(table[0]) for row in table)
    reason = list_items(full)[0]
    assert reason.rstrip() == f"{shown} cpu batch 4: error. {read}".rstrip()
    assert reason.endswith(read)
    by_device = tables(original)
    assert [found[1][0] for found in by_device] == [f"{shown} (8 x 3 x 224 x 224)", f"{shown} (4 x 3 x 224 x 224)"]
    assert all(len(row) == 6 for found in by_device for row in found)
