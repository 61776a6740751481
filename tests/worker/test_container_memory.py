"""The memory that a container may use is the CPU's."""

from __future__ import annotations

import pytest

from tests.base.test_cores import OTHER, V2, system

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(("limit", "less"), [("1073741824", True), ("max", False), (str(1 << 50), False)])
def test_the_smaller_one_of_machine_and_container_counts(tmp_path, limit, less):
    from cvbench_tui.worker.devices.cpu import memory_bytes

    (tmp_path / "proc/self").mkdir(parents=True)
    system(tmp_path, mounts=OTHER + V2, group="0::/\n", files={"memory.max": f"{limit}\n"})
    machine = memory_bytes(root=tmp_path / "none")
    assert machine is not None
    assert memory_bytes(root=tmp_path) == (1 << 30 if less else machine)
