from __future__ import annotations

import shlex
from dataclasses import replace
from math import prod
from typing import Any

import click

from cvbench_tui.catalog.layers import LAYERS
from cvbench_tui.catalog.models import MODELS
from cvbench_tui.catalog.names import find_model
from cvbench_tui.catalog.selection import to_plan
from cvbench_tui.cli.main import cli
from cvbench_tui.cli.options import split_names
from cvbench_tui.cli.run import selection_from
from cvbench_tui.core.axes import LISTED
from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.plan import Case, NamedEnvironment, Plan
from cvbench_tui.core.protocol import PROTOCOLS, Protocol
from cvbench_tui.core.workload import Workload
from cvbench_tui.results.detail.row import detail
from cvbench_tui.results.export.rerun_command import command_line, command_lines, differs
from tests.every import every
from tests.results.samples import model, plan, run_of

RESNET = next(entry for entry in MODELS if entry.name == "Resnet18").workload
CASE = Case(RESNET, "cuda:0", 8)
MACHINE = Environment(
    (), tuple(Device(name, name) for name in ("cpu", "cuda:0", "cuda:11", "mps", "xpu:1")), ()
)  # fmt: skip


def line_of(case: Case, protocol: Protocol = PROTOCOLS["quick"]) -> str:
    return command_line(run_of(Plan("sample", (case,), protocol)), case)


def repeated(line: str) -> Plan:
    """The plan that the command makes, parsed by the program itself."""
    words = shlex.split(line)
    assert words[:2] == ["cvbench-tui", "run"]
    command = cli.commands["run"]
    options: dict[str, Any] = command.make_context("run", words[2:], parent=click.Context(cli)).params
    selection = selection_from(
        options["preset"],
        models=split_names(options["models"]), layers=split_names(options["layers"]),
        devices=split_names(options["devices"]),
        batches=options["batches"] or (), images=options["images"] or (), protocol=options["protocol"],
        extras=options["extras"], settings={axis.name: options[axis.name] or () for axis in LISTED},
        phases=options["phases"] or (),
    )  # fmt: skip
    return to_plan(selection, MACHINE)


def test_what_it_looks_like() -> None:
    assert line_of(CASE) == "cvbench-tui run -m Resnet18 -d cuda:0 -b 8 --protocol quick"
    assert line_of(replace(CASE, workload=RESNET.with_image(160))).endswith("-b 8 --image 160 --protocol quick")
    spaced = next(entry for entry in MODELS if entry.name == "VGG16 BN").workload
    assert "-m 'VGG16 BN' " in line_of(Case(spaced, "cpu", 1))
    extras = replace(PROTOCOLS["quick"], extras=("alone", "energy"))
    assert line_of(CASE, extras).endswith("--protocol quick --extra alone --extra energy")


@every("entry", [*MODELS, *LAYERS], ids=lambda entry: entry.name)
def test_every_entry_comes_back_as_the_same_case(entry) -> None:
    for device, batch, image in (("cpu", entry.batch, None), ("cuda:11", 3, 96)):
        workload = entry.workload.with_image(image) if image else entry.workload
        case = Case(workload, device, batch)
        (again,) = repeated(line_of(case)).cases
        assert again == case
        assert again.case_id == case.case_id


@every("name", PROTOCOLS)
@every("extras", [(), ("alone",), ("energy", "flushed", "device_only")])
def test_the_protocol_comes_back_too(name: str, extras) -> None:
    named = PROTOCOLS[name]
    protocol = replace(named, extras=tuple(dict.fromkeys((*named.extras, *extras))))
    assert repeated(line_of(CASE, protocol)).protocol == protocol
    assert not differs(protocol)


def test_a_protocol_of_other_numbers_is_named_with_a_note() -> None:
    older = replace(PROTOCOLS["quick"], precision=0.05)
    run = run_of(Plan("sample", (CASE,), older))
    pairs = dict(next(each for each in detail(run, CASE.case_id) if each.title == "Repeat this row").pairs)
    assert pairs["command"].endswith("--protocol quick")
    assert pairs["note"] == "The protocol quick has other numbers in this version."


@every(
    ("case", "why"),
    [
        (replace(CASE, framework="flux"), "no option for the framework flux"),
        (replace(CASE, settings=(("threads", "none"),)), "no option for the threads none"),
        (replace(CASE, settings=(("precision", "fp8"),)), "no option for the precision fp8"),
        (Case(model("nobody's"), "cpu", 8), "nobody's is not in the list"),
        (Case(Workload("model", "Resnet18", "resnet18", (3, 224, 200)), "cpu", 8), "Resnet18 is not in the list"),
        (replace(CASE, device="tpu:0"), "no device is written tpu:0"),
        (replace(CASE, device="cuda"), "no device is written cuda"),
        (replace(CASE, batch=10**6), "the batch 1000000 is not possible"),
        (Case(model("\x1b[31m; rm -rf /" * 30), "cpu", 8), "is not in the list"),
    ],
)
def test_a_row_that_no_command_makes_gets_a_sentence(case: Case, why: str) -> None:
    text = line_of(case)
    assert text.startswith("No command repeats this row: ")
    assert why in text
    assert text.endswith(".")
    assert "\x1b" not in text
    assert len(text) < 200


def test_an_unknown_protocol_is_an_obstacle() -> None:
    assert "no protocol mine" in line_of(CASE, replace(PROTOCOLS["quick"], name="mine"))


def test_a_presets_extras_count_beside_those_of_the_command(tmp_path) -> None:
    preset = tmp_path / "mine.toml"
    preset.write_text('layers = ["Dense"]\nextras = ["energy"]\n')
    assert selection_from(str(preset)).extras == ("energy",)
    assert selection_from(str(preset), extras=("alone", "energy")).extras == ("energy", "alone")


def test_a_device_is_what_the_worker_reports_to_its_end() -> None:
    from tests.results.test_rerun_command import CASE, line_of

    for name in ("cuda:01", "cuda:1000", "cpu:0", "mps2"):
        assert line_of(replace(CASE, device=name)).endswith(f"no device is written {name}.")


CODE = (("sha256", "0" * 64),)


def test_code_of_ones_own_is_named_by_its_whole_path_quoted() -> None:
    work = Workload("model", "net.py:make", "file:/home/me/a b/$(x)/net.py:make", (3, 224, 224), CODE)
    assert shlex.split(line_of(Case(work, "cpu", 8)))[3] == "/home/me/a b/$(x)/net.py:make"
    assert "--image" not in line_of(Case(work, "cpu", 8))
    assert "--image 64" in line_of(Case(work.with_image(64), "cpu", 8))
    module = Workload("model", "p.nets:make", "module:p.nets:make", (3, 224, 224), (("folder", "/home"), *CODE))
    assert line_of(Case(module, "cpu", 8)).startswith("cvbench-tui run -m p.nets:make -d cpu")
    comma = Workload("model", "net.py:make", "file:/a,b/net.py:make", (3, 224, 224), CODE)
    assert line_of(Case(comma, "cpu", 8)).startswith("No command repeats this row: /a,b/net.py:make has a comma")


def test_a_layer_of_a_model_is_named_with_its_model() -> None:
    params = (("image", 160), ("layer", "layer1.0.conv1"), ("model", "resnet18"))
    work = Workload("layer", "resnet18:layer1.0.conv1 @160", "layer_of_model", (64, 40, 40), params)
    line = line_of(Case(work, "cpu", 8))
    assert line == "cvbench-tui run -l resnet18:layer1.0.conv1 -d cpu -b 8 --image 160 --protocol quick"
    usual = replace(work, params=(("image", 224), *params[1:]))
    assert "--image" not in line_of(Case(usual, "cpu", 8))
    hostile = replace(work, params=(("image", 160), ("layer", "$(x)"), ("model", "resnet18")))
    assert line_of(Case(hostile, "cpu", 8)).startswith("No command repeats this row: ")
    own = replace(work, params=(("image", 224), ("layer", "0"), ("model", "file:/me/net.py:make"), *CODE))
    assert line_of(Case(own, "cpu", 8)).startswith("cvbench-tui run -l /me/net.py:make:0 -d cpu")


def test_rows_in_several_settings_and_batches_are_one_command() -> None:
    base = Case(find_model("resnet18").workload, "cpu", 8)
    cases = [
        replace(base, batch=batch).varied(precision=precision, threads=threads)
        for batch in (1, 8)
        for precision in ("default", "bf16")
        for threads in ("cores", "2")
    ]
    lines, left_out = command_lines(run_of(plan(*cases)), 200)
    assert (lines, left_out) == (
        ["cvbench-tui run -m Resnet18 -d cpu -b 1,8 --precision default,bf16 --threads cores,2 --protocol default"], 0,
    )  # fmt: skip
    some, _ = command_lines(run_of(plan(*cases[:-1])), 200)
    assert sum(_rows(line) for line in some) == len(cases) - 1, "and no row more"


def test_rows_that_were_measured_in_turn_are_so_again() -> None:
    base = Case(find_model("resnet18").workload, "cpu", 8)
    pair = base, base.varied(memory_format="channels_last")
    command = "cvbench-tui run -m Resnet18 -d cpu -b 8 --memory-format contiguous,channels_last --protocol default"
    for alternate, more in (("memory_format", " --alternate memory-format"), ("", ""), ("precision", "")):
        assert command_lines(run_of(replace(plan(*pair), alternate=alternate)), 200) == ([command + more], 0)
    alone = run_of(replace(plan(base), alternate="memory_format"))
    assert "--alternate" not in command_lines(alone, 200)[0][0], "one value alone cannot be measured in turn"
    places = NamedEnvironment("old", folder="/a,b"), NamedEnvironment("new", folder="/c")
    named = replace(plan(*(base.varied(env=each.name) for each in places)), alternate="env", environments=places)
    assert command_lines(run_of(named), 200)[0] == [
        "cvbench-tui run -m Resnet18 -d cpu -b 8 --env old=/a,b --env new=/c --protocol default --alternate env"
    ]


def _rows(line: str) -> int:
    return prod(value.count(",") + 1 for value in shlex.split(line))


def test_the_passes_of_a_run_are_in_its_command() -> None:
    case = Case(find_model("resnet18").workload, "cpu", 8)
    run = run_of(replace(plan(case), protocol=replace(PROTOCOLS["default"], passes=("inference",))))
    assert command_line(run, case).endswith("--protocol default --phases inference")
