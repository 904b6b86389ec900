"""macOS, Termux and a phone over adb: what their tools have printed elsewhere, replayed by stubs on PATH.

pmset: man 1 pmset, and Macs of 2015 to 2025. ioreg: the class IOHIDSystem alone. `dumpsys connectivity`: a phone with
Android 10 and one with Android 17, without their addresses; `dumpsys power`: an Android 13 device. Termux: its manual
(https://hugmouse.github.io/gotermux-docs/) and issue 304 of termux-api.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.devices.names import ADB
from bgo.devices.sensors import Place, Survey, sensors
from bgo.model.device import DeviceState, Network, NetworkKind, Reading, Tri
from tests.devices.stubs import Stub, maker

MAC = "darwin"
TERMUX = {"TERMUX_VERSION": "0.118.0"}
PROGRAMS = ("pmset", "ioreg", "route", "networksetup", "adb", "termux-battery-status", "termux-wifi-connectioninfo")


def read(platform: str = "linux", env: dict[str, str] | None = None, device: str = "host") -> DeviceState:
    return Survey(sensors(Place("/", 300_000, device), platform, env or {})).take().state


# macOS

AC = "Now drawing from 'AC Power'\n -InternalBattery-0 (id=3997795)\t79%; AC attached; not charging present: true\n"
BATTERY = """\
Now drawing from 'Battery Power'
 -InternalBattery-0 (id=4653155)\t81%; discharging; 5:01 remaining present: true
"""
UPS = "Now drawing from 'UPS Power'\n -UPS-900 (id=1)\t97%; discharging; 0:41 remaining present: true\n"
IOREG = """\
+-o IOHIDSystem  <class IOHIDSystem, id 0x1000002cf, registered, matched, active, busy 0 (0 ms), retain 21>
  | {
  |   "IOClass" = "IOHIDSystem"
  |   "HIDIdleTime" = 312000000000
  |   "HIDPointerAcceleration" = 49152
  | }
"""
ROUTE = """\
   route to: default
destination: default
       mask: default
    gateway: 192.0.2.1
  interface: en0
      flags: <UP,GATEWAY,DONE,STATIC,PRCLONING>
 recvpipe  sendpipe  ssthresh  rtt,msec    rttvar  hopcount      mtu     expire
       0         0         0         0         0         0      1500         0
"""
NO_ROUTE = "route: writing to routing socket: not in table\n"


@pytest.mark.parametrize(
    ("text", "charging", "percent"),
    [(AC, Tri.YES, 79), (BATTERY, Tri.NO, 81), ("Now drawing from 'AC Power'\n", Tri.YES, None), (UPS, Tri.NO, None)],
)
def test_pmset(stub: Stub, text: str, charging: Tri, percent: int | None) -> None:
    stub("pmset", text)
    found = read(MAC)
    assert (found.charging.value, found.battery.percent) == (charging, percent)
    assert found.battery_low.value is (Tri.NO if percent is None else Tri.UNKNOWN)


def test_pmset_that_says_nothing_of_power(stub: Stub) -> None:
    stub("pmset", "-InternalBattery-0\n")
    assert read(MAC).charging == Reading(Tri.UNKNOWN, "pmset says neither AC nor battery")


@pytest.mark.parametrize(("seconds", "value"), [(312, Tri.YES), (300, Tri.YES), (299, Tri.NO), (0, Tri.NO)])
def test_ioreg_tells_how_long_there_was_no_input(stub: Stub, seconds: int, value: Tri) -> None:
    stub("ioreg", IOREG.replace("312", str(seconds)) + IOREG.replace("312", "9999"))  # two of them: the smaller counts
    assert read(MAC).idle.value is value


def test_ioreg_without_the_time(stub: Stub) -> None:
    stub("ioreg", IOREG.replace("HIDIdleTime", "HIDOther"))
    assert read(MAC).idle == Reading(Tri.UNKNOWN, "ioreg gives no HIDIdleTime")


@pytest.mark.parametrize(
    ("wifi", "name"),
    [
        ("Current Wi-Fi Network: Office LAN\n", "Office LAN"),
        ("You are not associated with an AirPort network.\n", ""),
        ("en0 is not a Wi-Fi interface.\n", ""),
    ],
)
def test_route_and_networksetup(stub: Stub, tmp_path: Path, wifi: str, name: str) -> None:
    stub("route", ROUTE)
    stub("networksetup", wifi)
    found = read(MAC).network
    assert (found.kind, found.name) == (NetworkKind.CONNECTED, name)
    assert (tmp_path / "bin/networksetup.asked").read_text() == "-getairportnetwork en0\n"


@pytest.mark.parametrize("code", [0, 1])
def test_no_default_route_is_no_network_however_route_ends(stub: Stub, tmp_path: Path, code: int) -> None:
    stub("route", complains=NO_ROUTE, code=code)
    assert read(MAC).network == Network(NetworkKind.NONE, "no default route")
    assert (tmp_path / "bin/route.asked").read_text() == "-n get default\n-n get -inet6 default\n"


# Termux

PHONE_BATTERY = """\
{
  "present": true,
  "technology": "Li-ion",
  "health": "GOOD",
  "plugged": "UNPLUGGED",
  "status": "DISCHARGING",
  "temperature": "22.3",
  "voltage": 4099,
  "current": -820000,
  "percentage": 85,
  "level": 85,
  "scale": 100,
  "energy": null
}
"""
WIFI = """\
{
  "bssid": "02:00:00:00:00:00",
  "frequency_mhz": 5180,
  "ip": "192.0.2.23",
  "link_speed_mbps": 433,
  "network_id": 3,
  "rssi": -42,
  "ssid": "<unknown ssid>",
  "ssid_hidden": true,
  "supplicant_state": "COMPLETED"
}
"""


@pytest.mark.parametrize(
    ("text", "charging", "percent"),
    [
        (PHONE_BATTERY, Tri.NO, 85),
        (PHONE_BATTERY.replace("UNPLUGGED", "PLUGGED_AC"), Tri.YES, 85),
        (PHONE_BATTERY.replace('"present": true', '"present": false'), Tri.YES, None),
        (PHONE_BATTERY.replace('"UNPLUGGED"', "null"), Tri.UNKNOWN, 85),
        (PHONE_BATTERY.replace('"percentage": 85', '"percentage": 850'), Tri.NO, None),
        (PHONE_BATTERY.replace('"percentage": 85', '"percentage": true'), Tri.NO, None),
        ("[1]", Tri.UNKNOWN, None),
        ("[" * 100_000, Tri.UNKNOWN, None),
        ('{"percentage": ' + "9" * 5_000 + "}", Tri.UNKNOWN, None),
        ("", Tri.UNKNOWN, None),
    ],
)
def test_termux_battery(stub: Stub, text: str, charging: Tri, percent: int | None) -> None:
    stub("termux-battery-status", text)
    found = read(env=TERMUX)
    assert (found.charging.value, found.battery.percent) == (charging, percent)


def test_termux_wifi(stub: Stub) -> None:
    stub("termux-wifi-connectioninfo", WIFI)
    assert (read(env=TERMUX).network.kind, read(env=TERMUX).network.name) == (NetworkKind.CONNECTED, "")
    stub("termux-wifi-connectioninfo", WIFI.replace("<unknown ssid>", "home"))
    assert read(env=TERMUX).network.name == "home"
    stub("termux-wifi-connectioninfo", WIFI.replace("COMPLETED", "DISCONNECTED"))
    assert read(env=TERMUX).network.kind is NetworkKind.UNKNOWN


# adb

DUMP_BATTERY = """\
Current Battery Service state:
  AC powered: false
  USB powered: true
  Wireless powered: false
  Max charging current: 500000
  Max charging voltage: 5000000
  Charge counter: 3270000
  status: 2
  health: 2
  present: true
  level: 55
  scale: 100
  voltage: 4352
  temperature: 274
  technology: Li-ion
"""
AWAKE = "  mWakefulness=Awake\n  mLastSleepTime=0 (923791 ms ago)\n"
ASLEEP = "  mWakefulness=Asleep\n  mLastSleepTime=71996210 (1860000 ms ago)\n"
ANDROID_10 = (
    "Active default network: 100\n"
    "  NetworkAgentInfo{ ni{[type: WIFI[], state: CONNECTED/CONNECTED, reason: (unspecified), extra: (none), failover: "
    "false, available: true, roaming: false]}  network{100}  nethandle{432902426637}  lp{{InterfaceName: wlan0 "
    "LinkAddresses: [192.0.2.104/24,]  Routes: [0.0.0.0/0 -> 192.0.2.1 wlan0,] MTU: 0}}  nc{[ Transports: WIFI "
    "Capabilities: NOT_METERED&INTERNET&NOT_RESTRICTED&TRUSTED&NOT_VPN&VALIDATED&NOT_ROAMING&FOREGROUND&NOT_CONGESTED"
    '&NOT_SUSPENDED Unwanted:  LinkUpBandwidth>=1048576Kbps SignalStrength: -37 SSID: "Café 21"]}  Score{60} }\n'
)
ANDROID_17 = (
    "Active default network: 100\n"
    "NetworkAgentInfo{network{100}  handle{432902426637}  ni{WIFI CONNECTED extra: } created=2026-10-10T12:43:41.743Z "
    "Score(Policies : TRANSPORT_PRIMARY&EVER_EVALUATED&IS_UNMETERED ; KeepConnected : 0)  lp{{MTU: "
    "0}}  nc{[ Transports: WIFI Capabilities: NOT_METERED&INTERNET&NOT_RESTRICTED&TRUSTED&NOT_VPN&VALIDATED&NOT_ROAMING"
    "&FOREGROUND&NOT_CONGESTED&NOT_SUSPENDED&NOT_VCN_MANAGED&NOT_BANDWIDTH_CONSTRAINED LinkUpBandwidth>=12000Kbps "
    'TransportInfo: <SSID: "VirtWifi", BSSID: 02:00:00:00:00:00> SSID: "VirtWifi" UnderlyingNetworks: Null]}}\n'
    "NetworkAgentInfo{network{101}  ni{MOBILE CONNECTED} nc{[ Transports: CELLULAR Capabilities: INTERNET&TRUSTED]}}\n"
)
CELLULAR = ANDROID_17.replace("Transports: WIFI", "Transports: CELLULAR").replace("NOT_METERED&", "")
DF = """\
Filesystem     1K-blocks     Used Available Use% Mounted on
/dev/block/dm-5 110909420 66098876 44679472  60% /data
"""


def phone(stub: Stub, **told: str) -> DeviceState:
    """Return a phone's state; adb is one program that answers by what it is asked."""
    folder = "${0%/*}"
    cases = ""
    for word, text in told.items():
        stub(f"adb-{word}", text)
        cases += f'*"{word}"*) cat "{folder}/adb-{word}.out" ;;\n'
    stub("adb", does=f'case "$*" in\n{cases}*) echo "error: device offline" >&2; exit 1 ;;\nesac')
    return read(device=ADB)


@pytest.mark.parametrize(
    ("text", "charging", "percent"),
    [
        (DUMP_BATTERY, Tri.YES, 55),
        (DUMP_BATTERY.replace("USB powered: true", "USB powered: false"), Tri.NO, 55),
        (DUMP_BATTERY.replace("scale: 100", "scale: 200"), Tri.YES, 28),
        (DUMP_BATTERY.replace("level: 55", "level: 555"), Tri.YES, None),
        (DUMP_BATTERY.replace("present: true", "present: false"), Tri.YES, None),
        ("Can't find service: battery\n", Tri.UNKNOWN, None),
    ],
)
def test_a_phones_battery(stub: Stub, text: str, charging: Tri, percent: int | None) -> None:
    found = phone(stub, battery=text)
    assert (found.charging.value, found.battery.percent) == (charging, percent)
    assert found.idle == Reading(Tri.UNKNOWN, "adb: error: device offline")


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        (ANDROID_10, NetworkKind.UNMETERED, "Café 21"),
        (ANDROID_17, NetworkKind.UNMETERED, "VirtWifi"),
        (ANDROID_10.replace("NOT_METERED&", ""), NetworkKind.METERED, "Café 21"),
        (CELLULAR, NetworkKind.METERED, "VirtWifi"),
        (CELLULAR.replace("&TRUSTED", "&TEMPORARILY_NOT_METERED"), NetworkKind.UNMETERED, "VirtWifi"),
        (CELLULAR.replace("&NOT_ROAMING", ""), NetworkKind.ROAMING, "VirtWifi"),
        (ANDROID_10.replace("roaming: false", "roaming: true"), NetworkKind.ROAMING, "Café 21"),
        (ANDROID_17.replace("network: 100", "network: 101"), NetworkKind.METERED, ""),
        ("Active default network: none\n" + ANDROID_17[28:], NetworkKind.NONE, ""),
        ("Active default network: 7\n" + ANDROID_17[28:], NetworkKind.UNKNOWN, ""),
        ("rubbish", NetworkKind.UNKNOWN, ""),
    ],
)
def test_a_phones_network(stub: Stub, text: str, kind: NetworkKind, name: str) -> None:
    found = phone(stub, connectivity=text).network
    assert (found.kind, found.name) == (kind, name)


@pytest.mark.parametrize(
    ("text", "screen", "idle"),
    [
        (AWAKE, Tri.YES, Tri.NO),
        (ASLEEP, Tri.NO, Tri.YES),
        (ASLEEP.replace("1860000", "1859999"), Tri.NO, Tri.NO),
        (ASLEEP.replace("Asleep", "Dozing"), Tri.NO, Tri.YES),
        (ASLEEP.replace("Asleep", "Dreaming"), Tri.YES, Tri.UNKNOWN),
        (ASLEEP.replace(" (1860000 ms ago)", ""), Tri.NO, Tri.UNKNOWN),
        (ASLEEP.replace("Asleep", "Levitating"), Tri.UNKNOWN, Tri.UNKNOWN),
        ("", Tri.UNKNOWN, Tri.UNKNOWN),
    ],
)
def test_a_phones_screen(stub: Stub, text: str, screen: Tri, idle: Tri) -> None:
    found = phone(stub, mWakefulness=text)
    assert (found.screen.value, found.idle.value) == (screen, idle)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (DF, Tri.NO),
        (DF.replace("44679472", "511999"), Tri.YES),
        (DF.replace("44679472", "512000"), Tri.NO),
        (DF[:60], Tri.UNKNOWN),
        ("", Tri.UNKNOWN),
    ],
)
def test_a_phones_storage(stub: Stub, text: str, value: Tri) -> None:
    assert phone(stub, data=text).storage_low.value is value


def test_one_of_several_phones_is_named(stub: Stub, tmp_path: Path) -> None:
    stub("adb", complains="adb: more than one device/emulator\n", code=1)
    assert read(device=ADB).charging.source == "adb: adb: more than one device/emulator"
    stub("adb", DUMP_BATTERY)
    assert read(device="adb:RZ8RB0AGYNW").charging.value is Tri.YES
    asked = (tmp_path / "bin/adb.asked").read_text().splitlines()
    assert "-s RZ8RB0AGYNW shell dumpsys battery" in asked


def test_without_the_programs_all_is_unknown_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert read(MAC).idle.source == "ioreg is not here"
    assert read(env=TERMUX).battery.source == "termux-battery-status is not here"
    assert read(device=ADB).screen.source == "adb is not here"


REAL = [AC, BATTERY, IOREG, ROUTE, PHONE_BATTERY, WIFI, DUMP_BATTERY, ASLEEP, ANDROID_10, ANDROID_17, DF]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Draw real output that was cut, doubled, or had bytes replaced."""
    text = bytearray(draw(st.sampled_from(REAL)).encode())
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(text)))
        text[at : at + draw(st.integers(0, 9))] = draw(st.binary(max_size=9))
    return bytes(text)


@given(damaged())
def test_damaged_output_is_read_or_unknown_but_never_an_error(
    tmp_path_factory: pytest.TempPathFactory, told: bytes
) -> None:
    from bgo.devices.sensors import adb, mac, termux
    from bgo.devices.sensors.asking import Unreadable

    readers = [mac.mac_power, mac.mac_network, termux.termux_power, termux.termux_network]
    readers += [lambda limit: mac.mac_idle(1, limit)]
    readers += [lambda limit, it=it: it("", limit) for it in (adb.phone_power, adb.phone_network, adb.phone_screen)]
    readers += [lambda limit: adb.phone_storage("", limit)]
    text = told.decode("utf-8", "replace")
    with pytest.MonkeyPatch.context() as patch:
        for module in (adb, mac, termux):
            patch.setattr(module, "ask", lambda *_: text)
        for reader in readers:
            try:
                found = reader(None)
            except Unreadable:
                continue
            assert found.battery.percent is None or 0 <= found.battery.percent <= 100


@pytest.mark.parametrize("script", ["head -c 100000 /dev/urandom", "kill -9 $$", "cat /dev/zero"])
def test_hostile_programs_leave_every_field_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    stub = maker(tmp_path / "bin", monkeypatch)
    for name in PROGRAMS:
        stub(name, does=script)
    for state in (read(MAC), read(env=TERMUX), read(device=ADB)):
        assert {state.charging.value, state.idle.value} == {Tri.UNKNOWN}
        assert state.network.kind is NetworkKind.UNKNOWN
        assert state.battery.percent is None
