"""The worker's two ends of the wall: events out on a private descriptor, requests in on descriptor 0, and the
dataclasses of ``core`` in a request, from which the parent wrote it."""

from __future__ import annotations

import dataclasses
import json
import os
import select
from collections.abc import Sequence
from typing import Any

from cvbench_tui.base.escape import paired
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.workload import Workload

READ_BYTES = 65536


@dataclasses.dataclass
class Channel:
    """Events out, one JSON line each, on a descriptor that nothing else writes to."""

    descriptor: int

    def send(self, event: Any) -> None:
        """Write one event. Raises as ``write`` does."""
        self.write(dataclasses.asdict(event))

    def write(self, plain: dict[str, Any]) -> None:
        """Write one object; blocks while the pipe is full. Raises BrokenPipeError when the parent is gone."""
        line = paired(json.dumps(plain, separators=(",", ":"), allow_nan=False))
        data = line.encode() + b"\n"
        while data:
            data = data[os.write(self.descriptor, data) :]


def claim_stdout() -> Channel:
    """Take descriptor 1 as the event channel and point 1 at stderr, so that a library's print harms nothing."""
    private = os.dup(1)
    os.dup2(2, 1)
    return Channel(private)


@dataclasses.dataclass
class Requests:
    """Requests in, one JSON object per line. The end of the input is the order to stop."""

    descriptor: int = 0
    ended: bool = False  # True once the parent has closed its end, or died
    _buffer: bytes = b""

    def next(self) -> dict[str, Any] | None:
        """The next request; blocks. None at the end of the input."""
        while b"\n" not in self._buffer and not self.ended:
            self.fill()
        if self.ended:
            return None
        line, self._buffer = self._buffer.split(b"\n", 1)
        request: dict[str, Any] = json.loads(line)
        return request

    def fill(self) -> None:
        """Read what there is; blocks when there is nothing yet."""
        data = os.read(self.descriptor, READ_BYTES)
        self._buffer += data
        self.ended = self.ended or not data

    def wait(self, others: Sequence[int]) -> list[int]:
        """Block until a request comes or one of the other descriptors is readable; which are."""
        watched = list(others) if self.ended else [self.descriptor, *others]
        readable, _, _ = select.select(watched, [], [])
        return readable


def case_from(plain: dict[str, Any]) -> Case:
    """A Case from its JSON object. Raises TypeError or KeyError when it is none."""
    workload = workload_from(plain["workload"])
    settings = tuple((name, value) for name, value in plain.get("settings", ()))
    return Case(**{**plain, "workload": workload, "settings": settings})


def workload_from(plain: dict[str, Any]) -> Workload:
    """A Workload from its JSON object. Raises TypeError or KeyError when it is none."""
    params = tuple((name, value) for name, value in plain["params"])
    return Workload(**{**plain, "input_shape": tuple(plain["input_shape"]), "params": params})


def protocol_from(plain: dict[str, Any]) -> Protocol:
    """A Protocol from its JSON object; keys that this version does not know are ignored."""
    known = {field.name for field in dataclasses.fields(Protocol)}
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}
    if values.get("clean") is not None:
        values["clean"] = protocol_from(values["clean"])
    return Protocol(**{name: value for name, value in values.items() if name in known})
