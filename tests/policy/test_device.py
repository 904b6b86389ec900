"""The gates of the device against every reading, and the deeds that are said to open them."""

from __future__ import annotations

import shlex
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.devices.signals import over, said
from bgo.model.device import DeviceState, Level, Network, NetworkKind, Span, Tri, View
from bgo.model.options import NetworkConstraint, TaskConstraints
from bgo.model.plan import Gate
from bgo.model.platform import PlatformState
from bgo.model.profile import HOST, Profile
from bgo.policy.device import asked, meets
from bgo.policy.gates import device_holds
from tests.build import a_device

ALL = TaskConstraints(
    NetworkConstraint.UNMETERED, True, True, True, True, cpu_below=50, unused_for=600, on_network=("Home", "Work")
)
OPEN, HELD, UNKNOWN = Tri.YES, Tri.NO, Tri.UNKNOWN
MATRIX = {
    #               none  connected unmetered metered roaming unknown
    "connected":   (HELD, OPEN,    OPEN,     OPEN,   OPEN,   UNKNOWN),
    "unmetered":   (HELD, UNKNOWN, OPEN,     HELD,   HELD,   UNKNOWN),
    "not-roaming": (HELD, UNKNOWN, OPEN,     OPEN,   HELD,   UNKNOWN),
    "metered":     (HELD, UNKNOWN, HELD,     OPEN,   OPEN,   UNKNOWN),
}  # fmt: skip


def holds(wish: TaskConstraints, device: DeviceState, profile: Profile = HOST) -> list[Gate]:
    return [hold.gate for hold in device_holds(wish, View(profile, device))]


@pytest.mark.parametrize("wish", MATRIX)
def test_networks(wish: str) -> None:
    kinds = [NetworkKind(k) for k in ("none", "connected", "unmetered", "metered", "roaming", "unknown")]
    assert tuple(meets(NetworkConstraint(wish), kind) for kind in kinds) == MATRIX[wish]
    for kind, meant in zip(kinds, MATRIX[wish], strict=True):
        device = DeviceState(network=Network(kind, "test"))
        asks = TaskConstraints(NetworkConstraint(wish))
        assert (holds(asks, device) == []) is (meant is OPEN)
        lenient = Profile("lenient", unknown_passes=frozenset({"network"}))
        assert (holds(asks, device, lenient) == []) is (meant is not HELD)


def test_no_need_of_a_network_is_met_by_none() -> None:
    assert meets(NetworkConstraint.NONE, NetworkKind.NONE) is OPEN
    assert holds(TaskConstraints(), a_device("network=none")) == []


def test_unknown_network_battery_and_power_hold_unknown_idle_and_storage_pass() -> None:
    assert holds(ALL, DeviceState()) == [Gate.NETWORK, Gate.BATTERY, Gate.CHARGING, Gate.NAMED_NETWORK]
    told = {line.gate: line.current for line in asked(ALL, View())}
    for gate in (Gate.IDLE, Gate.STORAGE, Gate.LOAD, Gate.UNUSED):
        assert told[gate] == "unknown (not sensed); the profile host lets it pass"
    assert told[Gate.NETWORK] == "unknown (not sensed)"


def test_the_order_and_the_words() -> None:
    device = a_device("network=connected wifi=Cafe battery=15 charging=no idle=no storage_low=yes")
    device = replace(device, load=Level(50, "test"), unused=Span(61_234, "test"))
    found = [(h.gate, h.current, h.needed) for h in device_holds(ALL, View(device=device))]
    assert found == [
        (Gate.NETWORK, "connected, cost unknown, Cafe (test)", "an unmetered network"),
        (Gate.BATTERY, "15 %, low (test)", "not low (above 15 %)"),
        (Gate.CHARGING, "no (test)", "yes"),
        (Gate.IDLE, "no (test)", "yes"),
        (Gate.STORAGE, "low (test)", "not low"),
        (Gate.LOAD, "50 % busy (test)", "below 50 %"),
        (Gate.UNUSED, "touched 1m1s ago (test)", "untouched for 10m"),
        (Gate.NAMED_NETWORK, "Cafe (test)", "Home or Work"),
    ]


@pytest.mark.parametrize(("percent", "meant"), [(0, OPEN), (49, OPEN), (50, HELD), (100, HELD), (None, UNKNOWN)])
def test_load(percent: int | None, meant: Tri) -> None:
    check_one(TaskConstraints(cpu_below=50), "load", DeviceState(load=Level(percent, "test")), meant)


@pytest.mark.parametrize(("ms", "meant"), [(0, HELD), (599_999, HELD), (600_000, OPEN), (10**9, OPEN), (None, UNKNOWN)])
def test_unused(ms: int | None, meant: Tri) -> None:
    check_one(TaskConstraints(unused_for=600), "unused", DeviceState(unused=Span(ms, "test")), meant)


@pytest.mark.parametrize(("now", "until"), [(1_000, 11_000), (10_999, 11_000), (11_000, None), (500, 11_000)])
def test_what_nobody_touches_has_not_been_touched_for_longer(now: int, until: int | None) -> None:
    wish, device = TaskConstraints(unused_for=60), DeviceState(unused=Span(50_000, "test", at_ms=1_000))
    assert [hold.until_ms for hold in device_holds(wish, View(device=device), now)] == ([until] if until else [])
    for still in (device_holds(wish, View(device=device)), device_holds(wish, View(device=a_still(device)), now)):
        assert [hold.until_ms for hold in still] == [None]


def a_still(device: DeviceState) -> DeviceState:
    return replace(device, unused=replace(device.unused, at_ms=None))


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("network=unmetered wifi=Home", OPEN), ("network=unknown wifi=Work", OPEN), ("network=none", HELD),
        ("network=metered wifi=home", HELD), ("network=unmetered", UNKNOWN), ("battery=10", UNKNOWN),
    ],
)  # fmt: skip
def test_named_networks(words: str, meant: Tri) -> None:
    check_one(TaskConstraints(on_network=["Work", "Home"]), "named_network", a_device(words), meant)


def check_one(wish: TaskConstraints, name: str, device: DeviceState, meant: Tri) -> None:
    lenient, strict = Profile("x", unknown_passes=frozenset({name})), Profile("y", unknown_passes=frozenset())
    assert (holds(wish, device, lenient) == []) is (meant is not HELD)
    assert (holds(wish, device, strict) == []) is (meant is OPEN)


def test_between_the_marks_the_memory_decides() -> None:
    view = View(device=a_device("battery=17"))
    wish = TaskConstraints(battery_not_low=True)
    assert list(device_holds(wish, view)) == []
    (hold,) = device_holds(wish, replace(view, platform=PlatformState(battery_low=True)))
    assert hold.current == "17 %, low until 20 % (test)"


wishes = st.builds(
    TaskConstraints, st.sampled_from(NetworkConstraint), st.booleans(), st.booleans(), st.booleans(), st.booleans(),
    cpu_below=st.sampled_from([None, 1, 100]), unused_for=st.sampled_from([None, 0.5, 90]),
    on_network=st.sets(st.sampled_from(["Home", "It's"])),
)  # fmt: skip
devices = st.builds(
    lambda words, load, unused: replace(
        a_device(" ".join(words)), load=Level(load, "test"), unused=Span(unused, "test")
    ),
    st.tuples(
        st.sampled_from(["charging=yes", "charging=no", "charging=unknown"]),
        st.sampled_from([f"battery={n}" for n in (0, 15, 16, 19, 20, 100)]),
        st.sampled_from([f"network={kind}" for kind in NetworkKind]),
        st.sampled_from(["idle=yes", "idle=no", "idle=unknown"]),
        st.sampled_from(["storage_low=yes", "storage_low=no", "storage_low=unknown"]),
        st.sampled_from(["wifi=none", "wifi=Home", "wifi=It's"]),
    ),
    st.sampled_from([None, 0, 1, 99, 100]),
    st.sampled_from([None, 0, 499, 90_000]),
)


@given(wishes, devices, st.booleans())
def test_the_flags_that_a_hold_names_open_its_gate(wish: TaskConstraints, device: DeviceState, was_low: bool) -> None:
    platform = PlatformState(was_low)
    for hold in device_holds(wish, View(device=device, platform=platform)):
        words = shlex.split(hold.lift)
        flag, value = words[words.index("run") + 1 :]
        key = flag.removeprefix("--").replace("-", "_")
        if flag == "--signal":
            key, _, value = value.partition("=")
        told = over(said({key: value}, flag), device)
        after = [h.gate for h in device_holds(wish, View(device=told, platform=platform))]
        assert hold.gate not in after, hold


@given(
    wishes,
    devices,
    st.sets(st.sampled_from(["network", "battery_not_low", "charging", "device_idle", "load", "named_network"])),
)
def test_asking_for_less_or_letting_more_pass_never_holds_more(
    wish: TaskConstraints, device: DeviceState, passes: set[str]
) -> None:
    held = set(holds(wish, device))
    usual = TaskConstraints()
    for field in fields(wish):
        assert set(holds(replace(wish, **{field.name: getattr(usual, field.name)}), device)) <= held
    assert set(holds(wish, device, Profile("x", unknown_passes=HOST.unknown_passes | passes))) <= held
    assert held <= set(holds(wish, device, Profile("strict", unknown_passes=frozenset())))
