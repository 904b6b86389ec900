"""The plants of the tests with real workers: deaths at named points, and the bugs that must be caught."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from bgo.model.state import State
from tests.run.planting import Doubt, a_plant

# --- deaths at named points ------------------------------------------------------------------------------------------


def _die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _dies(owner: Any, name: str, *, before: bool = True, when: Any = lambda *_: True) -> None:
    """Let this process be killed when `owner.name` is called (or has returned) and `when` agrees."""
    original = getattr(owner, name)

    def fatal(*args: Any, **kwargs: Any) -> Any:
        if before and when(*args):
            _die()
        found = original(*args, **kwargs)
        if not before and when(*args):
            _die()
        return found

    setattr(owner, name, fatal)


@a_plant
def dies_when_claimed() -> None:
    from bgo.run.runs import Runs

    _dies(Runs, "start")


@a_plant
def dies_when_sent() -> None:
    from bgo.run.runs import Runs

    _dies(Runs, "start", before=False)


@a_plant
def dies_when_heard() -> None:
    from bgo.run.runs import Runs

    _dies(Runs, "_end")


@a_plant
def dies_when_in_commit() -> None:
    from bgo.engine import settle

    _dies(settle, "settle", before=False)


@a_plant
def dies_when_committed() -> None:
    from bgo.run.desk import Desk

    _dies(Desk, "commit", before=False, when=lambda desk, *_: True)


# --- commits that fail after they were kept --------------------------------------------------------------------------


def _doubts(is_due: Callable[[Any], bool]) -> None:
    from bgo.run.desk import Desk

    make = Desk.__init__

    def doubtful(desk: Desk, *args: Any) -> None:
        make(desk, *args)
        Doubt(desk._store, is_due)

    Desk.__init__ = doubtful  # type: ignore[method-assign]


@a_plant
def doubts_a_claim() -> None:
    _doubts(lambda session: bool(session.leases.list_all()))


@a_plant
def doubts_an_ending() -> None:
    _doubts(lambda session: State.SUCCEEDED in session.tasks.counts())


# --- the device ------------------------------------------------------------------------------------------------------


@a_plant
def quick_loss() -> None:
    """Stop work a moment after it has lost a constraint, and ask the sensors at every look."""
    from bgo import compose
    from bgo.policy import loss

    compose.SENSE_MS, loss.SETTLE_MS = 0, 100


@a_plant
def hours_by_file() -> None:
    """Every window is open until the file is there that HOURS_OVER names."""
    import os

    from bgo.engine import closing
    from bgo.policy import window

    def is_open(*_: object) -> bool:
        return not os.path.exists(os.environ["HOURS_OVER"])

    window.is_open = is_open
    window.opens_at = lambda asked, zone, at: at if is_open() else at + 3_600_000
    closing._closing = closing._judged  # type: ignore[assignment]  # nothing stays as it was for a minute


@a_plant
def dies_when_withdrawn() -> None:
    from bgo.run.runs import Runs

    quick_loss()
    _dies(Runs, "withdraw_for", before=False)
