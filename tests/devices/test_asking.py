"""Programs that hang, flood, babble or die give a reason in time; nothing of them is left, and nothing is raised."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from bgo.devices.sensors import Place, Sensor, Survey, sensors
from bgo.devices.sensors.asking import MOST_BYTES, Limit, TooSlow, Unreadable, ask, brief, read_file, span
from bgo.model.device import DeviceState, Level, Network, NetworkKind, Reading, Tri
from tests.devices.stubs import Stub
from tests.devices.test_sensors import V4

SHORT_MS = 150
PATIENCE_MS = 1_000
"""Enough for what is quick, on a machine that is busy."""
ROOTS = ("SYSFS", "PROC", "DEV")
HOSTILE = {
    "hangs": ("sleep 600", TooSlow),
    "hangs silently": ("exec >&- 2>&-; sleep 600", TooSlow),
    "leaves a child that holds the pipe": ("sleep 600 & exit 0", TooSlow),
    "ignores being asked to end": ("trap '' TERM INT HUP; sleep 600; sleep 600", TooSlow),
    "trickles": ("while :; do echo x; sleep 0.02; done", TooSlow),
    "floods": ("cat /dev/zero", Unreadable),
    "floods with complaints": ("cat /dev/zero >&2", Unreadable),
    "fails": ("echo no such thing >&2; exit 3", Unreadable),
    "is killed": ("kill -9 $$", Unreadable),
}


@pytest.mark.parametrize("how", HOSTILE)
def test_a_hostile_program_is_unreadable(stub: Stub, tmp_path: Path, how: str) -> None:
    script, error = HOSTILE[how]
    stub("sensor", does=f'echo $$ > "{tmp_path}/pid"\n{script}')
    with pytest.raises(error) as caught:
        ask(Limit(5_000 if error is Unreadable else SHORT_MS), "sensor")
    assert str(caught.value).startswith("sensor")
    while living(group := (tmp_path / "pid").read_text().strip()):  # a signal takes its time; a test that hangs is told
        os.sched_yield()
    assert group


def living(group: str) -> list[str]:
    """Return the processes of a group that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its, *_ = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if its == group and state not in "ZX":
            found.append(path.parent.name)
    return found


def test_the_reason_of_a_failure_is_its_last_word(stub: Stub) -> None:
    stub("sensor", complains="* daemon not running; starting now\nerror: device \x1b[31munauthorized\n", code=1)
    with pytest.raises(Unreadable, match=r"^sensor: error: device  ?\[31munauthorized$"):
        ask(Limit(5_000), "sensor")


def test_complaints_are_no_output_and_bytes_are_replaced(stub: Stub) -> None:
    stub("sensor", b"caf\xe9 \x00\n", complains="warning\n")
    assert ask(Limit(5_000), "sensor") == "caf\ufffd \x00\n"


def test_what_is_not_there_or_no_program() -> None:
    with pytest.raises(Unreadable, match=r"^/nowhere is not here$"):
        ask(Limit(SHORT_MS), "/nowhere")
    with pytest.raises(Unreadable, match=r"^/tmp: Permission denied$"):
        ask(Limit(SHORT_MS), "/tmp")


def test_a_file_is_read_up_to_its_most(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b" abc" * 100)
    assert read_file(str(path), 8) == "abc abc"
    with pytest.raises(Unreadable, match="Is a directory"):
        read_file(str(tmp_path))
    with pytest.raises(Unreadable):
        read_file("a\0b")


def test_words() -> None:
    assert brief("a\n\x1b[2Jb\t" + "c" * 500).startswith("a [2Jb ccc")
    assert len(brief("c " * MOST_BYTES)) == 80
    assert [span(ms) for ms in (0, 59_999, 60_000, 7_199_000, 7_200_000)] == ["0 s", "59 s", "1 min", "119 min", "2 h"]


# A survey of them.


def a_sensor(stub_name: str, field: str) -> Sensor:
    def read(limit: Limit) -> DeviceState:
        return replace(DeviceState(), **{field: Reading(Tri.YES, ask(limit, stub_name).strip())})

    return Sensor((field,), read)


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bgo.devices.sensors.survey.PROGRAMS_MS", PATIENCE_MS)
    monkeypatch.setattr("bgo.devices.sensors.survey.ALL_MS", 2 * PATIENCE_MS)


@pytest.mark.usefixtures("patience")
def test_one_that_hangs_takes_nothing_from_the_others_and_is_left_alone_for_a_while(stub: Stub, tmp_path: Path) -> None:
    stub("slow", does="sleep 600")
    stub("quick", "nobody here")
    survey = Survey([a_sensor("slow", "charging"), a_sensor("quick", "idle")])
    state = survey.take().state
    assert state.charging == Reading(Tri.UNKNOWN, f"slow took longer than {PATIENCE_MS / 1000:g} s")
    assert state.idle == Reading(Tri.YES, "nobody here")
    for _ in range(3):
        assert survey.take().state.charging == Reading(Tri.UNKNOWN, "slow was too slow lately")
    assert len((tmp_path / "bin/slow.asked").read_text().splitlines()) == 1
    assert len((tmp_path / "bin/quick.asked").read_text().splitlines()) == 4
    stub("slow", "awake again")
    rested = list(survey._resting)
    survey._resting = dict.fromkeys(rested, 0)
    assert rested
    assert survey.take().state.charging == Reading(Tri.YES, "awake again")


@pytest.mark.usefixtures("patience")
def test_a_bus_that_hangs_costs_one_wait_and_the_rest_is_told_all_the_while(stub: Stub, tmp_path: Path) -> None:
    stub("busctl", does="sleep 600")
    (tmp_path / "net").mkdir()
    (tmp_path / "net/route").write_text(V4)
    survey = Survey(sensors(Place(str(tmp_path)), "linux", {f"BGO_{n}_ROOT": str(tmp_path) for n in ROOTS}))
    for words in (f"busctl took longer than {PATIENCE_MS / 1000:g} s", *["busctl was too slow lately"] * 3):
        state = survey.take().state
        assert state.network == Network(NetworkKind.CONNECTED, f"default route by eth0; cost unknown: {words}")
        assert state.idle == Reading(Tri.UNKNOWN, f"{words}; no terminal either (headless)")
    assert len((tmp_path / "bin/busctl.asked").read_text().splitlines()) == 3


def test_a_call_that_hangs_in_the_kernel_is_left_behind_and_never_joined_by_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bgo.devices.sensors.survey.ALL_MS", SHORT_MS)
    os.mkfifo(tmp_path / "fifo")
    calls = []

    def stuck(limit: Limit) -> DeviceState:
        calls.append(limit)
        with open(tmp_path / "fifo", "rb") as file:  # waits for a writer, whatever the limit
            file.read()
        return DeviceState(storage_low=Reading(Tri.NO, "at last"))

    survey = Survey([Sensor(("storage_low",), stuck)])
    for _ in range(3):
        assert survey.take().state.storage_low.value is Tri.UNKNOWN
    assert len(calls) == 1
    [thread] = survey._hanging.values()
    os.close(os.open(tmp_path / "fifo", os.O_WRONLY))
    thread.join()
    monkeypatch.setattr("bgo.devices.sensors.survey.ALL_MS", 60_000)
    (tmp_path / "fifo").unlink()
    (tmp_path / "fifo").touch()
    assert survey.take().state.storage_low == Reading(Tri.NO, "at last")


def test_a_sensor_with_a_fault_is_unknown_with_the_fault_as_its_reason() -> None:
    def broken(limit: Limit) -> DeviceState:
        raise ZeroDivisionError("1 / 0\nand so on")

    state = Survey([Sensor(("battery", "screen"), broken)]).take().state
    assert state.battery == Level(None, "ZeroDivisionError: 1 / 0 and so on")
    assert state.screen.source == state.battery.source
    assert state.idle == Reading()
