"""Options that later versions bring: typed today, they are refused by name instead of called unknown."""

from __future__ import annotations

from bgo.errors import UsageError

ENQUEUE = "network battery-not-low device-idle storage-not-low on-constraint-loss relax window-strict encrypt expedited"
LATER: dict[str, str] = {
    "enqueue": ENQUEUE,
    "run": "battery network idle device trace assume",
    "status": "reveal",
    "chain": ENQUEUE,
    "batch": ENQUEUE,
}
"""Command → its options to come, without the dashes."""

INSTEAD = {"window-strict": "--window says when it may start, --timeout how long it may run"}


def refusal(command: str, option: str) -> UsageError | None:
    """Return the error for an option that this command will have one day, or None when it never will."""
    name = option.partition("=")[0].lstrip("-")
    if name not in LATER.get(command, "").split():
        return None
    return UsageError(
        f"--{name} is not available in this version",
        why="nothing would act upon it yet, and an option that does nothing would be a lie",
        hint=INSTEAD.get(name, f"leave it out; bgo {command} --help lists what works"),
    )
