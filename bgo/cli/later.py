"""Options that a command does not take, and why: those that later versions bring, and those that mean nothing there."""

from __future__ import annotations

from typing import NamedTuple

from bgo.errors import UsageError

ENQUEUE = "encrypt"
LATER: dict[str, str] = {
    "enqueue": ENQUEUE,
    "status": "reveal",
    "chain": ENQUEUE,
    "batch": ENQUEUE,
    "schedule": ENQUEUE,
    "reschedule": ENQUEUE,
}
"""Command → its options to come, without the dashes."""


class Never(NamedTuple):
    """Why a command has no such option, and what does what was meant."""

    why: str
    hint: str


OF_SCHEDULES = {
    "delay": Never("its occurrences say when it runs", "--jitter spreads them, --start says from when on"),
    "wait": Never("it goes on for ever", "bgo schedules show ID; bgo tasks --schedule ID"),
    "run": Never("it fires in a worker, whenever it is time", "bgo run; now and once: bgo enqueue NAME --run"),
}
TRACE = {"trace": Never("a script is a device, too", "--device FILE, or a day such as --device commuter")}
NEVER = {
    "schedule": OF_SCHEDULES, "reschedule": OF_SCHEDULES, "run": TRACE, "explain": TRACE, "simulate": TRACE,
}  # fmt: skip
"""Command → the options that mean nothing to it, though others have them."""


def refusal(command: str, option: str) -> UsageError | None:
    """Return the error for an option that this command lacks for a reason, or None where nothing is known of it."""
    name = option.partition("=")[0].lstrip("-")
    if (never := NEVER.get(command, {}).get(name)) is not None:
        has_not = "a schedule" if never in OF_SCHEDULES.values() else f"bgo {command}"
        return UsageError(f"{has_not} has no --{name}", why=never.why, hint=never.hint)
    if name not in LATER.get(command, "").split():
        return None
    return UsageError(
        f"--{name} is not available in this version",
        why="nothing would act upon it yet, and an option that does nothing would be a lie",
        hint=f"leave it out; bgo {command} --help lists what works",
    )
