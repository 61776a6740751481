"""The web server behind ``cvbench-tui serve``: textual-serve, with a guard at its door and no process left behind.

textual-serve's page, terminal and downloads are used as they are. Ours: who is let in, addresses that hold behind a
forwarded port, no request to other servers, no shell around the program, and an end within a second.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import aiohttp_jinja2
from aiohttp import web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager
from textual_serve.server import Server, to_int

from cvbench_tui.serve.command import Gate

LEAVE_S = 5.0
"""What an app may take to end when its page is closed, seconds; it has a run to cancel."""
SHUT_S = 0.6
"""The same when the server ends."""
MAX_CELLS = 1000
"""Of a terminal's side; the page says how large it is."""
HERE = ("TMUX", "STY", "SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT")
"""About the terminal that the server was started in, and untrue for a browser."""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self' data:; connect-src 'self' ws://{host} wss://{host}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""No other site may frame the page or read from it, and the page asks no other."""
_ELSEWHERE = re.compile(r"<link[^>]*https?://[^>]*>")
"""A font of Google's in textual-serve's page, which would hold it up where there is no network."""
_INSTEAD = """<title>cvbench-tui</title><link rel="icon" href="data:,"><script>
  addEventListener("DOMContentLoaded", () => new MutationObserver((_, observer) => {
    if (!document.body.classList.contains("-loaded")) return;
    observer.disconnect();
    document.querySelector(".xterm-helper-textarea").focus();
  }).observe(document.body, {attributes: true}));
</script>"""
"""What the page lacks: a title, an icon that is not asked for in vain, and keys that work before the first click."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def serve_on(listening: socket.socket, command: Sequence[str], gate: Gate, address: str) -> None:
    """Serve until SIGINT or SIGTERM; then every visitor's program has ended as well."""
    server = AppServer(command, gate, address)
    web.run_app(server.application(), sock=listening, print=None, access_log=None, shutdown_timeout=SHUT_S)


class Visitor(AppService):
    """One page, and the process that draws it."""

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
        self._leaving: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Until the program has ended; the page then says so, however it ended."""
        await super().run()
        await self._close()

    async def set_terminal_size(self, width: int, height: int) -> None:
        """Within reason."""
        await super().set_terminal_size(_cells(width), _cells(height))

    async def leave(self, patience_s: float = LEAVE_S) -> None:
        """End the program: in order, and after so many seconds by force."""
        if self._leaving is None:
            self._leaving = asyncio.ensure_future(self._leave(patience_s))
        await asyncio.shield(self._leaving)

    async def _leave(self, patience_s: float) -> None:
        process = self._process
        if process is None:
            return
        quitting, ending = asyncio.ensure_future(self.stop()), asyncio.ensure_future(process.wait())
        await asyncio.wait({ending}, timeout=patience_s)
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
        await asyncio.wait({quitting, ending}, timeout=patience_s)
        quitting.cancel()  # something the program started may still hold its pipe

    async def _close(self) -> None:
        await self._websocket.close()

    async def _open_app_process(self, width: int = 80, height: int = 24) -> asyncio.subprocess.Process:
        """Without a shell, and out of reach of the Ctrl-C that ends the server, which then ends it in order."""
        environment = self._build_environment(_cells(width), _cells(height))
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *self._arguments,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env={name: value for name, value in environment.items() if name not in HERE},
            start_new_session=os.name == "posix",
        )
        self._stdin = self._process.stdin
        return self._process


class AppServer(Server):
    """textual-serve's server, with our door, our addresses and our end."""

    def __init__(self, command: Sequence[str], gate: Gate, address: str) -> None:
        super().__init__(" ".join(command), title="cvbench-tui", public_url=address)
        self._arguments = command
        self._gate = gate
        self._visitors: set[Visitor] = set()

    async def application(self) -> web.Application:
        """Everything that is served, behind the guard."""
        application = await self._make_app()
        application.middlewares.append(self._guard)
        application.on_response_prepare.append(_add_headers)
        return application

    async def on_startup(self, app: web.Application) -> None:
        """Say where."""
        sys.stdout.write(f"cvbench-tui is open at {self.public_url} - Ctrl-C ends it and every page's run.\n")
        sys.stdout.flush()

    async def on_shutdown(self, app: web.Application) -> None:
        """End every visitor's program, all at the same time."""
        await asyncio.gather(*(visitor.leave(SHUT_S) for visitor in self._visitors))

    async def handle_index(self, request: web.Request) -> web.Response:
        """The page, with addresses under the name that the browser used: a forwarded port is another one."""
        context = {
            "font_size": to_int(request.query.get("fontsize", "16"), 16),
            "app_websocket_url": f"ws://{request.host}/ws",
            "config": {"static": {"url": "/static/"}},
            "application": {"name": self.title},
        }
        page = aiohttp_jinja2.render_string("app_index.html", request, context)
        return web.Response(text=_ELSEWHERE.sub(_INSTEAD, page), content_type="text/html")

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """One visit: from opening the page to closing it, or to the program's end."""
        websocket = web.WebSocketResponse(heartbeat=15, timeout=SHUT_S)
        await websocket.prepare(request)
        visitor = Visitor(self._arguments, websocket, self.download_manager)
        self._visitors.add(visitor)
        try:
            size = (to_int(request.query.get(name, ""), default) for name, default in (("width", 80), ("height", 24)))
            await visitor.start(*size)
            await self._process_messages(websocket, visitor)
        finally:
            await visitor.leave()
            self._visitors.discard(visitor)
        return websocket

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        opens = request.path == "/ws"
        refusal = self._gate.refusal(request.host, request.headers.get("Origin"), opens=opens)
        if refusal:
            raise web.HTTPForbidden(text=refusal)
        return await handler(request)


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers[name] = value.replace("{host}", request.host)


def _cells(number: int) -> int:
    return max(1, min(MAX_CELLS, int(number)))
