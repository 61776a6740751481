"""Records in columns behave as the tuples of records they stand for, and what columns rule out the records rule out."""

from __future__ import annotations

import copy
import pickle
from dataclasses import asdict, fields, replace

from hypothesis import given
from hypothesis import strategies as st

from cvbench_tui.core.evidence import Evidence, PassRecord, Visit
from cvbench_tui.core.measurement import Measurement
from cvbench_tui.core.stats.record_array import RecordArray, packed
from cvbench_tui.core.stats.stop_rule import disturbance, undisturbed
from tests.core.graded import CALM, case, record

SECONDS = st.sampled_from([0.0, 0.01, 0.019, 0.02, 0.03, 0.25]) | st.floats(0, 10)
KNOWN = st.none() | SECONDS
COUNTS = st.none() | st.sampled_from([0, 1, 9, 10, 63, 64])
BY_TYPE = {
    "float": SECONDS, "float | None": KNOWN, "int": st.integers(0, 9), "int | None": COUNTS,
    "tuple[str, ...]": st.sampled_from([(), ("power_cap",)]),
}  # fmt: skip
ROUND = st.builds(Evidence, **{field.name: BY_TYPE[str(field.type)] for field in fields(Evidence)})  # later ones too
PASS = st.builds(
    PassRecord, name=st.sampled_from(["training", "inference"]), evidence=st.lists(ROUND, max_size=3).map(tuple),
    warmup_windows_s=st.lists(SECONDS, max_size=3).map(tuple), settled=st.booleans(),
)  # fmt: skip
PASSES = st.lists(PASS, min_size=1, max_size=6).map(tuple)


def measured(passes: tuple[PassRecord, ...]) -> Measurement:
    return Measurement("a", (), None, None, None, 0.0, 0.0, None, passes=passes)


@given(PASSES, PASSES)
def test_they_are_as_the_tuples(one: tuple[PassRecord, ...], two: tuple[PassRecord, ...]) -> None:
    array = RecordArray(one)
    assert array == one
    assert one == array
    assert (array == RecordArray(two)) == (one == two)
    assert array != ()
    assert hash(array) == hash(one)
    assert repr(array) == repr(one)
    assert (len(array), array[0], array[-1], array[1:]) == (len(one), one[0], one[-1], one[1:])
    assert copy.deepcopy(array) == tuple(map(asdict, one))
    assert pickle.loads(pickle.dumps(array)) == one
    assert array.values("name") == [each.name for each in one]


def test_none_stay_none_and_columns_stay_columns() -> None:
    assert packed(()) == ()
    visits = packed((Visit(1.0, 2.0, 3), Visit(2.0, 2.0, 4)))
    assert packed(visits) is visits


NUMBERS = (None, 0.0, 0.0005, 0.0013, 0.0014, 0.002, 0.01, 0.019, 0.02, 0.03, 0.13, 0.25)
VALUES = {
    "float": NUMBERS[1:], "float | None": NUMBERS, "int": (0, 1), "int | None": (None, 0, 1, 9, 10, 63, 64),
    "tuple[str, ...]": ((), ("power_cap",)),
}  # fmt: skip


def test_whatever_disturbs_one_round_of_many_is_no_undisturbed_row() -> None:
    causes = set()
    for field in fields(Evidence):
        for value in VALUES[str(field.type)]:
            odd = replace(CALM, **{field.name: value})
            row = case(None, record(CALM, CALM, odd, CALM, CALM))
            cause = disturbance(odd)
            causes.add(cause)
            if cause is not None:
                assert not undisturbed(row), (field.name, value)
            if field.name == "waited_s" and not value:
                assert undisturbed(row)
    assert causes == {None, "contention", "stolen", "foreign", "swap", "stopped"}


@given(PASSES)
def test_undisturbed_rows_have_no_disturbed_round(passes: tuple[PassRecord, ...]) -> None:
    if undisturbed(measured(passes)):
        assert not any(disturbance(each) for record in passes for each in record.evidence)


@given(PASSES)
def test_rounds_are_counted_without_being_made(passes: tuple[PassRecord, ...]) -> None:
    row = measured(passes)
    for phase in ("total", "inference"):
        assert row.evidence_counts(phase) == tuple(map(len, row.evidence_by_visit(phase)))  # type: ignore[arg-type]
