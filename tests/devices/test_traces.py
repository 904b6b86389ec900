"""Device scripts: what they may say, and where a wrong one is wrong."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.devices.readings import EXAMPLES, SIGNALS, word_of
from bgo.devices.signals import from_environment, said, spoken_of
from bgo.devices.traces import built_in, parse_trace, read_trace, with_facts
from bgo.errors import UsageError
from bgo.model.device import DeviceChange, DeviceState, Tri

START = 1_795_424_400_000  # 2026-11-23T09:00Z
BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3_600_000


def parse(text: str) -> tuple[DeviceChange, ...]:
    return parse_trace(text, "day.txt", START, BERLIN)


def seen(text: str) -> list[tuple[float, str]]:
    return [((change.at_ms - START) / HOUR, str(change.state.charging.value)) for change in parse(text)]


SCRIPT = """
# a day
at +0h charging=no      # unplugged
at 12:30 charging=yes

at 07:30   charging=no
at 2026-11-25T07:30Z charging=unknown
at 2026-11-25 12:00 charging=yes
"""


def test_a_script_in_every_form_of_time() -> None:
    assert seen(SCRIPT) == [(0, "no"), (2.5, "yes"), (21.5, "no"), (46.5, "unknown"), (50, "yes")]


def test_the_same_as_csv() -> None:
    assert seen("at, charging\n+0h,no\n12:30,yes\n# c\n2026-11-24T06:30Z,no\n") == [
        (0, "no"),
        (2.5, "yes"),
        (21.5, "no"),
    ]


def test_a_clock_time_equal_to_the_start_is_the_start() -> None:
    assert seen("at 10:00 charging=yes\nat 10:00 charging=no") == [(0, "yes"), (24, "no")]


def test_an_empty_cell_changes_nothing() -> None:
    assert seen("at,charging\n+0h,yes\n+1h,\n") == [(0, "yes"), (1, "yes")]


def test_readings_name_their_line() -> None:
    assert parse("\nat +0h charging=yes")[0].state.charging.source == "trace day.txt:2"


@pytest.mark.parametrize(
    ("text", "message", "told"),
    [
        ("at +0h chargin=yes", "day.txt:1: unknown signal 'chargin'", "did you mean 'charging'?"),
        ("at +2h charging=yes\nat +1h charging=no", "day.txt:2: time goes backwards", "later than the one before"),
        ("at +1h charging=yes\n\nat +1h charging=no", "day.txt:3: time goes backwards", "merge the two"),
        ("at +2 charging=yes", "day.txt:1: not a time: '+2'", "write +2s, +2m or +2h"),
        ("at +2x charging=yes", "day.txt:1: not a time: '+2x'", "'x' is no unit"),
        ("at 25:00 charging=yes", "day.txt:1: not a time: '25:00'", "hours run from 0 to 23"),
        ("at soon charging=yes", "day.txt:1: not a time: 'soon'", "write +2h, 07:30 or an ISO instant"),
        ("at now charging=yes", "day.txt:1: not a time: 'now'", "write +2h"),
        ("at +0h charging=maybe", "day.txt:1: charging='maybe' is not a reading", "yes, no or unknown"),
        ("at +0h charging=yes charging=no", "day.txt:1: 'charging' is said twice", "keep one"),
        ("at +0h", "day.txt:1: not a change: 'at +0h'", "at +2h charging=yes"),
        ("+0h charging=yes", "day.txt:1: not a change", "at +2h charging=yes"),
        ("# nothing\n\n", "day.txt:1: the script is empty", "at +2h charging=yes"),
        ("every day\n# nothing\n", "day.txt:1: the day has no line", "at +2h charging=yes"),
        (
            "# c\nat,charging,idle,charging\n+0h,no,no,yes",
            "day.txt:2: the column 'charging' is there twice",
            "keep one",
        ),
        ("at,charging\n+0h", "day.txt:2: 1 cells where the heading has 2", "leave a cell empty"),
        ("at,weather\n+0h,good", "day.txt:2: unknown signal 'weather'", "the signals are charging, battery, network"),
        ("at +0h battery=120", "day.txt:1: battery='120' is not a reading", "from 0 to 100"),
        ("at +0h battery=-1", "day.txt:1: battery='-1' is not a reading", "from 0 to 100"),
        ("at +0h network=meterd", "day.txt:1: network='meterd' is not a reading", "did you mean 'metered'?"),
        ("at +0h screen=bright", "day.txt:1: screen='bright' is not a reading", "on, off or unknown"),
        ("at +0h app=opened", "day.txt:1: app='opened' is not a reading", "one of foreground, background, swiped"),
        ("at +0h app=forgeround", "day.txt:1: app=", "did you mean 'foreground'?"),
        ("at +0h lock=shut", "day.txt:1: lock='shut' is not a reading", "open, locked, before-first-unlock"),
        ("at +0h low_power=low", "day.txt:1: low_power='low' is not a reading", "on, off or unknown"),
        ("at +0h motion=on", "day.txt:1: motion='on' is not a reading", "yes, no or unknown"),
        ("at +0h bucket=common", "day.txt:1: bucket='common' is not a reading", "exempted, active, working"),
        ("at +0h load=101", "day.txt:1: load='101' is not a reading", "from 0 to 100"),
        ("at +0h unused=10", "day.txt:1: unused='10' is not a reading", "write unused=10s, 10m or 10h"),
        ("at +0h unused=ages", "day.txt:1: unused='ages' is not a reading", "somebody is at it"),
        ("at +0h charging=on", "day.txt:1: charging='on' is not a reading", "yes, no or unknown"),
        ("at +0h wifi=" + "x" * 65, "day.txt:1: wifi=", "at most 64 printable characters"),
        ("every day\nat +1h charging=yes", "day.txt:2: not a time of the day: '+1h'", "write 07:30"),
        ("every day\nat 24:00 charging=yes", "day.txt:2: not a time of the day: '24:00'", "clock times alone"),
        ("every day\nat 08:00 charging=yes\nat 07:00 idle=no", "day.txt:3: time goes backwards", "order of its clock"),
        ("every day\nat 08:00 charging=yes\nat 8:00 idle=no", "day.txt:3: time goes backwards", "merge the two"),
        ("at +0h charging=yes\nevery day", "day.txt:2: not a change: 'every day'", "at +2h charging=yes"),
    ],
)
def test_wrong_lines_are_named(text: str, message: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert message in caught.value.message
    assert told in f"{caught.value.why} {caught.value.hint}"


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "day.txt"
    path.write_bytes(b"\xef\xbb\xbfat +0h charging=yes\r\n")
    assert read_trace(str(path), START)[0].state.charging.value is Tri.YES
    path.write_bytes(b"\xff")
    with pytest.raises(UsageError, match="is not text"):
        read_trace(str(path), START)
    with pytest.raises(UsageError, match="cannot read"):
        read_trace(str(tmp_path / "gone"), START)


@given(
    st.lists(st.sampled_from(["at", "+1h", "+2h", "07:30", "charging=yes", "charging=no", ",", "#", "\n", " ", "x="]))
)
def test_any_script_is_in_time_order_or_refused(parts: list[str]) -> None:
    try:
        found = parse(" ".join(parts))
    except UsageError as error:
        assert error.message.startswith("day.txt:")
    else:
        assert all(a.at_ms < b.at_ms for a, b in pairwise(found))


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
    except UsageError as error:
        assert error.message.startswith("day.txt:")


SAID = {
    "charging": "no", "battery": "80", "network": "metered", "wifi": "Home", "idle": "no", "storage_low": "no",
    "screen": "on", "load": "35", "unused": "600s", "app": "swiped", "lock": "before-first-unlock",
    "low_power": "on", "motion": "yes", "refresh": "off", "exempt": "yes", "bucket": "rare",
}  # fmt: skip


def test_every_signal_in_lines_and_in_csv() -> None:
    line = "at +0h " + " ".join(f"{key}={word}" for key, word in SAID.items())
    rows = f"at,{','.join(SAID)}\n+0h,{','.join(SAID.values())}\n"
    (one,), (other,) = parse(line), parse(rows)
    assert (
        set(SAID) == set(SIGNALS) == set(EXAMPLES) == {f.name for f in fields(DeviceState)} - {"battery_low"} | {"wifi"}
    )
    for found in (one.state, other.state):
        told = {key: word_of(key, getattr(found, key)) for key in SIGNALS if key != "wifi"}
        assert told | {"wifi": found.network.name} == SAID, "what is told reads back as it was"
        assert spoken_of(found) == {f.name for f in fields(DeviceState)}
        assert (found.battery_low.value, found.unused.ms, found.app.value) == ("no", 600_000, "swiped")


@pytest.mark.parametrize("key", SIGNALS)
def test_every_signal_may_be_unknown_and_any_example_is_a_word_of_it(key: str) -> None:
    said({key: "unknown"}, "test")
    for word in EXAMPLES[key].partition(";")[0].replace("0 to 100", "0, 100").split(", "):
        assert said({key: word}, "test") is not None


def test_what_nobody_touched_goes_on_so_from_its_line_and_who_is_at_it_stays() -> None:
    found = parse("at +1h unused=10m\nat +2h charging=yes\nat +3h unused=no\nat +4h unused=unknown")
    spans = [(change.state.unused.ms, change.state.unused.at_ms) for change in found]
    assert spans == [(600_000, START + HOUR), (600_000, START + HOUR), (0, None), (None, None)]
    assert said({"unused": "1m"}, "--signal").unused.at_ms is None, "what is said as a fact is so all the time"
    sensed = said({"unused": "1m", "load": "40", "idle": "yes"}, "a sensor")
    (first, *_) = with_facts(parse("at +1h charging=no"), START, above=None, below=sensed)
    assert spoken_of(first.state) == {"idle"}, "what is of the moment says nothing of a day"
    own = with_facts(parse("at +1h charging=no"), START, above=None, below=from_environment("unused=1m"))
    assert own[0].state.unused.ms == 60_000


def test_what_a_line_does_not_mention_stays_but_another_network_has_another_name() -> None:
    text = "at +0h network=unmetered wifi=Home idle=yes\nat +1h charging=yes\nat +2h network=metered\nat +3h wifi=Cafe"
    found = [change.state for change in parse(text)]
    assert [(s.network.kind.value, s.network.name) for s in found] == [
        ("unmetered", "Home"),
        ("unmetered", "Home"),
        ("metered", ""),
        ("metered", "Cafe"),
    ]
    assert {s.idle.value for s in found} == {"yes"}
    assert [s.charging.value for s in found] == ["unknown", "yes", "yes", "yes"]


def test_a_battery_is_low_from_15_to_20_percent_on_its_way_up() -> None:
    levels = [16, 15, 19, 20, 16, "unknown", 10, "unknown", 19]
    found = parse("\n".join(f"at +{n}h battery={level}" for n, level in enumerate(levels)))
    assert [change.state.battery_low.value for change in found] == [
        "no", "yes", "yes", "no", "no", "unknown", "yes", "unknown", "yes",
    ]  # fmt: skip


EVERYWHERE = {
    "charging", "battery", "battery_low", "network", "idle", "storage_low", "screen", "lock", "low_power",
}  # fmt: skip
"""What each day says; the rest is that of a computer or of a phone, or for its profile to say."""
DAY = "every day\nat 07:00 charging=no\nat 22:00 charging=yes battery=15\n"


def test_a_day_comes_again_and_has_been_before() -> None:
    found = parse_trace(DAY, "day.txt", START, BERLIN, START + 48 * HOUR)
    hours = [((change.at_ms - START) / HOUR, change.state.charging.value) for change in found]
    assert hours == [(-27, "no"), (-12, "yes"), (-3, "no"), (12, "yes"), (21, "no"), (36, "yes"), (45, "no")]
    assert [change.state.battery_low.value for change in found][:3] == ["unknown", "yes", "yes"]


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_no_line_of_a_day_is_lost_where_the_clocks_change(day: str) -> None:
    """At 2:00 the clocks of Berlin go to 3:00 in March, and at 3:00 back to 2:00 in October."""
    text = "every day\nat 01:00 battery=1\nat 02:30 battery=2\nat 03:00 battery=3\nat 03:20 battery=4\n"
    start = int(datetime.fromisoformat(f"{day}T12:00+00:00").timestamp() * 1000)
    found = parse_trace(text, "day.txt", start, BERLIN, start + 24 * HOUR)
    for one in (found[:4], found[4:8]):
        assert [change.state.battery.percent for change in one] == [1, 2, 3, 4]
    assert all(a.at_ms < b.at_ms for a, b in pairwise(found))


def test_built_in_days_say_everything_from_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert built_in() == ("commuter", "desk-worker", "drawer-phone", "night-charger", "traveller")
    for name in built_in():
        found = read_trace(name, START, BERLIN, START + 7 * 24 * HOUR)
        state = [change.state for change in found if change.at_ms <= START][-1]
        kind = {"load", "unused"} if name == "desk-worker" else {"app", "motion"}
        assert spoken_of(state) == EVERYWHERE | kind, name
        for field in EVERYWHERE - {"battery", "network"}:
            assert getattr(state, field).value != "unknown", (name, field)
    monkeypatch.chdir(tmp_path)
    Path("commuter").write_text("at +0h charging=yes")
    assert len(read_trace("commuter", START)) > 1, "a built-in day goes first"
    assert len(read_trace("./commuter", START)) == 1


def test_a_near_miss_of_a_built_in_day_is_told() -> None:
    with pytest.raises(UsageError) as caught:
        read_trace("comuter", START)
    assert "did you mean 'commuter'?" in caught.value.why
    assert "night-charger" in caught.value.hint


def test_facts_go_above_a_script_and_sensors_below_it() -> None:
    script = parse("at +1h charging=no\nat +2h network=metered")
    above, below = said({"battery": "12"}, "--battery"), said({"charging": "yes", "idle": "yes", "battery": "90"}, "s")
    found = with_facts(script, START, above=above, below=below)
    assert [change.at_ms - START for change in found] == [0, HOUR, 2 * HOUR]
    assert [c.state.charging.value for c in found] == ["unknown", "no", "no"], "the script speaks of it later"
    assert [c.state.network.kind for c in found] == ["unknown", "unknown", "metered"]
    assert {(c.state.battery.percent, c.state.battery_low.value, c.state.idle.value) for c in found} == {
        (12, "yes", "yes")
    }


def test_the_environment_is_read_like_a_line_and_refused_by_its_name() -> None:
    found = from_environment("charging=no battery=12 network=metered")
    assert (found.charging.value, found.battery_low.value, found.network.kind) == ("no", "yes", "metered")
    assert found.charging.source == "BGO_DEVICE"
    assert spoken_of(from_environment("")) == frozenset()
    for text, why in [("charging", "not a signal: 'charging'"), ("x=1", "unknown signal"), ("idle=1", "not a reading")]:
        with pytest.raises(UsageError, match="BGO_DEVICE: ") as caught:
            from_environment(text)
        assert why in caught.value.message


def test_what_sensors_add_to_a_script_is_told_by_its_value_alone() -> None:
    script = parse("at +0h charging=no")
    one, other = (said({"idle": "yes", "storage_low": "no"}, f"{free} MiB free") for free in (812, 811))
    assert with_facts(script, START, above=None, below=one) == with_facts(script, START, above=None, below=other)
    told = with_facts(script, START, above=None, below=from_environment("idle=no"))[0].state
    assert (told.idle.source, told.charging.source) == ("BGO_DEVICE", "trace day.txt:1")
