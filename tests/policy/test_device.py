"""The gates of the device against every reading, and the deeds that are said to open them."""

from __future__ import annotations

import shlex
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.devices.signals import over, said
from bgo.model.device import DeviceState, Network, NetworkKind, Tri, View
from bgo.model.options import NetworkConstraint, TaskConstraints
from bgo.model.plan import Gate
from bgo.model.platform import PlatformState
from bgo.model.profile import HOST, Profile
from bgo.policy.device import asked, meets
from bgo.policy.gates import device_holds
from tests.build import a_device

ALL = TaskConstraints(NetworkConstraint.UNMETERED, True, True, True, True)
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
    assert holds(ALL, DeviceState()) == [Gate.NETWORK, Gate.BATTERY, Gate.CHARGING]
    told = {line.gate: line.current for line in asked(ALL, View())}
    for gate in (Gate.IDLE, Gate.STORAGE):
        assert told[gate] == "unknown (not sensed); the profile host lets it pass"
    assert told[Gate.NETWORK] == "unknown (not sensed)"


def test_the_order_and_the_words() -> None:
    device = a_device("network=connected wifi=Cafe battery=15 charging=no idle=no storage_low=yes")
    found = [(h.gate, h.current, h.needed) for h in device_holds(ALL, View(device=device))]
    assert found == [
        (Gate.NETWORK, "connected, cost unknown, Cafe (test)", "an unmetered network"),
        (Gate.BATTERY, "15 %, low (test)", "not low (above 15 %)"),
        (Gate.CHARGING, "no (test)", "yes"),
        (Gate.IDLE, "no (test)", "yes"),
        (Gate.STORAGE, "low (test)", "not low"),
    ]


def test_between_the_marks_the_memory_decides() -> None:
    view = View(device=a_device("battery=17"))
    wish = TaskConstraints(battery_not_low=True)
    assert list(device_holds(wish, view)) == []
    (hold,) = device_holds(wish, replace(view, platform=PlatformState(battery_low=True)))
    assert hold.current == "17 %, low until 20 % (test)"


wishes = st.builds(
    TaskConstraints, st.sampled_from(NetworkConstraint), st.booleans(), st.booleans(), st.booleans(), st.booleans()
)
devices = st.builds(
    lambda words: a_device(" ".join(words)),
    st.tuples(
        st.sampled_from(["charging=yes", "charging=no", "charging=unknown"]),
        st.sampled_from([f"battery={n}" for n in (0, 15, 16, 19, 20, 100)]),
        st.sampled_from([f"network={kind}" for kind in NetworkKind]),
        st.sampled_from(["idle=yes", "idle=no", "idle=unknown"]),
        st.sampled_from(["storage_low=yes", "storage_low=no", "storage_low=unknown"]),
    ),
)


@given(wishes, devices, st.booleans())
def test_the_flags_that_a_hold_names_open_its_gate(wish: TaskConstraints, device: DeviceState, was_low: bool) -> None:
    platform = PlatformState(was_low)
    for hold in device_holds(wish, View(device=device, platform=platform)):
        words = shlex.split(hold.lift)
        flag, value = words[words.index("run") + 1 :]
        told = over(said({flag.removeprefix("--").replace("-", "_"): value}, flag), device)
        after = [h.gate for h in device_holds(wish, View(device=told, platform=platform))]
        assert hold.gate not in after, hold


@given(wishes, devices, st.sets(st.sampled_from(["network", "battery_not_low", "charging", "device_idle"])))
def test_asking_for_less_or_letting_more_pass_never_holds_more(
    wish: TaskConstraints, device: DeviceState, passes: set[str]
) -> None:
    held = set(holds(wish, device))
    usual = TaskConstraints()
    for field in fields(wish):
        assert set(holds(replace(wish, **{field.name: getattr(usual, field.name)}), device)) <= held
    assert set(holds(wish, device, Profile("x", unknown_passes=HOST.unknown_passes | passes))) <= held
    assert held <= set(holds(wish, device, Profile("strict", unknown_passes=frozenset())))
