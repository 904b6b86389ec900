"""Explaining what a profile makes of a task: what it changes, what its platform holds, what it asks of the device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bgo.model.change import Change
from bgo.model.device import View
from bgo.model.options import TaskConstraints
from bgo.model.plan import Gate, Hold
from bgo.model.profile import HOST, Profile
from bgo.model.state import FINAL
from bgo.model.task import Task
from bgo.model.views import GateLine
from bgo.policy import device
from bgo.store.port import Session

GATES = (
    Gate.PROFILE, Gate.APP, Gate.LOCKED, Gate.QUOTA, Gate.DOZE, Gate.LOW_POWER, Gate.OPPORTUNITY, Gate.FOREGROUND,
    Gate.RUN_TIME,
)  # fmt: skip
"""The gates of platforms, in the order in which they are told."""


def changes(session: Session, task: Task, profile: Profile) -> tuple[Change, ...]:
    """Return what the profile has in another way than the task asks for, while that matters."""
    if profile is HOST or task.state in FINAL or task.kind != "task":
        return ()
    from bgo.policy import fit  # a computer takes work as it is

    return fit.fitted(task.wish, session.lanes.key(task.lane).view.traits, profile).changes


def lines(wish: TaskConstraints, held: Mapping[Gate, Hold], view: View, now: int) -> Iterator[GateLine]:
    """Yield the lines of the platform's gates that hold, of each constraint, and of the wait for company."""
    yield from (GateLine.of(gate, held[gate], "", "") for gate in GATES if gate in held)
    yield from _of_device(wish, held, view, now)
    if Gate.BATCHING in held:
        yield GateLine.of(Gate.BATCHING, held[Gate.BATCHING], "", "")


def _of_device(wish: TaskConstraints, held: Mapping[Gate, Hold], view: View, now: int) -> Iterator[GateLine]:
    """Yield a line for each constraint; one that the platform does not know is for the handler to look at."""
    known = {one.gate: one for one in device.asked(_enforceable(wish, view.profile), view, now)}
    for one in device.asked(wish, view, now):
        if (judged := known.get(one.gate)) is not None:
            yield GateLine.of(one.gate, held.get(one.gate), judged.current, judged.needed)
        else:
            told = f"{view.profile.name} knows no such condition: the handler must look; {one.current}"
            yield GateLine.of(one.gate, None, told, one.needed)


def _enforceable(wish: TaskConstraints, profile: Profile) -> TaskConstraints:
    if not profile.work.unenforceable:
        return wish
    from bgo.policy import fit  # a computer knows them all

    return fit.enforceable(wish, profile)
