"""The walls, as a fresh interpreter sees them: what importing a module really loads."""

from __future__ import annotations

import ast
import json
import pkgutil
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

import cvbench_tui

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(cvbench_tui.__path__, "cvbench_tui.")
    if not module.name.endswith("__main__")
)
PARENT = [name for name in MODULES if not name.startswith("cvbench_tui.worker")]
CORE = [name for name in MODULES if name.startswith("cvbench_tui.core")]
HEADLESS = [
    name
    for name in MODULES
    if name.startswith(("cvbench_tui.core", "cvbench_tui.catalog", "cvbench_tui.results", "cvbench_tui.engine"))
]
WORKER_WITHOUT_TORCH = [
    "cvbench_tui.worker.process.channel",
    "cvbench_tui.worker.timing.pacing",
]
THIRD_PARTY = ("torch", "torchvision", "textual", "rich", "pydantic", "click", "psutil", "platformdirs", "numpy")


def loaded_by(*modules: str) -> set[str]:
    """Third-party packages, and packages of ours, that a fresh interpreter has loaded after importing these."""
    imports = "; ".join(f"import {module}" for module in modules)
    code = f"{imports}; import sys, json; print(json.dumps(sorted(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return {name for name in json.loads(output) if name in THIRD_PARTY or name.startswith(("cvbench_tui.", "rich."))}


def rows() -> dict[str, set[str]]:
    """Room by room what it may import of ours, as the table in docs/architecture.md says."""
    page = (ROOT / "docs/architecture.md").read_text()
    table = page[page.index("| room | holds | may import of ours |") :].split("\n\n")[0]
    found = re.findall(r"^\| `([\w.]+)` \|.*\| ([^|]+) \|$", table, re.MULTILINE)
    return {room: set() if allowed == "nothing" else set(allowed.split(", ")) for room, allowed in found}


def contracts() -> dict[str, set[str]]:
    """Room by room what import-linter forbids it of ours."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found = settings["tool"]["importlinter"]["contracts"]
    prefix = "cvbench_tui."
    assert all(each["source_modules"] == [prefix + each["name"]] for each in found)
    return {
        each["name"]: {name[len(prefix) :] for name in each["forbidden_modules"] if name.startswith(prefix)}
        for each in found
    }


def test_every_row_of_the_architecture_is_a_contract():
    """The page and the machine say the same of every room, and no room is without a row."""
    names = {module.name for module in pkgutil.iter_modules(cvbench_tui.__path__)} - {"__main__"}
    page, machine = rows(), contracts()
    assert set(page) == set(machine) >= names
    for room, allowed in page.items():
        siblings = names if "." not in room else inner_rooms(room.split(".")[0])
        assert machine[room] == siblings - allowed - {room}, room


def test_no_modules_import_each_other():
    """In no circle, late imports and those for types included."""
    graph = grimp.build_graph("cvbench_tui", cache_dir=None)
    TopologicalSorter({each: graph.find_modules_directly_imported_by(each) for each in graph.modules}).prepare()


def inner_rooms(room: str) -> set[str]:
    """The folders and modules of a room, by their whole names."""
    return {f"{room}.{each.name}" for each in pkgutil.iter_modules([str(Path(cvbench_tui.__path__[0], room))])}


def test_there_is_something_to_look_at():
    assert len(CORE) >= 8
    assert len(PARENT) >= 30


def test_no_module_of_the_parent_loads_torch_or_the_worker():
    loaded = loaded_by(*PARENT)
    assert not loaded & {"torch", "torchvision"}
    assert not [name for name in loaded if name.startswith("cvbench_tui.worker")]


def test_the_core_loads_nothing_but_the_standard_library():
    loaded = loaded_by(*CORE)
    assert {name for name in loaded if not name.startswith("cvbench_tui.")} == set()
    assert all(name.startswith("cvbench_tui.core") for name in loaded)


def test_the_headless_packages_know_no_screen():
    loaded = loaded_by(*HEADLESS)
    assert not loaded & {"textual", "click"}
    of_rich = {name for name in loaded if name.startswith("rich.") and "_unicode_data" not in name}
    assert of_rich == {"rich.cells", "rich._extension"}, "the widths of cells, and nothing that draws"


def test_the_core_the_catalog_and_the_settings_load_nothing_of_rich():
    rooms = ("cvbench_tui.core", "cvbench_tui.catalog", "cvbench_tui.settings", "cvbench_tui.engine")
    loaded = loaded_by(*(name for name in MODULES if name.startswith(rooms)))
    assert "cvbench_tui.settings.fields" in loaded
    assert not [name for name in loaded if name.startswith("rich")]


def test_the_worker_needs_torch_torchvision_core_and_base_only():
    loaded = loaded_by(
        "cvbench_tui.worker.process.job", "cvbench_tui.worker.process.servers", "cvbench_tui.worker.devices.probe"
    )
    assert loaded & {"torch"}
    assert not loaded & {"textual", "rich", "pydantic", "click", "psutil", "platformdirs"}
    rooms = ("cvbench_tui.base", "cvbench_tui.core", "cvbench_tui.worker")
    assert all(name.startswith(rooms) for name in loaded if "." in name)


def test_what_carries_the_workers_messages_needs_no_torch():
    loaded = loaded_by(*WORKER_WITHOUT_TORCH)
    assert loaded >= set(WORKER_WITHOUT_TORCH)
    assert not loaded & {"torch", "torchvision"}


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("run", "--help"), ("completion", "bash")])
def test_help_and_version_load_nothing_heavy(arguments):
    code = (
        "import sys, atexit, json\n"
        "atexit.register(lambda: sys.stderr.write(json.dumps(sorted(sys.modules))))\n"
        f"sys.argv = ['cvbench-tui', *{arguments!r}]\n"
        "from cvbench_tui.cli.main import main; main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip()
    assert not set(json.loads(done.stderr)) & {"torch", "textual", "rich", "pydantic", "numpy"}


def test_the_app_is_imported_without_torch():
    loaded = loaded_by("cvbench_tui.tui.app")
    assert "textual" in loaded
    assert "torch" not in loaded


def test_no_dataclass_of_core_base_and_worker_asks_for_what_python_3_9_lacks():
    """Its syntax is checked by ruff; the arguments are not, and every import of core failed there by one of them."""
    newer = {"slots", "kw_only", "match_args"}
    folders = ("core", "base", "worker")
    calls = [
        (path, node)
        for folder in folders
        for path in (ROOT / "cvbench_tui" / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "dataclass"
    ]
    assert len(calls) > 30
    assert not [f"{path}:{node.lineno}" for path, node in calls if newer & {each.arg for each in node.keywords}]
