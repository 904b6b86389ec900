"""Gates: what the asker's side and a concurrency key hold, with the reason and the remedy."""

from __future__ import annotations

from datetime import UTC

import pytest

from bgo.devices.profiles import profile
from bgo.engine import platform
from bgo.model.device import DeviceState, Reading, Span, Tri, View
from bgo.model.lane import PLAIN, Traits
from bgo.model.options import NO_CONSTRAINTS, NetworkConstraint, TaskConstraints
from bgo.model.plan import Gate, ViewKey
from bgo.model.platform import PlatformState
from bgo.model.profile import Profile
from bgo.policy.gates import Judge, Offer, concurrency_hold, device_holds, view_hold, view_holds
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_view
from tests.hours import hours

CHARGING = TaskConstraints(requires_charging=True)
ANYTHING = Offer()


def a_key(constraints: TaskConstraints = NO_CONSTRAINTS, queue: str = "default", handler: str = "work") -> ViewKey:
    return ViewKey(queue, handler, constraints)


def gates(key: ViewKey, view: View, offer: Offer = ANYTHING) -> list[Gate]:
    return [hold.gate for hold in view_holds(key, view, offer, START)]


@pytest.mark.parametrize("offer", [Offer(), Offer(frozenset({"work"})), Offer(None, frozenset({"default"}))])
@pytest.mark.parametrize("name", ["host", "android", "ios"])
def test_a_judge_of_many_says_of_each_what_is_told_first(name: str, offer: Offer) -> None:
    wishes = [NO_CONSTRAINTS, CHARGING, TaskConstraints(device_idle=True), TaskConstraints(requires_charging=True)]
    kinds = [(window, traits) for window in (None, hours("00:00-12:00")) for traits in (PLAIN, Traits("run"))]
    keys = [
        ViewKey(queue, handler, wish, window, None if window is None else UTC, traits)
        for wish in wishes
        for window, traits in kinds
        for queue in ("default", "low")
        for handler in ("work", "play")
    ]
    with SqliteStore(None).read() as session:
        view = platform.view(session, profile(name), a_view(False).device, START)
    judge = Judge(view, offer, START)
    for key in keys:
        first = next(view_holds(key, view, offer, START), None)
        assert judge.hold(key) == first == view_hold(key, view, offer, START)


UNUSED = DeviceState(unused=Span(1_000, "test", START))


@pytest.mark.parametrize(
    ("key", "view", "after"),
    [
        (a_key(CHARGING), a_view(True), a_view(False)),
        (a_key(CHARGING), a_view(False), a_view(True)),
        (a_key(CHARGING), a_view(None), View(Profile("lenient", unknown_passes=frozenset({"charging"})))),
        (ViewKey("default", "work", NO_CONSTRAINTS, hours("00:00-15:06"), UTC), a_view(), a_view()),
        (ViewKey("default", "work", NO_CONSTRAINTS, hours("15:07-16:00"), UTC), a_view(), a_view()),
        (a_key(TaskConstraints(unused_for=10)), View(device=UNUSED), View(device=UNUSED)),
        (a_key(TaskConstraints(battery_not_low=True)), a_view(), View(platform=PlatformState(battery_low=True))),
    ],
)
def test_a_judge_of_later_says_what_is_so_then(key: ViewKey, view: View, after: View) -> None:
    judge = Judge(view, ANYTHING, START)
    judge.hold(key)
    for seconds in range(60):  # START is 15:06:40 in UTC: windows open and close within this minute
        now = START + seconds * 1_000
        for seen in (view, after):
            judge = judge.at(seen, ANYTHING, now)
            assert judge.hold(key) == next(view_holds(key, seen, ANYTHING, now), None)


def test_a_judge_serves_as_long_as_nothing_changes() -> None:
    judge = Judge(a_view(True), ANYTHING, START)
    judge.hold(a_key(CHARGING))
    assert judge.at(a_view(True), ANYTHING, START + 9) is judge
    assert judge.at(a_view(False), ANYTHING, START + 9) is not judge
    assert judge.at(a_view(True), Offer(frozenset()), START + 9) is not judge
    assert judge.at(a_view(True), ANYTHING, START - 1) is not judge


def test_a_judge_that_served_before_judges_by_the_present_hour() -> None:
    """START is 15:06:40 in UTC. The first that asks for hours asks a minute later."""
    judge = Judge(a_view(), ANYTHING, START)
    judge.hold(a_key(CHARGING))
    later = judge.at(a_view(), ANYTHING, START + 60_000)
    assert later.hold(ViewKey("default", "work", NO_CONSTRAINTS, hours("15:06-15:07"), UTC)) is not None
    assert later.hold(ViewKey("default", "work", NO_CONSTRAINTS, hours("15:07-15:08"), UTC)) is None


@pytest.mark.parametrize("charging", [True, False, None])
def test_work_that_asks_for_nothing_is_never_held(charging: bool | None) -> None:
    assert gates(a_key(), a_view(charging)) == []
    assert view_hold(a_key(), a_view(charging), ANYTHING, START) is None


@pytest.mark.parametrize(("charging", "expected"), [(True, []), (False, [Gate.CHARGING]), (None, [Gate.CHARGING])])
def test_charging(charging: bool | None, expected: list[Gate]) -> None:
    """An unknown reading holds: nobody would thank us for a flat battery."""
    assert gates(a_key(CHARGING), a_view(charging)) == expected


def test_a_profile_may_let_an_unknown_reading_pass() -> None:
    lenient = Profile("lenient", unknown_passes=frozenset({"charging"}))
    unknown = a_view()
    assert gates(a_key(CHARGING), View(lenient, unknown.device)) == []
    assert gates(a_key(CHARGING), View(lenient, a_view(False).device)) == [Gate.CHARGING]


def test_a_hold_names_its_source_and_its_remedy() -> None:
    (hold,) = device_holds(CHARGING, a_view(False))
    assert (hold.current, hold.needed) == ("no (test)", "yes")
    assert "plug in" in hold.lift
    assert Reading().value is Tri.UNKNOWN


@pytest.mark.parametrize(
    ("offer", "expected"),
    [
        (Offer(), []),
        (Offer(handlers=frozenset({"work", "other"})), []),
        (Offer(handlers=frozenset({"other"})), [Gate.HANDLER]),
        (Offer(handlers=frozenset()), [Gate.HANDLER]),
        (Offer(queues=frozenset({"default"})), []),
        (Offer(queues=frozenset({"high"})), [Gate.QUEUE]),
        (Offer(handlers=frozenset(), queues=frozenset()), [Gate.QUEUE, Gate.HANDLER]),
    ],
)
def test_the_offer(offer: Offer, expected: list[Gate]) -> None:
    assert gates(a_key(), a_view(), offer) == expected
    for hold in view_holds(a_key(), a_view(), offer, START):
        assert hold.current
        assert hold.needed
        assert hold.lift


def test_every_hold_is_told_in_order_and_the_first_one_counts() -> None:
    wish = TaskConstraints(NetworkConstraint.CONNECTED, requires_charging=True)
    offer = Offer(handlers=frozenset(), queues=frozenset({"high"}))
    assert gates(a_key(wish), a_view(False), offer) == [Gate.QUEUE, Gate.HANDLER, Gate.NETWORK, Gate.CHARGING]
    first = view_hold(a_key(wish), a_view(False), offer, START)
    assert first is not None
    assert first.gate is Gate.QUEUE


@pytest.mark.parametrize(("limit", "running", "held"), [(1, 0, False), (1, 1, True), (3, 2, False), (3, 5, True)])
def test_a_full_key_holds(limit: int, running: int, held: bool) -> None:
    hold = concurrency_hold("net", limit, running)
    assert (hold is not None) is held
    if hold is not None:
        assert (hold.gate, hold.current) == (Gate.CONCURRENCY, f"{running} running")
        assert "net" in hold.needed
        assert hold.lift


def test_the_window_comes_before_the_device_and_after_the_handler() -> None:
    key = ViewKey("default", "work", CHARGING, hours("15:07-15:08"), UTC)
    assert gates(key, a_view(False), Offer(handlers=frozenset())) == [Gate.HANDLER, Gate.WINDOW, Gate.CHARGING]
    hold = view_hold(key, a_view(True), ANYTHING, START)
    assert hold is not None
    assert (hold.gate, hold.until_ms) == (Gate.WINDOW, START + 20_000)
    assert view_hold(key, a_view(True), ANYTHING, START + 20_000) is None


def test_a_window_of_an_unknown_zone_holds_for_good() -> None:
    hold = view_hold(ViewKey("default", "work", NO_CONSTRAINTS, hours("00:00-24:00")), a_view(), ANYTHING, START)
    assert hold is not None
    assert (hold.gate, hold.until_ms) == (Gate.WINDOW, None)
