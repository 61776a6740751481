"""Web server of ``cvbench-tui serve``, on textual-serve's page, terminal and downloads.

Changed here: requests pass the gate and bring the token, there are so many pages at a time, addresses stay valid behind
a forwarded port, the page requests nothing from other servers, the program runs without a shell and takes no module
from the current folder, and no process outlives its page or the server.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

import aiohttp_jinja2
from aiohttp import WSCloseCode, web
from aiohttp.web_runner import GracefulExit
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager
from textual_serve.server import Server, to_int

from cvbench_tui.base.ending_signals import heard
from cvbench_tui.serve.gate import Gate

END_S = 1.5  # time for an app to end after its page was closed, seconds; it has a run to cancel
PLACE_S = 3.0  # longest wait of a page for a place: a page that is loaded anew closes the one before at that moment
SHUTDOWN_S = 0.6  # the same when the server ends
MAX_CELLS = 1000  # of a terminal's side, whose size the page sends
TERMINAL_VARIABLES = ("TMUX", "STY", "SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT")  # of the server's terminal
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self' data:; connect-src 'self' ws://{host} wss://{host}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""No other site may frame the page or read it, and the page requests nothing from others."""
_EXTERNAL_LINK = re.compile(r"<link[^>]*https?://[^>]*>")  # a Google font, which would delay the page without a network
_HEAD = """<title>cvbench-tui</title><link rel="icon" href="data:,"><script>
  addEventListener("DOMContentLoaded", () => new MutationObserver((_, observer) => {
    if (!document.body.classList.contains("-loaded")) return;
    observer.disconnect();
    document.querySelector(".xterm-helper-textarea").focus();
  }).observe(document.body, {attributes: true}));
</script>"""
"""In its place: a title, an empty icon instead of a failed request, and the focus, so that keys work at once."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def serve_on(listening: socket.socket, command: Sequence[str], gate: Gate, address: str, max_pages: int) -> int:
    """Serve until a signal, and end every page's program. Returns the signal's number."""
    server = AppServer(command, gate, address, max_pages)
    loop = asyncio.new_event_loop()
    came: list[int] = []

    def end(number: int) -> None:
        if not came:  # a second one would break off the ending of the programs
            came.append(number)
            raise GracefulExit

    for number in {signal.SIGINT, *heard()}:  # a shell has what it runs in the background ignore Ctrl-C
        with suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, end, number)
    web.run_app(
        server.application(), sock=listening, print=None, access_log=None, shutdown_timeout=SHUTDOWN_S,
        handle_signals=False, loop=loop,
    )  # fmt: skip
    return came[0] if came else signal.SIGINT


class Visitor(AppService):
    """One page and its process."""

    def __init__(self, command: Sequence[str], websocket: web.WebSocketResponse, downloads: DownloadManager) -> None:
        super().__init__(
            " ".join(command),
            write_bytes=websocket.send_bytes,
            write_str=websocket.send_str,
            close=self._close,
            download_manager=downloads,
        )
        self._arguments = command
        self._websocket = websocket
        self._ending: asyncio.Future[None] | None = None

    @property
    def ending(self) -> bool:
        """True when its page is closed."""
        return self._ending is not None

    async def run(self) -> None:
        """Run until the program has ended, then close the connection, which the page shows."""
        try:
            await super().run()
        finally:  # a program that ends before its stderr is read leaves super().run() by CancelledError
            await self._close()

    async def set_terminal_size(self, width: int, height: int) -> None:
        """Set the size, within ``MAX_CELLS``."""
        await super().set_terminal_size(_cells(width), _cells(height))

    async def end(self, timeout_s: float = END_S) -> None:
        """Ask the program to end, and kill it after ``timeout_s`` seconds."""
        if self._ending is None:
            self._ending = asyncio.ensure_future(self._end(timeout_s))
        await asyncio.shield(self._ending)

    async def _end(self, timeout_s: float) -> None:
        process = self._process
        if process is None:
            return
        stop, ended = asyncio.ensure_future(self.stop()), asyncio.ensure_future(process.wait())
        await asyncio.wait({ended}, timeout=timeout_s)
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
        await asyncio.wait({stop, ended}, timeout=timeout_s)
        stop.cancel()  # a process that the program started may still hold its pipe

    async def _close(self) -> None:
        await self._websocket.close()

    async def _open_app_process(self, width: int = 80, height: int = 24) -> asyncio.subprocess.Process:
        """Start it without a shell, in a session that Ctrl-C on the server does not reach."""
        environment = self._build_environment(_cells(width), _cells(height))
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *self._arguments,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=_for_a_page(environment),
            start_new_session=os.name == "posix",
        )
        self._stdin = self._process.stdin
        return self._process


class AppServer(Server):
    """textual-serve's server with our gate, addresses and shutdown."""

    def __init__(self, command: Sequence[str], gate: Gate, address: str, max_pages: int) -> None:
        super().__init__(" ".join(command), title="cvbench-tui", public_url=address)
        self._arguments = command
        self._gate = gate
        self._max_pages = max_pages
        self._cookie = f"cvbench-tui-{urlsplit(address).port}"  # cookies are those of a host, not of a port
        self._visitors: set[Visitor] = set()

    async def application(self) -> web.Application:
        """The web application behind the gate."""
        application = await self._make_app()
        application.router.add_get("/ws/{token}", self.handle_websocket)
        application.middlewares.append(self._guard)
        application.on_response_prepare.append(_add_headers)
        return application

    async def on_startup(self, app: web.Application) -> None:
        """Print the address."""
        address = f"{self.public_url}/?token={self._gate.token}"
        sys.stdout.write(f"cvbench-tui is served at {address} - Ctrl-C ends it and the run of every page.\n")
        sys.stdout.flush()

    async def on_shutdown(self, app: web.Application) -> None:
        """End the programs of all pages at the same time."""
        await asyncio.gather(*(visitor.end(SHUTDOWN_S) for visitor in self._visitors))

    async def handle_index(self, request: web.Request) -> web.Response:
        """The page, with addresses by the Host header, which is right behind a forwarded port too."""
        if not await self._has_place():
            raise web.HTTPServiceUnavailable(text=self._full)
        context = {
            "font_size": to_int(request.query.get("fontsize", "16"), 16),
            "app_websocket_url": f"ws://{request.host}/ws/{self._gate.token}",
            "config": {"static": {"url": "/static/"}},
            "application": {"name": self.title},
        }
        page = aiohttp_jinja2.render_string("app_index.html", request, context)
        answer = web.Response(text=_EXTERNAL_LINK.sub(_HEAD, page), content_type="text/html")
        answer.headers["Cache-Control"] = "no-store"
        answer.set_cookie(self._cookie, self._gate.download_token, httponly=True, samesite="Strict", path="/download")
        return answer

    @property
    def _full(self) -> str:
        return (
            f"{self._max_pages} pages of cvbench-tui are open, and no more may be (--max-pages). "
            "Close one, then load this one again."
        )

    async def _has_place(self) -> bool:
        """True when one more page may be opened, now or in a moment. One that is ending does not count."""
        for _ in range(int(PLACE_S / 0.1)):
            if sum(not visitor.ending for visitor in self._visitors) < self._max_pages:
                return True
            await asyncio.sleep(0.1)
        return False

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """One page, until it is closed or its program ends."""
        if not await self._has_place():
            raise web.HTTPServiceUnavailable(text=self._full)
        websocket = web.WebSocketResponse(heartbeat=15, timeout=SHUTDOWN_S)
        visitor = Visitor(self._arguments, websocket, self.download_manager)
        self._visitors.add(visitor)
        try:
            await websocket.prepare(request)
            size = (to_int(request.query.get(name, ""), default) for name, default in (("width", 80), ("height", 24)))
            await visitor.start(*size)
            await self._process_messages(websocket, visitor)
        except (ValueError, TypeError, LookupError, AttributeError, AssertionError):  # what no page sends
            await websocket.close(code=WSCloseCode.UNSUPPORTED_DATA)
        finally:
            await visitor.end()
            self._visitors.discard(visitor)
        return websocket

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        opens = request.path == "/ws" or request.path.startswith("/ws/")
        refusal = self._gate.refusal(request.host, request.headers.get("Origin"), opens=opens)
        if not refusal and not self._is_known(request, opens):
            refusal = "The address that cvbench-tui printed has a token, without which nobody gets in. Open that one."
        if refusal:
            raise web.HTTPForbidden(text=refusal)
        return await handler(request)

    def _is_known(self, request: web.Request, opens: bool) -> bool:
        """True for who has the token, and for textual-serve's own files, which everybody has."""
        if request.path.startswith("/static/"):
            return True
        if request.path.startswith("/download/"):
            return self._gate.same(request.cookies.get(self._cookie), self._gate.download_token)
        offered = request.query.get("token") or (request.path.removeprefix("/ws/") if opens else "")
        return self._gate.same(offered, self._gate.token)


def _for_a_page(environment: dict[str, str]) -> dict[str, str]:
    """The variables of a page's program: no module comes from the current folder, which may be anybody's. An empty part
    of PYTHONPATH means that folder, and is left behind by ``PYTHONPATH=$PYTHONPATH:/more``."""
    ours = {name: value for name, value in environment.items() if name not in TERMINAL_VARIABLES}
    parts = [part for part in ours.pop("PYTHONPATH", "").split(os.pathsep) if part]
    return ours | {"PYTHONSAFEPATH": "1"} | ({"PYTHONPATH": os.pathsep.join(parts)} if parts else {})


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update({name: value.replace("{host}", request.host) for name, value in HEADERS.items()})


def _cells(number: int) -> int:
    return max(1, min(MAX_CELLS, int(number)))
