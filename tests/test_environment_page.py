"""docs/environment.md is the table of the code: every fact that can be produced, no other, each with its words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cvbench_tui.core.facts import CARD, FACTS, GROUPS, VARIABLE, FactKind
from cvbench_tui.engine.host import linux, metadata
from cvbench_tui.engine.host.metadata import ELSEWHERE_FACTS, NVML_FACTS, PORTABLE_FACTS
from cvbench_tui.results.text.fact_text import UNITS
from tests.every import every

PAGE = (Path(__file__).parents[1] / "docs/environment.md").read_text()
UNIT_WORDS = {"_bytes": "bytes", "_hz": "Hz", "_w": "W", "_c": "°C", "_s": "s", "_share": "0 to 1"}


def row(kind: FactKind) -> str:
    """Its line of the page."""
    unit = next((word for ending, word in UNIT_WORDS.items() if kind.name.endswith(ending)), "")
    return "|" + "|".join(
        f" {cell} " if cell else " " for cell in (f"`{kind.name}`", kind.meaning, unit, kind.identity)
    )


@every("kind", FACTS.values(), ids=lambda kind: kind.name)
def test_every_fact_stands_below_its_group(kind):
    section = PAGE[PAGE.index(f"\n## {GROUPS[kind.group]}\n") + 4 :]
    assert f"\n{row(kind)}|\n" in section[: section.index("\n## ")]


def test_no_other_fact_does():
    tables = PAGE[PAGE.index("\n## System") : PAGE.index("\n## What doctor warns of")]
    assert sorted(re.findall(r"^\| `([^`]+)` ", tables, re.MULTILINE)) == sorted(FACTS)


def test_every_unit_has_its_word():
    assert set(UNIT_WORDS) == set(UNITS)


@pytest.mark.torch
def test_the_facts_are_those_that_the_code_can_produce():
    from cvbench_tui.worker.devices.accelerators import CARD_FACTS
    from cvbench_tui.worker.devices.probe import WORKER_FACTS

    produced = {*WORKER_FACTS, *metadata.FIXED_FACTS, *PORTABLE_FACTS, *ELSEWHERE_FACTS}
    produced |= {*linux.FIXED_FACTS, *linux.PRESENT_FACTS}
    produced |= {CARD + name for name in (*CARD_FACTS, *NVML_FACTS)} | {f"{VARIABLE}*"}
    assert produced == set(FACTS)
