"""Suspending a run: everything of it stands still, wherever it hides, and goes on later as if nothing had been."""

from __future__ import annotations

import signal

from bgo.clock import Clock
from bgo.model.task import Child
from bgo.run.proctable import signal_process
from bgo.run.stop import members

_LOOKS = 50
_QUIET_LOOKS = 2
"""One look can miss a process whose parent forked it and was stopped while the table was being read."""
_STOPPED = ("T", "t")


def suspend_run(child: Child, mark: str, clock: Clock) -> bool:
    """Stop all processes of a run with SIGSTOP; return False when one of them cannot be stopped at the moment.

    That is a process in uninterruptible sleep, which stops as soon as it leaves that, or one of another user.
    """
    quiet = 0
    for _ in range(_LOOKS):
        found = [process for process in members(child, mark) if process.state not in _STOPPED]
        quiet = 0 if found else quiet + 1
        if quiet == _QUIET_LOOKS:
            return True
        for process in found:
            signal_process(process, signal.SIGSTOP)
        if found:
            clock.sleep_ms(1)
    return False


def continue_run(child: Child, mark: str) -> None:
    """Let all processes of a run go on."""
    for process in members(child, mark):
        signal_process(process, signal.SIGCONT)
