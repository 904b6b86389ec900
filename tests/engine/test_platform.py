"""What platforms remember between looks: kept in the store or in memory, and what other versions have written."""

from __future__ import annotations

import json

import pytest

from bgo.engine import platform
from bgo.engine.platform import InMemory, InStore
from bgo.model.android_state import AndroidState
from bgo.model.device import DeviceChange, DeviceState, Facts, Reading, Tri
from bgo.model.ios_state import IosState
from bgo.model.platform import MET, PlatformState
from bgo.model.platform_json import dump, load
from bgo.model.profile import Profile
from bgo.store.sqlite import SqliteStore
from tests.build import START

PHONE = Profile("phone", os="android")
DARK = DeviceState(screen=Reading(Tri.NO, "test"))


@pytest.fixture
def store() -> SqliteStore:
    return SqliteStore(None)


def test_a_look_that_brings_nothing_new_writes_nothing(store: SqliteStore) -> None:
    keeper = InStore()
    with store.write() as session:
        platform.remember(session, platform.view(session, PHONE, DARK, START, keeper), keeper)
        kept = session.notes.read("platform.phone")
        later = platform.view(session, PHONE, DARK, START + 60_000, keeper)
        assert not platform.is_news(session, later, keeper)
        platform.remember(session, later, keeper)
        assert session.notes.read("platform.phone") == kept


def test_each_profile_has_a_memory_of_its_own(store: SqliteStore) -> None:
    keeper, other = InStore(), Profile("other", os="android")
    with store.write() as session:
        platform.remember(session, platform.view(session, PHONE, DARK, START, keeper), keeper)
        assert keeper.read(session, "other") == MET
        assert platform.view(session, other, DeviceState(), START, keeper).platform.android is not None


def test_runs_that_are_over_are_told_once(store: SqliteStore) -> None:
    keeper = InStore()
    with store.write() as session:
        session.overs.add("phone", "a.1", START)
        session.overs.add("other", "b.1", START)
        seen = platform.view(session, PHONE, DARK, START + 1, keeper)
        assert platform.is_news(session, seen, keeper)
        platform.remember(session, seen, keeper)
        assert session.overs.pending("phone") == []
        assert [run for run, _, _ in session.overs.pending("other")] == ["b.1"]


def test_what_ends_after_a_look_waits_for_the_next(store: SqliteStore) -> None:
    """A stop is settled under the look that decided on it: to take that end as told would let it run for ever."""
    keeper = InStore()
    with store.write() as session:
        session.overs.add("phone", "a.1", START)
        seen = platform.view(session, PHONE, DARK, START + 1, keeper)
        session.overs.add("phone", "a.2", START + 1)
        platform.remember(session, seen, keeper)
        assert [run for run, _, _ in session.overs.pending("phone")] == ["a.2"]


def test_what_another_worker_has_written_is_read_again(store: SqliteStore) -> None:
    mine, theirs = InStore(), InStore()
    with store.write() as session:
        platform.remember(session, platform.view(session, PHONE, DeviceState(), START, mine), mine)
        platform.remember(session, platform.view(session, PHONE, DARK, START + 5, theirs), theirs)
        assert mine.read(session, "phone") == theirs.read(session, "phone")


def test_a_play_leaves_the_store_as_it_is(store: SqliteStore) -> None:
    keeper = InMemory()
    with store.write() as session:
        keeper.write(session, "phone", PlatformState(battery_low=True))
        assert keeper.read(session, "phone").battery_low
        assert session.notes.read("platform.phone") is None


def test_a_fact_that_has_been_so_for_long_counts_from_then(store: SqliteStore) -> None:
    keeper = InStore()
    with store.write() as session:
        now = platform.view(session, PHONE, DARK, START, keeper).platform.android
        long = platform.view(session, PHONE, DARK, START, keeper, facts=Facts(since_ms=3_600_000)).platform.android
    assert now is not None
    assert long is not None
    assert (now.dark_at, long.dark_at) == (START, START - 3_600_000)


def test_what_a_script_said_before_counts_from_where_the_rules_have_seen(store: SqliteStore) -> None:
    lit = DeviceState(screen=Reading(Tri.YES, "test"))
    before = [DeviceChange(START - 50, lit), DeviceChange(START - 30, DARK), DeviceChange(START + 30, lit)]
    keeper = InStore()
    with store.write() as session:
        met = platform.view(session, PHONE, DARK, START, keeper, before=before).platform.android
        assert met is not None
        assert met.dark_at == START - 30, "it has been dark since then, and what is to come has not been"
        platform.remember(session, platform.view(session, PHONE, lit, START - 20, keeper), keeper)
        known = platform.view(session, PHONE, DARK, START, keeper, before=before).platform.android
        assert known is not None
        assert known.dark_at == START, "when it was lit at a look, what a script says of earlier is over"
        later = platform.view(session, PHONE, lit, START + 40, keeper, before=before).platform.android
        assert later is not None
        assert later.dark_at is None


def test_states_come_back_as_they_were() -> None:
    state = PlatformState(True, AndroidState(START), IosState(START, seed=7))
    assert load(json.loads(json.dumps(dump(state)))) == state
    assert load({}) == MET


@pytest.mark.parametrize(
    "text",
    [
        '{"battery_low": true, "later": {"x": 1}}',
        '{"battery_low": true, "android": {"no": "at"}}',
        '{"battery_low": true, "android": null}',
    ],
)
def test_what_other_versions_have_written_is_read_as_far_as_it_is_known(text: str) -> None:
    assert load(json.loads(text)) == PlatformState(battery_low=True)
