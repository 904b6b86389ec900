"""Device scripts as TOML: they say what lines say, and a wrong one is refused with its file and line."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.devices.readings import EXAMPLES, SIGNALS
from bgo.devices.traces import parse_trace, read_trace
from bgo.errors import UsageError
from bgo.model.device import DeviceChange

START = 1_795_424_400_000  # 2026-11-23T09:00Z
BERLIN = ZoneInfo("Europe/Berlin")


def parse(text: str, name: str = "day.toml") -> tuple[DeviceChange, ...]:
    return parse_trace(text, name, START, BERLIN)


LINES = """\
at +0h charging=no network=metered battery=80 wifi=Café
at 12:30 charging=yes screen=on
at 2026-11-25T07:30:00+00:00 charging=unknown unused=10m
at 2026-11-25T12:00:00 app=swiped
"""
TOML = """\
# a day
summary = "It goes on."

[[change]]
at = "+0h"
charging = false
network = "metered"
battery = 80
wifi = "Café"

[[change]]
at = 12:30:00
charging = "yes"
screen = true

[[change]]
at = 2026-11-25T07:30:00Z
charging = "unknown"
unused = "10m"

[[change]]
at = 2026-11-25T12:00:00
app = "swiped"
"""


def told(changes: tuple[DeviceChange, ...]) -> list[tuple[int, str]]:
    import re

    return [(change.at_ms, re.sub(r"trace day[.\w]*:\d+", "trace", repr(change.state))) for change in changes]


def test_the_same_script_as_lines_and_as_toml() -> None:
    assert told(parse(TOML)) == told(parse(LINES, "day.txt"))


def test_a_day_that_comes_again() -> None:
    daily = 'every = "day"\n[[change]]\nat = "07:00"\ncharging = "no"\n[[change]]\nat = 22:00:00\ncharging = true\n'
    assert told(parse(daily)) == told(parse("every day\nat 07:00 charging=no\nat 22:00 charging=yes\n", "day.txt"))


def test_readings_name_the_line_of_their_change(tmp_path: Path) -> None:
    assert [change.state.charging.source for change in parse(TOML)[:2]] == ["trace day.toml:5", "trace day.toml:12"]
    path = tmp_path / "x.toml"
    path.write_text(TOML)
    assert read_trace(str(path), START)[0].state.charging.source == f"trace {path}:5"
    inline = 'every = "day"\nchange = [{at = "07:00", charging = "no"}, {at = "08:00", idle = "no"}]\n'
    assert parse(inline)[0].state.charging.source == "trace day.toml:2"


CHANGE = '[[change]]\nat = "+1h"\ncharging = "no"\n'


@pytest.mark.parametrize(
    ("text", "line", "message", "says"),
    [
        ("[[changes]]\n", 1, "unknown key 'changes'", "did you mean 'change'?"),
        ("change = 3\n", 1, "each change is a table", "[[change]]"),
        ("[change]\nat = 1\n", 1, "each change is a table", "[[change]]"),
        ('# c\nevery = "week"\n', 2, "every = 'week'", 'every "day"'),
        ("summary = 3\n", 1, "the summary is a text", ""),
        (CHANGE + "\n[[change]]\ncharging = true\n", 5, "a change without its time", 'at = "+2h"'),
        (CHANGE + '\n[[change]]\nat = "+2h"\n', 5, "a change that changes nothing", ""),
        (
            CHANGE + '\n[[change]]\nat = "+2h"\nchargin = true\n',
            7,
            "unknown signal 'chargin'",
            "did you mean 'charging'?",
        ),
        ('[[change]]\nat = "+2h"\ncharging = 3\n', 3, "charging='3' is not a reading", "yes, no or unknown"),
        ('[[change]]\nat = "+2h"\ncharging = [1]\n', 3, "charging is a word", "unknown"),
        ('[[change]]\nat = "+2h"\nunused = 10\n', 3, "unused='10' is not a reading", "needs a unit"),
        ('[[change]]\nat = "+2"\nidle = true\n', 2, "not a time: '+2'", "an offset needs a unit"),
        ("[[change]]\nat = 7\nidle = true\n", 2, "not a time: 7", "an ISO instant"),
        ("[[change]]\nat = 2026-11-25\nidle = true\n", 2, "not a time: 2026-11-25", "an ISO instant"),
        ("[[change]]\nat = 07:30:10\nidle = true\n", 2, "not a time: 07:30:10", "an ISO instant"),
        (CHANGE + CHANGE, 5, "time goes backwards at '+1h'", "later than the one before"),
        ('every = "day"\n' + CHANGE, 3, "not a time of the day: '+1h'", "clock times alone"),
        ("[[change]\n", 1, "not TOML", ""),
        ('summary = "x"\n\n[[changes]]\nat = "+1h"\n', 3, "unknown key 'changes'", "did you mean 'change'?"),
        ('summary = "x"\n\n[change]\nat = "+1h"\n', 3, "each change is a table", "[[change]]"),
        (
            'change = [\n  {at = "+1h", idle = true},\n  {at = "+2h", idl = true},\n]\n',
            3,
            "unknown signal 'idl'",
            "idle",
        ),
        (
            'change = [\n  {at = "+1h", wifi = "}"},\n  {idle = true},\n]\n',
            3,
            "a change without its time",
            "from when on",
        ),
        ('every = "day"\n', 1, "the day has no line", "[[change]]"),
        ("", 1, "the script is empty", "[[change]]"),
        (CHANGE.replace('"no"', "80.5"), 3, "charging is a word", "80.5 is none"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, message: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert caught.value.message.startswith(f"day.toml:{line}: {message}")
    assert says in f"{caught.value.why} {caught.value.hint}"
    assert caught.value.why
    assert caught.value.hint


keys = st.sampled_from([*SIGNALS, "at", "every", "change", "nonsense"])
values = st.one_of(
    st.sampled_from([f'"{word}"' for words in EXAMPLES.values() for word in words.split(", ")]),
    st.sampled_from(['"+1h"', '"+2h"', "07:30:00", "true", "3", "1.5", '"unknown"', "[]", "{}", '"\\u0007"']),
)
parts = st.lists(st.one_of(st.just("[[change]]"), st.builds("{} = {}".format, keys, values), st.text(max_size=5)))


@given(parts)
def test_any_text_is_read_or_refused_by_its_line(lines: list[str]) -> None:
    try:
        found = parse("\n".join(lines))
    except UsageError as error:
        assert error.message.startswith("day.toml:")
    else:
        assert all(one.at_ms < other.at_ms for one, other in pairwise(found))
