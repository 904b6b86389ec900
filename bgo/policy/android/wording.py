"""Words that Android's holds share."""

from __future__ import annotations

_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"), (1, "ms"))

OPEN_APP = "open the app, or bgo run --signal app=foreground"
PLUG_IN = "plug in, or bgo run --charging yes"
WAKE = "wake the phone or plug it in, or bgo run --screen on"


def told(ms: int) -> str:
    """Return a duration in its two largest units: `10 min`, `9 min 30 s`; days from the third on."""
    found: list[str] = []
    for size, unit in _UNITS:
        if unit == "d" and ms < 2 * size:
            continue
        count, ms = divmod(ms, size)
        if count:
            found.append(f"{count} {unit}")
        elif found:
            break
        if len(found) == 2:
            break
    return " ".join(found) or "0 s"
