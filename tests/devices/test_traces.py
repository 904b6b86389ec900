"""Device scripts: what they may say, and where a wrong one is wrong."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.devices.traces import parse_trace, read_trace
from bgo.errors import UsageError
from bgo.model.device import DeviceChange, Tri

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


def test_an_empty_script_is_no_change() -> None:
    assert parse("# nothing\n\n") == ()


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
        ("at,charging\n+0h", "day.txt:2: 1 cells where the heading has 2", "leave a cell empty"),
        ("at,battery\n+0h,5", "day.txt:2: unknown signal 'battery'", "a script may say charging"),
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
