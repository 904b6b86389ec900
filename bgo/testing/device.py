"""The device of a test: it says what the test makes it say, now or along a script."""

from __future__ import annotations

from bgo.devices.traces import parse_trace
from bgo.errors import UsageError
from bgo.model.device import DeviceChange, DeviceState, Reading, Tri
from bgo.testing.clock import ManualClock

SOURCE = "bgo_device"
_TRI = {True: Tri.YES, False: Tri.NO, None: Tri.UNKNOWN}


class ScriptedDevice:
    """A device without sensors. Until it is told otherwise everything is unknown, and what needs power is held."""

    def __init__(self, clock: ManualClock, *, charging: bool | None = None) -> None:
        self.clock = clock
        self._changes: list[DeviceChange] = []
        if charging is not None:
            self.set(charging=charging)

    def __repr__(self) -> str:
        return f"<device charging={self.state.charging.value}>"

    @property
    def state(self) -> DeviceState:
        """Return what it says now."""
        now, found = self.clock.now_ms(), DeviceState(charging=Reading(Tri.UNKNOWN, SOURCE))
        for change in self._changes:
            if change.at_ms <= now:
                found = change.state
        return found

    @property
    def next_change(self) -> int | None:
        """Return when the script changes next, in UTC milliseconds."""
        now = self.clock.now_ms()
        return next((change.at_ms for change in self._changes if change.at_ms > now), None)

    def set(self, *, charging: bool | None) -> None:
        """Say from now on whether it charges; None: it cannot tell. A script that was playing ends."""
        if charging not in _TRI:
            raise UsageError(f"charging={charging!r} is no reading", hint="True, False, or None for unknown")
        state = DeviceState(charging=Reading(_TRI[charging], SOURCE))
        self._changes = [DeviceChange(self.clock.now_ms(), state)]

    def play(self, script: str) -> None:
        """Follow a script from now on, as `bgo simulate --device` reads it: lines such as `at +2h charging=yes`.

        Until its first line the device says what it says now.
        """
        now = self.clock.now_ms()
        self._changes = [DeviceChange(now, self.state), *parse_trace(script, SOURCE, now)]
