"""timm's models as plain data, where timm is installed: read without importing it, which would import PyTorch.

``timm.tsv`` is written by ``benchmarks/timm_list.py`` from one version of timm. Where another is installed, the list is
that version's too: a model that it does not have is a failed row with that reason."""

from __future__ import annotations

import re
from functools import cache
from importlib import metadata
from pathlib import Path

from cvbench_tui.base.escape import one_line
from cvbench_tui.catalog.models import ModelEntry

OLDEST = (0, 9)
HINT = "Install it beside torch: pip install 'cvbench-tui[timm]'"
VERSION = "1.0.31"  # whose models are in the file
SHIPPED = Path(__file__).with_name("timm.tsv")


@cache
def version() -> str | None:
    """The installed timm's version, None without one. Looked up in the packages' metadata, once."""
    try:
        return metadata.version("timm")
    except metadata.PackageNotFoundError:
        return None


def why_not() -> tuple[str, str]:
    """Why none of its models can be measured here, and what to do; empty where they can."""
    installed = version()
    if installed is None:
        return "timm is not installed.", HINT
    found = re.match(r"(\d+)\.(\d+)", installed)
    if found and (int(found[1]), int(found[2])) < OLDEST:
        return f"timm {one_line(installed)} is too old, {OLDEST[0]}.{OLDEST[1]} or newer is needed.", HINT
    return "", ""


def entries() -> tuple[ModelEntry, ...]:
    """The models of ``timm.tsv``."""
    return tuple(map(_entry, SHIPPED.read_text(encoding="ascii").splitlines()[1:]))


def _entry(line: str) -> ModelEntry:
    """Of one line: name, family, parameters, image, GMACs, megabytes in training; ``-`` where that is not known."""
    name, family, parameters, image, gmacs, training_mb = line.split("\t")
    own, weights = f"timm:{name}", None if parameters == "-" else int(parameters)
    return ModelEntry(own, own, f"timm {family}", weights, int(image), _number(gmacs), _number(training_mb))


def _number(text: str) -> float | None:
    return None if text == "-" else float(text)
