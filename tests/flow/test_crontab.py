"""Crontabs: what cron would do with each line, and that each line is accounted for once."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.flow.crontab import Owner, is_system_file, name_of, read
from bgo.flow.crontab_lines import command_of, drawn, setting
from bgo.flow.crontab_read import Became, Crontab, Line
from bgo.flow.schedule_written import WrittenSchedule

OWNER = Owner("ann", "/home/ann")
REAL = r"""# Edit this file to introduce tasks to be run by cron.
MAILTO=ann@example.org
PATH = /usr/local/bin:/usr/bin:/bin
GREETING = "  hello "

  */10 * * * *   /usr/local/bin/fetch --all
0 3 * * mon-fri  cd /srv && ./backup.sh > "backup-$(date +\%F).log" 2>&1
30 4 1,15 * 5    LEVEL=3 "$HOME/bin/report"
@daily           logrotate -s ~/.state ~/.logrotate
@reboot          ~/bin/start
0 22 * * 1-5     mail -s "It's 10pm" joe%Joe,%%Where are your kids?%
CRON_TZ=Asia/Tokyo
0 9 * * *        open-market
HOME=/srv/app
SHELL=/bin/bash
RANDOM_DELAY=45
15 0~6 * * sun   [ -x ./clean ] && ./clean
61 * * * *       never
0 0 31 2 *       never
* * * * * * oops
# BEGIN bgo
* * * * * BGO_HOME=/home/ann/.bgo /usr/bin/bgo run --quiet
# END bgo
"""


def table(text: str, **more: bool) -> Crontab:
    return read(text, OWNER, **more)


def one(text: str, **more: bool) -> tuple[Line, WrittenSchedule]:
    line = table(text, **more).lines[-1]
    assert line.schedule is not None, line
    return line, line.schedule


def command(text: str) -> str:
    argv: tuple[str, ...] = one(text)[1].keywords["argv"]
    return argv[2]


def test_a_real_crontab() -> None:
    found = table(REAL)
    assert [line.text for line in found.lines] == REAL.removesuffix("\n").split("\n")
    assert [line.number for line in found.lines] == list(range(1, 24))
    became = {line.number: line.became for line in found.lines}
    assert [n for n in became if became[n] is Became.NOTHING] == [1, 5]
    assert [n for n in became if became[n] is Became.SETTING] == [2, 3, 4, 12, 14, 15, 16]
    assert [n for n in became if became[n] is Became.CARRIED] == [6, 7, 8, 9, 11, 13]
    assert [n for n in became if became[n] is Became.DIFFERS] == [10, 17]
    assert [n for n in became if became[n] is Became.LEFT] == [18, 19, 20]
    assert [n for n in became if became[n] is Became.SKIPPED] == [21, 22, 23]
    assert [s.line for s in found.schedules] == [6, 7, 8, 9, 10, 11, 13, 17]
    assert "minute '61'" in found.lines[17].notes[0]
    assert "no month that it names has a day 31" in found.lines[18].notes[0]
    assert "sixth time field" in found.lines[19].notes[0]
    assert all("no mail" in note for note in found.lines[1].notes)


def test_an_entry_runs_as_cron_runs_it() -> None:
    schedules = {s.line: s for s in table(REAL).schedules}
    assert schedules[6].name == "shell"
    assert schedules[6].keywords == {
        "cron": schedules[6].keywords["cron"],
        "argv": ("/bin/sh", "-c", "/usr/local/bin/fetch --all"),
        "env": {
            "MAILTO": "ann@example.org", "PATH": "/usr/local/bin:/usr/bin:/bin", "GREETING": "  hello ",
            "SHELL": "/bin/sh", "HOME": "/home/ann", "LOGNAME": "ann", "USER": "ann",
        },
        "cwd": "/home/ann", "as_": "fetch", "missed": "skip", "overlap": "allow",
    }  # fmt: skip
    assert str(schedules[6].keywords["cron"]) == "*/10 * * * *"
    assert schedules[7].keywords["argv"][2].endswith('"backup-$(date +%F).log" 2>&1')
    assert schedules[8].keywords["as_"] == "shell", "its first word, in quotes and with a $, is no name"
    assert schedules[9].keywords["as_"] == "logrotate"
    assert schedules[10].keywords["reboot"] is True
    assert "cron" not in schedules[10].keywords
    assert "tz" not in schedules[11].keywords
    assert schedules[13].keywords["tz"] == "Asia/Tokyo"
    last = schedules[17].keywords
    assert (last["cwd"], last["env"]["HOME"], last["argv"][0]) == ("/srv/app", "/srv/app", "/bin/bash")
    assert last["jitter"] == timedelta(minutes=45)
    assert str(last["cron"]).split()[0] == "15"
    assert 0 <= int(str(last["cron"]).split()[1]) <= 6


def test_what_was_not_set_is_what_cron_sets() -> None:
    env = one("* * * * * x")[1].keywords["env"]
    assert env == {"SHELL": "/bin/sh", "PATH": "/usr/bin:/bin", "HOME": "/home/ann", "LOGNAME": "ann", "USER": "ann"}
    assert one("LOGNAME=eve\n* * * * * x")[1].keywords["env"]["LOGNAME"] == "ann", "cron sets that one itself"


def test_settings_hold_for_the_lines_below_them() -> None:
    found = table("1 * * * * a\nX=1\n2 * * * * b\nX=2\n3 * * * * c").schedules
    assert [s.keywords["env"].get("X") for s in found] == [None, "1", "2"]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("A=1", ("A", "1")),
        ("A = 1 2  ", ("A", "1 2")),
        ('A = " 1 "', ("A", " 1 ")),
        ("A=' '", ("A", " ")),
        ('"A B"=c', ("A B", "c")),
        ("A=", ("A", "")),
        ("A=''", ("A", "")),
        ("A=x=y", ("A", "x=y")),
        ('A=x"y"', ("A", 'x"y"')),
        ('A="b" c', None),
        ('A="b', None),
        ("A b=3", None),
        ('"a=b"=c', None),
        ("* * * * * A=1 x", None),
        ("@daily A=1", None),
    ],
)
def test_settings(line: str, wanted: tuple[str, str] | None) -> None:
    assert setting(line) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (r"date +\%F", ("date +%F", None)),
        (r"mail joe%Joe,%%Where?%", ("mail joe", "Joe,\n\nWhere?\n")),
        (r"cat%a\%b%c\d", ("cat", "a%b\nc\\d\n")),
        (r"a\\%b", ("a\\", "b\n")),
        (r"a\\\%b\\c\d", (r"a\%b\c\d", None)),
        ("a%", ("a", None)),
        ("a%%", ("a", "\n")),
        (r"printf 'a\nb'", (r"printf 'a\nb'", None)),
        ("a\\", ("a\\", None)),
        ("", ("", None)),
    ],
)
def test_percent_signs(text: str, wanted: tuple[str, str | None]) -> None:
    assert command_of(text) == wanted


@pytest.mark.parametrize("stdin", ["one", "a%%b", "  $HOME `id` $(id) \\\\ 'q' \"", "END%x", "%"])
def test_stdin_reaches_the_command_as_it_stands_there(stdin: str, tmp_path: Path) -> None:
    text = f'* * * * * echo "$0 $HOME"; cat%{stdin}'
    argv = one(text)[1].keywords["argv"]
    done = subprocess.run(argv, env={"HOME": "/h"}, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "/bin/sh /h\n" + (command_of(f"cat%{stdin}")[1] or "")
    assert not done.stderr


def test_the_exit_code_of_a_command_with_stdin_is_its_own() -> None:
    argv = one("* * * * * read x; exit 7%data")[1].keywords["argv"]
    assert subprocess.run(argv, check=False).returncode == 7


def test_random_ranges_are_drawn_once_and_for_all() -> None:
    when = drawn("~ 9~17 ~3,5 * *", "seed")
    minute, hour, day, month, weekday = when.split()
    assert 0 <= int(minute) <= 59
    assert 9 <= int(hour) <= 17
    assert day.endswith(",5")
    assert 1 <= int(day.split(",")[0]) <= 3
    assert (month, weekday) == ("*", "*")
    assert when == drawn("~ 9~17 ~3,5 * *", "seed")
    assert len({drawn("~ * * * *", str(n)) for n in range(300)}) == 60
    assert drawn("9~3 * * * *", "x") == "9~3 * * * *", "cron refuses it, and so does bgo"


def test_a_mark_and_options_before_the_command() -> None:
    line, made = one("-0 * * * * x")
    assert "history" in line.notes[0]
    assert made.keywords["argv"][2] == "x"
    assert one("0 * * * * -s x -s")[1].keywords["overlap"] == "skip"
    assert command("0 * * * * -nq x") == "x"
    assert "is no option" in table("0 * * * * -z x").lines[0].notes[0]


def test_a_systems_crontab_names_users() -> None:
    text = "17 * * * *\tann\tcd / && run-parts /etc/cron.hourly\n* * * * * root x\n* * * * * ann\n"
    lines = table(text, is_system=True).lines
    assert [line.became for line in lines] == [Became.CARRIED, Became.LEFT, Became.LEFT]
    assert lines[0].schedule is not None
    assert lines[0].schedule.keywords["argv"][2] == "cd / && run-parts /etc/cron.hourly"
    assert "root" in lines[1].notes[0]
    assert "--system" in table("17 * * * * root run-parts x").lines[0].notes[0]
    assert [is_system_file(p) for p in ("/etc/crontab", "/etc/cron.d/x", "/etc/../etc/cron.d/x", "crontab")] == [
        True, True, True, False,
    ]  # fmt: skip


def test_a_random_delay_holds_until_another_is_set() -> None:
    text = "RANDOM_DELAY=10\n* * * * * a\nRANDOM_DELAY=lots\n* * * * * b\nRANDOM_DELAY=5\n* * * * * c\nRANDOM_DELAY=0\n"
    found = table(text + "* * * * * d\n@reboot e\nRANDOM_DELAY=1441\n* * * * * f\n")
    minutes = [s.keywords.get("jitter", timedelta(0)).total_seconds() / 60 for s in found.schedules]
    assert minutes == [10, 0, 5, 0, 0, 0]
    assert all("1440" in found.lines[n].notes[0] for n in (2, 9))
    assert "jitter" in found.lines[0].notes[0]


def test_keys_follow_from_the_line_alone() -> None:
    first = table("0 1 * * * x\n0 2 * * * x\n0  1 *\t* * *  \n").schedules
    again = table("# new\nA=1\n0 2 * * * x\n0  1 * * *   x\n0 1 * * * x\n").schedules
    assert [s.key for s in again] == [first[1].key, first[0].key, f"{first[0].key}-2"]
    assert [s.key for s in table(REAL).schedules] == [s.key for s in table(REAL).schedules]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("* * * *", "five time fields"),
        ("* * * * *", "five time fields"),
        ("@daily", "no command"),
        ("@nightly x", "@nightly"),
        ("CRON_TZ=Mars/Base\n* * * * * x", "not a time zone: 'Mars/Base'"),
        ("HOME=here\n* * * * * x", "HOME is no absolute path"),
        ("SHELL=\n* * * * * x", "SHELL is no absolute path"),
        ("=x", "without a name"),
        ("* * * * * a\0b", "zero byte"),
        ("* * * * * \udcff", "not UTF-8"),
        ("*/0 * * * * x", "minute"),
        ('A="b', "five time fields"),
    ],
)
def test_what_cannot_be_carried_over_is_left_out_and_named(text: str, why: str) -> None:
    line = table(text).lines[-1]
    assert (line.became, line.schedule) == (Became.LEFT, None)
    assert why in line.notes[0]


def test_what_holds_bgo_itself_stays_where_it_is() -> None:
    text = (
        "# BEGIN bgo\n0 0 * * * x\n#END bgo\n* * * * * cd / && bgo run\n* * * * * bgo enqueue x\n"
        "# BEGIN bgo\n1 1 * * * y"
    )
    assert [line.became for line in table(text).lines] == [
        *[Became.SKIPPED] * 4, Became.CARRIED, Became.NOTHING, Became.CARRIED,
    ]  # fmt: skip


def test_a_command_gets_the_name_of_its_program() -> None:
    names = {
        "/usr/bin/rsync -a": "rsync",
        "A=1 B='' ./run.sh": "run.sh",
        "[ -x y ]": "shell",
        "7z x": "shell",
        "": "shell",
    }
    assert {text: name_of(text) for text in names} == names


WORDS = st.sampled_from(
    ["*", "*/5", "~", "1~", "1-5", "mon", "@daily", "@reboot", "-", "=", '"', "'", "\\%", "%", "x", "PATH", "CRON_TZ",
     "HOME", "/bin/sh", "#", "# BEGIN bgo", "# END bgo", "\t", "\r", "\0", "\udcff", "ä", "\x0b", "\u2028", "9" * 5000]
)  # fmt: skip
LINES = st.lists(WORDS | st.text(max_size=8), max_size=9).map(" ".join)


@given(st.lists(LINES, max_size=8).map("\n".join), st.booleans())
def test_hostile_text_is_accounted_for_line_by_line(text: str, is_system: bool) -> None:
    found = table(text, is_system=is_system)
    assert "\n".join(line.text for line in found.lines) == text.removesuffix("\n")
    assert [line.number for line in found.lines] == list(range(1, len(found.lines) + 1))
    for line in found.lines:
        assert (line.schedule is not None) == (line.became in (Became.CARRIED, Became.DIFFERS))
        assert line.notes or line.became not in (Became.LEFT, Became.DIFFERS, Became.SKIPPED)
    keys = [s.key for s in found.schedules]
    assert len(keys) == len(set(keys))
    assert found == table(text, is_system=is_system)
