"""The vectors of iOS's rules: requests that wait, and a force-quit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.model.lane import Gate, Traits, ViewKey
from bgo.model.options import NetworkConstraint, TaskConstraints
from bgo.model.platform import DeviceSaid
from bgo.policy import ios
from bgo.policy.ios.requests import Fault, Request, Scene, standing_for, submit
from tests.policy.ios.phone import DAY, HOUR, IOS, MINUTE, T0, a_phone, a_run, after, held, spans, with_app

REFRESH = Request("com.example.app.refresh", "refresh", T0)


def processing(number: int) -> Request:
    return Request(f"com.example.app.work{number}", "processing", T0)


def waiting(*requests: Request) -> tuple[Request, ...]:
    found: tuple[Request, ...] = ()
    for request in requests:
        taken = submit(found, request, IOS)
        assert not isinstance(taken, Fault)
        found = taken
    return found


def test_vector_20_a_second_refresh_under_another_id_is_one_too_many() -> None:
    pending = waiting(REFRESH)
    assert submit(pending, Request("com.example.app.other", "refresh"), IOS) is Fault.TOO_MANY_PENDING
    assert Fault.TOO_MANY_PENDING == 2


def test_vector_20_the_same_id_replaces_with_its_date_and_its_kind() -> None:
    later = REFRESH._replace(earliest_ms=T0 + HOUR)
    assert submit(waiting(REFRESH), later, IOS) == (later,)
    other = REFRESH._replace(kind="processing", power=True)
    assert submit(waiting(REFRESH, processing(1)), other, IOS) == (processing(1), other)


def test_vector_20_the_eleventh_processing_request_is_one_too_many() -> None:
    ten = waiting(*(processing(number) for number in range(10)))
    assert submit(ten, processing(10), IOS) is Fault.TOO_MANY_PENDING
    assert submit(ten, processing(3), IOS) == (*ten[:3], *ten[4:], processing(3))
    assert not isinstance(submit(ten, REFRESH, IOS), Fault)


@pytest.mark.parametrize("scene", [Scene(refresh_on=False), Scene(simulator=True)])
def test_vector_20_without_background_refresh_nothing_can_be_asked_for(scene: Scene) -> None:
    assert submit((), REFRESH, IOS, scene) is Fault.UNAVAILABLE
    assert Fault.UNAVAILABLE == 1


def test_vector_20_what_the_plist_does_not_say_is_not_permitted() -> None:
    known = with_app(permitted_ids=("com.example.app.refresh",))
    assert submit((), REFRESH, known) == (REFRESH,)
    assert submit((), processing(1), known) is Fault.NOT_PERMITTED
    assert submit((), processing(1), with_app(background_modes=("fetch",))) is Fault.NOT_PERMITTED
    assert submit((), REFRESH, with_app(background_modes=("processing",))) is Fault.NOT_PERMITTED
    assert Fault.NOT_PERMITTED == 3


def test_continued_work_may_fail_rather_than_wait_and_may_go_by_a_wildcard() -> None:
    known = with_app(permitted_ids=("com.example.app.export.*",))
    export = Request("com.example.app.export.42", "continued", fails_if_busy=True)
    assert submit((), export, known) == (export,)
    assert submit((), export, known, Scene(busy=True)) is Fault.IMMEDIATE_RUN_INELIGIBLE
    assert submit((), export._replace(fails_if_busy=False), known, Scene(busy=True)) != Fault.IMMEDIATE_RUN_INELIGIBLE
    assert submit((), export._replace(kind="processing"), known) is Fault.NOT_PERMITTED
    assert Fault.IMMEDIATE_RUN_INELIGIBLE == 4


kinds = st.builds(
    lambda power, idle, network: ViewKey("default", "work", TaskConstraints(network, False, power, idle)),
    st.booleans(), st.booleans(), st.sampled_from(NetworkConstraint),
)  # fmt: skip


@given(st.lists(st.tuples(kinds, st.integers(T0, T0 + 9 * DAY)), max_size=40))
def test_many_tasks_share_the_requests_so_that_no_limit_is_met(work: list[tuple[ViewKey, int]]) -> None:
    requests = standing_for(work, "com.example.app")
    assert len(waiting(*requests)) == len(requests)
    for key, due in work:
        rest = key.constraints.requires_charging or key.constraints.device_idle
        fitting = [
            one
            for one in requests
            if (one.kind == "processing" or not rest)
            and (one.power or not key.constraints.requires_charging)
            and one.earliest_ms is not None
            and one.earliest_ms <= due
        ]
        assert fitting, "each task has a request that comes no later than it is due"
    assert {one.earliest_ms for one in requests} <= {due for _, due in work}


def test_vector_21_after_a_force_quit_nothing_runs_until_the_app_is_opened() -> None:
    night = "charging=yes idle=yes network=unmetered"
    for seed in range(1, 30):
        quit_ = after([(-DAY, night + " app=background"), (0, "app=force-quit")], seed=seed)
        assert spans(quit_, 3 * HOUR) == []
        assert ios.next_edge(IOS, quit_, T0) in (None, T0 + 6 * DAY)  # that nobody has used it for a week
        opened = ios.step(IOS, quit_, DeviceSaid(T0 + 3 * HOUR, a_phone(night + " app=foreground")))
        assert held(opened, 3 * HOUR) == []


def test_vector_21_a_force_quit_cancels_transfers_and_stops_what_runs() -> None:
    device = a_phone("app=force-quit")
    quit_ = after([(-HOUR, "app=foreground"), (0, "app=force-quit")])
    for traits in (Traits(foreground="transfer"), Traits(foreground="continued"), Traits()):
        end = ios.stop(IOS, quit_, device, a_run(-MINUTE, traits), T0)
        assert end is not None
        assert (end.at, end.hold.gate) == (T0, Gate.APP)


def test_a_transfer_goes_on_without_the_app_until_background_refresh_is_switched_off() -> None:
    transfer = a_run(0, Traits(foreground="transfer"))
    left = after([(0, "app=foreground"), (HOUR, "app=background")])
    assert ios.stop(IOS, left, a_phone("app=background"), transfer, T0 + 9 * HOUR) is None
    off = a_phone("app=background refresh=off")
    end = ios.stop(IOS, ios.step(IOS, left, DeviceSaid(T0 + 2 * HOUR, off)), off, transfer, T0 + 2 * HOUR)
    assert end is not None
    assert (end.at, end.hold.gate) == (T0 + 2 * HOUR, Gate.APP)


def test_vector_21_low_power_mode_means_no_refresh() -> None:
    saving = after([(0, "screen=on low_power=on")])
    assert spans(saving, 20 * DAY) == []
    assert held(saving, 0) == [Gate.LOW_POWER, Gate.OPPORTUNITY]
    normal = ios.step(IOS, saving, DeviceSaid(T0 + DAY, a_phone("screen=on low_power=off")))
    assert spans(normal, 2 * DAY)[0][0] <= DAY + 15 * MINUTE, "what was owed comes soon after"


def test_the_ranges_over_seeds_are_wide_and_some_plays_never_run() -> None:
    """A week under a day with short nights: nobody can say when, and with little use it may never come."""
    rare = replace(IOS, app=replace(IOS.app, usage=0.1), refresh=None)  # type: ignore[type-var]
    night = [(day * DAY + at, words) for day in range(7) for at, words in [(0, "idle=yes"), (6 * HOUR, "idle=no")]]
    firsts = []
    for seed in range(1, 21):
        states = [after(night[: count + 1], rare, seed) for count in range(len(night))]
        ends = [at for at, _ in night[1:]] + [7 * DAY]
        found = [spans(state, end, profile=rare) for state, end in zip(states, ends, strict=True)]
        firsts.append(next((one[0][0] for one in found if one), None))
    assert None in firsts
    assert len(set(firsts)) > 3
