"""What decides comparability, and what does not."""

from __future__ import annotations

from dataclasses import replace

from cvbench_tui.core.environment import Device, Environment, known
from cvbench_tui.core.facts import (
    FACTS,
    GROUPS,
    IDENTITY,
    comparable,
    count_listed,
    differing,
    environment_id,
    identity_hash,
    identity_pairs,
    kind_name,
    kind_of,
)
from tests.every import every

CARD = Device("cuda:0", "a card", 2**34, uuid="GPU-1")
BASE = Environment(
    versions=(("torch", "2.6"), ("driver", "550"), ("cvbench-tui", "1")),
    devices=(Device("cpu", "a CPU", 2**33), CARD, Device("mps", "none", available=False, reason="no Mac")),
    facts=(("governor", "performance"), ("load_1min", 0.5), ("cuda:0.power_limit_w", 300.0), ("cuda:0.clock_hz", 5)),
)
VOLATILE = (
    "load_1min", "stolen_share", "pressure_cpu_share", "cpu_temperature_c", "frequency_hz", "memory_available_bytes",
    "swap_used_bytes", "on_battery", "card.temperature_c", "card.clock_hz", "card.memory_free_bytes",
    "card.foreign_processes", "card.power_w", "card.throttle", "card.utilisation",
)  # fmt: skip
UPDATES = ("kernel", "microcode", "distribution", "host", "container")
"""What changes with an update or a move and makes no two runs strangers."""
DECIDES = (
    "cpu_model",
    "threads",
    "usable_cores",
    "cpu_capability",
    "tf32_matmul",
    "tf32_conv",
    "torch_flags",
    "governor",
)


def with_fact(name: str, value: object) -> Environment:
    return replace(BASE, facts=tuple((dict(BASE.facts) | {name: value}).items()))


@every("name", [name for name in FACTS if name in IDENTITY])
def test_every_fact_of_the_identity_changes_the_hash(name):
    shown = name.replace("card.", "cuda:0.").replace("*", "OMP_WAIT_POLICY")
    assert identity_hash(with_fact(shown, "this")) != identity_hash(with_fact(shown, "that"))


@every("name", [name for name in FACTS if name not in IDENTITY])
def test_no_other_fact_does(name):
    shown = name.replace("card.", "cuda:0.")
    assert identity_hash(with_fact(shown, "this")) == identity_hash(with_fact(shown, "that"))


def test_what_changes_by_the_minute_is_known_and_never_identity():
    assert set(VOLATILE) - set(FACTS) == set()
    assert set(VOLATILE) & set(IDENTITY) == set()


def test_an_update_makes_no_strangers_and_other_threads_do():
    assert set(UPDATES) <= set(FACTS)
    assert set(UPDATES) & set(IDENTITY) == set()
    assert set(DECIDES) <= set(IDENTITY)


def test_facts_of_earlier_versions_are_kept_and_decide_nothing():
    older = with_fact("kernel_build", "#1 SMP")
    assert kind_of("kernel_build") is None
    assert older.fact("kernel_build") == "#1 SMP"
    assert identity_hash(older) == identity_hash(BASE)


def test_the_order_of_facts_versions_and_devices_does_not_matter():
    turned = Environment(BASE.versions[::-1], BASE.devices[::-1], BASE.facts[::-1])
    assert identity_hash(turned) == identity_hash(BASE)
    assert len(identity_hash(BASE)) == 16
    assert int(identity_hash(BASE), 16) > 0


@every(
    "other",
    [
        replace(BASE, versions=(("torch", "2.7"), *BASE.versions[1:])),
        replace(BASE, devices=(BASE.devices[0], replace(CARD, uuid="GPU-2"))),
        replace(BASE, devices=(BASE.devices[0], replace(CARD, memory_bytes=2**33))),
        replace(BASE, devices=BASE.devices[:1]),
        replace(BASE, devices=(BASE.devices[0], CARD, replace(CARD, id="cuda:1"))),
    ],
)
def test_other_versions_and_other_devices_are_another_identity(other):
    assert identity_hash(other) != identity_hash(BASE)


def test_the_instrument_the_machines_exact_memory_and_absent_devices_are_not():
    versions = (*BASE.versions[:2], ("cvbench-tui", "2"))
    devices = (replace(BASE.devices[0], memory_bytes=5, detail="3 threads"), CARD)
    assert identity_hash(replace(BASE, versions=versions, devices=devices)) == identity_hash(BASE)


def test_the_pairs_are_names_and_values():
    assert ("fact cuda:0.power_limit_w", "300.0") in identity_pairs(BASE)
    assert ("version torch", "2.6") in identity_pairs(BASE)
    assert not [name for name, _ in identity_pairs(BASE) if "load" in name or "mps" in name]


def test_every_fact_has_a_group_and_a_meaning():
    assert {kind.group for kind in FACTS.values()} == set(GROUPS)
    assert all(kind.meaning and kind.name == name for name, kind in FACTS.items())
    assert 50 <= len(FACTS) <= 65
    assert 25 <= len(IDENTITY) <= 35


def test_a_fact_is_found_by_its_pattern():
    assert kind_name("cuda:3.power_limit_w") == "card.power_limit_w"
    assert kind_name("env.OMP_NUM_THREADS") == "env.*"
    assert kind_of("governor") is FACTS["governor"]
    assert kind_of("something_of_tomorrow") is None


def test_lists_of_cores_are_counted():
    assert [count_listed(text) for text in ("0", "0-3", "0-3,8", "", "odd")] == [1, 4, 5, 0, 0]


def test_what_is_none_or_cannot_be_read_is_left_out():
    def fails(_: int) -> int:
        raise RuntimeError("odd driver")

    assert list(known({"a": fails, "b": lambda _: None, "c": lambda x: x + 1}, 1)) == [("c", 2)]


def test_rows_on_the_cpu_have_one_identity_whether_a_driver_was_asked_or_not():
    alone = Environment((("torch", "2.6"),), BASE.devices[:1], (("governor", "performance"),), "known")
    whole = replace(BASE, identity_hash="known")
    assert environment_id(alone, "cpu") == environment_id(whole, "cpu")
    assert identity_hash(alone) != identity_hash(BASE)
    halved = replace(whole, facts=(*BASE.facts[:2], ("cuda:0.power_limit_w", 150.0)))
    assert environment_id(halved, "cuda:0") != environment_id(whole, "cuda:0")
    assert comparable(halved, whole, {"cpu"})
    assert not comparable(halved, whole, {"cpu", "cuda:0"})
    assert environment_id(BASE, "cpu") is None, "a file of schema 1 lacks the facts"


def test_only_one_and_the_same_environment_of_schema_1_is_known_to_be_comparable():
    other = replace(BASE, facts=(*BASE.facts, ("load", 3.0)))
    assert comparable(BASE, replace(BASE), {"cpu"})
    assert not comparable(BASE, other, {"cpu"})
    whole = replace(BASE, identity_hash="known")
    for before, now in ((BASE, other), (BASE, whole), (whole, BASE)):
        assert not comparable(before, now, {"cpu"})
        assert differing(before, now, {"cpu"}) == ("the run does not say on what it was measured",)
