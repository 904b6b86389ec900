"""What holds of Android's rules whatever happens to a phone."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from hypothesis import given, settings
from hypothesis import strategies as st

from bgo.model.android_state import AndroidState
from bgo.model.lane import Traits
from bgo.model.options import TaskConstraints
from bgo.model.platform import RunBegan
from bgo.policy import android
from tests.policy.android.kit import ANY_NETWORK, DAY, HOUR, MET, MINUTE, Phone, key
from tests.policy.android.plays import DEEDS, PROFILES, STARTS, TRAITS, Deed, Play

DAYS = st.lists(DEEDS, max_size=14)
KEYS = [key(traits, wish) for traits in TRAITS for wish in (ANY_NETWORK, TaskConstraints())]


def played(name: str, start: dict[str, Any], deeds: list[Deed]) -> Play:
    play = Play(PROFILES[name], start)
    for deed in deeds:
        play.do(deed)
    return play


@given(st.sampled_from(sorted(PROFILES)), STARTS, DAYS, st.lists(st.integers(0, 5 * DAY), max_size=4))
def test_time_may_pass_at_once_or_bit_by_bit(
    name: str, start: dict[str, Any], deeds: list[Deed], stops: list[int]
) -> None:
    play = played(name, start, deeds)
    state, profile, end = play.phone.state, play.phone.profile, play.now + 5 * DAY
    assert state is not None
    by_bits = state
    for stop in sorted(stops):
        by_bits = android.advance(profile, by_bits, play.now + stop)
    assert android.advance(profile, by_bits, end) == android.advance(profile, state, end)
    once = android.advance(profile, state, play.now)
    assert android.advance(profile, once, play.now) is once


@given(st.sampled_from(sorted(PROFILES)), STARTS, st.lists(st.tuples(DEEDS, st.floats(0, 1)), max_size=14))
def test_looking_in_between_changes_nothing(name: str, start: dict[str, Any], deeds: list[tuple[Deed, float]]) -> None:
    looked, not_looked = Play(PROFILES[name], start), Play(PROFILES[name], start)
    for deed, part in deeds:
        if deed.kind == "late":
            continue  # what is told of a time that was looked at already does change what was seen then
        looked.phone._at(looked.now + round(deed.gap * part))
        looked.phone.tell(looked.now + round(deed.gap * part))
        looked.do(deed)
        not_looked.do(deed)
    assert looked.phone._at(looked.now) == not_looked.phone._at(not_looked.now)


def answers(phone: Phone, now: int) -> tuple[object, ...]:
    """Return what the rules say: gates, which runs are stopped, and the device as judged."""
    state = phone.state
    assert state is not None
    state = android.advance(phone.profile, state, now)
    held = [[hold.gate for hold in android.holds(phone.profile, state, phone.device, each, now)] for each in KEYS]
    stopped = []
    for run in state.running:
        stop = android.stop(phone.profile, state, phone.device, RunBegan(run.at, run.run, Traits()), now)
        stopped.append(stop is not None and stop.at <= now)
    judged = android.as_judged(phone.profile, state, phone.device, now)
    return held, stopped, judged.idle.value, judged.charging.value


@settings(max_examples=150)
@given(st.sampled_from(sorted(PROFILES)), STARTS, DAYS, st.lists(st.floats(0, 1), min_size=3, max_size=6))
def test_nothing_changes_between_now_and_the_next_edge(
    name: str, start: dict[str, Any], deeds: list[Deed], parts: list[float]
) -> None:
    play = played(name, start, deeds)
    now = play.now
    for _ in range(8):
        edge = play.phone.edge(now)
        end = now + 3 * DAY if edge is None else edge - 1
        assert edge is None or edge > now
        said = answers(play.phone, now)
        for part in (*parts, 1.0):
            assert answers(play.phone, now + round((end - now) * part)) == said
        if edge is None:
            break
        now = edge


@given(st.sampled_from(sorted(PROFILES)), STARTS, DAYS)
def test_what_a_hold_says_of_its_end_is_not_before_the_next_edge(
    name: str, start: dict[str, Any], deeds: list[Deed]
) -> None:
    play = played(name, start, deeds)
    edge = play.phone.edge(play.now)
    for each in KEYS:
        state = android.advance(play.phone.profile, play.phone.state or play.phone._at(play.now), play.now)
        for hold in android.holds(play.phone.profile, state, play.phone.device, each, play.now):
            assert hold.current
            assert hold.needed
            assert hold.holder
            assert hold.until_ms is None or hold.until_ms > play.now
            if hold.until_ms is not None and not state.running:
                assert edge is not None


JOBS = st.lists(st.tuples(st.integers(0, 3 * HOUR), st.integers(1, 25 * MINUTE)), min_size=1, max_size=40)


@settings(max_examples=150)
@given(
    st.sampled_from(["android", "android-15"]),
    st.sampled_from(["active", "working", "frequent", "rare", "restricted"]),
    JOBS,
    st.integers(1, 3),
)
def test_no_window_has_more_run_time_than_its_bucket_allows(
    name: str, bucket: str, jobs: list[tuple[int, int]], slots: int
) -> None:
    phone = Phone(name, base=0, bucket=bucket, app="background", screen=True, charging=False, network="unmetered")
    spans = obedient(phone, jobs, slots)
    quota = phone.profile.quota
    assert quota is not None
    own = quota.buckets[bucket]
    for limit, window in ((own.time_ms, own.window_ms), (quota.day_cap_ms, DAY)):
        if limit < window:
            assert all(busy(spans, end - window, end) <= limit for _, end in spans)
    for at, _ in spans:
        assert sum(start <= at < start + quota.burst_window_ms for start, _ in spans) <= quota.burst + slots


def busy(spans: list[tuple[int, int]], start: int, end: int) -> int:
    """Return how long anything ran from `start` to `end`."""
    found, reached = 0, start
    for span in sorted(spans):
        a, b = max(span[0], reached), min(span[1], end)
        if b > a:
            found, reached = found + b - a, b
    return found


def obedient(phone: Phone, jobs: list[tuple[int, int]], slots: int) -> list[tuple[int, int]]:
    """Run jobs (due so long after the one before, so long) as a worker would that heeds every hold and stop."""
    dues, now = [], MET
    for gap, length in jobs:
        now += gap
        dues.append((now, length))
    live: dict[str, tuple[int, int]] = {}
    spans, now, number = [], MET, 0
    while (dues or live) and now < MET + 60 * DAY:
        for run, (start, end) in list(live.items()):
            stop = phone.stop(now, run)
            if end <= now or (stop is not None and stop.at <= now):
                phone.end(now, run)
                spans.append((start, now))
                del live[run]
        while dues and dues[0][0] <= now and len(live) < slots:
            held = phone.gates(now)
            if [gate.value for gate in held] == ["batching"]:
                phone.gather(now, sum(due <= now for due, _ in dues))
            if phone.gates(now):
                break
            number += 1
            phone.begin(now, f"run {number}")
            live[f"run {number}"] = (now, now + dues.pop(0)[1])
        stops = [phone.stop(now, run) for run in live]
        nexts = [phone.edge(now), *(end for _, end in live.values()), *(due for due, _ in dues if due > now)]
        nexts += [stop.at for stop in stops if stop is not None]
        now = min((at for at in nexts if at is not None and at > now), default=MET + 60 * DAY)
    return spans


def test_an_obedient_worker_gets_through_what_it_has() -> None:
    phone = Phone("android", base=0, bucket="rare", app="background", screen=True, charging=False)
    spans = obedient(phone, [(0, 6 * MINUTE)] * 6, 1)
    # Ten minutes a day: six, and four of the second; that one was stopped, and this worker does not try it again.
    assert [(b - a) // MINUTE for a, b in spans] == [6, 4, 6, 4, 6, 4]
    assert [(a - MET) // DAY for a, _ in spans] == [0, 0, 1, 1, 2, 2]


@given(st.sampled_from(sorted(PROFILES)), st.sampled_from(["foreground", "background"]), st.integers(0, 3 * HOUR))
def test_a_fact_that_has_been_so_for_long_counts_from_then(name: str, app: str, since: int) -> None:
    """A look that says "so for two hours" comes to what a look two hours ago would have come to."""
    now = MET + 4 * HOUR
    said = {"screen": False, "charging": False, "app": "background", "network": "unmetered"}
    late, early = (Phone(PROFILES[name], base=0, charging=True, screen=True, app=app) for _ in range(2))
    early.tell(now - since, **said)
    late._at(now)
    late.tell(now, app=app)
    late.tell(now - since, **said)
    assert answers(late, now)[2:] == answers(early, now)[2:]
    assert late._at(now).rest == early._at(now).rest
    assert late._at(now).usage == early._at(now).usage


@given(st.sampled_from(sorted(PROFILES)), STARTS, DAYS)
def test_a_state_is_made_of_what_json_can_say(name: str, start: dict[str, Any], deeds: list[Deed]) -> None:
    state = played(name, start, deeds).phone.state
    assert state is not None
    assert read_back(AndroidState, json.loads(json.dumps(asdict(state)))) == state


def read_back(kind: Any, data: Any) -> Any:
    """Return what plain JSON says as a value of this type, by nothing but its annotations."""
    if data is None:
        return None
    if isinstance(kind, UnionType):
        kind = next(each for each in get_args(kind) if each is not NoneType)
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{name: read_back(hints[name], value) for name, value in data.items()})
    if get_origin(kind) is tuple:
        return tuple(read_back(get_args(kind)[0], value) for value in data)
    assert type(data) is kind
    return data
