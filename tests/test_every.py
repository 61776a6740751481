"""The tests' own means of going through many cases: a failure is never swallowed, and each has its name."""

from __future__ import annotations

import pytest

from tests.every import every


def test_all_cases_are_tried_and_those_that_fail_are_named() -> None:
    tried = []

    @every(("one", "two"), [(1, 2), (3, 3), (5, 4)])
    def all_grow(one: int, two: int) -> None:
        tried.append(one)
        assert one < two

    with pytest.raises(AssertionError, match=r"^2 of 3 cases:\n\(3, 3\): .*\n\(5, 4\): ") as caught:
        all_grow()
    assert isinstance(caught.value.__cause__, AssertionError)
    assert tried == [1, 3, 5]


def test_a_check_may_fail_in_other_ways_than_by_assert() -> None:
    @every("act", [int, lambda: pytest.fail("No."), lambda: 1 / 0], ids=str)
    def check(act) -> None:
        act()

    with pytest.raises(AssertionError, match=r"^2 of 3 cases:\n.*: Failed: No.\n.*: ZeroDivisionError: "):
        check()


def test_no_case_at_all_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="no case"):
        every("nothing", [])


@every("number", [1, 2])
def test_fixtures_come_as_to_any_test(tmp_path, number: int) -> None:
    assert tmp_path.is_dir()
    assert number
