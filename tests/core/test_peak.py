"""What a ceiling holds for: the key that the parent works out from the environment."""

from __future__ import annotations

import dataclasses

import pytest

from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.peak import DevicePeak, peak_key

HERE = Environment(
    versions=(("torch", "2.5.0"), ("driver", "550.1"), ("cuda", "12.4")),
    devices=(
        Device("cpu", "Some CPU"),
        Device("cuda:0", "Some card", uuid="GPU-1"),
        Device("cuda:1", "Some card", uuid="GPU-2"),
    ),
    facts=(("threads", 8), ("host", "box"), ("load_1min", 0.5), ("cuda:0.power_limit_w", 300.0)),
)


def with_fact(name, value):
    return dataclasses.replace(HERE, facts=(*HERE.facts, (name, value)))


def test_each_device_has_a_key_of_its_own():
    keys = {peak_key(HERE, device) for device in ("cpu", "cuda:0", "cuda:1", "mps")}
    assert len(keys) == 4


def test_a_cards_peak_does_not_depend_on_threads():
    assert peak_key(with_fact("threads", 4), "cuda:0") == peak_key(HERE, "cuda:0")


@pytest.mark.parametrize(("device", "name", "value"), [
    ("cpu", "governor", "powersave"), ("cpu", "threads", 4), ("cpu", "host", "other"),
    ("cuda:0", "cuda:0.power_limit_w", 250.0),
])  # fmt: skip
def test_what_changes_the_speed_changes_the_key(device, name, value):
    assert peak_key(with_fact(name, value), device) != peak_key(HERE, device)


def test_what_does_not_leaves_it():
    assert peak_key(with_fact("load_1min", 3.0), "cpu") == peak_key(HERE, "cpu")
    assert peak_key(with_fact("cuda:0.power_limit_w", 250.0), "cuda:1") == peak_key(HERE, "cuda:1")


def test_another_driver_or_pytorch_is_another_ceiling():
    newer = dataclasses.replace(HERE, versions=(("torch", "2.5.0"), ("driver", "560.1"), ("cuda", "12.4")))
    assert peak_key(newer, "cuda:0") != peak_key(HERE, "cuda:0")
    assert peak_key(newer, "cpu") == peak_key(HERE, "cpu")


def test_the_highest_of_several_precisions():
    card = DevicePeak("cuda:0", "key", (("float32", 5e13), ("tf32", 3e14)), None)
    assert card.flops("float32", "tf32") == 3e14
    assert card.flops("float32") == 5e13
    assert card.flops("bfloat16") is None
