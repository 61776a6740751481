from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cvbench_tui.catalog.models import ModelEntry
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.catalog.presets import load_preset, save_preset
from cvbench_tui.catalog.selection import Selection, to_plan
from cvbench_tui.catalog.sources import all_models
from cvbench_tui.core.axes import LISTED
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.plan import Case
from cvbench_tui.errors import SelectionError
from cvbench_tui.settings import load, save
from cvbench_tui.tui.launch import last_selection
from cvbench_tui.tui.state.plan_settings import PlanSettings
from cvbench_tui.tui.state.selection import PlanSelection
from tests.tui.checklist_app import MACHINE

PLAN = Selection(
    "mine",
    (find_model("swin_t"), find_model("VGG16")),
    (find_layer("GELU"),),
    ("cpu", "cuda:7"),
    (16,),
    (64,),
    "rigorous",
    ("alone",),
)


def columns(plan_selection: PlanSelection, name: str) -> tuple[str, ...]:
    lists = (plan_selection.models, plan_selection.layers)
    (found,) = (ticks.columns(item) for ticks in lists for item in ticks.items if item.key == name)
    return found


def test_a_plan_is_ticked_in_place_of_what_is() -> None:
    plan_selection = PlanSelection()
    plan_selection.offer(MACHINE)
    plan_selection.models.toggle("alexnet")
    plan_selection.apply(PLAN)
    assert plan_selection.models.ticked == ("VGG16", "swin_t")
    assert plan_selection.layers.ticked == ("GELU",)
    assert plan_selection.devices.ticked == ("cpu",)
    assert plan_selection.missing == ("cuda:7",)
    assert (plan_selection.batches, plan_selection.images, plan_selection.protocol) == ((16,), (64,), "rigorous")
    assert plan_selection.selection() == replace(PLAN, devices=("cpu",)), "name, order and extras are kept"


def test_a_plan_without_devices_leaves_those_that_are_ticked() -> None:
    plan_selection = PlanSelection()
    plan_selection.offer(MACHINE)
    plan_selection.devices.tick_only(("cpu",))
    plan_selection.apply(replace(PLAN, devices=None))
    assert plan_selection.devices.ticked == ("cpu",)


def test_a_plan_that_is_applied_before_the_devices_are_known_waits_for_them() -> None:
    plan_selection = PlanSelection()
    plan_selection.apply(PLAN)
    assert plan_selection.last().devices == ("cpu", "cuda:7")
    plan_selection.offer(MACHINE)
    assert plan_selection.devices.ticked == ("cpu",)
    assert plan_selection.missing == ("cuda:7",)


def test_families_of_a_plan_are_open_and_the_users_own_folds_stay() -> None:
    plan_selection = PlanSelection()
    plan_selection.models.folded.add("VGG")
    plan_selection.models.folded.discard("RegNet")
    plan_selection.apply(replace(PLAN, models=(find_model("swin_t"),)))
    assert "Swin" not in plan_selection.models.folded
    assert "VGG" in plan_selection.models.folded
    assert "RegNet" not in plan_selection.models.folded
    assert "Activation" not in plan_selection.layers.folded


def test_other_ticks_are_no_longer_the_preset() -> None:
    plan_selection = PlanSelection(PLAN)
    plan_selection.models.toggle("alexnet")
    assert plan_selection.selection().name == "selection"
    assert plan_selection.selection().extras == ("alone",)


def test_the_last_time_is_of_the_ticked_device_at_the_size_it_would_be_run() -> None:
    asked: list[Case] = []

    def past(case: Case) -> str:
        asked.append(case)
        return "12.3 ms" if case.workload.name == "Resnet18" else ""

    plan_selection = PlanSelection()
    assert not plan_selection.remember(past)
    assert not asked, "no device is ticked"
    plan_selection.offer(MACHINE)
    plan_selection.batches, plan_selection.images = (2,), (64,)
    plan_selection.models.toggle("VGG16")
    plan_selection.models.search("resnet18")
    assert plan_selection.remember(past)
    assert {(case.device, case.batch) for case in asked} == {("cuda:0", 2)}
    assert next(case.image for case in asked if case.workload.name == "Resnet18") == 64
    assert columns(plan_selection, "Resnet18") == ("", "1.8", "11.7M", "12.3 ms")
    assert columns(plan_selection, "efficientnet_b7")[:3] == ("600", "38", "66.3M")
    assert plan_selection.models.ticked == ("VGG16",)
    assert [item.key for item in plan_selection.models.shown] == ["Resnet18"]
    assert not plan_selection.remember(past), "nothing new"
    plan_selection.remember(past, 1)
    asked.clear()
    plan_selection.layers.toggle("Dense")
    assert not plan_selection.remember(past, 1)
    assert not asked, "no other tick changes a time"
    plan_selection.remember(past, 2)
    assert len(asked) == len(plan_selection.models.items) + len(plan_selection.layers.items)


def test_the_protocol_goes_round_and_can_be_set() -> None:
    plan_selection = PlanSelection(PLAN)
    plan_selection.protocol = "original"
    plan_selection.next_protocol()
    assert plan_selection.protocol == "quick"
    plan_selection.offer(MACHINE)
    plan_selection.protocol = "rigorus"
    with pytest.raises(SelectionError, match="rigorus") as error:
        to_plan(plan_selection.selection(), MACHINE)
    assert "rigorous" in error.value.hint


def test_what_is_ticked_is_told_by_name_for_the_next_start() -> None:
    plan_selection = PlanSelection(PLAN)
    plan_selection.offer(MACHINE)
    last = plan_selection.last()
    assert (last.models, last.layers, last.devices) == (("VGG16", "swin_t"), ("GELU",), ("cpu",))
    assert (last.batch, last.image, last.protocol) == ((16,), (64,), "rigorous")


AXES_PLAN = replace(
    PLAN,
    devices=("cpu",),
    batches=(1, "max"),
    images=(64, 96),
    extras=(),
    settings=(("precision", ("default", "bf16")), ("threads", ("half", "3"))),
    phases=("inference", "step"),
)


def test_axes_come_back_after_a_restart(tmp_path: Path) -> None:
    plan_selection = PlanSelection(AXES_PLAN)
    plan_selection.offer(MACHINE)
    save(tmp_path / "config.toml", {f"last.{name}": value for name, value in vars(plan_selection.last()).items()})
    settings, problems = load(tmp_path / "config.toml")
    assert problems == ()
    again = last_selection(settings.last)
    assert again is not None
    models, layers = again.models, again.layers
    assert (set(models), set(layers)) == (set(AXES_PLAN.models), set(AXES_PLAN.layers))
    assert replace(again, name="mine", models=AXES_PLAN.models, layers=AXES_PLAN.layers) == AXES_PLAN


def test_axes_of_a_preset_are_set_and_told_and_saved_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CVBENCH_CONFIG", str(tmp_path / "config.toml"))
    plan_selection = PlanSelection(AXES_PLAN)
    plan_selection.offer(MACHINE)
    how = plan_selection.how
    assert how == PlanSettings("rigorous", (1, "max"), (64, 96), AXES_PLAN.settings, ("inference", "step"))
    assert plan_selection.selection() == AXES_PLAN
    save_preset("mine", plan_selection.selection())
    assert load_preset("mine") == AXES_PLAN
    plan_selection.set_how(replace(how, settings=(), phases=(), batches=(8,)))
    assert plan_selection.selection() == replace(AXES_PLAN, settings=(), phases=(), batches=(8,))
    plan_selection.apply(replace(PLAN, devices=None))
    assert plan_selection.how == PlanSettings("rigorous", (16,), (64,)), "a preset without axes sets none"


def test_the_last_time_is_of_the_first_value_however_many_are_ticked() -> None:
    asked: list[Case] = []
    plan_selection = PlanSelection()
    plan_selection.offer(replace(MACHINE, facts=(("usable_cores", 16),)))
    plan_selection.settings = {axis.name: tuple(value.name for value in reversed(axis.values)) for axis in LISTED}
    plan_selection.settings["threads"] = ("half", *map(str, range(1, 40)))
    with pytest.raises(SelectionError, match="combinations of settings are too many"):
        to_plan(replace(plan_selection.selection(), models=PLAN.models, devices=("cpu",)), MACHINE)
    plan_selection.remember(lambda case: asked.append(case) or "")
    assert {(case.setting("precision"), case.threads) for case in asked} == {("fp16", 8)}


def test_a_machine_without_devices_ticks_none() -> None:
    plan_selection = PlanSelection()
    plan_selection.offer(Environment((), ()))
    assert plan_selection.devices.ticked == ()
    assert plan_selection.missing == ()


def test_models_that_are_read_later_are_folded_and_what_is_ticked_stays(with_timm) -> None:
    plan_selection = PlanSelection(Selection("mine", (find_model("timm:resnet50"), find_model("VGG16")), (), ("cpu",)))
    assert plan_selection.models.ticked == ("VGG16", "timm:resnet50")
    assert plan_selection.last().models == plan_selection.models.ticked
    plan_selection.models.toggle("alexnet")
    before = plan_selection.models.lines
    models = tuple(all_models())
    plan_selection.offer_models(models, first=True)
    assert plan_selection.models.ticked == ("VGG16", "alexnet", "timm:resnet50")
    assert [item.key for item in plan_selection.models.items] == [model.name for model in models]
    shown = {line.group for line in plan_selection.models.lines if line.item is not None}
    assert {group for group in shown if group.startswith("timm ")} == {"timm resnet"}, "the family of the tick is open"
    assert [line for line in before if not line.group.startswith("timm ")] == [
        line for line in plan_selection.models.lines if not line.group.startswith("timm ")
    ]
    assert plan_selection.selection().models == tuple(map(find_model, plan_selection.models.ticked))


def test_a_preset_with_models_that_are_not_listed_yet_lists_them(with_timm) -> None:
    plan_selection = PlanSelection()
    plan_selection.apply(Selection("mine", (find_model("timm:vit_base_patch16_224"),), (), None))
    assert plan_selection.models.ticked == ("timm:vit_base_patch16_224",)
    assert plan_selection.selection().name == "mine"


def test_a_model_without_numbers_has_a_dash(with_timm) -> None:
    plan_selection = PlanSelection()
    plan_selection.offer_models([ModelEntry("timm:odd", "timm:odd", "timm odd", None, 224, None, None)])
    assert columns(plan_selection, "timm:odd")[:3] == ("", "-", "-")
