"""A folder of code as an environment, with the real worker: the model and what it imports are the folder's."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from cvbench_tui.catalog.selection import to_plan
from cvbench_tui.cli.run import live_source, selection_from
from cvbench_tui.core.run import environment_of
from cvbench_tui.engine.session import Session
from tests.worker.test_process import SHORT, Kept

CODE = """import torch
from widths import WIDTH

def make():
    return torch.nn.Linear(8, WIDTH)

def inputs(batch, image, device):
    return torch.zeros(batch, 8, device=device)
"""


@pytest.mark.torch
def test_each_folder_measures_its_own_code(tmp_path, monkeypatch):
    for side, width in (("old", 3), ("new", 5)):
        (tmp_path / side).mkdir()
        (tmp_path / side / "net.py").write_text(CODE)
        (tmp_path / side / "widths.py").write_text(f"WIDTH = {width}\n")
    monkeypatch.chdir(tmp_path)
    selection = selection_from(None, ["./net.py:make"], (), ["cpu"], ["2"], env=["old=old", "new=new"])
    environments = selection.environments
    with closing(live_source(str(tmp_path), cpu_only=True, named=selection.code, environments=environments)) as source:
        plan = to_plan(replace(selection, alternate="env"), source.probe())
        *_, (_, run) = Session(source, replace(plan, protocol=SHORT)).run(Kept())
    assert not run.failures, run.failures
    weights = {run.plan.case(m.case_id).setting("env"): m.parameters for m in run.measured}
    assert weights == {"old": 8 * 3 + 3, "new": 8 * 5 + 5}
    assert all(environment_of(run, case).version("torch") for case in run.plan.cases)
