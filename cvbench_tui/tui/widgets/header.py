"""The header: program, machine, device and state at a glance."""

from __future__ import annotations

from textual.content import Content

from cvbench_tui.base.cells import shorten
from cvbench_tui.base.escape import visible
from cvbench_tui.results.text.units import bytes_text
from cvbench_tui.tui.state.run_state import RunState
from cvbench_tui.tui.terminal.theme import MUTED
from cvbench_tui.tui.widgets.line import Line

HOST_CELLS, DEVICE_CELLS = 24, 34
STATE_STYLES = {"running": "bold $text-primary", "ready": "$text-success", "no worker": "bold $text-error"}


class HeaderLine(Line):
    """One line: what gives way when it is narrow is cut at its end, so the state stands before the device's details."""

    DEFAULT_CSS = "HeaderLine { height: 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis; }"

    def __init__(self, host: str, version: str, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._host = host
        self._version = version

    def show(self, state: RunState, ticked: tuple[str, ...]) -> None:
        """``ticked``: ids of devices."""
        environment = state.environment
        word = f"running {state.measured}".rstrip() if state.running else "ready"
        if environment is None:
            word = "no worker" if state.phase == "idle" else "starting"
        style = next((style for begins, style in STATE_STYLES.items() if word.startswith(begins)), "$text-warning")
        parts: list[str | tuple[str, str]] = [(" cvbench-tui ", "bold reverse"), f" {self._version}  ", (word, style)]
        parts.append(f"  {shorten(visible(self._host), HOST_CELLS)}")
        for device_id in ticked[:2]:
            parts += ["  ", (visible(device_id), "bold"), " "]
            device = environment.device(device_id) if environment is not None else None
            if device is not None:
                memory = f" {bytes_text(device.memory_bytes)}" if device.memory_bytes is not None else ""
                parts.append(shorten(visible(device.name), DEVICE_CELLS) + memory)
        if len(ticked) > 2:
            parts.append(f"  and {len(ticked) - 2} more")
        torch = environment.version("torch") if environment is not None else None
        parts += [(f"  torch {visible(torch)}", MUTED)] if torch else []
        self.put(Content.assemble(*parts))
