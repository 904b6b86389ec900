"""The battery's fold and the storage's threshold: vectors 15 and 16 of Android's numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.model.device import DeviceState, Level, Reading, Tri
from bgo.model.platform import PlatformState
from bgo.policy import battery, storage


def at(percent: int | None) -> DeviceState:
    return DeviceState(battery=Level(percent, "test"))


def folded(*levels: int | None) -> list[str]:
    """Return whether the battery is low after each of these levels."""
    state, found = PlatformState(), []
    for level in levels:
        found.append(str(battery.reading(at(level), state).value))
        state = battery.step(state, at(level))
    return found


def test_low_at_15_and_so_until_20() -> None:
    assert folded(16, 15, 19, 20) == ["no", "yes", "yes", "no"]


def test_a_device_just_met_is_not_low_above_15() -> None:
    assert folded(16) == ["no"]
    assert folded(15) == ["yes"]


def test_a_level_that_is_unknown_is_no_reading_and_changes_no_memory() -> None:
    assert folded(10, None, 17, 20, None, 17) == ["yes", "unknown", "yes", "no", "unknown", "no"]


def test_what_the_device_says_itself_counts_more_than_its_level() -> None:
    fact = DeviceState(battery=Level(90, "test"), battery_low=Reading(Tri.YES, "the system"))
    assert battery.reading(fact, PlatformState()) == Reading(Tri.YES, "the system")
    assert battery.step(PlatformState(), fact) == PlatformState()
    none = DeviceState(battery_low=Reading(Tri.NO, "no battery (fact)"))
    assert battery.reading(none, PlatformState(battery_low=True)).value is Tri.NO


@given(st.lists(st.integers(0, 100), max_size=30), st.integers(0, 100))
def test_the_fold_is_that_of_the_last_level_outside_the_marks(levels: list[int], last: int) -> None:
    seen = [level for level in (*levels, last) if level <= 15 or level >= 20]
    assert folded(*levels, last)[-1] == ("yes" if seen and seen[-1] <= 15 else "no")


@given(st.integers(0, 100), st.booleans())
def test_saying_a_level_twice_changes_nothing(level: int, was_low: bool) -> None:
    once = battery.step(PlatformState(was_low), at(level))
    assert battery.step(once, at(level)) == once
    assert battery.reading(at(level), once) == battery.reading(at(level), PlatformState(was_low))


@pytest.mark.parametrize(
    ("device", "words"),
    [
        (at(12), "12 %, low"),
        (at(80), "80 %, not low"),
        (at(None), "unknown"),
        (DeviceState(battery_low=Reading(Tri.NO, "fact")), "not low"),
    ],
)
def test_the_words(device: DeviceState, words: str) -> None:
    assert battery.told(device, battery.reading(device, PlatformState())) == words


GIB = 1 << 30


@pytest.mark.parametrize(("total", "mib"), [(64 * GIB, 500), (8 * GIB, 409.6), (10_000 << 20, 500), (0, 0)])
def test_storage_is_low_below_five_percent_or_500_mib(total: int, mib: float) -> None:
    limit = storage.threshold(total)
    assert limit == int(mib * (1 << 20))
    assert storage.low(limit - 1, total)
    assert not storage.low(limit, total)
