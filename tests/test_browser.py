"""``cvbench-tui serve`` in a real browser: the app over a recorded run, its table in the page, a file as a download.

Needs a Chromium (Debian: ``apt-get install chromium``); without one it is skipped.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator

import pytest

from tests.chromium import PROGRAM, Chromium
from tests.test_serve import Served

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no chromium, chromium-browser or google-chrome here")
REPLAYED = (sys.executable, "-m", "tests.programs.replayed_app")
ROW = re.compile(r"Resnet18 +cpu .*64\.00")


@pytest.fixture
def served(tmp_path, monkeypatch) -> Iterator[Served]:
    monkeypatch.setenv("CVBENCH_CONFIG", str(tmp_path / "config.toml"))
    server = Served(*REPLAYED)
    yield server
    server.close()


async def test_the_table_is_in_the_page_and_saving_it_is_a_download(served, tmp_path):
    async with Chromium(tmp_path) as browser:
        await browser.open(served.page)
        await browser.wait_for("= 10 rows")
        await browser.press("r")
        text = await browser.wait_for(lambda shown: bool(ROW.search(shown)) and "finished" in shown)
        assert "OOM" in text
        await browser.picture(tmp_path / "browser.png")
        assert (tmp_path / "browser.png").stat().st_size > 10_000
        await browser.press("s")
        await browser.wait_for("Goes to your browser")
        await browser.press("Enter")
        saved = await browser.download(".md")
        assert re.search(r"\| Resnet18 +\| +64.00 ", saved.read_text())
        assert [request for request in browser.requests if served.address.partition("//")[2] not in request] == []
        assert browser.complaints == []


async def test_quitting_ends_the_page_and_says_so(served, tmp_path):
    async with Chromium(tmp_path) as browser:
        await browser.open(served.page)
        await browser.wait_for("= 10 rows")
        await browser.press("q")
        while not await browser.closed():
            await asyncio.sleep(0.02)
        assert await browser.evaluate("document.querySelector('.closed-dialog').innerText.includes('Session ended')")
