"""The ground an explanation stands on: a plain `bgo run` of this user, here and now."""

from __future__ import annotations

from collections.abc import Callable

from bgo.clock import Clock, moment
from bgo.config import Settings
from bgo.engine.cycle import Asker
from bgo.engine.explain import Ground
from bgo.model.device import DeviceState, View
from bgo.model.handler import Catalogue
from bgo.model.profile import Profile
from bgo.policy.gates import Offer
from bgo.run.liveness import living


def ground(
    settings: Settings,
    catalogue: Callable[[], Catalogue],
    clock: Clock,
    sense: Callable[[], DeviceState],
    profile: Profile,
) -> Ground:
    """Return who would ask if `bgo run` was started now, under which view, and how many workers live.

    Never within a transaction: sensors are read, and a catalogue may have to be built, which takes seconds.
    """
    from bgo.run.process import boot_id, host_id

    offer = Offer(frozenset(catalogue()))
    asker = Asker("", host_id(), boot_id(), offer, settings.slots)
    view = View(profile, sense())
    return Ground(asker, view, len(living(settings.run_dir)), moment(clock, boot_id()))
