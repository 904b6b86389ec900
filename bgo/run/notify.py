"""Telling a service manager how the worker does: ready, at what, that its loop still turns, that it ends. sd_notify(3).

The loop calls `Beat.turn` at the end of each of its turns, and nobody else does: a loop that hangs stops the beat, and
systemd ends the worker and starts a new one. Without a manager to tell, nothing is done and nothing is asked.
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress
from typing import TYPE_CHECKING

from bgo.clock import to_local
from bgo.errors import BgoError

if TYPE_CHECKING:
    from bgo.run.desk import Desk
    from bgo.run.ending import Ending
    from bgo.run.report import RunReport
    from bgo.run.runs import Runs

STATUS_MS = 5_000
"""A status is counted and told at most this often."""
EXTEND_MS = 30_000
"""So much more time to end is asked for, again and again while running work may go on."""
AGAIN_MS = 1_000
"""A word that the manager's full queue did not take is said again this much later."""


class Notifier:
    """The socket of a service manager."""

    def __init__(self, address: str, watchdog_ms: int | None = None) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog_ms = watchdog_ms
        """Without a beat for so long, the manager takes the worker for dead; None: it does not watch."""

    @classmethod
    def take(cls, env: MutableMapping[str, str]) -> Notifier | None:
        """Take the manager's socket out of the environment, so that nothing we start speaks for us; None without one.

        The watchdog of another process (WATCHDOG_PID) is none of ours.
        """
        address = env.pop("NOTIFY_SOCKET", "")
        period, pid = env.pop("WATCHDOG_USEC", ""), env.pop("WATCHDOG_PID", "")
        if not address.startswith(("/", "@")):
            return None
        is_ours = pid in ("", str(os.getpid())) and period.isascii() and period.isdigit() and int(period) > 0
        return cls(address, max(2, int(period) // 1000) if is_ours else None)

    def send(self, *words: str) -> bool:
        """Say it, without waiting; returns False when it could not be said now."""
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            out.connect(self._address)
            out.sendall("\n".join(words).encode())
            return True
        return False


class Beat:
    """What one worker's loop tells its manager. Instants are awake milliseconds."""

    def __init__(self, notifier: Notifier | None, desk: Desk, runs: Runs, ending: Ending, report: RunReport) -> None:
        self._notifier = notifier
        self._period = None if notifier is None else notifier.watchdog_ms
        self._desk, self._runs, self._ending, self._report = desk, runs, ending, report
        self._unsaid = ["READY=1"]
        self._again_at = self._beat_at = self._status_at = 0
        self._extend_at: int | None = None
        """None until it ends."""
        self._seen: tuple[int, ...] = ()
        self._status = ""

    def next_timer(self, awake: int) -> int | None:
        """Return when something must be said; a status can wait until the loop turns anyway."""
        if self._notifier is None:
            return None
        times = [self._again_at] if self._unsaid else []
        if self._period is not None:
            times.append(self._beat_at)
        if self._extend_at is not None and self._may_go_on(awake):
            times.append(self._extend_at)
        return min(times, default=None)

    def turn(self, awake: int) -> None:
        """Say what there is to say after a turn of the loop."""
        if self._notifier is None:
            return
        words = self._unsaid if awake >= self._again_at else []
        words = [*words, *self._beats(awake), *self._goes(awake), *self._stands(awake)]
        if not words:
            return
        if self._notifier.send(*words):
            self._unsaid = []
        else:
            self._unsaid, self._again_at = list(dict.fromkeys([*self._unsaid, *words])), awake + AGAIN_MS

    def _beats(self, awake: int) -> list[str]:
        if self._period is None or awake < self._beat_at:
            return []
        self._beat_at = awake + self._period // 2
        return ["WATCHDOG=1"]

    def _goes(self, awake: int) -> list[str]:
        """Say that it ends, and for how long it still may."""
        if not self._ending.has_begun:
            return []
        words = ["STOPPING=1"] if self._extend_at is None else []
        self._extend_at = awake if self._extend_at is None else self._extend_at
        if awake >= self._extend_at and self._may_go_on(awake):
            self._extend_at = awake + EXTEND_MS // 2
            words.append(f"EXTEND_TIMEOUT_USEC={EXTEND_MS * 1000}")
        return words

    def _may_go_on(self, awake: int) -> bool:
        return bool(self._runs) and not self._ending.is_over(awake)

    def _stands(self, awake: int) -> list[str]:
        """Say what it does, if that is something else than before. A store that does not answer is left alone."""
        if awake < self._status_at:
            return []
        self._status_at = awake + STATUS_MS
        with suppress(BgoError):
            seen = (self._desk.data_version(), len(self._runs), self._report.started, sum(self._report.counts.values()))
            if seen != self._seen:
                self._seen, status = seen, self._words()
                if status != self._status:
                    self._status = status
                    return [f"STATUS={status}"]
        return []

    def _words(self) -> str:
        queued, due = self._desk.standing()
        words = f"{len(self._runs):,} running, {queued:,} queued"
        if due is None:
            return words
        when, now = to_local(due), to_local(self._desk.moment.now_ms)
        return f"{words}, next at {when:%H:%M}" if when.date() == now.date() else f"{words}, next at {when:%F %H:%M}"
