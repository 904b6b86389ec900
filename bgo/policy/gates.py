"""Gates: may work of this kind start under this view, and if not, what holds it?

`view_hold` is the one function that live worker, explain, simulate and tests share. It judges a view key, never a
task: what opens or closes a lane does not depend on the single task.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING

from bgo.model.device import View
from bgo.model.lane import PLAIN, Traits
from bgo.model.options import NO_CONSTRAINTS, TaskConstraints
from bgo.model.plan import Gate, Hold, ViewKey

if TYPE_CHECKING:
    from bgo.model.window import ZonedWindow


@dataclass(frozen=True, slots=True)
class Offer:
    """What the asking worker brings: the handlers it can run (None: any) and the queues it serves (None: all)."""

    handlers: frozenset[str] | None = None
    queues: frozenset[str] | None = None


def view_holds(key: ViewKey, view: View, offer: Offer, now_ms: int) -> Iterator[Hold]:
    """Yield every hold that the asker's side puts on work of this kind now, in the order they are told."""
    yield from _offer_holds(key, offer)
    yield from _wish_holds(key, view, now_ms)


def _offer_holds(key: ViewKey, offer: Offer) -> Iterator[Hold]:
    """Yield what the asker itself cannot do."""
    if offer.queues is not None and key.queue not in offer.queues:
        served = ", ".join(sorted(offer.queues))
        yield Hold(Gate.QUEUE, f"this worker serves {served}", key.queue, lift=f"bgo run --queue {key.queue}")
    if offer.handlers is not None and key.handler not in offer.handlers:
        yield Hold(
            Gate.HANDLER,
            f"no plugin brings {key.handler}",
            f"a handler named {key.handler}",
            lift="bgo handlers list; then install the plugin or pass --plugin FILE",
        )


def _wish_holds(key: ViewKey, view: View, now_ms: int) -> Iterator[Hold]:
    """Yield what stands against the wish of such work, whatever it is and wherever it waits."""
    if key.window is not None and (hold := window_hold(key.window, key.zone, now_ms)) is not None:
        yield hold
    if is_plain(key, view):
        yield from device_holds(key.constraints, view, now_ms)
    else:
        yield from _of_platform(key, view, now_ms)


def is_plain(key: ViewKey, view: View) -> bool:
    """Say whether no platform has a say in such work: a computer takes it as it is."""
    return view.profile.os == "host" and key.traits is PLAIN


def _of_platform(key: ViewKey, view: View, now_ms: int) -> Iterator[Hold]:
    """Yield the holds of the profile: what it refuses, what it puts off, the constraints, and the wait for company."""
    from bgo.policy import fit, platform

    if (refused := fit.hold(key, view.profile)) is not None:
        yield refused
    company = None
    for hold in platform.holds(view.profile, view.platform, view.device, key, now_ms):
        if hold.gate is Gate.BATCHING:
            company = hold
        else:
            yield hold
    yield from device_holds(key.constraints, view, now_ms)
    if company is not None:
        yield company


def view_hold(key: ViewKey, view: View, offer: Offer, now_ms: int) -> Hold | None:
    """Return the first hold of `view_holds`, or None when work of this kind may start."""
    return Judge(view, offer, now_ms).hold(key)


MOST_TOLD = 4096
"""So many answers a judge keeps."""


class Judge:
    """`view_hold` for many kinds of work: those that wish for the same are judged once, for as long as nothing that an
    answer hangs on is another."""

    __slots__ = ("_is_fleeting", "_known", "_now", "_offer", "_told", "_until", "_view")

    def __init__(self, view: View, offer: Offer, now_ms: int) -> None:
        self._view, self._offer, self._now = view, offer, now_ms
        self._known: dict[tuple[TaskConstraints, ZonedWindow | None, Traits], Hold | None] = {}
        self._told: dict[int, tuple[ViewKey, Hold | None]] = {}
        """By the identity of the key, which is kept here, so that no other can have it."""
        self._until: int | None = None
        """Before this instant no answer is another."""
        self._is_fleeting = view.profile.remembers
        """Answers are those of one instant."""

    def at(self, view: View, offer: Offer, now_ms: int) -> Judge:
        """Return the judge of another instant: this one where all it has said is still so."""
        is_same = (
            not self._is_fleeting
            and offer is self._offer
            and view.profile is self._view.profile
            and (view.device is self._view.device or view.device == self._view.device)
            and view.platform == self._view.platform
            and self._now <= now_ms
            and (self._until is None or now_ms < self._until)
        )
        if not is_same:
            return Judge(view, offer, now_ms)
        self._now = now_ms  # what it has not been asked yet is judged now
        return self

    def hold(self, key: ViewKey) -> Hold | None:
        """Return the first hold on work of this kind, or None when it may start."""
        told = self._told.get(id(key))
        if told is None:
            if len(self._told) >= MOST_TOLD:
                self._told.clear()  # keys of very many kinds of work are read anew each time
            told = self._told[id(key)] = (key, self._judged(key))
        return told[1]

    def _judged(self, key: ViewKey) -> Hold | None:
        offer, view = self._offer, self._view
        is_offered = offer.queues is None and (offer.handlers is None or key.handler in offer.handlers)
        if not is_offered and (own := next(_offer_holds(key, offer), None)) is not None:
            return own
        if key.constraints is NO_CONSTRAINTS and key.window is None and is_plain(key, view):
            return None  # most work, judged by every look and tick
        if key.window is not None or key.constraints.unused_for is not None:
            self._is_fleeting = True
        wish = (key.constraints, key.window, key.traits)
        if wish not in self._known:
            hold = self._known[wish] = next(_wish_holds(key, view, self._now), None)
            if hold is not None and hold.until_ms is not None:
                self._until = hold.until_ms if self._until is None else min(self._until, hold.until_ms)
        return self._known[wish]


def window_hold(asked: ZonedWindow, zone: tzinfo | None, now_ms: int) -> Hold | None:
    """Return the hold of a window that is closed, with the instant at which it opens; None while it is open.

    `zone` is None where this computer does not know the window's zone: then nobody can tell, and nothing starts.
    """
    if zone is None:
        return Hold(
            Gate.WINDOW,
            f"this computer has no time zone {asked.zone}",
            f"the hours of {asked.told}",
            lift="pip install --upgrade tzdata",
        )
    from bgo.policy.window import opens_at  # most work may start at any hour

    opening = opens_at(asked.window, zone, now_ms)
    if opening == now_ms:
        return None
    return Hold(
        Gate.WINDOW,
        f"outside {asked.told}",
        f"a time in {asked.window.told}",
        holder="the time of day",
        until_ms=opening,
        lift="wait until it opens: bgo run --watch",
    )


def device_holds(wish: TaskConstraints, view: View, now_ms: int | None = None) -> Iterator[Hold]:
    """Yield a hold for each device constraint that the view does not meet; with the instant, one that will lift by
    itself says when."""
    if wish is NO_CONSTRAINTS:
        return
    from bgo.policy.device import asked  # most work asks nothing of the device

    if view.profile.work.unenforceable:
        from bgo.policy import fit

        wish = fit.enforceable(wish, view.profile)
    for line in asked(wish, view, now_ms):
        if not line.is_open:
            yield Hold(line.gate, line.current, line.needed, line.holder, line.until_ms, line.lift)


def queue_hold(queue: str, slots: int) -> Hold:
    """Return the hold of a queue that has as many tasks running as it may, over all workers."""
    return Hold(
        Gate.QUEUE_SLOTS,
        f"{slots} of {slots} slots of {queue} in use",
        f"fewer than {slots} running in {queue}",
        holder=f"running tasks of queue {queue}",
        lift=f"bgo queues set {queue} --slots {slots + 1}",
    )


def concurrency_hold(key: str, limit: int, running: int) -> Hold | None:
    """Return the hold of a full concurrency key, judged by the asking task's own limit against all live leases."""
    if running < limit:
        return None
    return Hold(
        Gate.CONCURRENCY,
        f"{running} running",
        f"fewer than {limit} under {key}",
        holder=f"concurrency key {key}",
        lift="wait for one to end: bgo tasks --state running",
    )
