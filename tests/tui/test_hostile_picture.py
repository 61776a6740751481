"""The picture of the screen is read by browsers: what a run holds is text in it and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.replay import ReplaySource
from tests.tui import recorded
from tests.tui.flow import run_all
from tests.tui.test_hostile import poisoned

TAGS = {"svg", "style", "defs", "clipPath", "rect", "g", "text", "circle"}


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "]]><a href='x'>&x;", "\x1b]0;t\x07\x00\ufffe\ud800"])
async def test_markup_is_text_in_it(tmp_path: Path, hostile: str) -> None:
    app = recorded.app(tmp_path, ReplaySource(poisoned(hostile)), recorded.ALL)
    async with app.run_test(size=(160, 50)) as pilot:
        await run_all(app, pilot)
        await pilot.press("4", *("down",) * 4, "enter")
        await pilot.pause()
        picture = app.export_screenshot()
    tree = ElementTree.fromstring(picture)
    tags = {element.tag.rpartition("}")[2] for element in tree.iter()}
    assert tags <= TAGS
    assert not [name for element in tree.iter() for name in element.attrib if name.startswith("on") or "href" in name]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", picture)
    assert len("".join(tree.itertext())) > 500
