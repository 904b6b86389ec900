"""NetworkManager and logind, played by services on a private bus that plays the system's, and asked by busctl."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from bgo.clock import SystemClock
from bgo.devices.sensors.asking import Limit, TooSlow, Unreadable
from bgo.devices.sensors.dbus import properties
from bgo.devices.sensors.idle import linux_idle
from bgo.devices.sensors.network import linux_network
from bgo.devices.sensors.upower import linux_power
from bgo.model.device import DeviceState, Level, Network, NetworkKind, Reading, Tri
from tests.devices.bus import Bus, Values, private_bus
from tests.devices.stubs import Stub
from tests.devices.test_sensors import NO_V4, V4, supply, tables

NM, PATH = "org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager"
LOGIND = "org.freedesktop.login1"
MANAGER = ("/org/freedesktop/login1", f"{LOGIND}.Manager")
LIMIT = partial(Limit, 5_000)
MINUTE = 60_000


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    with private_bus(tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture
def online(tmp_path: Path) -> Path:
    tables(tmp_path, V4, None)
    return tmp_path


def network(root: Path) -> Network:
    return linux_network(str(root), str(root), LIMIT()).network


def manager(metered: int, kind: str = "802-3-ethernet", primary: str = f"{PATH}/ActiveConnection/1") -> Values:
    return {"Metered": ("u", metered), "PrimaryConnection": ("o", primary), "PrimaryConnectionType": ("s", kind)}


@pytest.mark.parametrize(
    ("metered", "kind", "word"),
    [
        (1, NetworkKind.METERED, "yes"),
        (2, NetworkKind.UNMETERED, "no"),
        (3, NetworkKind.METERED, "yes, a guess"),
        (4, NetworkKind.UNMETERED, "no, a guess"),
        (0, NetworkKind.CONNECTED, "unknown"),
        (99, NetworkKind.CONNECTED, "unknown"),
    ],
)
def test_metered_by_network_manager(bus: Bus, online: Path, metered: int, kind: NetworkKind, word: str) -> None:
    bus.serve(NM, {(PATH, NM): manager(metered)})
    assert network(online) == Network(kind, f"NetworkManager Metered: {word}")


def test_without_a_default_route_nobody_is_asked(bus: Bus, tmp_path: Path) -> None:
    bus.serve(NM, {(PATH, NM): manager(2)})
    tables(tmp_path, NO_V4, None)
    assert network(tmp_path).kind is NetworkKind.NONE


@pytest.mark.parametrize(("ssid", "name"), [("Café 21".encode(), "Café 21"), (b"\xff\x1b", "\ufffd\x1b"), (b"", "")])
def test_the_name_of_the_wifi(bus: Bus, online: Path, ssid: bytes, name: str) -> None:
    active, point = f"{PATH}/ActiveConnection/1", f"{PATH}/AccessPoint/3"
    objects: dict[tuple[str, str], Values] = {
        (PATH, NM): manager(4, "802-11-wireless"),
        (active, f"{NM}.Connection.Active"): {"SpecificObject": ("o", point)},
        (point, f"{NM}.AccessPoint"): {"Ssid": ("ay", ssid), "Strength": ("u", 70)},
    }
    bus.serve(NM, objects)
    assert (network(online).kind, network(online).name) == (NetworkKind.UNMETERED, name)


def test_a_wifi_whose_name_cannot_be_had_is_a_network_all_the_same(bus: Bus, online: Path) -> None:
    bus.serve(NM, {(PATH, NM): manager(1, "802-11-wireless")})
    assert (network(online).kind, network(online).name) == (NetworkKind.METERED, "")


def test_a_network_that_network_manager_does_not_manage(bus: Bus, online: Path) -> None:
    bus.serve(NM, {(PATH, NM): manager(0, "", "/")})
    source = "default route by eth0; cost unknown: NetworkManager does not manage it"
    assert network(online) == Network(NetworkKind.CONNECTED, source)


def test_no_network_manager(bus: Bus, online: Path) -> None:
    found = network(online)
    assert found.kind is NetworkKind.CONNECTED
    assert "org.freedesktop.NetworkManager" in found.source


def logind(idle: bool, since_ms: int, sessions: int = 1) -> dict[tuple[str, str], Values]:
    values: Values = {
        "IdleHint": ("b", int(idle)),
        "IdleSinceHint": ("t", since_ms * 1000),
        "NCurrentSessions": ("t", sessions),
    }
    return {MANAGER: values}


def use(folder: Path) -> DeviceState:
    return linux_idle(str(folder), str(folder), 5 * MINUTE, LIMIT())


def idle(folder: Path) -> Reading:
    return use(folder).idle


@pytest.mark.parametrize(
    ("hint", "ago", "value"),
    [(True, 12 * MINUTE, Tri.YES), (True, 4 * MINUTE, Tri.NO), (False, 12 * MINUTE, Tri.NO), (True, -MINUTE, Tri.NO)],
)
def test_idle_by_logind(bus: Bus, tmp_path: Path, hint: bool, ago: int, value: Tri) -> None:
    bus.serve(LOGIND, logind(hint, SystemClock().now_ms() - ago))
    assert idle(tmp_path).value is value
    assert idle(tmp_path).source.startswith("logind: ")
    unused = use(tmp_path).unused
    if not hint:
        assert (unused.ms, unused.at_ms) == (0, None), "somebody is at it"
    else:
        assert unused.ms is not None
        assert unused.at_ms is not None
        assert abs(unused.ms - max(0, ago)) < MINUTE


def test_a_desktop_that_has_never_set_the_hint_is_told_of(bus: Bus, tmp_path: Path) -> None:
    bus.serve(LOGIND, logind(False, 0))
    assert idle(tmp_path) == Reading(Tri.NO, "logind: not idle, nor was it ever told so")
    assert use(tmp_path).unused.ms is None, "nobody knows for how long"


def test_a_computer_without_a_session_is_headless(bus: Bus, tmp_path: Path) -> None:
    bus.serve(LOGIND, logind(True, 0, sessions=0))
    assert idle(tmp_path) == Reading(Tri.UNKNOWN, "logind has no session; no terminal either (headless)")


def test_a_logind_without_hints(bus: Bus, tmp_path: Path) -> None:
    bus.serve(LOGIND, {MANAGER: {"NCurrentSessions": ("t", 1)}})
    assert idle(tmp_path).source.startswith("logind gives no IdleHint")


def test_a_service_that_never_answers_is_left(bus: Bus, tmp_path: Path) -> None:
    bus.own_silently(LOGIND)
    with pytest.raises(TooSlow):
        properties(Limit(300), LOGIND, *MANAGER)


@pytest.mark.parametrize("told", ["", "[]", "{}", '{"data": [1]}', '{"data": [{"a": 1}]}', "[" * 50_000, "\udcff"])
def test_a_busctl_that_talks_nonsense(stub: Stub, told: str) -> None:
    stub("busctl", told.encode("utf-8", "surrogateescape"))
    with pytest.raises(Unreadable, match="no sense"):
        properties(LIMIT(), LOGIND, *MANAGER)


UPOWER, UPATH = "org.freedesktop.UPower", "/org/freedesktop/UPower"


def upower(
    on_battery: bool, percent: float = 55.4, *, kind: int = 2, warning: int = 1, present: bool = True
) -> dict[tuple[str, str], Values]:
    device: Values = {
        "IsPresent": ("b", int(present)), "Percentage": ("d", percent), "Type": ("u", kind), "State": ("u", 2),
        "WarningLevel": ("u", warning),
    }  # fmt: skip
    return {
        (UPATH, UPOWER): {"OnBattery": ("b", int(on_battery)), "DaemonVersion": ("s", "1.90.2")},
        (f"{UPATH}/devices/DisplayDevice", f"{UPOWER}.Device"): device,
    }


def power(root: Path) -> DeviceState:
    return linux_power(str(root), LIMIT())


def test_what_the_kernel_knows_upower_is_not_asked(bus: Bus, tmp_path: Path) -> None:
    bus.serve(UPOWER, upower(False, 99))
    supply(tmp_path, "BAT0", type="Battery", status="Discharging", capacity="41")
    assert power(tmp_path).charging == Reading(Tri.NO, "sysfs BAT0 Discharging")
    assert power(tmp_path).battery == Level(41, "sysfs BAT0 capacity")


def test_what_the_kernel_leaves_open_upower_knows(bus: Bus, tmp_path: Path) -> None:
    bus.serve(UPOWER, upower(True))
    supply(tmp_path, "BAT0", type="Battery", status="Not charging", capacity="41")
    found = power(tmp_path)
    assert (found.charging, found.battery.percent) == (Reading(Tri.NO, "UPower OnBattery: yes"), 41)
    (tmp_path / "class/power_supply/BAT0/capacity").unlink()
    (tmp_path / "class/power_supply/BAT0/status").write_text("Charging")
    found = power(tmp_path)
    assert (found.charging.source, found.battery) == ("sysfs BAT0 Charging", Level(55, "UPower"))
    assert found.battery_low.value is Tri.UNKNOWN, "it follows from the level"


def test_a_machine_without_a_battery_may_hang_on_a_ups(bus: Bus, tmp_path: Path) -> None:
    (tmp_path / "class").mkdir()
    bus.serve(UPOWER, upower(True, 12, kind=3, warning=4))
    found = power(tmp_path)
    assert (found.charging.value, found.battery) == (Tri.NO, Level(12, "UPower: a UPS"))


@pytest.mark.parametrize("told", [upower(False, present=False), upower(False, kind=1), upower(False, -3), {}])
def test_a_upower_that_knows_no_battery_changes_nothing(
    bus: Bus, tmp_path: Path, told: dict[tuple[str, str], Values]
) -> None:
    (tmp_path / "class").mkdir()
    bus.serve(UPOWER, told)
    assert power(tmp_path).charging == Reading(Tri.YES, "no battery (fact)")


@pytest.mark.parametrize(("warning", "value"), [(1, Tri.NO), (3, Tri.YES), (4, Tri.YES), (0, Tri.UNKNOWN)])
def test_without_a_percentage_upower_may_warn(bus: Bus, tmp_path: Path, warning: int, value: Tri) -> None:
    bus.serve(UPOWER, upower(True, 400, warning=warning))
    found = power(tmp_path / "nowhere")
    assert (found.charging.value, found.battery.percent) == (Tri.NO, None)
    assert found.battery_low.value in (value, Tri.UNKNOWN)
