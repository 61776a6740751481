"""Rows of two runs, measured once more in turn; and environments as a user names them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cvbench_tui.catalog.again import again_plan
from cvbench_tui.catalog.environments import named_environments, why_not_started
from cvbench_tui.core.plan import NamedEnvironment
from cvbench_tui.errors import SelectionError
from tests.every import every
from tests.results.samples import CONV, ENVIRONMENT, Case, measurement, model, plan, run_of

PLAIN = [Case(model("resnet18"), "cpu", 8), Case(CONV, "cpu", 8)]
LAST = [case.varied(memory_format="channels_last") for case in PLAIN]
SIDES = (NamedEnvironment("old", folder="/old"), NamedEnvironment("new", folder="/new"))


def run(cases):
    return run_of(plan(*cases), *(measurement(case, 0.01) for case in cases))


def test_rows_that_differ_in_one_axis_are_alternated_along_it():
    again = again_plan(run(PLAIN), run(LAST), ENVIRONMENT)
    assert again.alternate == "memory_format"
    assert {case.case_id for case in again.cases} == {case.case_id for case in (*PLAIN, *LAST)}
    assert all(len(again.in_turn(case.case_id)) == 2 for case in again.cases)


def test_rows_that_one_of_the_runs_lacks_are_left_out():
    assert {case.workload.name for case in again_plan(run(PLAIN), run(LAST[:1])).cases} == {PLAIN[0].workload.name}


def test_equal_rows_need_two_environments_as_the_sides():
    with pytest.raises(SelectionError, match="The rows of both runs are the same") as refused:
        again_plan(run(PLAIN), run(PLAIN))
    assert "--env old=WHERE" in refused.value.hint
    again = again_plan(run(PLAIN), run(PLAIN), ENVIRONMENT, SIDES)
    assert (again.alternate, again.environments) == ("env", SIDES)
    assert [case.setting("env") for case in again.cases] == ["old", "new"] * 2


def test_rows_of_environments_are_started_where_these_are_named_only():
    old, new = ([case.varied(env=name) for case in PLAIN] for name in ("old", "new"))
    with pytest.raises(SelectionError, match="The environment new is started only where you name it"):
        again_plan(run(old), run(new))
    again = again_plan(run(old), run(new), None, SIDES)
    assert (again.alternate, again.environments) == ("env", SIDES)


def test_nothing_in_common_and_another_machine_are_sentences():
    with pytest.raises(SelectionError, match="no rows that differ in one axis alone"):
        again_plan(run(PLAIN[:1]), run(LAST[1:]))
    device = replace(ENVIRONMENT.devices[0], name="another processor")
    elsewhere = replace(ENVIRONMENT, devices=(device, *ENVIRONMENT.devices[1:]), identity_hash="0" * 16)
    known = replace(run(PLAIN), environment=replace(ENVIRONMENT, identity_hash="1" * 16))
    with pytest.raises(SelectionError, match="is of another machine: cpu another processor"):
        again_plan(known, run(LAST), elsewhere)


def test_folders_and_programs_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "python").write_text("#!/bin/sh\n")
    (tmp_path / "python").chmod(0o755)
    found = named_environments(["old=.", "torch2.1=./python", "own"])
    assert found == (
        NamedEnvironment("old", folder=str(tmp_path)),
        NamedEnvironment("torch2.1", python=str(tmp_path / "python")),
        NamedEnvironment("own"),
    )


@every(
    ("texts", "sentence"),
    [
        (["old"], "--env 'old' names no environment."),
        (["=x"], "'' cannot be an environment's name."),
        (["a|b=."], r"'a\|b' cannot be an environment's name."),
        (["own=."], "'own' cannot be an environment's name."),
        (["old=nowhere"], "'nowhere' of the environment old is not there."),
        (["old=/dev/null"], "of the environment old is neither a program nor a folder."),
        (["old=.", "old=.."], "The environment 'old' is named twice."),
    ],
)
def test_what_is_wrong_with_an_environment_is_one_sentence(texts, sentence):
    with pytest.raises(SelectionError, match=sentence):
        named_environments(texts)


def test_only_environments_that_the_user_has_named_are_started():
    case = PLAIN[0].varied(env="old")
    assert why_not_started(PLAIN[0], ()) == ""
    assert why_not_started(case, SIDES) == ""
    assert "started only where you name it with --env old=WHERE" in why_not_started(case, SIDES[1:])
