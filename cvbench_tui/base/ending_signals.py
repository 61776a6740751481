"""The signals that end a run, the app or the server in order."""

from __future__ import annotations

import signal

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGXCPU")
"""Ctrl-C, a kill, a lost terminal, Ctrl-\\, and what schedulers send before a job's time is over. Not all systems have
all of them."""


def heard() -> tuple[signal.Signals, ...]:
    """Those that this process may hear: not one that its starter has it ignore, as ``nohup`` does with SIGHUP."""
    known = (signal.Signals[name] for name in NAMES if name in signal.Signals.__members__)
    return tuple(number for number in known if signal.getsignal(number) not in (signal.SIG_IGN, None))


def exit_code(number: int) -> int:
    """As a shell has it for a program that the signal ended: 130 for Ctrl-C."""
    return 128 + number
