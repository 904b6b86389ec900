"""Queues as a person makes and sets them; what the config names of a queue wins again at the next command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from bgo.engine import resolve
from bgo.errors import RefusedError, UsageError
from bgo.model.options import check_name, is_whole, shown
from bgo.run.wake import ring

if TYPE_CHECKING:
    from bgo.flow.opened import Opened

WEIGHT_LIMIT, RESERVE_LIMIT, SLOTS_LIMIT = 1_000_000, 1_000, 1_000_000


class Share(NamedTuple):
    """What is to be said of a queue; None leaves a thing as it is."""

    weight: float | None
    reserve: int | None
    slots: int | Literal["none"] | None


def add_queue(flow: Opened, name: str, share: Share) -> None:
    """Make a queue. Raises RefusedError when there is one of that name."""
    check_name(name, "queue")
    _check(name, share)
    with flow.store.write() as session:
        if name in session.queues.names():
            raise RefusedError(
                f"there is a queue {name} already", why="add makes new ones", hint=f"bgo queues set {name} --weight 5"
            )
        session.queues.ensure(name, *_stored(share))


def set_queue(flow: Opened, name: str, share: Share) -> None:
    """Change a queue for all workers. Raises NotFoundError with the nearest name."""
    if share == (None, None, None):
        raise UsageError(
            "queues set: nothing to set",
            why="no weight, reserve or slots were given",
            hint=f"bgo queues set {name} --weight 5, --reserve 1, --slots 2 or --slots none",
        )
    _check(name, share)
    with flow.store.write() as session:
        session.queues.ensure(resolve.known_queue(session, name), *_stored(share))
    ring(flow.settings.run_dir)  # there may be more room now


def _stored(share: Share) -> tuple[float | None, int | None, int | None]:
    return share.weight, share.reserve, 0 if share.slots == "none" else share.slots


def _check(name: str, share: Share) -> None:
    weight, reserve, slots = share
    if weight is not None and not _is_weight(weight):
        raise UsageError(
            f"queue {name}: weight {shown(weight)} is out of range",
            why=f"it is a number above 0 and up to {WEIGHT_LIMIT:,}; to stop a queue, pause it",
            hint="--weight 5, or --weight 0.1",
        )
    if reserve is not None and not is_whole(reserve, 0, RESERVE_LIMIT):
        raise UsageError(
            f"queue {name}: reserve {shown(reserve)} is out of range",
            why=f"it is a whole number from 0 to {RESERVE_LIMIT:,}",
            hint="--reserve 1",
        )
    if slots is not None and slots != "none" and not is_whole(slots, 1, SLOTS_LIMIT):
        raise UsageError(
            f"queue {name}: {shown(slots)} slots are out of range",
            why=f"it is a whole number from 1 to {SLOTS_LIMIT:,}, or none; to stop a queue, pause it",
            hint="--slots 2, or --slots none for no limit of its own",
        )


def _is_weight(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= WEIGHT_LIMIT
