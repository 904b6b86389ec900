"""Strays: what the descendants of dead children become. This process, as their subreaper, inherits them.

A child ends all it has started after every run; when the child itself is killed, what had left its group comes here.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection

from bgo.clock import Clock
from bgo.run.proctable import snapshot
from bgo.run.stop import reap_strangers

PATIENCE_MS = 1_000


class Strays:
    """Ends and reaps inherited orphans. What this process had started before, or starts in its session, is spared."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._before = {pid for pid, _ in _own()}

    def end(self, known: Collection[int]) -> None:
        """End every inherited orphan; `known` are the children that were started on purpose.

        A program that runs a worker beside other threads may start processes at any time: there nothing is touched,
        and what carries a mark is ended by the mark.
        """
        if threading.active_count() > 1:
            return
        until = self._clock.awake_ms() + PATIENCE_MS
        session = os.getsid(0)
        while reap_strangers({*known, *self._before, *(pid for pid, its in _own() if its == session)}):
            if self._clock.awake_ms() > until:
                return
            self._clock.sleep_ms(1)


def _own() -> list[tuple[int, int]]:
    """Return (pid, session) of this process's children."""
    me = os.getpid()
    return [(p.pid, p.session) for p in snapshot().values() if p.parent == me]
