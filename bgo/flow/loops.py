"""Event loops: a verb that waits would stop the one it is called on, so it says so instead."""

from __future__ import annotations

import sys

from bgo.errors import UsageError


def refuse_on_loop(verb: str, instead: str) -> None:
    """Raise UsageError when an event loop runs in this thread: `instead` is what to write there.

    asyncio is asked only if the program has loaded it; loading it would cost more than most verbs do.
    """
    asyncio = sys.modules.get("asyncio")
    running = getattr(asyncio, "_get_running_loop", None)
    if running is not None and running() is not None:
        raise UsageError(
            f"{verb} would block the event loop",
            why="it waits in this thread, and nothing else on the loop would go on meanwhile",
            hint=instead,
        )
