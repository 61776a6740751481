"""A layer is one line of the catalog: in a copy of the package that has the line of CONTRIBUTING.md, all follows."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
QUESTIONS = """
import json
from cvbench_tui.catalog.layers import LAYERS
from cvbench_tui.catalog.memory import expected_bytes
from cvbench_tui.catalog.names import find_layer
from cvbench_tui.catalog.presets import load_preset, preset_entries
from cvbench_tui.core.plan import Case
from cvbench_tui.results.text.layer_text import describe
entry = find_layer("conv1X1 WIDE")
counts = {each.name: each.workloads for each in preset_entries()}
print(json.dumps([
    entry.name, LAYERS[-1] is entry, load_preset("modern-layers").layers[-1] is entry, counts["modern-layers"],
    len(LAYERS), expected_bytes(Case(entry.workload, "cpu", 1)), describe(entry.workload),
]))
"""


def line() -> str:
    """The example of CONTRIBUTING.md."""
    found = re.findall(r"^_conv\(.*\),$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert len(found) == 1
    return found[0]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package and the tests of its catalog, with that line."""
    for folder in ("cvbench_tui", "presets", "tests/catalog"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("tests/__init__.py", "tests/every.py", "tests/conftest.py", "tests/fake_machine.py", "pyproject.toml"):
        shutil.copy(ROOT / file, tmp_path / file)
    layers = tmp_path / "cvbench_tui/catalog/layers.py"
    text = layers.read_text()
    end = text.index(")  # fmt: skip", text.index("LAYERS: tuple"))
    layers.write_text(f"{text[:end]}    {line()}\n{text[end:]}")
    return tmp_path


def python(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_catalog_preset_memory_and_checks_follow(copy: Path) -> None:
    name, is_last, is_in_preset, in_preset, in_all, memory, description = json.loads(python(copy, "-c", QUESTIONS))
    assert name == "Conv1x1 wide"
    assert is_last
    assert is_in_preset
    assert in_preset == in_all - 8
    assert memory > 4 * 512 * 7 * 7
    assert description == "pointwise, 512 to 2048: ResNet-50, stage 4"
    tests = [f"tests/catalog/test_{each}.py" for each in ("layers", "presets", "own_presets", "names")]
    assert " passed" in python(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", *tests)
