"""Requests for time as BGTaskScheduler takes them, and the few that stand for all the work of an app.

Apple: https://developer.apple.com/documentation/backgroundtasks/bgtaskscheduler/submit(_:). iOS keeps one refresh
request and ten of processing; bgo's many tasks share at most one and four of them, so that the limits are never met.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import TYPE_CHECKING, Literal, NamedTuple

from bgo.model.options import NetworkConstraint
from bgo.model.profile import Profile
from bgo.policy.ios.facts import app_rules, has_mode
from bgo.policy.ios.telling import wants_rest

if TYPE_CHECKING:
    from bgo.model.lane import ViewKey

Kind = Literal["refresh", "processing", "continued"]
MODES: dict[Kind, str] = {"refresh": "fetch", "processing": "processing"}
"""The background mode that each needs; continued work needs none."""


class Fault(IntEnum):
    """Why a request is not taken: BGTaskScheduler.Error.Code."""

    UNAVAILABLE = 1
    """Background App Refresh is off, or it is the Simulator."""
    TOO_MANY_PENDING = 2
    NOT_PERMITTED = 3
    """The background mode, or the identifier, is missing in Info.plist."""
    IMMEDIATE_RUN_INELIGIBLE = 4
    """Continued work that would rather fail than wait cannot start now."""


class Request(NamedTuple):
    """A request for time; it comes no earlier than `earliest_ms`, and perhaps never."""

    identifier: str
    kind: Kind
    earliest_ms: int | None = None
    """UTC; None: as soon as iOS likes."""
    power: bool = False
    network: bool = False
    fails_if_busy: bool = False
    """Of continued work: `fail` as its strategy, in place of `queue`."""


class Scene(NamedTuple):
    """Where a request is submitted."""

    refresh_on: bool = True
    simulator: bool = False
    busy: bool = False
    """iOS runs as much continued work as it likes."""


def submit(
    pending: tuple[Request, ...], request: Request, profile: Profile, scene: Scene = Scene()
) -> tuple[Request, ...] | Fault:
    """Return the requests that wait once this one is submitted, or why it is not taken.

    One with the same identifier is replaced, with its date and its kind.
    """
    if not scene.refresh_on or scene.simulator:
        return Fault.UNAVAILABLE
    if not is_permitted(request, profile):
        return Fault.NOT_PERMITTED
    others = tuple(one for one in pending if one.identifier != request.identifier)
    limit = limit_of(request.kind, profile)
    if limit is not None and sum(one.kind == request.kind for one in others) >= limit:
        return Fault.TOO_MANY_PENDING
    if request.kind == "continued" and request.fails_if_busy and scene.busy:
        return Fault.IMMEDIATE_RUN_INELIGIBLE
    return (*others, request)


def is_permitted(request: Request, profile: Profile) -> bool:
    """Say whether the app has declared the mode and the identifier, as far as the profile says what it has declared."""
    mode = MODES.get(request.kind)
    if mode is not None and not has_mode(profile, mode):
        return False
    known = app_rules(profile).permitted_ids
    return not known or any(_covers(one, request) for one in known)


def _covers(permitted: str, request: Request) -> bool:
    """Say whether a permitted identifier covers a request: continued work may go by one that ends in `*`."""
    wild = request.kind == "continued" and permitted.endswith("*")
    return request.identifier.startswith(permitted[:-1]) if wild else permitted == request.identifier


def limit_of(kind: Kind, profile: Profile) -> int | None:
    """Return how many requests of a kind may wait at once; None: nobody says."""
    rules = {"refresh": profile.refresh, "processing": profile.processing}.get(kind)
    return None if rules is None else rules.pending


def standing_for(work: Iterable[tuple[ViewKey, int]], prefix: str) -> tuple[Request, ...]:
    """Return the requests under which an app asks for time for all its work, given as (kind of work, due time).

    Work of the same needs shares one, due with the first of it. What asks for no rest is asked for twice, as a refresh
    and as processing: whatever comes first.
    """
    earliest: dict[tuple[Kind, bool, bool], int] = {}
    for key, due in work:
        for ask in _asks(key):
            earliest[ask] = min(due, earliest.get(ask, due))
    return tuple(
        Request(f"{prefix}.{kind}{'.power' * power}{'.network' * network}", kind, due, power, network)
        for (kind, power, network), due in sorted(earliest.items())
    )


def _asks(key: ViewKey) -> Iterator[tuple[Kind, bool, bool]]:
    if not wants_rest(key):
        yield "refresh", False, False
    yield "processing", key.constraints.requires_charging, key.constraints.network is not NetworkConstraint.NONE
