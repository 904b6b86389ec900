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
PROGRAMS = (
    "powershell.exe",
    "pmset",
    "ioreg",
    "route",
    "networksetup",
    "adb",
    "termux-battery-status",
    "termux-wifi-connectioninfo",
)


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
    asked = (tmp_path / "bin/networksetup.asked").read_text()
    assert asked == "-getairportnetwork en0\n-listallhardwareports\n"


PORTS = """
Hardware Port: Wi-Fi
Device: en0
Ethernet Address: a0:78:17:00:00:01

Hardware Port: iPhone USB
Device: en7
Ethernet Address: 6e:5a:6b:00:00:02

Hardware Port: Thunderbolt Bridge
Device: bridge0
Ethernet Address: 36:21:bb:00:00:03

VLAN Configurations
===================
"""


@pytest.mark.parametrize(
    ("route", "kind", "why"),
    [
        (ROUTE, NetworkKind.CONNECTED, "cost unknown"),
        (ROUTE.replace("en0", "en7"), NetworkKind.METERED, "iPhone USB, a guess"),
        (ROUTE.replace("192.0.2.1", "172.20.10.1"), NetworkKind.METERED, "an iPhone's hotspot, a guess"),
        (ROUTE.replace("en0", "bridge0"), NetworkKind.CONNECTED, "cost unknown"),
    ],
)
def test_a_phone_that_shares_its_network_with_a_mac_is_metered(
    stub: Stub, route: str, kind: NetworkKind, why: str
) -> None:
    stub("route", route)
    stub("networksetup", PORTS)
    found = read(MAC).network
    assert (found.kind, why in found.source) == (kind, True)


def test_a_mac_that_is_not_touched_and_its_load(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    stub("ioreg", IOREG)
    monkeypatch.setattr("os.getloadavg", lambda: (1.5, 0, 0))
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    found = read(MAC)
    assert (found.unused.ms, found.load.percent) == (312_000, 38)
    assert found.load.source == "getloadavg: 1.50 of 4 processors over a minute"


# Windows: what its PowerShell says of the network. https://learn.microsoft.com/en-us/uwp/api/windows.networking.connectivity


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("cost=Unrestricted roaming=False\r\nname=Office LAN\r\n", NetworkKind.UNMETERED, "Office LAN"),
        ("cost=Fixed roaming=False\r\nname=Phone\r\n", NetworkKind.METERED, "Phone"),
        ("cost=Variable roaming=True\r\nname=SIM\r\n", NetworkKind.ROAMING, "SIM"),
        ("cost=Unknown roaming=False\r\nname=\r\n", NetworkKind.CONNECTED, ""),
        ("none\r\n", NetworkKind.NONE, ""),
        ("Unable to find type [Windows.Networking]\r\n", NetworkKind.UNKNOWN, ""),
        ("", NetworkKind.UNKNOWN, ""),
    ],
)
def test_the_network_of_windows(stub: Stub, tmp_path: Path, text: str, kind: NetworkKind, name: str) -> None:
    stub("powershell.exe", text)
    found = read("win32").network
    assert (found.kind, found.name) == (kind, name)
    assert "GetInternetConnectionProfile" in (tmp_path / "bin/powershell.exe.asked").read_text()


def test_x11_knows_of_every_key_and_every_move(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    stub("xprintidle", "312345\n")
    stub("busctl", code=1)
    monkeypatch.setenv("DISPLAY", ":0")
    found = read()
    assert (found.idle.value, found.unused.ms) == (Tri.YES, 312_345)
    assert found.idle.source == "xprintidle: no input for 5 min, counts from 5 min"
    monkeypatch.delenv("DISPLAY")
    assert "xprintidle" not in read().idle.source


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


ASLEEP_DEEP = ASLEEP + "IDLE\n"
STATE = 'RUNNING_UNLOCKED\n--\n User "Owner" (id=0, flags=0x4c13) (current): trustState=UNTRUSTED, trustManaged=0, '
STATE += "deviceLocked=1, isActiveUnlockRunning=0, strongAuthRequired=0x0\n--\n1\n"
APP = """\
40
--
system,com.android.providers.calendar,10012
user,com.example.app,10123
--
    User 0: ceDataInode=1106633 installed=true hidden=false suspended=false stopped=false notLaunched=false enabled=0
--
    topResumedActivity=ActivityRecord{123 u0 com.example.other/.Main t12}
"""


@pytest.mark.parametrize(
    ("text", "unused", "told"),
    [
        (AWAKE + "ACTIVE\n", 0, "adb: awake"),
        (ASLEEP_DEEP, 1_860_000, "doze IDLE"),
        (ASLEEP, 1_860_000, "asleep for 31 min"),
    ],
)
def test_how_long_a_phone_has_slept_and_how_deep(stub: Stub, text: str, unused: int, told: str) -> None:
    found = phone(stub, mWakefulness=text)
    assert found.unused.ms == unused
    assert told in found.idle.source


@pytest.mark.parametrize(
    ("text", "lock", "low_power"),
    [
        (STATE, "locked", Tri.YES),
        (STATE.replace("deviceLocked=1", "deviceLocked=0").replace("--\n1\n", "--\n0\n"), "open", Tri.NO),
        (STATE.replace("UNLOCKED", "LOCKED").replace("--\n1\n", "--\nnull\n"), "before-first-unlock", Tri.NO),
        ("\n--\n\n--\n\n", "unknown", Tri.UNKNOWN),
        ("error\n", "unknown", Tri.UNKNOWN),
    ],
)
def test_a_phones_lock_and_its_battery_saver(stub: Stub, text: str, lock: str, low_power: Tri) -> None:
    found = phone(stub, deviceLocked=text)
    assert (found.lock.value, found.low_power.value) == (lock, low_power)


@pytest.mark.parametrize(
    ("text", "app", "bucket", "exempt"),
    [
        (APP, "background", "rare", Tri.YES),
        (APP.replace("com.example.other/", "com.example.app/"), "foreground", "rare", Tri.YES),
        (APP.replace("com.example.other/", "com.example.app.more/"), "background", "rare", Tri.YES),
        (APP.replace("stopped=false", "stopped=true").replace("40", "5"), "force-quit", "exempted", Tri.YES),
        (APP.replace("user,com.example.app,10123\n", "").replace("40", "45"), "background", "restricted", Tri.NO),
        (APP.replace("topResumedActivity", "nothing").replace("ActivityRecord{", ""), "unknown", "rare", Tri.YES),
        (APP.replace("stopped=false", ""), "unknown", "unknown", Tri.UNKNOWN),
        (APP.replace("40\n", "Error: no such package\n"), "background", "unknown", Tri.YES),
    ],
)
def test_what_a_phone_knows_of_an_app(
    stub: Stub, tmp_path: Path, text: str, app: str, bucket: str, exempt: Tri
) -> None:
    stub("adb", text)
    found = read(device="adb:PHONE1/com.example.app")
    assert (found.app.value, found.bucket.value, found.exempt.value) == (app, bucket, exempt)
    asked = (tmp_path / "bin/adb.asked").read_text()
    assert "-s PHONE1 shell (am get-standby-bucket com.example.app)" in asked


@pytest.mark.parametrize(
    ("text", "percent"),
    [("37% TOTAL: 17% user + 15% kernel + 0.8% iowait\n", 37), ("0.5% TOTAL: 0% user\n", 0), ("", None), ("x", None)],
)
def test_a_phones_load(stub: Stub, text: str, percent: int | None) -> None:
    assert phone(stub, cpuinfo=text).load.percent == percent


def test_a_phone_from_within_may_hide_its_load(tmp_path: Path) -> None:
    env = {**TERMUX, "BGO_PROC_ROOT": str(tmp_path)}
    assert read(env=env).load.percent is None
    (tmp_path / "loadavg").write_text("2.00 1 1 1/1 1")
    (tmp_path / "stat").write_text("cpu0 1\ncpu1 1\ncpu2 1\ncpu3 1\ncpu4 1\n")
    assert read(env=env).load.percent == 40
    assert read(device="termux", env={"BGO_PROC_ROOT": str(tmp_path)}).load.percent == 40


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


REAL = [
    AC,
    BATTERY,
    IOREG,
    ROUTE,
    PHONE_BATTERY,
    WIFI,
    DUMP_BATTERY,
    ASLEEP,
    ANDROID_10,
    ANDROID_17,
    DF,
    STATE,
    APP,
    PORTS,
]


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
    from bgo.devices.sensors import adb, adb_app, mac, termux, windows
    from bgo.devices.sensors.asking import Unreadable

    readers = [mac.mac_power, mac.mac_network, termux.termux_power, termux.termux_network]
    readers += [lambda limit: mac.mac_idle(1, limit)]
    readers += [lambda limit, it=it: it("", limit) for it in (adb.phone_power, adb.phone_network, adb.phone_screen)]
    readers += [lambda limit, it=it: it("", limit) for it in (adb.phone_storage, adb.phone_load, adb_app.phone_state)]
    readers += [lambda limit: adb_app.phone_app("", "com.example.app", limit), windows.windows_network]
    text = told.decode("utf-8", "replace")
    with pytest.MonkeyPatch.context() as patch:
        for module in (adb, mac, termux, windows):
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
