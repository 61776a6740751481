"""The header: program, machine, device and state at a glance. It asks nobody; the app tells it."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from cvbench_tui.base.escape import shorten, visible
from cvbench_tui.core.environment import Environment
from cvbench_tui.results.text.units import bytes_text
from cvbench_tui.tui.terminal.theme import MUTED

HOST_CELLS, DEVICE_CELLS = 24, 34
STATE_STYLES = {"running": "bold $text-primary", "ready": "$text-success", "no worker": "bold $text-error"}


class HeaderLine(Static):
    """One line: what gives way when it is narrow is cut at its end, so the state stands before the device's details."""

    DEFAULT_CSS = """
    HeaderLine { height: 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, host: str, version: str, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, markup=False)
        self._host = host
        self._version = version

    def show(self, state: str, devices: tuple[str, ...], environment: Environment | None) -> None:
        """``state``: ``ready``, ``running 3/8``, ``no worker``; ``devices``: ids of what is ticked."""
        style = next((style for word, style in STATE_STYLES.items() if state.startswith(word)), "$text-warning")
        parts: list[str | tuple[str, str]] = [
            (" cvbench-tui ", "bold reverse"), f" {self._version}  ",
            (state, style), f"  {shorten(visible(self._host), HOST_CELLS)}",
        ]  # fmt: skip
        for device_id in devices[:2]:
            parts += ["  ", (visible(device_id), "bold"), f" {_device(environment, device_id)}"]
        if len(devices) > 2:
            parts.append(f"  and {len(devices) - 2} more")
        torch = dict(environment.versions).get("torch") if environment is not None else None
        parts += [(f"  torch {visible(torch)}", MUTED)] if torch else []
        self.update(Content.assemble(*parts), layout=False)


def _device(environment: Environment | None, device_id: str) -> str:
    """Name and memory of a device, as far as they are known."""
    device = environment.device(device_id) if environment is not None else None
    if device is None:
        return ""
    memory = f" {bytes_text(device.memory_bytes)}" if device.memory_bytes is not None else ""
    return shorten(visible(device.name), DEVICE_CELLS) + memory
