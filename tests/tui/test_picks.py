from __future__ import annotations

from dataclasses import replace

import pytest

from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.catalog.selection import Selection
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.plan import Case
from cvbench_tui.errors import SelectionError
from cvbench_tui.tui.state.selection import Picks
from tests.tui.pick_app import MACHINE

PLAN = Selection(
    "mine",
    (find_model("swin_t"), find_model("VGG16")),
    (find_layer("GELU"),),
    ("cpu", "cuda:7"),
    16,
    64,
    "rigorous",
    ("alone",),
)


def columns(picks: Picks, name: str) -> tuple[str, ...]:
    (item,) = (item for item in (*picks.models.items, *picks.layers.items) if item.key == name)
    return item.columns


def test_a_plan_is_ticked_in_place_of_what_is() -> None:
    picks = Picks()
    picks.offer(MACHINE)
    picks.models.toggle("alexnet")
    picks.apply(PLAN)
    assert picks.models.ticked == ("VGG16", "swin_t")
    assert picks.layers.ticked == ("GELU",)
    assert picks.devices.ticked == ("cpu",)
    assert picks.missing == ("cuda:7",)
    assert (picks.batch, picks.image, picks.protocol) == (16, 64, "rigorous")
    assert picks.selection() == replace(PLAN, devices=("cpu",)), "name, order and extras are kept"


def test_a_plan_without_devices_leaves_those_that_are_ticked() -> None:
    picks = Picks()
    picks.offer(MACHINE)
    picks.devices.tick_only(("cpu",))
    picks.apply(replace(PLAN, devices=None))
    assert picks.devices.ticked == ("cpu",)


def test_a_plan_that_is_applied_before_the_devices_are_known_waits_for_them() -> None:
    picks = Picks()
    picks.apply(PLAN)
    assert picks.last().devices == ("cpu", "cuda:7")
    picks.offer(MACHINE)
    assert picks.devices.ticked == ("cpu",)
    assert picks.missing == ("cuda:7",)


def test_families_of_a_plan_are_open_and_the_users_own_folds_stay() -> None:
    picks = Picks()
    picks.models.fold("VGG")
    picks.models.unfold("RegNet")
    picks.apply(replace(PLAN, models=(find_model("swin_t"),)))
    assert "Swin" not in picks.models.folded
    assert "VGG" in picks.models.folded
    assert "RegNet" not in picks.models.folded
    assert "Activation" not in picks.layers.folded


def test_other_ticks_are_no_longer_the_preset() -> None:
    picks = Picks(PLAN)
    picks.models.toggle("alexnet")
    assert picks.selection().name == "selection"
    assert picks.selection().extras == ("alone",)


def test_the_last_time_is_of_the_ticked_device_at_the_size_it_would_be_run() -> None:
    asked: list[Case] = []

    def past(case: Case) -> str:
        asked.append(case)
        return "12.3 ms" if case.workload.name == "Resnet18" else ""

    picks = Picks()
    assert not picks.remember(past)
    assert not asked, "no device is ticked"
    picks.offer(MACHINE)
    picks.batch, picks.image = 2, 64
    picks.models.toggle("VGG16")
    picks.models.needle = "resnet18"
    assert picks.remember(past)
    assert {(case.device, case.batch) for case in asked} == {("cuda:0", 2)}
    assert next(case.image for case in asked if case.workload.name == "Resnet18") == 64
    assert columns(picks, "Resnet18") == ("", "1.8", "11.7M", "12.3 ms")
    assert columns(picks, "efficientnet_b7")[:3] == ("600", "38", "66.3M")
    assert picks.models.ticked == ("VGG16",)
    assert [item.key for item in picks.models.shown] == ["Resnet18"]
    assert not picks.remember(past), "nothing new"


def test_the_protocol_goes_round_and_can_be_set() -> None:
    picks = Picks(protocol="original")
    picks.next_protocol()
    assert picks.protocol == "quick"
    picks.set_protocol("rigorous")
    assert picks.protocol == "rigorous"
    with pytest.raises(SelectionError, match="rigorus") as error:
        picks.set_protocol("rigorus")
    assert "rigorous" in error.value.hint
    assert picks.protocol == "rigorous"


def test_what_is_ticked_is_told_by_name_for_the_next_start() -> None:
    picks = Picks(PLAN)
    picks.offer(MACHINE)
    last = picks.last()
    assert (last.models, last.layers, last.devices) == (("VGG16", "swin_t"), ("GELU",), ("cpu",))
    assert (last.batch, last.image, last.protocol) == (16, 64, "rigorous")


def test_a_machine_without_devices_ticks_none() -> None:
    picks = Picks()
    picks.offer(Environment((), ()))
    assert picks.devices.ticked == ()
    assert picks.missing == ()
