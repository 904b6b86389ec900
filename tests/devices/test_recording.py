"""What is recorded plays again: the script says at each instant what the sensors said, as far as it tells."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bgo.devices.readings import SIGNALS, word_of
from bgo.devices.recording import Recorder, form, remark
from bgo.devices.signals import changed
from bgo.devices.traces import parse_trace
from bgo.model.device import DeviceState, Span

START = 1_795_424_400_000
MINUTE = 60_000
FORMS = ("day.txt", "day.csv", "day.toml")


def written(path: str, states: list[tuple[int, DeviceState]], every_ms: int = 30_000) -> str:
    recorder, shape = Recorder(every_ms), form(path)
    text = shape.head(remark("this computer", START, every_ms))
    for at_ms, state in states:
        if (line := recorder.line(state, at_ms)) is not None:
            text += shape.line(*line)
    return text


def state(**words: str) -> DeviceState:
    return changed(DeviceState(), words, "a sensor", START)


def test_a_line_says_what_has_changed() -> None:
    day = [
        (START, state(charging="no", battery="80", network="unmetered", wifi="Home", screen="on")),
        (START + 30_000, state(charging="no", battery="80", network="unmetered", wifi="Home", screen="on")),
        (START + 60_400, state(charging="no", battery="79", network="metered", screen="on")),
        (START + 90_700, state(charging="unknown", battery="79", network="metered", wifi="Home", screen="off")),
    ]
    assert written("day.txt", day).splitlines() == [
        "# Recorded from 2026-11-23T09:00:00.000Z on, every 30s: this computer.",
        "at +0s charging=no battery=80 network=unmetered wifi=Home screen=on",
        "at +1m battery=79 network=metered wifi=unknown",
        "at +1m30s charging=unknown wifi=Home screen=off",
    ]
    assert written("day.toml", day).splitlines()[2:7] == [
        "[[change]]", 'at = "+0s"', 'charging = "no"', 'battery = "80"', 'network = "unmetered"',
    ]  # fmt: skip


def test_load_is_told_in_steps_and_who_is_at_it_is_at_it() -> None:
    def at(minute: int, load: int, touched: int) -> tuple[int, DeviceState]:
        now = START + minute * MINUTE
        return now, DeviceState(load=state(load=str(load)).load, unused=Span((minute - touched) * MINUTE, "x", now))

    day = [at(0, 12, 0), at(1, 14, 1), at(2, 16, 2), at(3, 96, 2), at(4, 99, 2), at(5, 99, 2), at(6, 99, 6)]
    assert [line.partition(" ")[2] for line in written("day.txt", day).splitlines()[1:]] == [
        "+0s load=10 unused=no", "+2m load=20", "+3m load=100 unused=1m", "+6m unused=no",
    ]  # fmt: skip


def test_the_clock_that_is_put_back_does_not_put_the_script_back() -> None:
    day = [(START, state(idle="yes")), (START - MINUTE, state(idle="no")), (START - MINUTE, state(idle="yes"))]
    assert written("day.txt", day).splitlines()[1:] == [
        "at +0s idle=yes", "at +1s idle=no", "at +2s idle=yes",
    ]  # fmt: skip


NAMES = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12).filter(
    lambda name: name not in ("none", "unknown")
)
WORDS = {
    "charging": st.sampled_from(["yes", "no", "unknown"]), "battery": st.sampled_from(["0", "15", "100", "unknown"]),
    "network": st.sampled_from(["none", "connected", "unmetered", "metered", "roaming", "unknown"]),
    "wifi": st.sampled_from(["Home", "Office LAN", "Café"]), "screen": st.sampled_from(["on", "off", "unknown"]),
    "app": st.sampled_from(["foreground", "background", "swiped"]), "lock": st.sampled_from(["open", "locked"]),
    "load": st.sampled_from(["0", "50", "100"]), "low_power": st.sampled_from(["on", "off"]),
    "bucket": st.sampled_from(["active", "rare"]), "unused": st.sampled_from(["no", "unknown"]),
}  # fmt: skip
states = st.fixed_dictionaries({}, optional=WORDS).map(lambda words: state(**words))


def told(found: DeviceState) -> dict[str, str]:
    return {key: found.network.name if key == "wifi" else word_of(key, getattr(found, key)) for key in SIGNALS}


@pytest.mark.parametrize("path", FORMS)
@given(st.lists(st.tuples(st.integers(1_000, 100_000), states), max_size=8))
def test_a_record_plays_again(path: str, steps: list[tuple[int, DeviceState]]) -> None:
    now, day = START, []
    for step, found in steps:
        day.append((now, found))
        now += step
    assume(any(told(found) != told(DeviceState()) for _, found in day))  # else there is no line
    changes = parse_trace(written(path, day, 1_000), path, START)
    for at_ms, found in day:
        at_second = START + (at_ms - START) // 1000 * 1000
        playing = [change.state for change in changes if change.at_ms <= at_second]
        assert told(playing[-1] if playing else DeviceState()) == told(found)


@pytest.mark.parametrize("path", FORMS)
@given(NAMES)
def test_any_name_of_a_network_can_be_written(path: str, name: str) -> None:
    found = state(network="metered", wifi=name)
    (change,) = parse_trace(written(path, [(START, found)]), path, START)
    assert change.state.network.name == name if path.endswith(".toml") else change.state.network.name
