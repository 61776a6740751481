"""``cvbench-tui serve``: where it may listen, who may come in, and which program a visitor gets.

Nothing is served here: that is ``web_server``, on textual-serve, which is an optional extra.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cvbench_tui.errors import CvbenchError, SelectionError

EXTRA = "textual-serve"


@dataclass(frozen=True)
class Gate:
    """Lets in a browser that was pointed here, and no page of another site that makes a browser knock.

    Another page may not open a WebSocket here (it would start processes), nor reach us under a name of its own that
    was made to point here (DNS rebinding). The port may be any: it differs behind a forwarded one.
    """

    host: str
    """What ``--host`` said."""
    exposed: bool = False
    """Machines beside this one are welcome."""

    def refusal(self, host: str, origin: str | None, *, opens: bool = False) -> str:
        """Why a request with these headers is refused, as a sentence; empty when it is let in.

        ``opens``: it would start a process, so it has to say where it comes from.
        """
        if not self._ours(_name(host)):
            return f"cvbench-tui is not served under that name. Use the address that it printed, or {self.host}."
        if origin is None:
            return "Only a page of this server may open the app." if opens else ""
        scheme, _, rest = origin.partition("://")
        if scheme not in ("http", "https") or rest.lower() != host.lower():
            return "A page of another site may not use this server."
        return ""

    def _ours(self, name: str) -> bool:
        """True for a name that nobody else can give to this machine."""
        if name in ("localhost", self.host.lower()):
            return bool(name)
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return self.exposed and name in _machine_names()
        return self.exposed or address.is_loopback


def app_command(preset: str | None, runs_dir: str | None, *, ascii: bool = False) -> tuple[str, ...]:  # noqa: A002
    """The program that every visitor gets. Raises PresetError for a preset that cannot be used."""
    if preset:
        from cvbench_tui.catalog.presets import load_preset

        load_preset(preset)
    options = (["--runs-dir", str(Path(runs_dir).expanduser().absolute())] if runs_dir else []) + ["--ascii"] * ascii
    return (sys.executable, "-m", "cvbench_tui", "tui", *options, *(["--", preset] if preset else []))


def serve_command(command: Sequence[str], *, host: str, port: int, expose: bool = False) -> int:
    """Serve that program, a process for each visitor, until Ctrl-C. Returns the exit code.

    Raises CvbenchError when the extra is missing, or when it may not or cannot listen there.
    """
    try:
        from cvbench_tui.serve.server import serve_on
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("textual_serve", "aiohttp", "aiohttp_jinja2", "jinja2"):
            raise
        raise CvbenchError(
            f"Serving needs {EXTRA}, which is not installed.", f"{sys.executable} -m pip install {EXTRA}"
        ) from error
    with listen(host, port, expose=expose) as listening:
        serve_on(listening, command, Gate(host, expose), address(host, listening))
    return 0


def listen(host: str, port: int, *, expose: bool = False) -> socket.socket:
    """A socket that listens there; port 0: any free one.

    Raises SelectionError for an address that others reach, without ``expose``, and for one that is not to be had.
    """
    try:
        found = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SelectionError(
            f"There is no address '{host}' to listen on.", "Leave --host out to use this one."
        ) from error
    if not expose and not all(ipaddress.ip_address(place[4][0]).is_loopback for place in found):
        raise SelectionError(
            f"Others reach '{host}', and there is no password: whoever gets there starts processes on this machine.",
            "Forward the port instead: ssh -L 8000:127.0.0.1:8000 HOST. With --expose it is served nevertheless.",
        )
    family, _, _, _, place = found[0]
    try:
        return socket.create_server(place[:2], family=family)
    except OSError as error:
        raise SelectionError(
            f"Port {port} of '{host}' cannot be had: {error.strerror}.", "Name another with --port; 0 takes a free one."
        ) from error


def address(host: str, listening: socket.socket) -> str:
    """What to type into the browser: ``http://127.0.0.1:8000``."""
    port = listening.getsockname()[1]
    if host in ("", "0.0.0.0", "::"):
        host = socket.gethostname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _name(host: str) -> str:
    """The name in a Host header, without its port; empty for what is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "") if "@" not in host and "/" not in host else ""
    except ValueError:
        return ""


def _machine_names() -> set[str]:
    """What this machine calls itself."""
    return {socket.gethostname().lower(), socket.getfqdn().lower()}
