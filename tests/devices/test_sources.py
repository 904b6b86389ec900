"""Who is believed of a device: facts, scripts, the environment, sensors, what is assumed, what a profile says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgo.devices import names
from bgo.devices.readings import SIGNALS
from bgo.devices.sensors.survey import Survey, Taken
from bgo.devices.signals import by_flags, over, said, spoken_of
from bgo.devices.sources import Along, Ground, assumed, assumption, past, play, reader
from bgo.devices.traces import parse_trace, read_trace
from bgo.errors import UsageError
from bgo.model.device import NO_FACTS, DeviceState, Facts, Network, NetworkKind, Reading, Span, Tri
from bgo.model.profile import Battery, Profile
from bgo.run.script import Script

START = 1_795_424_400_000  # 2026-11-23T09:00Z
HOUR = 3_600_000
PHONE = Profile(name="pocket", os="android", device={"screen": "on", "charging": "no", "app": "background"})


WORDS = {
    "charging": ["yes", "no", "unknown"], "battery": ["5", "50", "unknown"], "network": ["none", "metered", "unknown"],
    "screen": ["on", "off"], "app": ["swiped", "unknown"], "unused": ["no", "2h", "unknown"], "load": ["7", "unknown"],
}  # fmt: skip
layers = st.fixed_dictionaries({}, optional={key: st.sampled_from(words) for key, words in WORDS.items()})


class FakeSurvey(Survey):
    """Sensors that say what they are told, and remember who was asked."""

    def __init__(self, state: DeviceState) -> None:
        super().__init__(())
        self.state, self.asked = state, 0

    def take(self, max_age_ms: int = 0) -> Taken:
        self.asked += 1
        return Taken(self.state, {}, 0)


class Asked:
    """A ground whose sensors count who asks them."""

    def __init__(self, sensed: DeviceState, **ground: object) -> None:
        self.now = START
        self.devices: list[str] = []
        self._survey = FakeSurvey(sensed)
        usual: dict[str, object] = {"env": {}}
        self.ground = Ground(self._of, lambda: self.now, **(usual | ground))  # type: ignore[arg-type]

    def _of(self, device: str) -> Survey:
        self.devices.append(device)
        return self._survey

    def read(self, facts: Facts = NO_FACTS) -> Callable[[], DeviceState]:
        return reader(facts, self.ground)


def test_the_first_that_speaks_counts(tmp_path: Path) -> None:
    script = tmp_path / "day"
    script.write_text("at +0h charging=no battery=50\nat +2h idle=yes\n")
    sensed = said({"charging": "yes", "battery": "90", "idle": "no", "screen": "on", "storage_low": "no"}, "sensor")
    here = Asked(sensed, env={"BGO_DEVICE": "screen=off battery=70 storage_low=yes"})
    read = here.read(Facts(said({"storage_low": "unknown"}, "--storage-low"), 0, str(script)))
    found = read()
    told = {name: getattr(found, name).source.partition(" ")[0] for name in ("charging", "battery", "screen")}
    assert told == {"charging": "trace", "battery": "trace", "screen": "BGO_DEVICE"}
    assert (found.charging.value, found.battery.percent, found.idle.value) == ("no", 50, "unknown")
    assert (found.screen.value, found.storage_low.value) == ("no", "unknown")
    here.now += 2 * HOUR
    assert read().idle.value is Tri.YES, "the script goes by the clock on the wall"


def test_under_a_phones_profile_this_computer_is_not_asked() -> None:
    sensed = said({"charging": "yes", "battery": "90"}, "sensor")
    here = Asked(sensed, profile=PHONE)
    found = here.read()()
    assert (found.charging, here.devices) == (Reading(Tri.NO, "profile pocket"), [])
    for device in ("host", "adb", "adb:R5/app.bgo", "termux"):
        mixed = Asked(sensed, profile=PHONE).read(Facts(device=device))()
        assert (mixed.charging.value, mixed.battery.percent, mixed.app.value) == ("yes", 90, "background"), device
    for ground in ({"configured": "adb"}, {"env": {"TERMUX_VERSION": "0.118"}}):
        asked = Asked(sensed, profile=PHONE, **ground)
        assert asked.read()().charging.source == "sensor"
        assert asked.devices == [ground.get("configured", "host")]
    flagged = Asked(sensed, profile=PHONE).read(Facts(said({"app": "swiped"}, "--signal app")))()
    assert (flagged.app.value, flagged.screen.value) == ("swiped", "yes")


def test_what_a_computers_profile_says_stands_above_its_sensors_and_below_all_else() -> None:
    sensed = said({"charging": "no", "battery": "10", "screen": "on"}, "sensor")
    calm = Profile(name="calm", device={"charging": "yes", "battery": "100"})
    found = Asked(sensed, profile=calm).read()()
    assert (found.charging, found.battery.percent) == (Reading(Tri.YES, "profile calm"), 100)
    assert (found.battery_low.value, found.screen.source) == ("no", "sensor")
    assert Asked(sensed, profile=calm).read(Facts(device="host"))().charging.source == "sensor"
    assert Asked(sensed, profile=calm, env={"BGO_DEVICE": "charging=no"}).read()().charging.source == "BGO_DEVICE"
    assert Asked(sensed, profile=calm).read(Facts(said({"battery": "5"}, "--battery")))().battery.percent == 5


def test_what_a_named_device_cannot_tell_is_unknown_and_not_what_its_profile_says() -> None:
    offline = DeviceState(charging=Reading(Tri.UNKNOWN, "adb: error: device offline"))
    assert Asked(offline, profile=PHONE).read(Facts(device="adb"))().charging == offline.charging


@pytest.mark.parametrize(
    ("sensed", "guess", "kind"),
    [
        ("connected", "unmetered", "unmetered"),
        ("connected", "metered", "metered"),
        ("connected", "none", "connected"),
        ("unknown", "connected", "connected"),
        ("unknown", "none", "none"),
        ("none", "unmetered", "none"),
        ("metered", "unmetered", "metered"),
        ("roaming", "unmetered", "roaming"),
    ],
)
def test_a_network_is_assumed_where_its_cost_is_not_known(sensed: str, guess: str, kind: str) -> None:
    network = Network(NetworkKind(sensed), "default route by eth0", "Home")
    found = assumed(DeviceState(network=network), assumption({"network": guess})).network
    assert (found.kind, found.name) == (kind, "Home")
    assert found.source == ("default route by eth0" if kind == sensed else "[assume]; default route by eth0")


def test_what_sensors_know_is_never_assumed() -> None:
    words = {"charging": "no", "battery": "10", "idle": "no", "unused": "2h", "lock": "locked", "load": "9"}
    guesses = assumption(words)
    known = said({"charging": "yes", "battery": "90", "idle": "yes", "unused": "1m", "lock": "open", "load": "0"}, "s")
    assert assumed(known, guesses) == known
    found = assumed(DeviceState(), guesses)
    assert (found.charging.source, found.battery.percent, found.battery_low.value) == (
        "[assume]; not sensed",
        10,
        "yes",
    )
    no_battery = DeviceState(battery_low=Reading(Tri.NO, "no battery (fact)"))
    assert assumed(no_battery, guesses).battery_low == no_battery.battery_low


def test_an_assumption_counts_for_sensors_alone() -> None:
    here = Asked(DeviceState(), assume={"idle": "yes", "charging": "yes"}, env={"BGO_DEVICE": "charging=unknown"})
    assert (here.read()().idle.value, here.read()().charging.value) == ("yes", "unknown")
    phone = Asked(DeviceState(), assume={"screen": "off"}, profile=PHONE)
    assert phone.read()().screen.value is Tri.YES


def test_a_play_begins_where_it_begins() -> None:
    sensed = DeviceState(unused=Span(60_000, "logind", START - HOUR), idle=Reading(Tri.NO, "812 MiB free"))
    facts = Facts(said({"charging": "no"}, "--charging"), 2 * HOUR)
    (one,) = play(facts, None, START, Asked(sensed).ground)
    assert (one.at_ms, one.state.charging.value) == (START - 2 * HOUR, "no")
    assert one.state.unused == Span(60_000, "logind", START)
    script = parse_trace("at +1h battery=50", "t", START)
    changes = play(facts, script, START, Asked(sensed).ground)
    assert [change.at_ms for change in changes] == [START, START + HOUR]
    assert {change.state.charging.value for change in changes} == {"no"}
    assert changes[0].state.idle == Reading(Tri.NO, "as sensed now")


def test_a_phone_is_as_its_profile_says_until_its_script_speaks() -> None:
    script = parse_trace("at +1h screen=off", "t", START)
    ground = Asked(DeviceState(), profile=PHONE, env={"BGO_DEVICE": "charging=yes"}).ground
    first, later = play(NO_FACTS, script, START, ground)
    assert (first.state.screen, first.state.charging.value) == (Reading(Tri.YES, "profile pocket"), "yes")
    assert (later.state.screen.value, later.state.app.value) == ("no", "background")


def test_a_device_on_paper_has_no_sensors_and_no_environment() -> None:
    asked = Asked(said({"charging": "yes"}, "sensor"))
    paper = replace(asked.ground, is_made_up=True)
    assert play(NO_FACTS, None, START, paper)[0].state == DeviceState()
    assert asked.devices == []


@pytest.mark.parametrize(("level", "usual", "other"), [(15, "yes", "yes"), (18, "no", "yes"), (25, "no", "no")])
def test_a_battery_is_low_as_its_profile_says(level: int, usual: str, other: str, tmp_path: Path) -> None:
    script = tmp_path / "day"
    script.write_text(f"at +0h battery={level}\n")
    marked = replace(PHONE, battery=Battery(low=20, okay=25), device={"battery": str(level)})
    for profile, value in ((PHONE, usual), (marked, other)):
        for facts in (Facts(said({"battery": str(level)}, "--battery")), Facts(device=str(script))):
            assert Asked(DeviceState(), profile=profile).read(facts)().battery_low.value == value
        by_env = Asked(DeviceState(), profile=profile, env={"BGO_DEVICE": f"battery={level}"})
        assert by_env.read()().battery_low.value == value
    assert Asked(DeviceState(), profile=marked).read()().battery_low.value == other


def test_a_script_says_nothing_before_it_begins_and_its_days_are_made_as_they_come(tmp_path: Path) -> None:
    path = tmp_path / "day"
    path.write_text("at +1h battery=1\nat +2h battery=2\n")
    once = Along(str(path), START, Battery())
    levels = [once.at(round(START + hours * HOUR)).battery.percent for hours in (0, 1, 1.5, 2, 900)]
    assert levels == [None, 1, 1, 2, 2]
    path.write_text("every day\nat 07:00 battery=70\nat 19:00 battery=20\n")
    daily = Along(str(path), START, Battery())
    path.unlink()
    far = Along("commuter", START, Battery())
    for day in range(40):
        assert {daily.at(START + (24 * day + hours) * HOUR).battery.percent for hours in range(24)} == {70, 20}
        now = START + (24 * day + 7) * HOUR
        whole = [c.state for c in read_trace("commuter", START, until_ms=now + HOUR) if c.at_ms <= now]
        assert far.at(now) == whole[-1]


changes = st.lists(st.tuples(st.integers(1, 40), layers.filter(bool)), min_size=1, max_size=6)


@settings(max_examples=50)
@given(changes, st.lists(st.integers(0, 200), min_size=1, max_size=12))
def test_a_worker_and_a_play_read_the_same_script_alike(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, Mapping[str, str]]], minutes: list[int]
) -> None:
    path, lines, after = tmp_path_factory.mktemp("day") / "day.txt", [], 0
    for step, words in steps:
        after += step
        lines.append(f"at +{after}m " + " ".join(f"{key}={word}" for key, word in words.items()))
    path.write_text("\n".join(lines))
    here = Asked(said({"screen": "on"}, "s"), configured="adb", profile=PHONE)
    live = here.read(Facts(said({"charging": "no"}, "--charging"), device=str(path)))
    facts = Facts(said({"charging": "no"}, "--charging"))
    played = Script(play(facts, read_trace(str(path), START), START, here.ground), START, START + 300 * 60_000)
    for minute in sorted(minutes):
        here.now = START + minute * 60_000
        one, other = live(), played.at(here.now)
        for field in spoken_of(one) | spoken_of(other):
            assert replace(getattr(one, field), source="") == replace(getattr(other, field), source=""), field


def test_what_a_script_said_before_now() -> None:
    facts = Facts(said({"app": "swiped"}, "--signal app"), device="drawer-phone")
    ground = Asked(DeviceState(), profile=PHONE).ground
    found = past(facts, ground)
    assert found
    assert all(change.at_ms < START for change in found)
    assert {(c.state.app.value, c.state.screen.value, c.state.idle.value) for c in found} == {("swiped", "no", "yes")}
    assert past(NO_FACTS, ground) == past(Facts(device="adb"), ground) == ()


@pytest.mark.parametrize(
    "word", ["adb:", "adb:-s", "adb:a b", "adb/", "adb/app", "adb:x/app", "adb/-a.b", "adb:x;id/a.b"]
)
def test_names_of_devices_that_could_mean_something_else_are_refused(word: str) -> None:
    assert not names.is_right(word)
    with pytest.raises(UsageError, match="no device"):
        Asked(DeviceState()).read(Facts(device=word))


def test_names_of_devices() -> None:
    assert names.phone("adb:192.0.2.7:5555/com.example.app") == ("192.0.2.7:5555", "com.example.app")
    assert names.phone("adb/com.example.app") == ("", "com.example.app")
    assert not names.is_sensed("./adb")
    assert not names.is_sensed("adbook.txt")


def test_flags_and_signals_together() -> None:
    found = by_flags({"network": "metered", "storage_low": "no"}, ["wifi=Home", "app=swiped", "battery=12"])
    assert (found.network, found.app.source) == (Network(NetworkKind.METERED, "--network", "Home"), "--signal app")
    assert (found.storage_low.source, found.battery_low.value) == ("--storage-low", "yes")
    named = over(by_flags({}, ["wifi=Home"]), DeviceState(network=Network(NetworkKind.UNMETERED, "nm", "Else")))
    assert named.network == Network(NetworkKind.UNMETERED, "nm", "Home"), "a name alone says nothing of the cost"
    with pytest.raises(UsageError, match="storage_low is said twice") as caught:
        by_flags({"storage_low": "no"}, ["storage_low=yes"])
    assert "--storage-low" in caught.value.hint


@given(layers, layers, layers, layers)
def test_each_signal_comes_from_the_highest_layer_that_says_it(
    flags: Mapping[str, str], env: Mapping[str, str], sensed: Mapping[str, str], usual: Mapping[str, str]
) -> None:
    profile = replace(PHONE, device=dict(usual))
    words = " ".join(f"{key}={word}" for key, word in env.items())
    here = Asked(said(sensed, "sensors"), env={"BGO_DEVICE": words}, configured="adb", profile=profile)
    found = here.read(Facts(said(flags, "flags")))()
    for key in WORDS:
        layer = next((layer for layer in (flags, env, sensed, usual) if key in layer), {})
        expected = getattr(said({key: layer[key]}, "x") if layer else DeviceState(), key)
        assert replace(getattr(found, key), source="") == replace(expected, source=""), key
    assert set(WORDS) <= set(SIGNALS)
