"""A headless Chromium, driven through the DevTools protocol; and what the terminal in its page shows."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--hide-scrollbars", "--remote-debugging-port=0",
)  # fmt: skip
CATCH = """
Object.defineProperty(Object.prototype, 'fitAddon', {
  configurable: true,
  set(addon) {
    window.page_of_the_terminal = this;
    Object.defineProperty(this, 'fitAddon', {value: addon, writable: true});
  },
});
"""
"""textual-serve keeps its terminal to itself; this takes hold of it as it is made."""
SHOWN = """
(() => {
  const page = window.page_of_the_terminal;
  if (!page || !page.terminal) return '';
  const buffer = page.terminal.buffer.active;
  return [...Array(page.terminal.rows).keys()].map(
    row => (buffer.getLine(buffer.viewportY + row)?.translateToString(true) ?? '')).join('\\n');
})()
"""
PATIENCE_S = 240
"""Less than a test's own time-out of 300 s, so that it can say what was shown instead."""
KEYS = {"Enter": ("Enter", 13, "\r"), "Escape": ("Escape", 27, ""), "Backspace": ("Backspace", 8, "")}


class Chromium:
    """One browser with one page."""

    def __init__(self, folder: Path, *, width: int = 1200, height: int = 800) -> None:
        self._folder = folder
        self._size = f"--window-size={width},{height}"
        self.downloads = folder / "downloads"
        self.requests: list[str] = []
        """Every address that the page asked for."""
        self.complaints: list[str] = []
        """What the page's console said."""
        self._number = 0
        self._answers: dict[int, asyncio.Future[Any]] = {}

    async def __aenter__(self) -> Chromium:
        assert PROGRAM is not None
        profile = tempfile.mkdtemp(dir=self._folder)
        self._process = subprocess.Popen(
            [PROGRAM, *FLAGS, self._size, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        port_file = Path(profile) / "DevToolsActivePort"
        while not port_file.exists() or not port_file.read_text().strip():
            assert self._process.poll() is None, "Chromium ended at once"
            await asyncio.sleep(0.05)
        port, path = port_file.read_text().split()
        self._web = aiohttp.ClientSession()
        self._socket = await self._web.ws_connect(f"ws://127.0.0.1:{port}{path}", max_msg_size=0)
        self._listening = asyncio.create_task(self._listen())
        await self._attach()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.cancel()
        with suppress(asyncio.CancelledError):
            await self._listening
        await self._socket.close()
        await self._web.close()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    async def open(self, address: str) -> None:
        """Go there; returns when the page is loaded."""
        await self.send("Page.navigate", url=address)

    async def press(self, *keys: str) -> None:
        """Type keys: letters, or names as in ``KEYS``."""
        for key in keys:
            name, code, text = KEYS.get(key, (key, ord(key[0].upper()), key))
            told = {"key": name, "windowsVirtualKeyCode": code, "text": text}
            await self.send("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **told)
            await self.send("Input.dispatchKeyEvent", type="keyUp", key=name, windowsVirtualKeyCode=code)

    async def shown(self) -> str:
        """The lines of the terminal in the page; empty while there is none."""
        return str(await self.evaluate(SHOWN))

    async def wait_for(self, true: Callable[[str], bool] | str) -> str:
        """The terminal's text once it is so, or once it has these words."""
        holds = (lambda text: true in text) if isinstance(true, str) else true
        deadline = time.monotonic() + PATIENCE_S
        while not holds(text := await self.shown()):
            assert time.monotonic() < deadline, f"never shown: {true}\n{text}"
            assert not await self.closed(), f"the app ended before: {true}\n{text}"
            await asyncio.sleep(0.02)
        return text

    async def closed(self) -> bool:
        """True when the page says that its app has ended."""
        return bool(await self.evaluate("document.body?.classList.contains('-closed')"))

    async def download(self, suffix: str) -> Path:
        """A file of that suffix that came whole."""
        while not (whole := [path for path in self.downloads.glob(f"*{suffix}") if path.stat().st_size]):
            await asyncio.sleep(0.02)
        return whole[0]

    async def picture(self, path: Path) -> None:
        """The page as a PNG."""
        answer = await self.send("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(answer["data"]))

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = await self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def send(self, method: str, **parameters: Any) -> Any:
        """One command, and its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        await self._socket.send_str(json.dumps(message))
        return await answer

    async def _attach(self) -> None:
        """To the page that is open, with everything told that the tests look at."""
        self._session: str | None = None
        self.downloads.mkdir()
        await self.send(
            "Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads), eventsEnabled=True
        )
        targets = (await self.send("Target.getTargets"))["targetInfos"]
        target = next(each["targetId"] for each in targets if each["type"] == "page")
        attached = await self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            await self.send(f"{domain}.enable")
        await self.send("Emulation.setFocusEmulationEnabled", enabled=True)
        await self.send("Page.addScriptToEvaluateOnNewDocument", source=CATCH)

    async def _listen(self) -> None:
        """Answers to those who wait for them; requests and complaints into their lists."""
        async for message in self._socket:
            told = json.loads(message.data)
            if "id" in told:
                answer = self._answers.pop(told["id"])
                if "error" in told:
                    answer.set_exception(AssertionError(told["error"]))
                else:
                    answer.set_result(told["result"])
            elif told["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
                self.requests.append(told["params"].get("url") or told["params"]["request"]["url"])
            elif told["method"] in ("Log.entryAdded", "Runtime.exceptionThrown"):
                self.complaints.append(json.dumps(told["params"]))
