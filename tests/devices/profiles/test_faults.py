"""What is wrong in a profile is refused with the file, the line, the reason and what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from bgo.devices.profiles import profile
from bgo.devices.profiles.merging import resolve
from bgo.errors import NotFoundError, UsageError
from tests.devices.profiles.kit import ANDROID, refused, write

WRONG: dict[str, tuple[str, str, str, str]] = {
    "no TOML": ("os = ", "mine.toml:1: not TOML", "invalid value", "a profile reads"),
    "unknown key": ("[work]\nmin_intervall = '1m'", "mine.toml:3: unknown key 'min_intervall'", "[work] has", "'min_i"),
    "a unit in a key": ("[work]\nmin_interval_ms = 9", "mine.toml:3: unknown key", "[work] has", "'min_interval'"),
    "unknown table": ("[bateries]\nlow = 3", "mine.toml:2: unknown table 'bateries'", "a profile has", "'battery'"),
    "unknown inner table": ("[doze.depp]\n", "mine.toml:2: unknown table 'doze.depp'", "[doze] has", "'deep'"),
    "a bare number": (
        "[work]\nrun_max = 600",
        "mine.toml:3: run_max = 600",
        "a duration needs a unit",
        '"600s" or "600m"',
    ),
    "a text without unit": ("[work]\nrun_max = '600'", "mine.toml:3: run_max", "needs a unit", '"600s"'),
    "a bare size": ("[work]\ndata_max = 10240", "mine.toml:3: data_max", "a size needs a unit", '"10 KiB"'),
    "a month": ("[work]\nrun_max = '1 month'", "mine.toml:3: run_max", "no fixed length", "write run_max"),
    "below zero": ("[work]\nrun_max = '-5m'", "mine.toml:3: run_max", "cannot be negative", "write run_max"),
    "no size": ("[work]\ndata_max = '5 pounds'", "mine.toml:3: data_max", "not a number of bytes", "write data_max"),
    "a text for a number": ("[battery]\nlow = '15'", "mine.toml:3: low = '15'", "a whole number", "write low = 15"),
    "a truth for a number": ("[battery]\nlow = true", "mine.toml:3: low = true", "a whole number", "write low = 15"),
    "a number for a truth": (
        "[work]\ncron_as_interval = 1",
        "mine.toml:3: cron_as_interval",
        "true or false",
        "= true",
    ),
    "far too much": ("[work]\nmax_scheduled = 99999999", "mine.toml:3: max_scheduled", "between 0 and", "write"),
    "no factor": ("[doze.deep]\nidle_factor = 'two'", "mine.toml:3: idle_factor", "a number from 0", "= 2.0"),
    "no choice": ("[work]\ninterval_from = 'ancor'", "mine.toml:3: interval_from", "'anchor'", "it is one of"),
    "a value for a table": ("battery = 15", "mine.toml:2: battery is no value", "it is a table", "write [battery]"),
    "none for a table that must be": ("battery = 'none'", "mine.toml:2: battery is no", "it is a table", "[battery]"),
    "a table for a value": ("[work.run_max]\nx = 1", "mine.toml:2: run_max", "a text in quotes", '"15m"'),
    "no list": ("unknown_passes = 'idle'", "mine.toml:2: unknown_passes", "a list of texts", '["charging"]'),
    "twice": ("unknown_passes = ['network', 'network']", "mine.toml:2: unknown_passes", "twice", "write"),
    "no constraint": ("unknown_passes = ['netwrk']", "mine.toml:2: no constraint 'netwrk'", "is one of", "'network'"),
    "said twice": (
        "[work]\nrun_max = '1m'\nrun-max = '2m'",
        "mine.toml:4: run-max is said twice",
        "be lost",
        "keep one",
    ),
    "no range": ("[refresh]\nper_day = [5, 2]", "mine.toml:3: per_day", "the least and the most", "[1, 4]"),
    "no bucket": ("[quota.activ]\ntime = '1m'", "mine.toml:2: no standby bucket 'activ'", "is one of", "'active'"),
    "no bucket pinned": ("[standby]\npinned = 'rara'", "mine.toml:3: no standby bucket 'rara'", "is one of", "'rare'"),
    "no budget": ("[expedited.budgets]\nx = '1m'", "mine.toml:3: no standby bucket 'x'", "is one of", "leave it out"),
    "no signal": ("[device]\nchargin = 'no'", "mine.toml:3: no signal 'chargin'", "is one of", "'charging'"),
    "no reading": ("[device]\ncharging = 'maybe'", "mine.toml:3: charging='maybe'", "yes, no", "charging=yes"),
    "no type of service": ("[foreground.'a b']\n", "mine.toml:2: no type of service", "are words", "dataSync"),
    "no parent": ("extends = 3", "mine.toml:2: extends is no profile", "name", 'extends = "android"'),
    "an unknown parent": ("extends = 'hots'", "mine.toml:2: no profile 'hots'", "'host'", "bgo profiles"),
    "a lacking key": (
        "[batching]\nready = 5",
        "mine.toml:2: [batching] lacks max_delay",
        "says nothing",
        "add max_delay",
    ),
    "a lacking key of a member": (
        "[quota]\nday_cap = '4h'\n[quota.rare]\ntime = '1m'\nwindow = '1h'\njobs = 3",
        "mine.toml:4: [quota.rare] lacks sessions",
        "says nothing",
        "add sessions",
    ),
    "a table of another system": ("[app]\nusage = 0.5", "mine.toml:2: [app] is a table of ios", "of android", "ios"),
    "percent": ("[battery]\nlow = 101\nokay = 120", "mine.toml:3: battery.low is 101", "in percent", "0 to 100"),
    "okay below low": ("[battery]\nlow = 15\nokay = 10", "mine.toml:4: battery.okay is 10", "at once not", "okay 20"),
    "backwards": (
        "[work]\nbackoff_min = '9m'\nbackoff_max = '1m'",
        "mine.toml:4: work.backoff_max is less",
        "",
        "swap",
    ),
    "more than its window": (
        "[quota]\nday_cap = '4h'\n[quota.rare]\ntime = '2h'\nwindow = '1h'\njobs = 3\nsessions = 1",
        "mine.toml:6: quota.rare.window is less than quota.rare.time",
        "",
        "swap",
    ),
    "a total of nothing": (
        "[foreground.dataSync]\ntotal = '6h'",
        "mine.toml:2: [foreground.dataSync] has total without window",
        "how long",
        "add window",
    ),
    "steps missing": (
        "[standby]\nelapsed = ['0s', '12h']\nscreen = ['0s','0s','0s','0s','0s']\nstep = '3h'",
        "mine.toml:3: standby.elapsed has 2 steps",
        "active, working, frequent, rare, restricted",
        "write 5 durations",
    ),
    "steps backwards": (
        "[standby]\nelapsed = ['0s','9h','8h','9h','10h']\nscreen = ['0s','0s','0s','0s','0s']\nstep = '3h'",
        "mine.toml:3: standby.elapsed goes backwards",
        "less use",
        "sort",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_refused_with_its_line(tmp_path: Path, case: str) -> None:
    text, message, why, hint = WRONG[case]
    write(tmp_path, mine=f"os = 'android'\n{text}\n" if case != "no TOML" else text)
    error = refused(tmp_path, "mine")
    assert message in error.message
    assert why in error.why
    assert hint in error.hint


def test_the_first_fault_says_how_many_more_there_are(tmp_path: Path) -> None:
    write(tmp_path, mine="os = 'android'\n[work]\nrun_max = 3\ndata_max = 4\nx = 5")
    error = refused(tmp_path, "mine")
    assert error.message.startswith("mine.toml:3: run_max = 3")
    assert error.hint.endswith("2 more: bgo profiles check mine")


def test_a_fault_of_a_parent_is_told_where_it_stands(tmp_path: Path) -> None:
    write(tmp_path, base="os = 'android'\n[work]\nrun_max = 3", mine="extends = 'base'")
    assert refused(tmp_path, "mine").message.startswith("base.toml:3: run_max = 3")


@pytest.mark.parametrize(
    ("files", "message", "why"),
    [
        ({"mine": "extends = 'mine'"}, "mine.toml:1: mine extends mine", "cannot extend itself"),
        (
            {"mine": "extends = 'b'", "b": "extends = 'c'", "c": "extends = 'b'"},
            "c.toml:1: b extends c extends b",
            "cannot extend itself",
        ),
        ({"mine": "[work]\nrun_max = '1m'"}, "mine.toml:1: os is missing", "extends nothing"),
        ({"mine": "extends = 'b'", "b": ""}, "b.toml:1: os is missing", "extends nothing"),
        (
            {"mine": "extends = 'b'\nos = 'ios'", "b": "os = 'android'"},
            "mine.toml:2: os is ios, and b, which it extends, is of android",
            "mean nothing to another",
        ),
        (
            {"mine": "extends = ['b', 'c']", "b": "os = 'android'", "c": "os = 'ios'"},
            "mine.toml:1: what it extends differs about os",
            '"android" in b.toml:1, "ios" in c.toml:1',
        ),
        (
            {
                "mine": "\nextends = ['b', 'c']",
                "b": "os = 'android'\n[battery]\nlow = 10",
                "c": "os = 'android'\n[battery]\nlow = 12",
            },
            "mine.toml:2: what it extends differs about battery.low",
            "10 in b.toml:3, 12 in c.toml:3",
        ),
        (
            {
                "mine": "extends = ['b', 'c']",
                "b": "os = 'android'\nbatching = 'none'",
                "c": "os = 'android'\n[batching]\nready = 5\nmax_delay = '31m'",
            },
            "mine.toml:1: what it extends differs about batching",
            "the table is none in b.toml:2, the table is there in c.toml:2",
        ),
    ],
)
def test_what_extends_what_must_make_sense(tmp_path: Path, files: dict[str, str], message: str, why: str) -> None:
    error = refused(write(tmp_path, **files), "mine")
    assert message in error.message
    assert why in error.why
    assert error.hint


@pytest.mark.parametrize("name", ["nobody", "./nobody.toml", "../x/y", "no body", "", "a" * 999, "host.toml", "Host"])
def test_a_profile_that_there_is_not(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((NotFoundError, UsageError)) as caught:
        profile(name, tmp_path)
    assert len(caught.value.message) < 300
    assert caught.value.hint


def test_a_name_nearly_right_gets_the_right_one(tmp_path: Path) -> None:
    write(tmp_path, my_phone=ANDROID)
    assert refused(tmp_path, "my-fone").why == "did you mean 'my-phone'?"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"summary = '\xe9'")
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "1st.toml").write_text("os = 'host'")
    for name in ("latin", "folder"):
        assert refused(tmp_path, name).message.startswith("cannot read")
    assert "cannot be called '1st'" in refused(tmp_path, str(tmp_path / "1st.toml")).message


def test_a_fault_is_told_once_however_many_extend_it(tmp_path: Path) -> None:
    write(tmp_path, base="os = 'ios'\n[doze]\n[batching]\nx = 1", left="extends = 'base'", right="extends = 'base'")
    write(tmp_path, mine="extends = ['left', 'right']")
    faults = resolve("mine", tmp_path).faults
    assert [fault.message.removeprefix(f"{tmp_path}/") for fault in faults] == [
        "base.toml:4: unknown key 'x'",
        "base.toml:2: [doze] is a table of android",
        "base.toml:3: [batching] is a table of android",
    ]


def test_any_system_may_say_that_it_has_no_services(tmp_path: Path) -> None:
    write(tmp_path, mine="os = 'ios'\n[foreground]\n[app]\n[refresh]\nrun_max = '30s'\npending = 1\nper_day = [0, 4]")
    found = profile("mine", tmp_path)
    assert found.foreground is not None
    assert found.foreground.types == {}
    assert found.refresh is not None
    assert found.refresh.per_day == (0, 4)
