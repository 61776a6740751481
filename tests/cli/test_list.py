"""``list presets`` and the shell's completion list the user's own presets, and what is wrong with a broken one."""

from __future__ import annotations

import json

import pytest

from cvbench_tui.base.cells import cell_len
from cvbench_tui.catalog.presets import preset_names
from cvbench_tui.cli.list import print_list
from cvbench_tui.cli.options import complete

NEW_LINE = "two\\nlines"


@pytest.fixture(autouse=True)
def own(monkeypatch, tmp_path):
    """Two presets of one's own, of which one cannot be used, and one that has a shipped one's name."""
    monkeypatch.setenv("CVBENCH_CONFIG", str(tmp_path / "config.toml"))
    folder = tmp_path / "presets"
    folder.mkdir()
    (folder / "mine.toml").write_text(f'description = "{NEW_LINE}"\nmodels = ["resnet18"]\nprotocol = "rigorous"\n')
    (folder / "wrong.toml").write_text('models = ["resnet81"]\n')
    (folder / "quick.toml").write_text('models = ["resnet18"]\n')


def test_own_presets_are_listed_after_the_shipped_ones(capsys):
    print_list("presets", as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [*preset_names(), "mine", "quick", "wrong"]
    assert "1 workload " in lines[-3]
    assert lines[-3].endswith("rigorous  own: two\\nlines")
    assert "not usable" in lines[-2]
    assert "A shipped preset has this name already" in lines[-2]
    assert "resnet81" in lines[-1]


def test_as_json_a_broken_one_has_its_problem_and_no_protocol(capsys, with_timm):
    print_list("presets", as_json=True)
    rows = json.loads(capsys.readouterr().out)
    *shipped, mine, taken, wrong = rows
    assert all(row["problem"] is None and not row["own"] for row in shipped)
    assert (mine["own"], mine["protocol"], mine["problem"], mine["workloads"]) == (True, "rigorous", None, 1)
    assert mine["description"] == "two\nlines"
    assert all(row["own"] and row["problem"] and row["protocol"] is None for row in (taken, wrong))


def test_completion_offers_what_can_be_used(with_timm):
    presets = complete("presets")
    assert presets(None, None, "") == [*preset_names(), "mine"]
    assert presets(None, None, "mi") == ["mine"]


def test_columns_stay_aligned_beside_wide_letters(capsys, tmp_path):
    (tmp_path / "presets" / "測試.toml").write_text('models = ["resnet18"]\n')
    print_list("presets", as_json=False)
    lines = [line for line in capsys.readouterr().out.splitlines() if "1 workload " in line]
    assert len(lines) == 2
    assert len({cell_len(line.partition("1 workload ")[0]) for line in lines}) == 1
