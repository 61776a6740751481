"""Which HTTP requests a served app accepts, by whom, and on which address it listens."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cvbench_tui.errors import SelectionError


@dataclass(frozen=True)
class Gate:
    """Refuses requests that another site's page makes a browser send. Such a page may not open a WebSocket, which
    starts a process here, nor reach the server under a host name of its own that resolves to this machine (DNS
    rebinding). Ports are not compared: a forwarded port differs from ours.

    A user of this machine can send any header. The token, new at each start, is in the printed address alone."""

    host: str  # value of ``--host``
    exposed: bool = False  # accept requests of other machines
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)  # opens the page and the app
    download_token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    """In a cookie for downloads alone: a browser sends cookies to every port of a host, another user's server too."""

    def refusal(self, host: str, origin: str | None, *, opens: bool = False) -> str:
        """Why a request with these headers is refused, as a sentence; empty when it is accepted. ``opens``: it would
        start a process, so it needs an Origin header."""
        if not self._is_ours(_name(host)):
            return f"cvbench-tui is not served under that name. Use the address that it printed, or {self.host}."
        if origin is None:
            return "Only a page of this server may open the app." if opens else ""
        scheme, _, rest = origin.partition("://")
        if scheme not in ("http", "https") or rest.lower() != host.lower():
            return "A page of another site may not use this server."
        return ""

    @staticmethod
    def same(offered: str | None, token: str) -> bool:
        """Compare what was offered in constant time."""
        return secrets.compare_digest((offered or "").encode(errors="replace"), token.encode())

    def _is_ours(self, name: str) -> bool:
        """True for a host name that another site cannot point at this machine."""
        if name in ("localhost", self.host.lower()):
            return bool(name)
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return self.exposed and name in (socket.gethostname().lower(), socket.getfqdn().lower())
        return self.exposed or address.is_loopback


def listen(host: str, port: int, *, expose: bool = False) -> socket.socket:
    """A listening socket; port 0: any free port. Raises SelectionError for an address that other machines reach,
    without ``expose``, or that cannot be had."""
    try:
        addresses = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SelectionError(
            f"There is no address '{host}' to listen on.", "Leave --host out to use this machine's."
        ) from error
    if not expose and not all(ipaddress.ip_address(each[4][0]).is_loopback for each in addresses):
        raise SelectionError(
            f"Other machines reach '{host}', and nothing is encrypted: who reads along could start processes here.",
            "Forward the port instead: ssh -L 8000:127.0.0.1:8000 HOST. With --expose it is served nevertheless.",
        )
    family, _, _, _, address = addresses[0]
    try:
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        raise SelectionError(
            f"Port {port} of '{host}' is not available: {error.strerror}.", "Use another --port; 0 takes a free one."
        ) from error


def url(host: str, listening: socket.socket) -> str:
    """Address for the browser: ``http://127.0.0.1:8000``."""
    port = listening.getsockname()[1]
    if host in ("", "0.0.0.0", "::"):
        host = socket.gethostname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _name(host: str) -> str:
    """Name in a Host header, without its port; empty for an invalid one."""
    try:
        return (urlsplit(f"//{host}").hostname or "") if "@" not in host and "/" not in host else ""
    except ValueError:
        return ""
