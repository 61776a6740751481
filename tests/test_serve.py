"""The server: where it listens, whom it lets in, and that it leaves no process behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest
from textual_serve.download_manager import DownloadManager

from cvbench_tui.cli import main as cli
from cvbench_tui.errors import SelectionError
from cvbench_tui.serve import command as serve
from cvbench_tui.serve.command import app_command
from cvbench_tui.serve.gate import Gate, listen, url
from cvbench_tui.serve.server import END_S, Visitor, _for_a_page
from tests.every import every
from tests.processes import lives, wait_until_gone

ROOT = Path(__file__).parents[1]
SMALL_APP = (sys.executable, "-m", "tests.programs.small_app")


class Served:
    """A server in a process of its own."""

    def __init__(self, *command: str, cwd: Path = ROOT, **variables: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests/programs/served.py"), *command],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=cwd, start_new_session=True,
            env={**os.environ, "TMUX": "/tmp/somewhere", "PYTHONPATH": str(ROOT), **variables},
        )  # fmt: skip
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()
        found = re.search(r"(http://127\.0\.0\.1:(\d+))/\?token=(\S+)", self.said)
        assert found, self.said + self.process.stdout.read()
        self.page, self.address, self.port, self.token = found[0], found[1], int(found[2]), found[3]
        self.socket = f"{self.address}/ws/{self.token}"  # as the page has it

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """One that goes on."""
    server = Served(*SMALL_APP)
    yield server
    server.close()


@pytest.fixture
def ending() -> Iterator[Served]:
    """One for a test that ends it."""
    server = Served(*SMALL_APP)
    yield server
    server.close()


async def visit(web: aiohttp.ClientSession, server: Served) -> tuple[aiohttp.ClientWebSocketResponse, int]:
    """Open the app as its page does; returns the connection and the app's process."""
    page = await web.ws_connect(f"{server.socket}?width=100&height=30", headers={"Origin": server.address})
    drawn = b""
    while not (found := re.search(rb"process (\d+) of", drawn)):
        message = await page.receive()
        assert message.type == aiohttp.WSMsgType.BINARY, message
        drawn += message.data
    return page, int(found[1])


# -- the door


@every(
    ("host", "origin"),
    [
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("localhost:8000", "http://localhost:8000"),
        ("LOCALHOST:8000", "http://localhost:8000"),
        ("[::1]:8000", "http://[::1]:8000"),
        ("localhost:9000", "http://localhost:9000"),  # ssh -L 9000:127.0.0.1:8000
        ("127.0.0.2:8000", "https://127.0.0.2:8000"),  # a proxy with a certificate
    ],
)
def test_a_browser_that_was_pointed_here_comes_in(host, origin):
    assert Gate("127.0.0.1").refusal(host, origin, opens=True) == ""
    assert Gate("127.0.0.1").refusal(host, None) == ""


@every(
    ("host", "origin"),
    [
        ("127.0.0.1:8000", "http://evil.example"),  # another page's WebSocket
        ("127.0.0.1:8000", "http://localhost:8000"),
        ("127.0.0.1:8000", "http://127.0.0.1:3000"),  # another server on this machine
        ("127.0.0.1:8000", "http://127.0.0.1:8000.evil.example"),
        ("127.0.0.1:8000", "null"),  # a sandboxed frame, a file
        ("127.0.0.1:8000", ""),
        ("127.0.0.1:8000", "file://127.0.0.1:8000"),
        ("127.0.0.1:8000", None),  # no page at all
        ("evil.example:8000", "http://evil.example:8000"),  # a name that was made to point here
        ("127.0.0.1.evil.example", "http://127.0.0.1.evil.example"),
        ("localhost.evil.example", "http://localhost.evil.example"),
        ("evil.example@127.0.0.1", "http://evil.example@127.0.0.1"),
        ("127.0.0.1/evil.example", "http://127.0.0.1/evil.example"),
        ("192.168.0.7:8000", "http://192.168.0.7:8000"),  # not exposed
        ("[::1", "http://[::1"),
        ("", "http://"),
    ],
)
def test_everything_else_is_refused_with_a_sentence(host, origin):
    assert Gate("127.0.0.1").refusal(host, origin, opens=True).endswith(".")


def test_an_exposed_server_is_found_by_its_addresses_and_its_own_names_only():
    gate = Gate("0.0.0.0", exposed=True)
    for host in ("192.168.0.7:8000", "[fd00::1]:8000", f"{socket.gethostname()}:8000", "localhost:8000"):
        assert gate.refusal(host, f"http://{host}", opens=True) == ""
    assert gate.refusal("evil.example:8000", "http://evil.example:8000", opens=True)
    assert gate.refusal("192.168.0.7:8000", "http://evil.example", opens=True)
    named = Gate("bench.example", exposed=True)
    assert named.refusal("bench.example:8000", "http://bench.example:8000", opens=True) == ""


async def test_the_server_asks_at_its_door(served):
    async with aiohttp.ClientSession() as web:
        for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
            for path in (f"/?token={served.token}", "/static/js/textual.js", "/download/0"):
                async with web.get(served.address + path, headers=headers) as answer:
                    assert answer.status == 403
                    assert (await answer.text()).endswith(".")
        for headers in ({}, {"Origin": "http://evil.example"}, {"Origin": served.address, "Host": "evil.example"}):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await web.ws_connect(served.socket, headers=headers)
            assert refused.value.status == 403


async def test_the_page_needs_no_other_server_and_holds_behind_a_forwarded_port(served):
    async with (
        aiohttp.ClientSession() as web,
        web.get(served.page, headers={"Host": "localhost:9000"}) as answer,
    ):
        page = await answer.text()
        policy = answer.headers["Content-Security-Policy"]
    assert f"ws://localhost:9000/ws/{served.token}" in page
    assert set(re.findall(r"""(?:src|href)=["']?(\w+:)?//""", page)) == set()
    assert "googleapis" not in page
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy


# -- the token


async def test_nobody_gets_in_without_the_token(served):
    wrong = served.token[:-1] + ("a" if served.token[-1] != "a" else "b")
    own = {"Origin": served.address}
    async with aiohttp.ClientSession() as web:
        for path in (
            "/",
            "/?token=",
            f"/?token={wrong}",
            f"/?token={served.token}x",
            "/?token=%FF",
            "/download/0",
            "/x",
        ):
            async with web.get(served.address + path) as answer:
                assert answer.status == 403, path
                assert "Open that one." in await answer.text()
        for path in ("/ws", "/ws?width=80", f"/ws/{wrong}", "/ws/", f"/ws?token={wrong}", f"/ws/../ws/{wrong}"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await web.ws_connect(served.address + path, headers=own)
            assert refused.value.status == 403, path
        for path in ("/static/js/textual.js", f"/?token={served.token}"):
            async with web.get(served.address + path) as answer:
                assert answer.status == 200
                assert answer.headers["X-Frame-Options"] == "DENY"
                assert answer.headers["Referrer-Policy"] == "no-referrer"
                assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_each_start_has_a_token_of_its_own_that_no_text_of_the_gate_shows():
    gates = [Gate("127.0.0.1") for _ in range(2)]
    assert len({token for gate in gates for token in (gate.token, gate.download_token)}) == 4
    assert all(len(gate.token) >= 32 and gate.token not in repr(gate) for gate in gates)
    assert not gates[0].same(None, gates[0].token)


async def test_the_token_is_printed_once_and_never_logged():
    server = Served(*SMALL_APP)
    try:
        async with aiohttp.ClientSession() as web:
            page, process = await visit(web, server)
            assert server.token.encode() not in Path(f"/proc/{process}/environ").read_bytes()
            assert server.token.encode() not in Path(f"/proc/{server.process.pid}/cmdline").read_bytes()
            await page.send_str("no JSON")
            assert (await closed(page)) == aiohttp.WSCloseCode.UNSUPPORTED_DATA
            wait_until_gone(process)
            async with web.get(server.page) as answer:
                await answer.text()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.stdout is not None
        assert server.process.stdout.read() == ""
    finally:
        server.close()


async def closed(page: aiohttp.ClientWebSocketResponse) -> int | None:
    """The code that the connection was closed with."""
    while (await page.receive()).type not in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
        pass
    return page.close_code


# -- where it listens


@every("host", ["0.0.0.0", "", "::", "192.0.2.1"])
def test_an_address_that_others_reach_is_refused_with_the_reason(host):
    with pytest.raises(SelectionError, match="nothing is encrypted") as refused:
        listen(host, 0)
    assert "--expose" in refused.value.hint


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_listened_on(host):
    with listen(host, 0) as listening:
        assert re.fullmatch(rf"http://{host}:[1-9]\d+", url(host, listening))


def test_everybody_is_listened_to_when_that_is_asked_for():
    with listen("0.0.0.0", 0, expose=True) as listening:
        assert url("0.0.0.0", listening) == f"http://{socket.gethostname()}:{listening.getsockname()[1]}"


def test_a_port_that_is_taken_and_an_address_that_is_none_are_sentences():
    with listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(SelectionError, match=f"Port {port} of '127.0.0.1' is not available") as refused:
            listen("127.0.0.1", port)
        assert "--port" in refused.value.hint
    for host in ("no such host", "a" * 300):
        with pytest.raises(SelectionError, match="no address"):
            listen(host, 0)


# -- the command


@pytest.fixture
def type_(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["cvbench-tui", *arguments])
        code = cli._exit_code()
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_the_command_refuses_others_and_says_why(type_):
    code, out, err = type_("serve", "--host", "0.0.0.0")
    assert (code, out) == (2, "")
    assert "nothing is encrypted" in err
    assert "--expose" in err


def test_without_the_extra_the_command_says_what_to_install(type_, monkeypatch):
    monkeypatch.setitem(sys.modules, "textual_serve", None)
    monkeypatch.delitem(sys.modules, "cvbench_tui.serve.server", raising=False)
    monkeypatch.delitem(sys.modules, "textual_serve.app_service", raising=False)
    code, out, err = type_("serve")
    assert (code, out) == (2, "")
    assert "pip install textual-serve" in err
    assert "Traceback" not in err


def test_a_preset_that_is_not_there_is_refused_before_anything_is_served(type_):
    code, _, err = type_("serve", "qick")
    assert code == 2
    assert "quick" in err


def test_preset_runs_folder_and_ascii_go_to_the_app(type_, monkeypatch, tmp_path):
    seen = {}
    monkeypatch.setattr(serve, "serve_command", lambda command, **where: seen.update(command=command, **where) or 0)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my preset.toml").write_text('models = ["Resnet18"]\n')
    assert type_("--runs-dir", "a folder", "serve", "my preset.toml", "--ascii", "--port", "0")[0] == 0
    command = seen.pop("command")
    assert command[1:4] == ("-m", "cvbench_tui", "tui")
    assert command[4:] == ("--runs-dir", str(tmp_path / "a folder"), "--ascii", "--", "my preset.toml")
    assert seen == {"host": "127.0.0.1", "port": 0, "expose": False, "max_pages": 8}
    assert app_command(None, None)[1:] == ("-m", "cvbench_tui", "tui")


# -- the processes


async def test_a_page_gets_a_process_of_its_own_which_ends_with_it(served):
    async with aiohttp.ClientSession() as web:
        first, first_process = await visit(web, served)
        second, second_process = await visit(web, served)
        assert first_process != second_process
        await first.close()
        wait_until_gone(first_process)
        assert lives(second_process)
        await second.close()
    wait_until_gone(second_process)


async def test_a_page_too_many_is_told_so_and_one_that_is_closed_makes_room():
    server = Served("--max-pages=2", *SMALL_APP)
    try:
        async with aiohttp.ClientSession() as web:
            first, _ = await visit(web, server)
            second, _ = await visit(web, server)
            async with web.get(server.page) as answer:
                assert answer.status == 503
                assert "2 pages of cvbench-tui are open" in await answer.text()
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await web.ws_connect(server.socket, headers={"Origin": server.address})
            assert refused.value.status == 503
            await first.close()
            async with web.get(server.page) as answer:
                assert answer.status == 200
            third, _ = await visit(web, server)
            assert not second.closed
            await third.close()
            await second.close()
    finally:
        server.close()


async def test_modules_in_the_current_folder_do_not_run(tmp_path):
    ran = tmp_path / "ran"
    code = f"open({str(ran)!r}, 'a').write(__name__)\n"
    for name in ("random.py", "textual.py", "sitecustomize.py", "usercustomize.py"):
        (tmp_path / name).write_text(code)
    (tmp_path / "cvbench_tui").mkdir()
    (tmp_path / "cvbench_tui" / "__init__.py").write_text(code)
    startup = tmp_path / "startup.py"
    startup.write_text(code)
    server = Served(*SMALL_APP, cwd=tmp_path, PYTHONSTARTUP=str(startup))
    try:
        async with aiohttp.ClientSession() as web:
            page, _ = await visit(web, server)
            await page.close()
        assert not ran.exists()
    finally:
        server.close()
    parts = os.pathsep.join(["", "/a", "", "/b", ""])  # each empty one is the current folder
    assert _for_a_page({"PYTHONPATH": parts})["PYTHONPATH"] == os.pathsep.join(["/a", "/b"])


@pytest.mark.skipif(sys.version_info < (3, 11), reason="there is no PYTHONSAFEPATH")
def test_the_app_starts_without_the_current_folder_before_python_3_11_too(tmp_path):
    (tmp_path / "random.py").write_text("raise SystemExit('ran')")
    older = subprocess.run(
        [sys.executable, "-c", serve.OLDER_MODULE[1], "--version"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (older.returncode, older.stderr) == (0, "")


async def test_arguments_reach_the_program_as_they_are_and_the_terminals_own_variables_do_not():
    odd = ["a b", "$HOME", "; exit", "'", "*"]
    server = Served(*SMALL_APP, *odd)
    try:
        async with aiohttp.ClientSession() as web:
            headers = {"Origin": server.address}
            page = await web.ws_connect(f"{server.socket}?width=999999999&height=3", headers=headers)
            drawn = b""
            while b"TMUX=" not in drawn:
                drawn += await page.receive_bytes()
            assert f"of {odd}, TMUX=None" in drawn.decode()
            await page.close()
    finally:
        server.close()


async def test_a_program_that_ends_at_once_ends_the_page():
    server = Served(sys.executable, "-c", "raise SystemExit('no torch here')")
    try:
        async with aiohttp.ClientSession() as web:
            page = await web.ws_connect(server.socket, headers={"Origin": server.address})
            message = await page.receive()
            assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    finally:
        server.close()


async def test_a_program_that_has_ended_before_it_is_read_ends_the_page():
    """textual-serve then cancels the task that reads stderr before its first step, and awaits it."""
    websocket = SimpleNamespace(send_bytes=None, send_str=None, closed=asyncio.Event())
    websocket.close = lambda: asyncio.sleep(0, websocket.closed.set())
    visitor = Visitor(["ended"], websocket, DownloadManager())
    visitor._process = SimpleNamespace(stdout=asyncio.StreamReader(), stderr=asyncio.StreamReader())
    visitor._process.stdout.feed_eof()
    await asyncio.wait([asyncio.ensure_future(visitor.run())])
    assert websocket.closed.is_set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
async def test_a_signal_ends_the_server_and_every_process(ending, number):
    async with aiohttp.ClientSession() as web:
        pages = [await visit(web, ending) for _ in range(2)]
        ending.process.send_signal(number)
        assert ending.process.wait() == 128 + number
        for _, process in pages:
            wait_until_gone(process)


async def test_a_program_that_does_not_end_by_itself_is_ended():
    code = (
        "import signal, sys, time, os\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "text = b'process %d of' % os.getpid()\n"
        "sys.stdout.buffer.write(b'__GANGLION__\\nD' + len(text).to_bytes(4, 'big') + text)\n"
        "sys.stdout.flush()\n"
        "time.sleep(600)\n"
    )
    server = Served(sys.executable, "-c", code)
    try:
        async with aiohttp.ClientSession() as web:
            page, process = await visit(web, server)
            await page.close()
            wait_until_gone(process)
            assert END_S < 2
            _, process = await visit(web, server)
            server.process.send_signal(signal.SIGINT)
            assert server.process.wait() == 130
            wait_until_gone(process)
    finally:
        server.close()


async def test_a_server_that_is_killed_leaves_no_process(ending):
    async with aiohttp.ClientSession() as web:
        _, process = await visit(web, ending)
        ending.process.kill()
        wait_until_gone(process)


async def test_saving_is_a_download(served):
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as web:
        page, _ = await visit(web, served)
        await page.send_json(["stdin", "s"])
        while (message := await page.receive()).type != aiohttp.WSMsgType.TEXT:
            assert message.type == aiohttp.WSMsgType.BINARY
        kind, key = message.json()
        assert kind == "deliver_file_start"
        async with web.get(f"{served.address}/download/{key}") as answer:
            assert answer.status == 403, "the page was not loaded, which brings the cookie"
        async with web.get(served.page) as answer:
            cookie = answer.headers["Set-Cookie"]
        assert {"HttpOnly", "SameSite=Strict", "Path=/download"} <= {part.strip() for part in cookie.split(";")}
        assert served.token not in cookie, "other servers on this host get cookies too"
        async with web.get(f"{served.address}/download/{key}") as answer:
            assert await answer.text() == "| a table |\n"
            assert answer.headers["Content-Disposition"] == "attachment; filename=table.md"
        await page.close()
