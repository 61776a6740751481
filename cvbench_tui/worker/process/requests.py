"""From a request's JSON to dataclasses of ``core``, from which the parent wrote it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.workload import Workload


def case_from(plain: dict[str, Any]) -> Case:
    """A Case from its JSON object. Raises TypeError or KeyError when it is none."""
    workload = dict(plain["workload"])
    workload["input_shape"] = tuple(workload["input_shape"])
    workload["params"] = tuple((name, value) for name, value in workload["params"])
    return Case(**{**plain, "workload": Workload(**workload)})


def protocol_from(plain: dict[str, Any]) -> Protocol:
    """A Protocol from its JSON object; keys that this version does not know are ignored."""
    known = {field.name for field in fields(Protocol)}
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}
    return Protocol(**{name: value for name, value in values.items() if name in known})
