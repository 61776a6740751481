"""What stands beside the times must fit what is left of the case's time limit."""

from __future__ import annotations

import pytest

from cvbench_tui.worker.extras.budget import UNLIMITED, Budget, NoTimeLeft

LEFT = Budget(lambda: 90.0, 100.0, {"training": 1.0, "inference": 0.1})


@pytest.mark.parametrize(("name", "iterations", "extra_s"), [("training", 10, 0.0), ("inference", 50, 5.0)])
def test_what_fits_is_taken(name, iterations, extra_s):
    LEFT.check(name, iterations, extra_s)


@pytest.mark.parametrize(("name", "iterations", "extra_s"), [("training", 11, 0.0), ("inference", 50, 5.1)])
def test_what_does_not_fit_is_refused_in_words(name, iterations, extra_s):
    with pytest.raises(NoTimeLeft, match="time limit"):
        LEFT.check(name, iterations, extra_s)


def test_without_a_limit_everything_fits():
    UNLIMITED.check("training", 10**9)
