"""This computer's sensors, read from made-up trees of the kernel's files; none of them ever raises or waits."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.clock import SystemClock
from bgo.devices.names import ADB
from bgo.devices.sensors import Place, Survey, sensors
from bgo.devices.sensors.asking import Limit, Unreadable
from bgo.devices.sensors.idle import linux_idle, linux_screen
from bgo.devices.sensors.load import linux_load
from bgo.devices.sensors.network import linux_network
from bgo.devices.sensors.power import FACT, sysfs
from bgo.devices.sensors.storage import judged, volume
from bgo.devices.sensors.survey import PHONES
from bgo.devices.sensors.windows import Load, busy, windows_idle
from bgo.devices.sensors.windows import told as windows_told
from bgo.model.device import DeviceState, Level, Network, NetworkKind, Reading, Tri
from bgo.model.profile import Storage

LIMIT = partial(Limit, 900)
MINUTE = 60_000


def supply(root: Path, name: str, **files: str) -> None:
    place = root / "class/power_supply" / name
    place.mkdir(parents=True)
    for key, value in files.items():
        (place / key).write_text(value + "\n")


def power(root: Path) -> DeviceState:
    return sysfs(str(root), LIMIT())


def charging(root: Path) -> tuple[Tri, str]:
    found = power(root).charging
    return found.value, found.source


@pytest.mark.parametrize(
    ("status", "value"),
    [
        ("Charging", Tri.YES),
        ("Full", Tri.YES),
        ("Discharging", Tri.NO),
        ("Not charging", Tri.UNKNOWN),
        ("", Tri.UNKNOWN),
    ],
)
def test_a_battery_alone(tmp_path: Path, status: str, value: Tri) -> None:
    supply(tmp_path, "BAT0", type="Battery", status=status)
    assert charging(tmp_path) == (value, f"sysfs BAT0 {status or 'unreadable'}")


def test_outside_power_wins_over_the_battery(tmp_path: Path) -> None:
    supply(tmp_path, "AC", type="Mains", online="1")
    supply(tmp_path, "BAT0", type="Battery", status="Discharging")
    assert charging(tmp_path) == (Tri.YES, "sysfs AC online")


def test_unplugged(tmp_path: Path) -> None:
    supply(tmp_path, "AC", type="Mains", online="0")
    supply(tmp_path, "BAT0", type="Battery", status="Discharging")
    assert charging(tmp_path) == (Tri.NO, "sysfs BAT0 Discharging")


def test_one_of_two_batteries_empties(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0", type="Battery", status="Full")
    supply(tmp_path, "BAT1", type="Battery", status="Discharging")
    assert charging(tmp_path) == (Tri.NO, "sysfs BAT1 Discharging")


def test_a_machine_without_a_battery_charges_and_is_never_low(tmp_path: Path) -> None:
    (tmp_path / "class/power_supply").mkdir(parents=True)
    found = power(tmp_path)
    assert (found.charging, found.battery) == (Reading(Tri.YES, FACT), Level(None, FACT))
    assert found.battery_low == Reading(Tri.NO, FACT)


def test_the_battery_of_a_mouse_or_an_empty_bay_does_not_count(tmp_path: Path) -> None:
    supply(tmp_path, "hidpp", type="Battery", scope="Device", status="Discharging", capacity="5")
    supply(tmp_path, "BAT1", type="Battery", present="0", status="Discharging")
    assert charging(tmp_path) == (Tri.YES, FACT)


def test_a_kernel_without_power_supplies(tmp_path: Path) -> None:
    (tmp_path / "class").mkdir()
    assert charging(tmp_path) == (Tri.YES, FACT)


def test_no_sysfs_at_all_is_unknown(tmp_path: Path) -> None:
    found = power(tmp_path / "none")
    assert {found.charging.value, found.battery_low.value, found.battery.percent} == {Tri.UNKNOWN, None}
    assert "No such file" in found.charging.source
    assert found.battery.source == found.charging.source


@pytest.mark.parametrize(
    ("files", "percent"),
    [
        ({"capacity": "81"}, 81),
        ({"capacity": "104"}, 100),
        ({"energy_now": "10", "energy_full": "40", "capacity": "81"}, 81),
        ({"capacity": "many"}, None),
        ({"capacity": "-3"}, None),
        ({"capacity": "9" * 4000}, None),
        ({}, None),
    ],
)
def test_the_level_of_one_battery(tmp_path: Path, files: dict[str, str], percent: int | None) -> None:
    supply(tmp_path, "BAT0", type="Battery", status="Discharging", **files)
    assert power(tmp_path).battery.percent == percent


def test_two_batteries_are_one_by_their_energy(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0", type="Battery", energy_now="5000", energy_full="10000", capacity="50")
    supply(tmp_path, "BAT1", type="Battery", energy_now="90000", energy_full="90000", capacity="100")
    assert power(tmp_path).battery == Level(95, "sysfs BAT0+BAT1 energy")
    (tmp_path / "class/power_supply/BAT1/energy_full").unlink()
    assert power(tmp_path).battery == Level(75, "sysfs BAT0+BAT1 capacity")


@pytest.mark.parametrize(("word", "value"), [("Critical", Tri.YES), ("Normal", Tri.NO), ("Unknown", Tri.UNKNOWN)])
def test_without_a_percentage_the_kernel_may_know_whether_it_is_low(tmp_path: Path, word: str, value: Tri) -> None:
    supply(tmp_path, "BAT0", type="Battery", status="Discharging", capacity_level=word)
    assert power(tmp_path).battery_low.value is value


def test_a_fifo_where_a_file_should_be_is_not_waited_for(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0", type="Battery", status="Discharging")
    os.mkfifo(tmp_path / "class/power_supply/BAT0/capacity")
    assert power(tmp_path).battery.percent is None


# The network. The tables are those of a machine of ours, /proc/net/route and /proc/net/ipv6_route.

V4 = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""
NO_V4 = "".join(line for line in V4.splitlines(keepends=True) if "010200C0" not in line)
_ZERO = "0" * 32
V6 = f"{_ZERO} 00 {_ZERO} 00 fd000000000000000000000000000001 00000400 00000003 00000000 00000003     eth0\n"
NO_V6 = f"{_ZERO} 00 {_ZERO} 00 {_ZERO} ffffffff 00000001 00000000 00200200       lo\n"


def tables(root: Path, v4: str | None, v6: str | None) -> None:
    folder = root / "net"
    folder.mkdir(exist_ok=True)
    for name, text in (("route", v4), ("ipv6_route", v6)):
        if text is not None:
            (folder / name).write_text(text)


@pytest.fixture
def no_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BGO_BUSCTL", "/nowhere/busctl")


def network(root: Path) -> Network:
    return linux_network(str(root), str(root / "sys"), LIMIT()).network


@pytest.mark.parametrize(
    ("v4", "v6", "kind"),
    [
        (V4, NO_V6, NetworkKind.CONNECTED),
        (NO_V4, V6, NetworkKind.CONNECTED),
        (V4, None, NetworkKind.CONNECTED),
        (NO_V4, NO_V6, NetworkKind.NONE),
        (NO_V4, None, NetworkKind.NONE),
        ("", "", NetworkKind.NONE),
        (V4.replace("0003", "0203"), None, NetworkKind.NONE),  # an unreachable default route
        (V4.replace("0003", "0002"), None, NetworkKind.NONE),
        (V4.replace("0003", "rubbish"), None, NetworkKind.NONE),
    ],
)
@pytest.mark.usefixtures("no_bus")
def test_without_a_default_route_there_is_no_network(
    tmp_path: Path, v4: str | None, v6: str | None, kind: NetworkKind
) -> None:
    tables(tmp_path, v4, v6)
    found = network(tmp_path)
    assert found.kind is kind
    if kind is NetworkKind.CONNECTED:
        assert found.source == "default route by eth0; cost unknown: /nowhere/busctl is not here"


@pytest.mark.usefixtures("no_bus")
def test_a_route_over_a_dead_link_leads_nowhere(tmp_path: Path) -> None:
    tables(tmp_path, V4, None)
    (tmp_path / "sys/class/net/eth0").mkdir(parents=True)
    for word, kind in (("up", NetworkKind.CONNECTED), ("unknown", NetworkKind.CONNECTED), ("down", NetworkKind.NONE)):
        (tmp_path / "sys/class/net/eth0/operstate").write_text(word + "\n")
        assert network(tmp_path).kind is kind


def test_no_tables_at_all_are_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="No such file"):
        network(tmp_path)


# Idle and screen.


def terminal(root: Path, name: str, ago_ms: int) -> None:
    path = root / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
    at = SystemClock().now_ms() / 1000 - ago_ms / 1000
    os.utime(path, (at, at))


def use(root: Path) -> DeviceState:
    return linux_idle(str(root), str(root), 5 * MINUTE, LIMIT())


def idle(root: Path) -> Reading:
    return use(root).idle


@pytest.mark.usefixtures("no_bus")
def test_a_terminal_says_that_somebody_is_there_but_never_that_nobody_is(tmp_path: Path) -> None:
    assert idle(tmp_path).value is Tri.UNKNOWN
    assert idle(tmp_path).source.endswith("busctl is not here; no terminal either (headless)")
    terminal(tmp_path, "pts/3", 12 * MINUTE)
    terminal(tmp_path, "tty1", 90 * MINUTE)
    assert idle(tmp_path).value is Tri.UNKNOWN
    assert "no terminal was typed at for 12 min" in idle(tmp_path).source
    unused = use(tmp_path).unused
    assert unused.ms is not None
    assert 12 * MINUTE <= unused.ms < 13 * MINUTE, "without a screen there is no mouse"
    connector = tmp_path / "class/drm/card0-eDP-1"
    connector.mkdir(parents=True)
    (connector / "status").write_text("connected")
    assert use(tmp_path).unused.ms is None
    terminal(tmp_path, "ttyS0", 0)  # a serial line, a modem: nobody's keyboard
    terminal(tmp_path, "pts/ptmx", 0)
    assert idle(tmp_path).value is Tri.UNKNOWN
    terminal(tmp_path, "tty2", 4 * MINUTE)
    assert idle(tmp_path).value is Tri.NO
    assert idle(tmp_path).source.startswith("tty2 was typed at")


@pytest.mark.parametrize(
    ("screens", "value"),
    [
        ({}, Tri.UNKNOWN),
        ({"card0-HDMI-A-1": ("disconnected", "Off")}, Tri.UNKNOWN),
        ({"card0-eDP-1": ("connected", "On")}, Tri.YES),
        ({"card0-eDP-1": ("connected", "Off")}, Tri.NO),
        ({"card0-eDP-1": ("connected", "Off"), "card1-DP-2": ("connected", "On")}, Tri.YES),
    ],
)
def test_the_screen(tmp_path: Path, screens: dict[str, tuple[str, str]], value: Tri) -> None:
    for name, (status, dpms) in screens.items():
        place = tmp_path / "class/drm" / name
        place.mkdir(parents=True)
        (place / "status").write_text(status + "\n")
        (place / "dpms").write_text(dpms + "\n")
    assert linux_screen(str(tmp_path), LIMIT()).screen.value is value


# Storage: Android's rule.

GIB = 1 << 30


@pytest.mark.parametrize(
    ("total", "bound"),
    [(64 * GIB, 500 << 20), (8 * GIB, 8 * GIB // 20), (10_000 << 20, 500 << 20), (20, 1)],
)
def test_storage_is_low_below_five_per_cent_or_500_mib(total: int, bound: int) -> None:
    assert judged(bound, total, "x").value is Tri.NO
    assert judged(bound - 1, total, "x").value is Tri.YES


def test_storage_is_low_by_the_marks_of_the_profile() -> None:
    marks = Storage(low_percent=50, low_cap_bytes=8 * GIB)
    assert judged(4 * GIB - 1, 8 * GIB, "x", marks).value is Tri.YES
    assert judged(4 * GIB, 8 * GIB, "x", marks).value is Tri.NO
    assert volume("/", Storage(100, 1 << 62), LIMIT()).storage_low.value is Tri.YES
    assert volume("/", Storage(0, 0), LIMIT()).storage_low.value is Tri.NO


def test_a_volume_without_a_size_is_unknown() -> None:
    assert judged(0, 0, "/proc").value is Tri.UNKNOWN


def test_a_folder_that_is_not_there_yet_lies_on_the_volume_above(tmp_path: Path) -> None:
    found = volume(str(tmp_path / "not/there/yet"), Storage(), LIMIT()).storage_low
    assert found.value is not Tri.UNKNOWN
    assert f"free at {tmp_path}, low below" in found.source


# Windows, from its reference.


@pytest.mark.parametrize(
    ("line", "flag", "percent", "charging", "level"),
    [
        (1, 8, 81, Tri.YES, 81),
        (0, 1, 64, Tri.NO, 64),
        (0, 4, 4, Tri.NO, 4),
        (255, 255, 255, Tri.UNKNOWN, None),
        (1, 128, 255, Tri.YES, None),
    ],
)
def test_windows(line: int, flag: int, percent: int, charging: Tri, level: int | None) -> None:
    found = windows_told(line, flag, percent)
    assert (found.charging.value, found.battery.percent) == (charging, level)
    assert (found.battery_low.value is Tri.NO) == (flag == 128)


def test_windows_asked_elsewhere_is_unknown() -> None:
    found = Survey(sensors(Place("/"), "win32", {})).take().state
    assert found.charging == Reading(Tri.UNKNOWN, "GetSystemPowerStatus does not answer")


@pytest.mark.parametrize(
    ("loadavg", "stat", "percent"),
    [
        ("0.52 0.58 0.59 2/512 1", "cpu  1\ncpu0 1\ncpu1 1\n", 26),
        ("9.00 0.58 0.59 2/512 1", "cpu  1\ncpu0 1\ncpu1 1\n", 100),
        ("0.00 0.00 0.00 1/1 1", "cpu0 1\n", 0),
        ("rubbish", "cpu0 1\n", None),
        (None, "cpu0 1\n", None),
    ],
)
def test_the_load_is_a_part_of_all_processors(
    tmp_path: Path, loadavg: str | None, stat: str, percent: int | None
) -> None:
    if loadavg is not None:
        (tmp_path / "loadavg").write_text(loadavg)
    (tmp_path / "stat").write_text(stat)
    try:
        assert linux_load(str(tmp_path), LIMIT()).load.percent == percent
    except Unreadable:
        assert percent is None


def test_a_kernel_that_hides_its_processors_still_has_some(tmp_path: Path) -> None:
    (tmp_path / "loadavg").write_text("0.50 0.5 0.5 1/1 1")
    assert linux_load(str(tmp_path), LIMIT()).load.percent is not None


@pytest.mark.parametrize(
    ("idle", "total", "percent"), [(0, 100, 100), (75, 100, 25), (100, 100, 0), (1, 0, None), (9, 3, None)]
)
def test_windows_counts_time_that_was_not_idle(idle: int, total: int, percent: int | None) -> None:
    assert busy(idle, total).percent == percent


class Windll:
    """What ctypes would call on Windows, as far as its reference tells."""

    def __init__(self, quiet: int = 0) -> None:
        self.user32 = self.kernel32 = self
        self.quiet, self.times = quiet, [(700, 800, 200), (790, 900, 300)]

    def GetLastInputInfo(self, info: Any) -> int:
        assert info._obj[0] == 8
        info._obj[1] = (5_000 - self.quiet) & 0xFFFF_FFFF
        return 1

    def GetTickCount(self) -> int:
        return 5_000

    def GetSystemTimes(self, idle: Any, kernel: Any, user: Any) -> int:
        del kernel, user  # they point into the same array
        idle._obj[:] = self.times.pop(0)
        return 1


def test_windows_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Windll(quiet=400_000)  # the ticks have begun anew in between
    monkeypatch.setattr("bgo.devices.sensors.windows._windll", lambda: fake)
    found = windows_idle(300_000, LIMIT())
    assert (found.idle.value, found.unused.ms) == (Tri.YES, 400_000)
    load = Load()
    assert [load(LIMIT()).load.percent, load(LIMIT()).load.percent] == [30, 55]


# All together.


def test_the_roots_come_from_the_environment(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0", type="Battery", status="Discharging", capacity="7")
    tables(tmp_path, NO_V4, NO_V6)
    (tmp_path / "loadavg").write_text("0.52 0.58 0.59 2/512 4711\n")
    (tmp_path / "stat").write_text("cpu  1 2\ncpu0 1 2\ncpu1 1 2\ncpu2 1 2\ncpu3 1 2\nintr 0\n")
    env = {f"BGO_{name}_ROOT": str(tmp_path) for name in ("SYSFS", "PROC", "DEV")}
    taken = Survey(sensors(Place(str(tmp_path)), "linux", env)).take()
    assert taken.state.charging == Reading(Tri.NO, "sysfs BAT0 Discharging")
    assert taken.state.battery.percent == 7
    assert taken.state.network.kind is NetworkKind.NONE
    rows = {row.name: row for row in taken.rows(taken.read_ms + 7)}
    assert list(rows) == [name for name in DeviceState.__dataclass_fields__ if name not in PHONES]
    assert rows["load"].value == "13 %"
    assert rows["battery"].value == "7 %"
    assert rows["network"].value == "none"
    assert {row.age_ms for row in rows.values()} == {7}


def test_a_machine_that_is_not_known_has_a_volume_and_nothing_else(tmp_path: Path) -> None:
    taken = Survey(sensors(Place(str(tmp_path)), "plan9", {})).take()
    assert [row.name for row in taken.rows(taken.read_ms) if row.latency_ms is not None] == ["storage_low"]
    assert taken.state.charging == Reading(Tri.UNKNOWN, "not sensed")


def test_every_platform_reads_each_field_once() -> None:
    for platform, env in (("linux", {}), ("linux", {"TERMUX_VERSION": "0.118"}), ("darwin", {}), ("win32", {})):
        fields = [name for sensor in sensors(Place("/"), platform, env) for name in sensor.fields]
        assert len(fields) == len(set(fields)) > 1
    for name, is_missing in (
        (ADB, {"motion", "refresh", "app", "exempt", "bucket"}),
        ("adb/a.b", {"motion", "refresh"}),
    ):
        fields = [name for sensor in sensors(Place("/", device=name)) for name in sensor.fields]
        assert len(fields) == len(set(fields))
        assert set(fields) == set(DeviceState.__dataclass_fields__) - is_missing


NAMES = st.sampled_from(["type", "status", "capacity", "online", "energy_now", "energy_full", "present", "scope"])
CONTENT = st.one_of(st.binary(max_size=40), st.sampled_from([b"Battery", b"Mains", b"1", b"Full", b"\xff\xfe", b"-1"]))


@given(st.dictionaries(NAMES, CONTENT), st.binary(max_size=300), st.binary(max_size=300))
def test_whatever_the_files_hold_there_is_an_answer(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], v4: bytes, v6: bytes
) -> None:
    root = tmp_path_factory.mktemp("kernel")
    supply(root, "BAT0")
    for name, content in files.items():
        (root / "class/power_supply/BAT0" / name).write_bytes(content)
    (root / "net").mkdir()
    (root / "net/route").write_bytes(v4)
    (root / "net/ipv6_route").write_bytes(v6)
    found = power(root)
    assert found.battery.percent is None or 0 <= found.battery.percent <= 100
    assert found.charging.source
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BGO_BUSCTL", "/nowhere/busctl")
        assert network(root).kind in {NetworkKind.NONE, NetworkKind.CONNECTED}
