"""Flags of axes, batches, image sizes and phases: what they make, and one sentence for everything that is wrong."""

from __future__ import annotations

import json

import pytest

from cvbench_tui.cli.options import complete
from cvbench_tui.core.axes import AXES, LISTED
from cvbench_tui.core.measurement import PHASES
from tests.every import every

SMALL = ("run", "-m", "resnet18", "-d", "cpu", "--dry-run")
LONG = "9" * 5000
STARTING = "starting the measuring process ...\n"


def refused(type_, *arguments):
    """The sentence and the hint; nothing is printed on stdout."""
    code, out, err = type_(*arguments)
    assert (code, out) == (2, "")
    sentence, _, hint = err.removeprefix(STARTING).removeprefix("cvbench-tui: ").partition("\n")
    assert len(sentence) < 160
    return sentence, hint.strip()


@every(
    ("arguments", "sentence", "hint"),
    [
        (("--precision", "fp8"), "Precision has no value 'fp8'.", "Nearest: fp32, fp16"),
        (("--precision", ""), "Precision has no value ''.", "Values: default, fp32"),
        (("--precision", "fp32,"), "Precision has no value ''.", "Values: default, fp32"),
        (("--precision", "fp32", "--precision", "tf32"), "--precision is given twice: 'fp32' and 'tf32'.", "one list"),
        (("--memory-format", "nhwc"), "Memory format has no value 'nhwc'.", "contiguous, channels_last"),
        (("--compile", "--protocol", "quick"), "--compile has no value: '--protocol' follows.", "--compile A,B"),
        (("--compile=--quiet",), "--compile has no value: '--quiet' follows.", "--compile A,B"),
        (("--threads", "0"), "Threads has no value '0'.", "a number from 1 to 4096"),
        (("--threads", "-1"), "Threads has no value '-1'.", "a number from 1 to 4096"),
        (("--threads", "3.5"), "Threads has no value '3.5'.", "a number from 1 to 4096"),
        (("--threads", "04"), "Threads has no value '04'.", "a number from 1 to 4096"),
        (("--threads", "4097"), "Threads has no value '4097'.", "a number from 1 to 4096"),
        (("--threads", "\u0663"), "Threads has no value '\u0663'.", "a number from 1 to 4096"),
        (("--threads", LONG), "99...'.", "a number from 1 to 4096"),
        (("-b", "8,0"), "Batch '0' is not possible.", "1 to 65536, or max"),
        (("-b", "8,eight"), "Batch 'eight' is not possible.", "1 to 65536, or max"),
        (("-b", ""), "Batch '' is not possible.", "1 to 65536, or max"),
        (("-b", "8,,16"), "Batch '' is not possible.", "1 to 65536, or max"),
        (("-b", "-8"), "Batch '-8' is not possible.", "1 to 65536, or max"),
        (("-b", "\u0668"), "Batch '\u0668' is not possible.", "1 to 65536, or max"),
        (("-b", LONG), "...' is not possible.", "1 to 65536, or max"),
        (("-b", "8", "--batch", "16"), "--batch is given twice: '8' and '16'.", "one list"),
        (("--image", "0"), "Image size '0' is not possible.", "from 1 to 4096"),
        (("--image", LONG), "...' is not possible.", "from 1 to 4096"),
        (("--phases", "foo"), "There is no phase 'foo'.", "forward, backward, total, inference, step"),
        (("--phases", "infer"), "There is no phase 'infer'.", "Nearest: inference"),
        (("--phases", ""), "There is no phase ''.", "forward, backward, total, inference, step"),
    ],
)
def test_a_mistake_is_one_sentence_with_a_hint(type_, arguments, sentence, hint):
    said, near = refused(type_, *SMALL, *arguments)
    assert said.endswith(sentence)
    assert hint in near


def test_too_many_rows_or_combinations_are_refused_before_they_are_made(type_):
    batches = ",".join(map(str, range(1, 20_002)))
    assert refused(type_, *SMALL, "-b", batches)[0] == "20,001 rows are too many for a run."
    names = {axis.flag: ",".join(value.name for value in axis.values) for axis in LISTED}
    names["--threads"] += ",1,2,3,4,5,6,7,8"
    everything = [word for flag in names.items() for word in flag]
    assert refused(type_, *SMALL, *everything)[0].endswith(" combinations of settings are too many.")


def test_an_option_at_the_end_without_its_value_is_refused(type_):
    code, out, err = type_(*SMALL, "--compile")
    assert (code, out) == (2, "")
    assert "Option '--compile' requires an argument." in err


def test_lists_are_multiplied_and_every_row_has_a_name_of_its_own(type_):
    flags = (
        "-b",
        "1, 8,max,8",
        "--image",
        "160,224",
        "--precision",
        "FP32,amp_bf16",
        "--memory-format",
        "channels-last",
    )
    code, out, _ = type_(*SMALL, *flags)
    *rows, total = out.splitlines()
    assert code == 0
    assert total.startswith("12 rows, protocol default, about ")
    assert len(set(rows)) == 12
    assert rows[0] == "Resnet18 fp32 channels_last  cpu  batch 1 image 160"
    assert rows[5] == "Resnet18 amp-bf16 channels_last  cpu  batch max: found in the run image 160"


def test_rows_that_a_device_cannot_do_are_named_with_the_reason(type_):
    code, out, _ = type_(*SMALL, "--precision", "tf32,fp32", "--graph", "on,off")
    assert code == 0
    lines = out.splitlines()
    assert [line.partition("unsupported: ")[2] for line in lines[:4]] == [
        "TF32 is a mode of NVIDIA cards; measure fp32 on this device.",
        "TF32 is a mode of NVIDIA cards; measure fp32 on this device.",
        "CUDA graphs are recorded on CUDA devices only.",
        "",
    ]
    assert lines[4].endswith("; 3 unsupported")


def test_a_long_plan_is_said(type_):
    many = type_(*SMALL, "-b", ",".join(map(str, range(1, 502))))[1].splitlines()
    assert many[-1].startswith("501 rows, ")
    assert "; longer than a night" in many[-1]
    few = type_("run", "-l", "Dense", "-d", "cpu", "--protocol", "quick", "--dry-run", "-b", "1,2")[1].splitlines()
    assert "night" not in few[-1]
    assert "many" not in few[-1]
    layers = ("run", "-l", "Dense", "-d", "cpu", "--protocol", "quick", "--dry-run", "-b")
    assert type_(*layers, ",".join(map(str, range(1, 502))))[1].splitlines()[-1].endswith("; many rows")


def test_a_flag_takes_the_place_of_the_presets_values(type_):
    code, out, _ = type_("run", "precision-ladder", "-d", "cpu", "--precision", "bf16", "--threads", "2", "--dry-run")
    assert code == 0
    assert [line.partition("  ")[0] for line in out.splitlines()[:3]] == [
        "Resnet50 bf16 2 threads",
        "convnext_tiny bf16 2 threads",
        "vit_b_16 bf16 2 threads",
    ]


def test_the_registry_is_listed_with_what_this_machine_cannot_do(type_):
    code, out, _ = type_("list", "axes")
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    for axis in LISTED:
        for value in axis.values:
            (row,) = [line for line in lines if line[:2] == [axis.name, value.name]]
            assert (row[2] == "default") == (value.name == axis.default)
    (numbers,) = [line for line in lines if line[:4] == ["threads", "1", "to", "4096"]]
    assert numbers[4:] == ["so", "many", "threads"]
    assert "TF32 on in convolutions and products; not on cpu" in out
    assert [line[2:] for line in lines if line[:2] == ["threads", "half"]] == [["half", "as", "many"]], (
        "a number in each row"
    )


def test_the_registry_as_json(type_):
    rows = json.loads(type_("list", "axes", "--json")[1])
    (tf32,) = [row for row in rows if row["value"] == "tf32"]
    assert (tf32["axis"], tf32["flag"], tf32["default"]) == ("precision", "--precision", False)
    assert tf32["not_on"]["cpu"].startswith("TF32 is a mode of NVIDIA cards")
    assert {row["axis"] for row in rows} == {axis.name for axis in AXES}


def test_the_registry_is_listed_without_a_machine_too(type_):
    code, out, err = type_("list", "axes", worker="notorch")
    assert code == 0
    assert "channels_last" in out
    assert "not on" not in out
    assert err.startswith("What this machine cannot do is not known: ")


def test_axes_are_a_group_of_the_help(type_):
    _, out, _ = type_("run", "--help")
    options, _, axes = out.partition("\nAxes (values with commas are measured in turn):\n")
    for flag in ("--batch", "--image", *(axis.flag for axis in LISTED)):
        assert f"{flag} LIST" in axes
        assert f"{flag} LIST" not in options
    for flag in ("--models", "--phases", "--protocol", "--dry-run", "--help"):
        assert flag in options
    assert "Axes" not in type_("resume", "--help")[1]
    assert "Commands:" in type_("--help")[1]


@pytest.mark.parametrize(
    ("kind", "typed", "offered"),
    [
        ("precision", "fp32,amp", ["fp32,amp-bf16", "fp32,amp-fp16"]),
        ("memory_format", "ch", ["channels_last"]),
        ("threads", "", ["cores", "half"]),
        ("phases", "", list(PHASES)),
        ("phases", "step,inf", ["step,inference"]),
        ("batches", "1,8,m", ["1,8,max"]),
    ],
)
def test_values_are_completed_in_the_last_piece_of_a_list(kind, typed, offered):
    assert complete(kind)(None, None, typed) == offered
