"""Ceilings kept from run to run: a cache that may be lost, but never misleads and never fails."""

from __future__ import annotations

import dataclasses
import json
import os
import time
import tracemalloc

import pytest

from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.plan import Case
from cvbench_tui.results.storage.peak_cache import FILE_NAME, MAX_KEPT, PeakCache, with_best
from tests.every import every
from tests.results.samples import DENSE, measurement, plan, run_of

CPU = DevicePeak("cpu", "cpu|Some CPU", (("float32", 9.0e10),), 1.2e10, 32 << 20, at_s=5.0, most_bytes_per_s=2.5e10)
CASE = Case(DENSE, "cpu", 8)
CARD = DevicePeak("cuda:0", "cuda|GPU-1", (("float32", 5e13), ("tf32", 3e14)), 2e12, None, at_s=6.0)


@pytest.fixture
def cache(tmp_path):
    return PeakCache(tmp_path / "runs")


def test_what_is_put_is_got_again_by_another_program(cache, tmp_path):
    assert cache.get(CPU.key) is None
    cache.put(CPU)
    cache.put(CARD)
    again = PeakCache(tmp_path / "runs")
    assert (again.get(CPU.key), again.get(CARD.key), again.get("another")) == (CPU, CARD, None)


def test_a_newer_one_takes_the_place_of_the_older(cache):
    cache.put(CPU)
    faster = dataclasses.replace(CPU, bytes_per_s=2e10, at_s=9.0)
    cache.put(faster)
    assert cache.get(CPU.key) == faster


def test_one_that_is_not_sure_is_not_kept(cache):
    cache.put(CPU)
    cache.put(dataclasses.replace(CPU, sure=False, bytes_per_s=1.0))
    assert cache.get(CPU.key) == CPU


@pytest.mark.parametrize("text", ["", "{", "{}", "[1]", '[{"device": "cpu"}]', "[]", "\x00\xff"])
def test_a_broken_file_is_an_empty_cache_and_is_written_anew(cache, text):
    cache.path.parent.mkdir(parents=True)
    cache.path.write_text(text, encoding="latin-1")
    assert cache.get(CPU.key) is None
    cache.put(CPU)
    assert cache.get(CPU.key) == CPU


def test_a_file_that_cannot_be_read_or_written_is_done_without(tmp_path):
    (tmp_path / "runs").write_text("a file, not a folder")
    cache = PeakCache(tmp_path / "runs")
    cache.put(CPU)
    assert cache.get(CPU.key) is None
    (tmp_path / "more" / FILE_NAME).mkdir(parents=True)
    cache = PeakCache(tmp_path / "more")
    cache.put(CPU)
    assert cache.get(CPU.key) is None


def test_the_oldest_go_when_there_are_too_many(cache):
    for number in range(MAX_KEPT + 2):
        cache.put(dataclasses.replace(CPU, key=str(number), at_s=float(number)))
    assert len(json.loads(cache.path.read_text())) == MAX_KEPT
    assert cache.get("1") is None
    assert cache.get(str(MAX_KEPT + 1)) is not None


def test_the_list_of_runs_does_not_take_it_for_a_run(cache):
    from cvbench_tui.results.storage.runs import list_runs

    cache.put(CPU)
    assert list_runs(cache.path.parent) == ()


def test_a_run_of_a_slow_hour_is_read_with_the_best_that_is_known_by_now(cache, tmp_path):
    run = dataclasses.replace(run_of(plan(CASE), measurement(CASE, 0.1)), ceilings={"cpu": CPU})
    assert with_best(run, tmp_path / "runs") is run
    cache.put(dataclasses.replace(CPU, product_s=1.0e-4))
    assert with_best(run, tmp_path / "runs").ceilings["cpu"].product_s == 1.0e-4
    better = dataclasses.replace(run, ceilings={"cpu": dataclasses.replace(CPU, product_s=0.9e-4)})
    assert with_best(better, tmp_path / "runs") is better
    other = dataclasses.replace(run, ceilings={"cpu": dataclasses.replace(CPU, key="another machine")})
    assert with_best(other, tmp_path / "runs") is other


GOOD = json.dumps([dataclasses.asdict(CPU)])
ODD = {
    "not a number": GOOD.replace("12000000000.0", "NaN"),
    "infinite": GOOD.replace("12000000000.0", "1e999"),
    "negative": GOOD.replace("12000000000.0", "-1.0"),
    "zero": GOOD.replace("90000000000.0", "0.0"),
    "a rate of no machine": GOOD.replace("12000000000.0", "1.7e308"),
    "400 digits": GOOD.replace("33554432", "9" * 400),
    "9,000 digits": GOOD.replace("33554432", "9" * 9_000),
    "a moment that is none": GOOD.replace('"at_s": 5.0', '"at_s": 1e300'),
    "nested": "[" * 100_000,
    "a million items": "[" + "0," * 1_000_000 + "0]",
    "a hundred thousand of nothing": "[" + "{}," * 40_000 + "{}]",
}


@every("text", ODD.values(), ids=lambda text: text[:40])
def test_an_impossible_peak_is_none_and_a_run_keeps_its_own(tmp_path_factory, text):
    cache = PeakCache(tmp_path_factory.mktemp("runs"))
    cache.path.write_text(text)
    began_s = time.process_time()
    assert cache.get(CPU.key) is None
    run = dataclasses.replace(run_of(plan(CASE), measurement(CASE, 0.1)), ceilings={"cpu": CPU})
    assert with_best(run, cache.path.parent) is run
    cache.put(CARD)
    assert cache.get(CARD.key) == CARD
    assert time.process_time() - began_s < 2


def test_what_is_no_small_regular_file_is_not_read(tmp_path):
    for name in ("pipe", "sparse", "zero"):
        (tmp_path / name).mkdir()
    os.mkfifo(tmp_path / "pipe" / FILE_NAME)
    (tmp_path / "zero" / FILE_NAME).symlink_to("/dev/zero")
    (tmp_path / "sparse" / FILE_NAME).touch()
    os.truncate(tmp_path / "sparse" / FILE_NAME, 2 << 30)
    assert PeakCache(tmp_path).get(CPU.key) is None, "pydantic is there before memory is counted"
    tracemalloc.start()
    try:
        for name in ("pipe", "sparse", "zero"):
            assert PeakCache(tmp_path / name).get(CPU.key) is None
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    PeakCache(tmp_path / "sparse").put(CPU)
    assert PeakCache(tmp_path / "sparse").get(CPU.key) == CPU
