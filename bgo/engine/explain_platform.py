"""Explaining what a profile makes of a task: what it changes, what its platform holds, what it asks of the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bgo.clock import to_local
from bgo.model.change import Change
from bgo.model.device import View
from bgo.model.options import NetworkConstraint, TaskConstraints
from bgo.model.plan import Gate, Hold
from bgo.model.platform import RunBegan
from bgo.model.profile import HOST, Profile
from bgo.model.state import FINAL
from bgo.model.task import Task
from bgo.model.views import GateLine
from bgo.policy import device
from bgo.policy.gates import device_holds
from bgo.store.port import Session

if TYPE_CHECKING:
    from bgo.engine.explain import Ground

ASKERS = frozenset({Gate.QUEUE, Gate.HANDLER, Gate.WINDOW, Gate.BATCHING})
"""Gates of the asker's side that have lines of their own."""


def changes(session: Session, task: Task, profile: Profile) -> tuple[Change, ...]:
    """Return what the profile has in another way than the task asks for, while that matters."""
    if profile is HOST or task.state in FINAL or task.kind != "task":
        return ()
    from bgo.policy import fit  # a computer takes work as it is

    return fit.fitted(task.wish, session.lanes.key(task.lane).view.traits, profile).changes


def lines(
    wish: TaskConstraints, held: Sequence[Hold], ground: Ground, until: Callable[[Hold], Hold]
) -> Iterator[GateLine]:
    """Yield the lines of the platform's gates, of each constraint, and of the wait for company.

    `held` are all holds of the asker's side, in order; `until` tells of one when the task does not ask for that more.
    """
    view, now = ground.view, ground.now
    asked = {hold.gate: hold for hold in device_holds(_enforceable(wish, view.profile), view, now)}
    own = [hold for hold in held if hold.gate not in ASKERS and hold != asked.get(hold.gate)]
    yield from _of_platform(view, own, now)
    yield from _of_device(wish, {gate: until(hold) for gate, hold in asked.items()}, view, now)
    yield from (GateLine.of(hold.gate, hold, "", "") for hold in held if hold.gate is Gate.BATCHING)


def _of_platform(view: View, held: Sequence[Hold], now: int) -> Iterator[GateLine]:
    """Yield what the platform holds it by, and how those of its gates stand that do not."""
    yield from (GateLine.of(hold.gate, hold, "", "") for hold in held)
    if view.profile.remembers:
        from bgo.policy.standing import standing  # a computer has none of them

        closed = {hold.gate for hold in held}
        for gate, current, needed in standing(view.profile, view.platform, now):
            if gate not in closed:
                yield GateLine(gate, True, current, needed)


def _of_device(wish: TaskConstraints, held: Mapping[Gate, Hold], view: View, now: int) -> Iterator[GateLine]:
    """Yield a line for each constraint; one that the platform does not know is for the handler to look at."""
    known = {one.gate: one for one in device.asked(_enforceable(wish, view.profile), view, now)}
    for one in device.asked(wish, view, now):
        if (judged := known.get(one.gate)) is not None:
            yield GateLine.of(one.gate, held.get(one.gate), judged.current, judged.needed)
        else:
            told = f"{view.profile.name} knows no such condition: the handler must look; {one.current}"
            yield GateLine.of(one.gate, None, told, one.needed)


def going_on(session: Session, task: Task, ground: Ground) -> Iterator[GateLine]:
    """Yield how long a running task may go on by its platform, where that stops it or will if nothing happens."""
    view, lease = ground.view, session.leases.find(task.seq)
    if lease is None or not view.profile.remembers or lease.profile != view.profile.name:
        return
    from bgo.policy import platform  # a computer stops nothing by itself

    key = session.lanes.key(task.lane).view
    wants_network = key.constraints.network is not NetworkConstraint.NONE
    began = RunBegan(lease.claimed_at, f"{task.id}.{task.run}", key.traits, wants_network)
    stop = platform.stop(view.profile, view.platform, view.device, began, ground.now)
    if stop is not None and stop.at <= ground.now:
        yield GateLine.of(stop.hold.gate, stop.hold, "", "")
    elif stop is not None:
        when = f"{to_local(stop.at):%Y-%m-%d %H:%M:%S}"
        yield GateLine(stop.hold.gate, True, f"it may go on until {when}: {stop.hold.current}", stop.hold.needed)


def _enforceable(wish: TaskConstraints, profile: Profile) -> TaskConstraints:
    if not profile.work.unenforceable:
        return wish
    from bgo.policy import fit  # a computer knows them all

    return fit.enforceable(wish, profile)
