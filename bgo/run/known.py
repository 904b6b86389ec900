"""The handlers a worker knows. Where plugins have changed they are loaded anew, which takes seconds: no run waits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from bgo.clock import Clock
from bgo.errors import BgoError
from bgo.model.handler import Catalogue

AGAIN_MS = 5_000
"""A catalogue that could not be built, or not be kept, is built again so much later."""


class Known:
    """The catalogue at each look: as it was kept, or the last one while a thread builds the next."""

    def __init__(self, look: Callable[[], Catalogue | None], build: Callable[[], Catalogue], clock: Clock) -> None:
        """`look` is quick, and returns None where the catalogue is out of date."""
        self._look, self._build, self._clock = look, build, clock
        self._held: Catalogue | None = None
        self._thread: threading.Thread | None = None
        self._not_before = 0

    def __call__(self) -> Catalogue:
        """Return what is known now; only the very first look waits for a catalogue to be built."""
        kept = self._look()
        if kept is not None:
            self._held = kept
        elif self._held is None:
            self._held = self._build()
        elif self._clock.awake_ms() >= self._not_before and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._refresh, name="bgo-catalogue", daemon=True)
            self._thread.start()
        return self._held

    def _refresh(self) -> None:
        with suppress(BgoError, OSError):  # plugins that cannot be read at the moment change nothing
            self._held = self._build()
        self._not_before = self._clock.awake_ms() + AGAIN_MS
