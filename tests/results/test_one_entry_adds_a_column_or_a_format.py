"""A column and an export format are one entry each: in a copy with those of CONTRIBUTING.md, everything follows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MANUAL = (ROOT / "CONTRIBUTING.md").read_text()
SHOWN = """
import csv, io, json
from textual.app import App
from cvbench_tui.cli.options import _names
from cvbench_tui.cli.progress import print_table
from cvbench_tui.results.export.plain_text import sentences
from cvbench_tui.results.export.registry import EXPORTERS
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.view import View
from cvbench_tui.tui.screens.help import help_page
from tests.results.samples import mixed_run
run = mixed_run()
text = {suffix: exporter.render(run, "full", View()) for suffix, exporter in EXPORTERS.items()}
rows = build(run, View(sort="latency")).rows
assert [run.plan.case(row.key).workload.name for row in rows][:2] == ["Dense", "Conv3x3/1"]
assert " Per input |" in text[".md"]
(row,) = [each for each in csv.DictReader(io.StringIO(text[".csv"])) if each["name"] == "Dense"]
assert abs(float(row["inference_per_input_s"]) / 8.3e-06 - 1) < 0.01
cell = json.loads(text[".json"])["results"][4]["cells"]["latency"]
assert cell["unit"] == "s"
assert "; per input 8.324 microseconds, plus or minus 0.1 percent;" in sentences(run)
short = EXPORTERS[".md"].render(run, "short", View(columns=("latency",)))
assert " Per input " in short
assert "latency" in _names("columns")
assert "Per input" in help_page(App(), (), 90).plain
"""
FORMAT = """
from pathlib import Path
from click.testing import CliRunner
from textual.app import App
from cvbench_tui.cli.main import cli
from cvbench_tui.cli.options import _complete_output
from cvbench_tui.errors import StoreError
from cvbench_tui.results.export.registry import EXPORTERS, check_writable, write_output
from cvbench_tui.tui.screens.help import help_page
from cvbench_tui.tui.state.save_path import FORMATS, path_problem
from tests.results.samples import mixed_run
write_output(mixed_run(), Path("run.html"))
assert Path("run.html").read_text().count("<tr>") == 8
assert ".html" in CliRunner().invoke(cli, ["export", "--help"]).output
assert "run.html" in [item.value for item in _complete_output(EXPORTERS, None, None, "run.h")]
assert FORMATS[".html"] == "HTML: a table"
assert "HTML: a table" in help_page(App(), (), 90).plain
assert ".html" in path_problem(Path("run.htm"))
try:
    check_writable(Path("run.xls"))
except StoreError as error:
    assert ".html" in error.message
else:
    raise AssertionError("written")
"""


def example(heading: str, number: int) -> str:
    """That piece of code below the heading."""
    section = MANUAL[MANUAL.index(f"## {heading}") :]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)[number]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for folder in ("cvbench_tui", "presets", "docs", "tests", "benchmarks"):
        left_out = shutil.ignore_patterns("__pycache__", "*.svg", "__snapshots__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=left_out)
    for file in ("pyproject.toml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile"):
        shutil.copy(ROOT / file, tmp_path / file)
    return tmp_path


def insert(path: Path, before: str, text: str) -> None:
    content = path.read_text()
    assert content.count(before) == 1, before
    path.write_text(content.replace(before, text + before))


def python(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_a_column_is_one_entry_and_its_line_of_the_manual(copy: Path) -> None:
    columns = copy / "cvbench_tui/results/table/columns.py"
    insert(columns, '    Column(\n        "memory",', example("Add a column", 0))
    insert(columns, "COLUMNS: tuple", example("Add a column", 1) + "\n\n")
    python(copy, "-c", SHOWN)
    python(copy, "docs/make_tables.py")
    assert "| Per input | `latency` | `inference_per_input_s` |" in (copy / "docs/table.md").read_text()
    tests = [
        f"tests/results/test_{name}.py" for name in ("column_fit", "scales", "markdown_short", "table_kept", "view")
    ]
    assert " passed" in python(
        copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", *tests, "tests/test_manual.py",
        "-k", "not picture and not link",
    )  # fmt: skip


def test_a_format_is_one_module_and_one_line(copy: Path) -> None:
    export = copy / "cvbench_tui/results/export"
    (export / "html.py").write_text(example("Add an export format", 0))
    insert(export / "registry.py", "}\nSUFFIXES", "    " + example("Add an export format", 1))
    python(copy, "-c", FORMAT)
    python(copy, "docs/make_tables.py")
    assert "| `.html` | HTML: a table |" in (copy / "docs/table.md").read_text()
    assert " passed" in python(
        copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", "tests/results/test_hostile.py",
        "tests/test_manual.py", "-k", "tables or file_can_be_written",
    )  # fmt: skip
