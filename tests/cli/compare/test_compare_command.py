"""``cvbench-tui compare``: what it prints and writes, its exit codes, what it says of runs that cannot be compared."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cvbench_tui.base.cells import cell_len
from cvbench_tui.cli.compare.table import print_comparisons
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.event import SCHEMA, RunLabelled, RunStarted
from cvbench_tui.core.measurement import Failure, Measurement
from cvbench_tui.core.plan import Case
from cvbench_tui.results.storage.run_file import load
from cvbench_tui.wire import encode
from tests.every import every
from tests.results.compare.made import ROWS, comparison, row
from tests.results.samples import ENVIRONMENT, FACTORS, events_of, measurement, model, plan

RESNET, VGG = Case(model("Resnet18"), "cpu", 8), Case(model("VGG16"), "cpu", 8)
FORMATS = [Case(model("Resnet18"), "cpu", 8).varied(memory_format=each) for each in ("contiguous", "channels_last")]
KNOWN = replace(ENVIRONMENT, identity_hash="known")
NEWER = replace(KNOWN, versions=(("python", "3.11.9"), ("torch", "2.15.0"), ("driver", "580.1")))


def save(
    path: Path,
    *outcomes: Measurement | Failure,
    cases: Sequence[Case] = (),
    environment: Environment = KNOWN,
) -> str:
    """A run file with these outcomes, whose id is its name; returns the path as a user types it."""
    known = {case.case_id: case for case in (RESNET, VGG, *FORMATS, *cases)}
    started, *events = events_of(plan(*(known[each.case_id] for each in outcomes)), *outcomes, environment=environment)
    assert isinstance(started, RunStarted)
    lines = [replace(started, run_id=f"run-{path.stem}"), *events]
    path.write_text("".join(f"{encode(event)}\n" for event in lines))
    return str(path)


def single(case: Case, seconds: float) -> Measurement:
    """One round of one process: nothing was repeated, as in a published table."""
    whole = measurement(case, seconds)
    phases = tuple(replace(phase, rounds=((phase.rounds[0][0],),)) for phase in whole.phases)
    visits = tuple((phase.phase, (1,)) for phase in phases)
    return replace(whole, phases=phases, visit_rounds=visits, visit_records=whole.visit_records[:1])


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    """Two runs of two rows: Resnet18 is 30% faster in the second, VGG16 10% slower."""
    before = save(tmp_path / "before.jsonl", measurement(RESNET, 0.026), measurement(VGG, 0.1))
    return before, save(tmp_path / "after.jsonl", measurement(RESNET, 0.02), measurement(VGG, 0.11))


def test_markdown_goes_to_a_pipe_with_both_times_ratio_interval_and_verdict(type_, pair) -> None:
    code, out, err = type_("compare", *pair)
    assert (code, err) == (0, "")
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in out.splitlines() if line.startswith("|")]
    assert lines[0] == ["Workload", "Batch", "A ms", "B ms", "Speedup", "95% CI", "Verdict"]
    resnet, vgg, mean = lines[2:]
    assert (resnet[0], resnet[4], resnet[6]) == ("Resnet18", "1.300x", "faster")
    assert (vgg[0], vgg[4], vgg[6]) == ("VGG16", "0.909x", "slower")
    assert (mean[0], mean[6]) == ("geometric mean of 2", "1 faster, 1 slower")
    assert "- A: before: sample, 2026-11-24 15:10:12 UTC, run run-before\n- B: after: " in out
    assert "No difference between A and B is known" in out


def test_every_file_is_written_and_named(type_, pair, tmp_path) -> None:
    names = [str(tmp_path / f"out{suffix}") for suffix in (".md", ".csv", ".json", ".html", ".svg")]
    code, out, err = type_("compare", *pair, *(word for name in names for word in ("-o", name)))
    assert code == 0
    assert err.splitlines() == [f"saved {name}" for name in names]
    assert Path(names[0]).read_text() == out
    with open(names[1]) as file:
        assert [line["verdict"] for line in csv.DictReader(file)] == ["faster", "slower"]
    assert len(json.loads(Path(names[2]).read_text())["comparisons"][0]["rows"]) == 2


def test_phases_are_chosen_and_rows_ordered(type_, pair) -> None:
    _, out, _ = type_("compare", *pair, "--phase", "inference,forward", "--order", "worst")
    assert [line for line in out.splitlines() if line.startswith("###")] == [
        "### Forward: B against A", "### Inference: B against A",
    ]  # fmt: skip
    assert [line.split("|")[1].strip() for line in out.splitlines() if line.startswith(("| VGG16", "| Resnet18"))] == [
        "VGG16", "Resnet18", "VGG16", "Resnet18",
    ]  # fmt: skip
    assert "| Resnet18 " not in type_("compare", *pair, "--plain")[1]


def test_a_wider_bound_calls_a_difference_the_same(type_, pair) -> None:
    assert "| slower" not in type_("compare", *pair, "--bound", "15%")[1]
    assert "same: within ±15%" in type_("compare", *pair, "--bound", "15%")[1]


def test_the_gate_fails_for_a_slowdown_beyond_the_margin_alone(type_, pair) -> None:
    before, after = pair
    code, out, err = type_("compare", before, after, "--fail-slower", "5%")
    assert code == 1
    assert err.splitlines()[0] == "Slower by more than 5% for certain:"
    assert err.splitlines()[1].startswith("  VGG16, batch 8, total: B has 0.909x, 95% CI ")
    assert len(err.splitlines()) == 2
    assert "| VGG16" in out
    code, _, err = type_("compare", before, after, "--fail-slower", "15%")
    assert (code, err) == (0, "No row is slower by more than 15% for certain, of 2 rows that can tell.\n")
    assert type_("compare", after, before, "--fail-slower", "50%")[0] == 0
    assert type_("compare", before, before, before, "--fail-slower", "0%")[0] == 0


def test_the_gate_does_not_fail_where_nothing_can_be_told(type_, tmp_path, pair) -> None:
    """As a published figure, which has no interval, as either side."""
    slow = save(tmp_path / "slow.jsonl", single(RESNET, 0.5), single(VGG, 0.5))
    for sides in ((pair[0], slow), (slow, pair[0])):
        code, out, err = type_("compare", *sides, "--fail-slower", "5%")
        assert (code, err) == (
            0,
            "Nothing can be told about 5%: no row was repeated in several processes on both sides.\n",
        )
        assert "no interval: nothing was repeated" in out


def test_an_axis_of_one_run_is_compared_with_its_default_or_a_named_value(type_, tmp_path) -> None:
    done = [measurement(case, seconds) for case, seconds in zip(FORMATS, (0.02, 0.01), strict=True)]
    run = save(tmp_path / "one.jsonl", *done)
    code, out, _ = type_("compare", run, "--along", "memory-format")
    assert code == 0
    assert "- A: contiguous: sample" in out
    assert "A and B differ in memory format only." in out
    assert "2.0000x" in out
    out = type_("compare", run, "--along", "memory-format", "--base", "channels_last")[1]
    assert "- A: channels_last: sample" in out
    assert "0.5000x" in out
    code, out, err = type_("compare", run, "--along", "memory-format", "--base", "channels_las")
    assert (code, out) == (2, "")
    assert "--base: the run has no memory format 'channels_las'." in err
    assert "Nearest: channels_last." in err


def test_devices_of_one_run_are_compared(type_, tmp_path) -> None:
    cards = [replace(FORMATS[0], device=device) for device in ("cuda:0", "cuda:1")]
    done = [measurement(case, seconds) for case, seconds in zip(cards, (0.02, 0.01), strict=True)]
    run = save(tmp_path / "one.jsonl", *done, cases=cards)
    code, out, _ = type_("compare", run, "--along", "device", "--base", "cuda:1")
    assert code == 0
    assert "- A: cuda:1: sample" in out
    assert "A and B differ in device only." in out
    assert "0.5000x" in out


def test_what_differs_is_said_first_and_strict_refuses(type_, tmp_path) -> None:
    before = save(tmp_path / "before.jsonl", measurement(RESNET, 0.026))
    after = save(tmp_path / "after.jsonl", measurement(RESNET, 0.02), environment=NEWER)
    code, out, _ = type_("compare", before, after)
    assert code == 0
    assert "- A and B differ: torch 2.15.0, was 2.14.1+cu130" in out
    assert out.index("differ: torch") < out.index("| Resnet18")
    assert "faster?" in out
    assert "? doubtful: " in out
    code, out, err = type_("compare", before, after, "--strict", "-o", str(tmp_path / "a.md"))
    assert (code, out) == (2, "")
    assert "A and B differ: torch 2.15.0, was 2.14.1+cu130" in err
    assert not (tmp_path / "a.md").exists()
    assert type_("compare", before, before, "--strict")[0] == 0


def test_three_runs_share_the_baseline(type_, pair, tmp_path) -> None:
    code, out, _ = type_("compare", *pair, save(tmp_path / "third.jsonl", measurement(VGG, 0.05)))
    assert code == 0
    assert "|  C ms " in out
    (vgg,) = [line for line in out.splitlines() if line.startswith("| VGG16")]
    assert "0.909x" in vgg
    assert "2.000x" in vgg
    assert "1 row in A only (Resnet18 cpu batch 8), not compared." in out


def test_sentences_for_a_screen_reader(type_, pair) -> None:
    code, out, _ = type_("compare", *pair, "--plain")
    assert code == 0
    assert "VGG16, batch 8, total: A 300.3 ms, B 330.3 ms, 0.909 times as fast" in out
    assert "|" not in out


def test_a_run_with_itself_is_said_to_be_one(type_, pair) -> None:
    code, out, _ = type_("compare", pair[0], pair[0])
    assert code == 0
    assert "A and B are the same run" in out
    assert {"1.00x", "1.000x"} & set(out.replace("|", " ").split())
    assert "| faster" not in out
    assert "| slower" not in out
    assert "B and C are the same run" in type_("compare", *pair, pair[1])[1]


@every(
    ("words", "sentence"),
    [
        ((), "Missing argument"),
        (("{a}",), "One run alone cannot be compared."),
        (("{a}", "{b}", "--bound", "1"), "--bound '1' is not a percentage."),
        (("{a}", "{b}", "--bound", "-1%"), "--bound '-1%' is not a percentage."),
        (("{a}", "{b}", "--fail-slower", "0.05"), "--fail-slower '0.05' is not a percentage."),
        (("{a}", "{b}", "--fail-slower", "1e3%"), "--fail-slower '1e3%' is not a percentage."),
        (("{a}", "{b}", "--fail-slower", "9999%"), "--fail-slower '9999%' is not a percentage."),
        (("{a}", "{b}", "--fail-slower", "nan%"), "--fail-slower 'nan%' is not a percentage."),
        (("{a}", "{b}", "--phase", "totl"), "There is no phase 'totl'."),
        (("{a}", "{b}", "--along", "precison"), "--along has no axis 'precison'."),
        (("{a}", "{b}", "--base", "fp32"), "--base is for the values of one run."),
        (("{a}", "--along", "precision"), "The run has no two values of precision to compare."),
        (("{a}", "nowhere"), "There is no run 'nowhere'"),
        (("{a}", "{b}", "-o", "{folder}/no/a.md"), "there is no folder"),
        (("{a}", "{b}", "-o", "{folder}/a.pdf"), "does not end in .md, .csv, .json, .html or .svg."),
        (("{a}", "{b}", "-o", "{folder}"), "does not end in"),
        (("{a}", "{other}"), "No row of before does the work of a row of other."),
        (("{a}", "{newer}"), "Update cvbench-tui to read it."),
    ],
)  # fmt: skip
def test_a_mistake_is_a_sentence_and_exit_code_2(type_, pair, tmp_path, words, sentence) -> None:
    other = Case(model("Other"), "cpu", 8)
    save(tmp_path / "other.jsonl", measurement(other, 0.1), cases=(other,))
    newer = Path(pair[0]).read_text().replace(f'"schema":{SCHEMA}', f'"schema":{SCHEMA + 1}')
    (tmp_path / "newer.jsonl").write_text(newer)
    places = {"a": pair[0], "b": pair[1], "folder": tmp_path}
    places |= {name: tmp_path / f"{name}.jsonl" for name in ("other", "newer")}
    code, out, err = type_("compare", *(word.format(**places) for word in words))
    assert (code, out) == (2, "")
    assert sentence in " ".join(err.split())


def test_phases_that_only_one_side_has_are_rows_with_a_reason(type_, tmp_path) -> None:
    train = {name: FACTORS[name] for name in ("forward", "backward", "total")}
    before = save(tmp_path / "before.jsonl", measurement(RESNET, 0.02, factors=train))
    after = save(tmp_path / "after.jsonl", measurement(RESNET, 0.02, factors={"inference": 0.75}))
    code, out, _ = type_("compare", before, after)
    assert code == 0
    assert "no number: no total in after" in out
    code, out, _ = type_("compare", before, after, "--phase", "inference")
    assert "no number: no inference in before" in out


def test_rows_without_valid_numbers_on_either_side_leave_a_table_without_ratios(type_, tmp_path) -> None:
    failed = Failure(VGG.case_id, "out_of_memory", "The card has 80 GiB.", "Trace")
    before = save(tmp_path / "before.jsonl", failed, Failure(RESNET.case_id, "error", "Broken.", "Trace"))
    after = save(tmp_path / "after.jsonl", failed, measurement(RESNET, 0.1))
    code, out, err = type_("compare", before, after, "--fail-slower", "5%")
    assert code == 0
    assert "no number: OOM in both" in out
    assert "no number: error in before" in out
    assert "geometric mean" not in out
    assert err == "Nothing can be told about 5%: OOM in both; error in before.\n"


def test_a_single_row_has_no_mean(type_, tmp_path) -> None:
    sides = [save(tmp_path / f"{name}.jsonl", measurement(RESNET, 0.02)) for name in "ab"]
    code, out, _ = type_("compare", *sides)
    assert code == 0
    assert "geometric mean" not in out
    assert "Verdicts; same: within ±1%." in out


def test_names_with_pipes_and_line_ends_stay_in_their_cells(type_, tmp_path) -> None:
    odd = Case(model("a|b\nc [x] =1"), "cpu", 8)
    sides = [save(tmp_path / f"{name}.jsonl", measurement(odd, 0.02), cases=(odd,)) for name in ("x|y", "z")]
    code, out, _ = type_("compare", *sides)
    assert code == 0
    assert r"| a\|b&#92;nc \[x\] =1 |" in out
    assert r"- A: x\|y: sample" in out


def test_a_reader_that_completes_is_offered_runs_and_suffixes(monkeypatch, tmp_path, pair) -> None:
    from click.shell_completion import ShellComplete

    from cvbench_tui.cli.main import cli

    monkeypatch.setenv("CVBENCH_RUNS_DIR", str(tmp_path))
    shell = ShellComplete(cli, {}, "cvbench-tui", "_CVBENCH_TUI_COMPLETE")

    def offered(*words: str) -> list[str]:
        return [item.value for item in shell.get_completions(["compare", *words[:-1]], words[-1])]

    assert {"last", "before", "after"} <= set(offered(""))
    assert offered("last", "be") == ["before"]
    assert offered("last", "before", "--along", "mem") == ["memory-format"]
    assert offered("last", "--along", "dev") == ["device"]
    assert offered("last", "before", "-o", "a.s") == ["a.svg"]
    assert offered("last", "before", "--phase", "total,inf") == ["total,inference"]


@every("width", [60, 80, 120, 200])
def test_a_terminal_of_any_width_shows_whole_numbers(monkeypatch, capsys, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    long = row("a_model_with_a_long_name amp-bf16 channels_last 4 threads", 0.02, 0.01, (1.9, 2.1), "faster")
    print_comparisons([comparison(*ROWS, long, differences=("torch 2.14.1, was 2.11.0",))])
    out = capsys.readouterr().out
    assert max(cell_len(line) for line in out.splitlines()) <= max(width, 68)
    flat = "".join(out.split())
    for text in ("1.40x1.39\u20131.41faster?", "nottoldapart?", "1slower", "needs12moreprocesses"):
        assert text in flat
    begun = out[out.index("a_model") :].splitlines()
    folded = [line for line in begun[1:] if not line.startswith("  ") and line.startswith(" ")]
    assert "".join([begun[0].split("  ")[0], *folded]).replace(" ", "").startswith(long.label.replace(" ", ""))


def test_several_sides_share_a_table_where_it_is_wide_enough(monkeypatch, capsys) -> None:
    for width, titles in ((80, ["Total: B against A", "Total: C against A"]), (140, ["Total: B, C against A"])):
        monkeypatch.setenv("COLUMNS", str(width))
        print_comparisons([comparison(*ROWS[:4])] * 2)
        out = capsys.readouterr().out
        assert [line for line in out.splitlines() if "against" in line] == titles
        assert max(map(cell_len, out.splitlines())) <= width


def test_published_figures_are_a_side_for_each_framework_with_their_sources(type_, tmp_path) -> None:
    """And the slower side of a gate, which does not fail: a published figure has no interval."""
    vgg = Case(model("VGG16"), "cuda:0", 8)
    run = save(tmp_path / "card.jsonl", measurement(vgg, 0.001), cases=(vgg,))
    code, out, err = type_("compare", run, "published-1080ti", "--fail-slower", "5%")
    assert (code, err[:7]) == (0, "Nothing")
    (line,) = [line for line in out.splitlines() if line.startswith("| VGG16 ")]
    assert line.count("no interval") == 2
    assert "- B: published-1080ti Pytorch 0.4.1: " in out
    assert "- C: published-1080ti Flux 0.6.8+: " in out
    assert "framework Pytorch 0.4.1, was torch" in out
    assert "published figures, not measured here. Source: avik-pal/DeepLearningBenchmarks" in out
    assert "are the same run" not in out
    assert "doubtful" not in out
    out = type_("compare", run, "published-1080ti", "--plain")[1]
    assert "Source: avik-pal/DeepLearningBenchmarks" in out


def test_a_run_is_called_by_the_name_that_its_user_gave_it(type_, pair, tmp_path) -> None:
    named = RunLabelled("new kernel|x", ("nhwc",), 1795533099.0)
    with Path(pair[1]).open("a") as file:
        file.write(f"{encode(named)}\n")
    code, out, _ = type_("compare", *pair)
    assert code == 0
    assert r"- B: new kernel\|x: sample" in out


def test_again_measures_both_sides_in_turn_and_compares_those(type_, tmp_path) -> None:
    sides = []
    for value in ("contiguous", "channels_last"):
        folder = tmp_path / value
        plan_of = ("-m", "resnet18", "-d", "cpu", "-b", "8", "--memory-format", value, "--protocol", "quick")
        assert type_("run", *plan_of, "--quiet", "--runs-dir", str(folder))[0] == 0
        sides += map(str, folder.glob("*.jsonl"))
    runs = tmp_path / "runs"
    words = ("--again", "--quiet", "--runs-dir", str(runs), "-o", str(tmp_path / "a.md"), "--fail-slower", "900%")
    code, out, err = type_("compare", *sides, *words)
    assert code == 0, err
    assert "- A: contiguous: again, " in out
    assert "- B: channels_last: again, " in out
    assert "A and B differ in memory format only." in out
    assert (tmp_path / "a.md").read_text() == out
    (path,) = runs.glob("*.jsonl")
    again = load(path)
    assert again.plan.alternate == "memory_format"
    assert [case.setting("memory_format") for case in again.plan.cases] == ["contiguous", "channels_last"]
    out = type_("compare", *reversed(sides), *words)[1]
    assert "- A: channels_last: again, " in out


@every(
    ("words", "sentence"),
    [
        (("{a}", "{b}", "--again"), "The rows of both runs are the same"),
        (("{a}", "--again"), "Two runs are measured again, no more and no fewer."),
        (("{a}", "{b}", "--again", "--along", "precision"), "--again finds by itself in which axis the runs differ."),
        (("{a}", "published-xeon", "--again"), "published-xeon is published and cannot be measured again."),
        (("{a}", "{b}", "--env", "x=."), "--env, -m and --quiet are for --again"),
        (("{a}", "{b}", "--again", "-o", "a.pdf"), "does not end in"),
    ],
)
def test_what_cannot_be_measured_again_is_a_sentence(type_, pair, words, sentence) -> None:
    code, out, err = type_("compare", *(word.format(a=pair[0], b=pair[1]) for word in words))
    assert (code, out) == (2, "")
    assert sentence in " ".join(err.split())
