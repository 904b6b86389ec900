"""The device of a play: what it says at each instant, cut to the play."""

from __future__ import annotations

from bgo.model.device import DeviceChange, DeviceState
from bgo.run.timeline import Segment


class Script:
    """What the device says at each instant of the play."""

    def __init__(self, device: tuple[DeviceChange, ...] | DeviceState, start: int, until: int) -> None:
        if isinstance(device, DeviceState):
            device = (DeviceChange(start, device),)
        self.before = tuple(change for change in device if change.at_ms <= start)
        """What it said before the play, and at its first instant."""
        later = [change for change in device if start < change.at_ms < until]
        self._changes = [DeviceChange(start, self.before[-1].state if self.before else DeviceState()), *later]
        self._until = until
        self._index = 0

    def at(self, now: int) -> DeviceState:
        """Return the state at `now`; instants must not go back."""
        while (ahead := self.next_at()) is not None and ahead <= now:
            self._index += 1
        return self._changes[self._index].state

    def next_at(self) -> int | None:
        """Return when it changes next."""
        return self._changes[self._index + 1].at_ms if self._index + 1 < len(self._changes) else None

    def segments(self) -> tuple[Segment, ...]:
        """Return the whole script, cut to the play."""
        ends = [change.at_ms for change in self._changes[1:]] + [self._until]
        return tuple(Segment(c.at_ms, end, c.state) for c, end in zip(self._changes, ends, strict=True))
