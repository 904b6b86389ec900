"""The ground an explanation stands on: a plain `bgo run` of this user, here and now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bgo import compose
from bgo.clock import Clock
from bgo.config import Settings
from bgo.engine.cycle import Asker
from bgo.engine.explain import Ground
from bgo.model.device import Reading, View
from bgo.model.handler import Catalogue
from bgo.policy.gates import Offer
from bgo.run.liveness import is_alive

if TYPE_CHECKING:
    from bgo.store.port import Session


def ground(
    settings: Settings,
    catalogue: Callable[[], Catalogue],
    session: Session,
    clock: Clock,
    charging: Reading | None = None,
) -> Ground:
    """Return who would ask if `bgo run` was started now, under which view, and how many workers live."""
    from bgo.run.process import boot_id, host_id

    offer = Offer(frozenset(catalogue()))
    asker = Asker("", host_id(), boot_id(), offer, settings.slots)
    view = View(device=compose.sensing(clock, charging)())
    alive = sum(is_alive(settings.run_dir, worker.id) for worker in session.leases.workers())
    return Ground(asker, view, alive, clock.now_ms())
