"""The manual is complete: every key, command, preset, protocol and document stands in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cvbench_tui.catalog.presets import preset_names
from cvbench_tui.cli import EXTRA_NAMES, cli
from cvbench_tui.core.measurement import FailureKind
from cvbench_tui.core.protocol import EXTRAS, PROTOCOLS
from cvbench_tui.core.reasons import NOTICES, REASONS
from cvbench_tui.tui.checklist import Checklist
from cvbench_tui.tui.keys import APP_KEYS
from cvbench_tui.tui.result_table import ResultTable

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SHOWN = {
    "comma": ",",
    "full_stop": ".",
    "question_mark": "?",
    "slash": "/",
    "ctrl+q": "Ctrl+Q",
    "space": "Space",
    "enter": "Enter",
}


def keys() -> list[str]:
    bindings = [*APP_KEYS, *ResultTable.BINDINGS]
    for node in (Checklist, *Checklist.__mro__):
        bindings += node.__dict__.get("BINDINGS", []) if node.__module__.startswith("cvbench_tui") else []
    return sorted({key.strip() for binding in bindings for key in binding.key.split(",")})


@pytest.mark.parametrize("key", keys())
def test_every_key_is_in_the_readme(key):
    shown = SHOWN.get(key, key.upper() if re.fullmatch(r"f\d+", key) else key)
    table = README[README.index("## Keys") : README.index("## Without the app")]
    assert f"`{shown}`" in table


@pytest.mark.parametrize("name", [name for name in cli.commands if name != "tui"])
def test_every_command_is_in_the_readme(name):
    assert f"cvbench-tui {name}" in README


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_in_the_readme(name):
    assert f"`{name}`" in README


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_is_explained(name):
    assert re.search(rf"^\| {name} \|", (ROOT / "docs/methodology.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("kind", FailureKind.__args__)
def test_every_kind_of_failure_is_in_the_workers_protocol(kind):
    assert f"`{kind}`" in (ROOT / "docs/worker-protocol.md").read_text()


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", *(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))]
)
def test_every_link_to_a_file_leads_somewhere(page):
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_the_methodologys_numbers_are_the_codes():
    text = (ROOT / "docs/methodology.md").read_text()
    for protocol in PROTOCOLS.values():
        (row,) = re.findall(rf"^\| {protocol.name} \|(.*)$", text, re.MULTILINE)
        if protocol.method == "rounds":
            assert f"{100 * protocol.precision:g}%" in row
            assert f"{protocol.min_rounds} to {protocol.max_rounds}" in row
            assert f"{protocol.budget_s:g} s" in row
        else:
            assert str(protocol.iterations) in row
            assert str(protocol.iterations_cpu) in row
        most = f" to {protocol.max_processes}" if protocol.max_processes > protocol.processes else ""
        assert f"| {protocol.processes}{most} |" in row
        assert ("by chance" in row) == protocol.shuffled


@pytest.mark.parametrize("name", EXTRAS)
def test_every_extra_is_explained_and_can_be_asked_for(name):
    assert f"`--extra {name}`" in (ROOT / "docs/methodology.md").read_text()
    assert name in EXTRA_NAMES


@pytest.mark.parametrize("code", REASONS)
def test_every_reason_of_a_grade_is_explained_with_its_remedy(code):
    text = (ROOT / "docs/methodology.md").read_text()
    assert f"| `{code}` | {REASONS[code].meaning} | {REASONS[code].remedy} |" in text


@pytest.mark.parametrize("code", NOTICES)
def test_every_notice_is_explained(code):
    text = (ROOT / "docs/methodology.md").read_text()
    assert f"| `{code}` | {NOTICES[code].meaning} | {NOTICES[code].remedy or 'nothing'} |" in text


def test_every_notice_that_is_made_is_known():
    sources = "".join(path.read_text() for path in (ROOT / "cvbench_tui").rglob("*.py"))
    made = set(re.findall(r'Notice\(\s*"(\w+)"', sources))
    made |= {f"{what}_failed" for what in re.findall(r'_try\("(\w+)"', sources)}
    assert made == set(NOTICES) - {"energy"}, "energy is a remark of the results"
