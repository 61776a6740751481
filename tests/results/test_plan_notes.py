"""What a plan says of its rows before they are measured."""

from __future__ import annotations

from cvbench_tui.catalog.memory import TooLarge
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.workload import Workload
from cvbench_tui.results import plan_notes as notes
from cvbench_tui.results.plan_notes import counted, named, plan_notes

MACHINE = Environment((), (Device("cpu", "CPU", 8 * 2**30),))


def plan_of(*cases: Case) -> Plan:
    return Plan("p", cases, PROTOCOLS["quick"])


def at(name: str, image: int, batch: int) -> Case:
    return Case(find_model(name).workload.with_image(image), "cpu", batch)


def test_each_row_has_one_note_by_kind_and_a_sentence_that_helps():
    plan = plan_of(at("vgg16", 224, 4096), at("resnet18", 32, 1), at("alexnet", 32, 1), at("resnet18", 224, 1))
    found = plan_notes(plan, MACHINE)
    assert [(note.case.workload.op, note.kind) for note in found] == [
        ("alexnet", "unsupported"), ("resnet18", "no_training"), ("vgg16", "too_large"),
    ]  # fmt: skip
    assert counted(found) == "1 unsupported, 1 without training, 1 will not fit in memory"
    assert found[0].text == "alexnet on cpu, batch 1: alexnet takes images of 63 px or more, not 32."
    assert plan_notes(plan_of(Case(find_layer("Dense").workload, "cpu", 1)), MACHINE) == ()
    assert counted(()) == ""


def test_what_a_setting_forbids_is_known_before_the_run_and_the_row_is_named_by_it():
    case = at("resnet18", 224, 1)
    plan = plan_of(
        case, case.varied(precision="tf32"), case.varied(graph="on"), at("resnet18", 32, 1).varied(graph="on")
    )
    found = plan_notes(plan, MACHINE)
    assert counted(found) == "3 unsupported", "one note for a row, though the last one could not be trained either"
    assert found[0].text == (
        "Resnet18 tf32 224 px on cpu, batch 1: TF32 is a mode of NVIDIA cards; measure fp32 on this device."
    )
    assert [note.name for note in found[1:]] == ["Resnet18 CUDA graph 224 px", "Resnet18 CUDA graph 32 px"]


def test_without_training_there_is_none_to_miss():
    inference = Plan("p", (at("resnet18", 32, 1),), PROTOCOLS["quick"].__class__("i", passes=("inference",)))
    assert plan_notes(inference, MACHINE) == ()


def test_a_row_that_will_not_fit_is_named_with_what_it_needs_and_what_there_is(monkeypatch):
    workload = Workload("model", "VGG19 [/]\x1b", "vgg19", (3, 224, 224))
    misfit = TooLarge(Case(workload, "cuda:0", 64), int(31.234 * 2**30), 24 * 2**30)
    small = TooLarge(Case(workload, "cuda:0", 1), 1_234_567_890, 456 * 2**20)
    monkeypatch.setattr(notes, "too_large", lambda plan, environment: [misfit, small])
    found = plan_notes(plan_of(), MACHINE)
    assert named(found, 2) == (
        "VGG19 [/]\\x1b on cuda:0, batch 64: needs about 31 GiB, the device has 24 GiB.",
        "VGG19 [/]\\x1b on cuda:0, batch 1: needs about 1.1 GiB, the device has 456 MiB.",
    )
    assert named(found, 1)[1:] == ("And 1 more row: 1 will not fit in memory.",)
    assert named(found, 0) == ("And 2 more rows: 2 will not fit in memory.",)
