"""What a child does to itself before it touches user code, and how it cleans up after it.

A child must never outlive its supervisor, leave a process behind, or take a signal that was meant for a terminal.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
from collections.abc import Callable
from typing import Any, NoReturn

from bgo.clock import Clock
from bgo.run.proctable import LINUX, MARK, descendants, signal_process, snapshot

MARK_ROOM = 48
"""Bytes the spawner reserves for the mark's value in the child's first environment."""
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_OOM_STEP = 300
_CLEANUP_MS = 2_000
_FIRST_FOREIGN_FD = 3
_FD_LIMIT = 1 << 16


def become_subreaper() -> bool:
    """Adopt orphaned descendants from now on, wherever they hide; return False where the system has no such thing."""
    return LINUX and _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    return int(libc.prctl(ctypes.c_int(option), ctypes.c_ulong(value), zero, zero, zero)) == 0


def protect(channel_fd: int) -> None:
    """Set this process up as a child: alone with its channel, first to die when memory ends, last of its tree."""
    os.set_inheritable(channel_fd, False)
    os.closerange(_FIRST_FOREIGN_FD, channel_fd)
    os.closerange(channel_fd + 1, _FD_LIMIT)
    faulthandler.enable()
    # Not SIG_IGN, which programs started by a handler would inherit; only Ctrl-C's own meaning is taken away.
    signal.signal(signal.SIGINT, lambda *_: None)
    become_subreaper()
    _die_with_parent()
    _offer_to_oom_killer()


def _die_with_parent() -> None:
    """Be killed one second after the supervisor, unless we have gone by ourselves before.

    The end of the channel comes first and lets us kill our descendants; SIGKILL as the parent-death signal would cut
    that short and leave them running. A handler that holds the interpreter in C code never notices the channel, so
    the signal's handler is C too: libc's own alarm(2), called with the signal's number, which is 1.
    """
    if not LINUX:
        return
    libc = ctypes.CDLL(None)
    libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
    libc.signal.restype = ctypes.c_void_p
    libc.signal(signal.SIGHUP, ctypes.cast(libc.alarm, ctypes.c_void_p))
    _prctl(_PR_SET_PDEATHSIG, signal.SIGHUP)


def _offer_to_oom_killer() -> None:
    try:
        with open("/proc/self/oom_score_adj", "r+") as file:
            score = int(file.read())
            file.seek(0)
            file.write(str(min(1000, score + _OOM_STEP)))
    except (OSError, ValueError):  # not Linux, or not allowed: then all are equal
        pass


def forget_in_forks(close: Callable[[], None]) -> None:
    """Make a process that a handler forks a plain one: without the channel, and with signals as Python has them.

    SIGTERM waits meanwhile: Python forgets a signal that finds a handler of ours in a process so young.
    """
    term = {signal.SIGTERM}

    def reset() -> None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, term)
        close()

    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, term),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, term),
        after_in_child=reset,
    )


class Mark:
    """The mark of the run, in this process's environment and in that of all it starts.

    A program that is exec'd gets a new environment, a process that is only forked keeps the block this process was
    given: so the mark is written into that block, where /proc shows it, and not only into `os.environ`. That also
    spares libc's setenv, which never frees a value.
    """

    def __init__(self) -> None:
        libc = ctypes.CDLL(None)
        self._getenv = libc.getenv
        self._getenv.argtypes = [ctypes.c_char_p]
        self._getenv.restype = ctypes.c_void_p
        room = len(os.environ.get(MARK, ""))
        self._address: int | None = self._getenv(MARK.encode()) if room == MARK_ROOM else None
        self._view: Any = getattr(os.environ, "_data", None)
        self.clear()

    def set(self, mark: str) -> None:
        """Let this process and all it starts from now on carry `mark`."""
        data = mark.encode()
        if self._address is not None and len(data) < MARK_ROOM:
            ctypes.memmove(self._address, data.ljust(MARK_ROOM, b"\0"), MARK_ROOM)
            # A handler may have replaced the whole environment: then the block is no longer what exec passes on.
            if isinstance(self._view, dict) and self._getenv(MARK.encode()) == self._address:
                self._view[MARK.encode()] = data
                return
        os.environ[MARK] = mark

    def clear(self) -> None:
        """Carry no mark: between two runs this process belongs to nobody."""
        self.set("")


def kill_descendants(clock: Clock, limit_ms: int = _CLEANUP_MS) -> bool:
    """Kill and reap everything this process has started, directly or not; return False when something will not die.

    As a subreaper this process is the parent of every orphan below it, so 'no children' means nothing is left.
    """
    until: int | None = None
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        if pid:
            continue
        now = clock.awake_ms()
        until = now + limit_ms if until is None else until
        if now > until:
            return False
        table = snapshot()
        for found in descendants(table, [os.getpid()]):
            signal_process(table[found], signal.SIGKILL)
        clock.sleep_ms(1)


def vanish(clock: Clock) -> NoReturn:
    """End now, with everything this process has started. Never returns."""
    kill_descendants(clock, 1_000)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
