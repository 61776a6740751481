"""The manual is complete: every key, column, command, option, theme, preset and protocol is in it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cvbench_tui.catalog.presets import PRESET_KEYS, preset_names
from cvbench_tui.cli.main import cli
from cvbench_tui.core.grading.reasons import NOTICES
from cvbench_tui.core.measurement import FailureKind
from cvbench_tui.core.protocol import EXTRAS, PROTOCOLS
from cvbench_tui.tui.places import all_bindings
from cvbench_tui.tui.terminal.theme import THEMES
from tests.every import every

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SETTINGS = (ROOT / "docs/settings.md").read_text()
METHODOLOGY = (ROOT / "docs/methodology.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
MAX_BYTES = 150_000
"""Of a picture, which every reader of the README loads."""


@pytest.fixture
def make_tables(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import make_tables

    yield make_tables
    sys.modules.pop("make_tables")


def commands(command: click.Command = cli, path: str = "cvbench-tui") -> Iterator[tuple[str, click.Command]]:
    """Every command below that one with the words it is called by, itself first."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, f"{path} {name}")


def options() -> list[str]:
    return sorted({name for _, command in commands() for option in command.params if isinstance(option, click.Option)
                   for name in (*option.opts, *option.secondary_opts)} | {"-h", "--help"})  # fmt: skip


def pictures() -> list[str]:
    """As the README shows them."""
    return re.findall(r"(?:src=\"|!\[[^]]+\]\()([^)\"]+)", README)


@pytest.mark.parametrize(
    "name", ["keys", "example", "columns", "formats", "reasons", "notices", "published", "published-notes"]
)
def test_the_tables_are_those_of_the_program(make_tables, name):
    page = (ROOT / make_tables.TABLES[name][0]).read_text()
    assert make_tables.with_table(page, name) == page, "python docs/make_tables.py"


@every("binding", all_bindings(), ids=lambda binding: binding.id)
def test_every_key_is_in_the_readme_with_its_name(make_tables, binding):
    (row,) = [line for line in README.splitlines() if line.endswith(f"| `{binding.id}` |")]
    for key in binding.key.split(","):
        assert f"`{make_tables._name(key)}`" in row


@every("path", [path for path, _ in commands()])
def test_every_command_is_in_the_readme(path):
    assert path in README


@every("option", options())
def test_every_option_is_in_the_readme(option):
    assert f"`{option}`" in README


@every("theme", THEMES, ids=lambda theme: theme.name)
def test_every_theme_of_ours_is_named(theme):
    assert f"`{theme.name}`" in README
    assert f"`{theme.name}`" in SETTINGS


@every("key", PRESET_KEYS, ids=lambda key: key.name)
def test_every_key_of_a_preset_file_is_shown(key):
    assert re.search(rf"\b{key.name} = ", (ROOT / "CONTRIBUTING.md").read_text())


@every("name", pictures())
def test_a_picture_is_small_and_asks_nobody_else(name):
    picture = (ROOT / name).read_text()
    assert len(picture.encode()) <= MAX_BYTES
    assert "url(http" not in picture
    assert "@font-face" not in picture


def test_every_picture_is_made_by_the_program():
    program = (ROOT / "docs/make_picture.py").read_text()
    made = set(re.findall(r'await picture\("(\w+)"\)|pictures / "(\w+)\.svg"', program))
    made = {name for names in made for name in names if name}
    assert {f"{name}.svg" for name in made} == {path.name for path in (ROOT / "docs").glob("*.svg")}
    assert {f"docs/{name}.svg" for name in made} == set(pictures())


@every("name", preset_names())
def test_every_preset_is_in_the_readme(name):
    assert f"`{name}`" in README


@every("kind", FailureKind.__args__)
def test_every_kind_of_failure_is_in_the_workers_protocol(kind):
    assert f"`{kind}`" in (ROOT / "docs/worker-protocol.md").read_text()


def links() -> list[Path]:
    """To files, of all pages."""
    found = [(page, target) for page in PAGES for target in re.findall(r"\]\(([^)#]+)\)", page.read_text())]
    return [page.parent / target for page, target in found if "://" not in target]


def paths() -> list[tuple[str, str]]:
    """Modules and rooms that a page names by path, with the page."""
    named = [(page, path) for page in PAGES for path in re.findall(r"`([\w/]+/[\w/]+\.py)`", page.read_text())]
    page = ROOT / "docs/architecture.md"
    rooms = [(page, room) for room in re.findall(r"`((?:core|engine|selftest|tui|worker)/[\w/]+)`", page.read_text())]
    assert min(len(named), len(rooms)) > 10
    return named + rooms


@every(("page", "path"), paths(), ids=str)
def test_every_module_that_a_page_names_is_there(page, path):
    found = [place for base in (ROOT, ROOT / "cvbench_tui") for place in (base / path, base / f"{path}.py")]
    assert any(place.exists() for place in found)


def promises():
    """File and first words of each test that the page of promises names."""
    found = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?(?:\.\.\.)?`", (ROOT / "docs" / "reliability.md").read_text())
    assert len(found) > 20
    return found


@every(("path", "words"), promises())
def test_every_promise_has_its_test(path, words):
    assert f"def {words or 'test_'}" in (ROOT / path).read_text()


@every("target", links(), ids=str)
def test_every_link_to_a_file_leads_somewhere(target):
    assert target.exists()


def test_the_methodologys_numbers_are_the_codes():
    for protocol in PROTOCOLS.values():
        (row,) = re.findall(rf"^\| {protocol.name} \|(.*)$", METHODOLOGY, re.MULTILINE)
        if protocol.method == "rounds":
            visits = f"{protocol.visits} to {protocol.max_visits}"
            figures = (
                f"\u00b1{100 * protocol.precision:g}% | {visits} | {protocol.span_s:g} s | {protocol.budget_s:g} |"
            )
            assert figures in row
            assert f"a round of {protocol.round_s:g} s or {protocol.round_iterations} iterations" in row
        else:
            assert str(protocol.iterations) in row
            assert str(protocol.iterations_cpu) in row


@every("name", EXTRAS)
def test_every_extra_is_explained(name):
    assert f"`--extra {name}`" in METHODOLOGY


def test_every_protocol_and_extra_can_be_asked_for():
    options = {option.name: option for option in cli.commands["run"].params}
    choices = {name: set(options[name].type.choices) for name in ("protocol", "extras")}
    assert choices == {"protocol": set(PROTOCOLS), "extras": set(EXTRAS)}


def test_every_notice_that_is_made_is_known():
    sources = "".join(path.read_text() for path in (ROOT / "cvbench_tui").rglob("*.py"))
    made = set(re.findall(r'Notice\(\s*"(\w+)"', sources))
    made |= {f"{what}_failed" for what in re.findall(r'(?:attempt|not_measured)\("(\w+)"', sources)}
    assert made == set(NOTICES) - {"energy"}, "energy is a remark of the results"
