"""Windows as the library takes them: hours or a name, read in a zone that is fixed then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bgo import zones
from bgo.errors import UsageError
from bgo.model.window import TimeWindow, ZonedWindow

if TYPE_CHECKING:
    from bgo.model.handler import HandlerDefaults


def zoned(given: TimeWindow | str, tz: str | None, named: Mapping[str, TimeWindow]) -> ZonedWindow:
    """Return a window in its zone: that of this computer, by name, when nobody says. `named` are those of the config.

    Raises UsageError for what is no window, and for what is no zone.
    """
    if isinstance(given, str):
        from bgo.model.window_words import window

        given = window(given, named)
    elif not isinstance(given, TimeWindow):
        raise UsageError(
            f"not a window: {given!r:.80}",
            why="a TimeWindow or its text is wanted",
            hint="window='09:00-17:00@mon-fri', or TimeWindow.OFF_PEAK",
        )
    if tz is None:
        return ZonedWindow(given, zones.local_name())
    if not isinstance(tz, str):
        raise UsageError(f"tz is not a zone's name: {tz!r:.80}", why="names are kept", hint="tz='Europe/Berlin'")
    zones.zone(tz)
    return ZonedWindow(given, tz)


def of_handler(defaults: HandlerDefaults, named: Mapping[str, TimeWindow]) -> ZonedWindow | None:
    """Return the window that a handler declares for its tasks."""
    return None if defaults.window is None else zoned(defaults.window, defaults.tz, named)
