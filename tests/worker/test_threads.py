"""How many threads an operator gets on the CPU."""

from __future__ import annotations

import pytest
import torch

from cvbench_tui.base import cores
from cvbench_tui.worker.devices.cpu import intra_op_threads


@pytest.mark.parametrize(
    ("quota", "allowed", "most"), [(0.5, 8, 1), (1.5, 8, 1), (2.0, 8, 2), (8.0, 8, 7), (None, 8, 7), (None, 3, 3)]
)
def test_threads_fit_the_quota_and_leave_the_app_a_core(monkeypatch, quota, allowed, most):
    monkeypatch.setattr(cores, "affinity", lambda: frozenset(range(allowed)))
    monkeypatch.setattr(cores, "quota_cores", lambda root: quota)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 16)
    assert intra_op_threads() == most


def test_threads_never_exceed_pytorchs_own_choice(monkeypatch):
    monkeypatch.setattr(cores, "affinity", lambda: frozenset(range(8)))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert intra_op_threads() == 2
