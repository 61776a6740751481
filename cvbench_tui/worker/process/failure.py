"""An exception of a case made into a Failure: its kind, one sentence, the tail of the traceback."""

from __future__ import annotations

import re
import traceback

import torch

from cvbench_tui.core import axes
from cvbench_tui.core.measurement import Failure, FailureKind
from cvbench_tui.core.plan import Case
from cvbench_tui.worker.devices.backend import ClockError

_INPUTS_HINT = "It gets what inputs(batch, image, device) beside it returns; without such a function, images."
DETAIL_CHARACTERS = 4000
SENTENCE_CHARACTERS = 300

_OUT_OF_MEMORY = re.compile("out of memory|can't allocate memory|not enough memory|CUBLAS_STATUS_ALLOC_FAILED")
_UNSUPPORTED = re.compile("not (implemented for|currently implemented)|Could not run|is not supported|no kernel image")
_NO_TYPE = re.compile(r"\"([^\"]+)\" not implemented for '(\w+)'")
_MIXED_TYPES = re.compile("the same dtype|expected scalar type|types? .*should be the same|dtypes match")
_TYPES = {"Half": "float16", "BFloat16": "bfloat16", "Float": "float32"}
_CARD_ERROR = re.compile(r"(?:CUDA|HIP) error: ([^\n.]+)")
_NO_CARD = re.compile("cudaGetDeviceCount|No (CUDA|HIP) GPUs are available")
_LOST = "no CUDA-capable device|lost|off the bus|not yet initialized|unknown error|ECC"
_REMEDIES = {
    "busy or unavailable": "another process has the card for itself: end it (see nvidia-smi), or use another device",
    "no kernel image": "this PyTorch has no code for this card: install one that has",
    _LOST: "the driver has lost the card: nvidia-smi and Xid errors in dmesg say why; restart the machine",
    "illegal|misaligned|launch failure|assert|Xid": "a kernel failed; if it fails in other rows too, look for Xid "
    "errors in dmesg and restart the machine",
}
"""What to do about an error of a card, by what PyTorch's words have in them; the first that fits, and nothing for any
other. The next row has a process of its own: in this one every further call would fail."""


class OwnCodeError(Exception):
    """A user's code did not do what it is for, in one sentence."""


class UnsupportedError(Exception):
    """This workload, or a setting of its case, cannot be had with the installed versions."""


class CompileError(Exception):
    """torch.compile failed, in one sentence."""


def first_line(error: BaseException) -> str:
    """Of its message, without blanks around it."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no message")


def less_memory(case: Case) -> str:
    """What to try where memory ran out: there is no batch below 1, and not every input is an image."""
    if case.batch > 1:
        return "try a smaller batch"
    return "try a smaller image, or another device" if case.image else "try another device"


def failure_from(case: Case, error: BaseException) -> Failure:
    """What went wrong with ``case``, for its row."""
    kind = _kind(case, error)
    tail = "".join(traceback.format_exception(type(error), error, error.__traceback__))[-DETAIL_CHARACTERS:]
    return Failure(case.case_id, kind, _sentence(case, kind, error), tail)


def _kind(case: Case, error: BaseException) -> FailureKind:
    """Out of memory and unsupported by type first, by their known texts second."""
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)) or _OUT_OF_MEMORY.search(str(error)):
        return "out_of_memory"
    if _has_autocast(case) and _MIXED_TYPES.search(str(error)):
        return "unsupported"
    if isinstance(error, (UnsupportedError, NotImplementedError)) or _UNSUPPORTED.search(str(error)):
        return "unsupported"
    return "error"


def _has_autocast(case: Case) -> bool:
    """Whether its precision is one of weights and inputs that autocast has as well."""
    known = axes.axis("precision")
    return known is not None and known.accepts(f"amp-{case.setting('precision')}")


def _sentence(case: Case, kind: FailureKind, error: BaseException) -> str:
    """One sentence a user can act on."""
    if kind == "out_of_memory":
        return f"Out of memory on {case.device} at batch {case.batch}; {less_memory(case)}."
    first = first_line(error)
    if isinstance(error, (UnsupportedError, CompileError, ClockError, OwnCodeError)):
        return first
    if found := _NO_TYPE.search(str(error)):
        return f"PyTorch {torch.__version__} has no {found[1]} in {_TYPES.get(found[2], found[2])} on {case.device}."
    if kind == "unsupported" and _MIXED_TYPES.search(str(error)):
        value = case.setting("precision")
        return (
            f"{case.workload.name} computes in float32 in between, so it cannot be {value} as a whole: use amp-{value}."
        )
    if found := _CARD_ERROR.search(str(error)):
        remedies = (text for words, text in _REMEDIES.items() if re.search(words, found[1]))
        return f"{case.device}: {'; '.join([found[1].strip(), *remedies][:2])}."
    if _NO_CARD.search(str(error)):
        from cvbench_tui.worker.devices.accelerators import own_words

        return f"{case.device} cannot be used (any more): {own_words(str(error))}."
    sentence = f"{type(error).__name__}: {first}"
    if case.workload.kind == "model" and case.workload.code is not None:
        return f"{sentence[: SENTENCE_CHARACTERS // 2].rstrip('.')}. {_INPUTS_HINT}"
    return sentence[:SENTENCE_CHARACTERS]
