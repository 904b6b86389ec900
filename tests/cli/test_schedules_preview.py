"""`bgo schedules preview` on days on which clocks change, at 80 columns: what is fixed on the wall, what follows real
time, and intervals, which know no wall."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Bgo, When

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
SPRING = {BERLIN: "2027-03-27T00:00+01:00", NEW_YORK: "2027-03-13T00:00-05:00"}
AUTUMN = {BERLIN: "2027-10-30T00:00+02:00", NEW_YORK: "2027-11-06T00:00-04:00"}
"""The midnights that begin the day before."""
FIXED, WILD = "30 1,2 * * *", "*/30 1-2 * * 0"

TABLES = [
    (BERLIN, SPRING, ["--cron", FIXED], 6, """\
NEXT                            FIRES   NOTE
Sat 27 Mar 2027 01:30:00 +0100  in 1 h
Sat 27 Mar 2027 02:30:00 +0100  in 2 h
Sun 28 Mar 2027 01:30:00 +0100  in 1 d  clocks go on by 60 min that day
Sun 28 Mar 2027 03:00:00 +0200  in 1 d  no 02:30 that day: fires right after
Mon 29 Mar 2027 01:30:00 +0200  in 2 d
Mon 29 Mar 2027 02:30:00 +0200  in 2 d
"""),
    (BERLIN, AUTUMN, ["--cron", FIXED], 6, """\
NEXT                            FIRES   NOTE
Sat 30 Oct 2027 01:30:00 +0200  in 1 h
Sat 30 Oct 2027 02:30:00 +0200  in 2 h
Sun 31 Oct 2027 01:30:00 +0200  in 1 d  clocks go back by 60 min that day
Sun 31 Oct 2027 02:30:00 +0200  in 1 d  the first of two 02:30s that day
Mon 01 Nov 2027 01:30:00 +0100  in 2 d
Mon 01 Nov 2027 02:30:00 +0100  in 2 d
"""),
    (BERLIN, SPRING, ["--cron", WILD], 4, """\
NEXT                            FIRES   NOTE
Sun 28 Mar 2027 01:00:00 +0100  in 1 d  clocks go on by 60 min that day
Sun 28 Mar 2027 01:30:00 +0100  in 1 d  clocks go on by 60 min that day
Sun 04 Apr 2027 01:00:00 +0200  in 8 d
Sun 04 Apr 2027 01:30:00 +0200  in 8 d
"""),
    (BERLIN, AUTUMN, ["--cron", WILD], 7, """\
NEXT                            FIRES   NOTE
Sun 31 Oct 2027 01:00:00 +0200  in 1 d  clocks go back by 60 min that day
Sun 31 Oct 2027 01:30:00 +0200  in 1 d  clocks go back by 60 min that day
Sun 31 Oct 2027 02:00:00 +0200  in 1 d  the first of two 02:00s that day
Sun 31 Oct 2027 02:30:00 +0200  in 1 d  the first of two 02:30s that day
Sun 31 Oct 2027 02:00:00 +0100  in 1 d  the second of two 02:00s that day
Sun 31 Oct 2027 02:30:00 +0100  in 1 d  the second of two 02:30s that day
Sun 07 Nov 2027 01:00:00 +0100  in 8 d
"""),
    (BERLIN, SPRING, ["--every", "30m", "--start", "2027-03-28T01:00"], 4, """\
NEXT                            FIRES   NOTE
Sun 28 Mar 2027 01:00:00 +0100  in 1 d  clocks go on by 60 min that day
Sun 28 Mar 2027 01:30:00 +0100  in 1 d  clocks go on by 60 min that day
Sun 28 Mar 2027 03:00:00 +0200  in 1 d  clocks go on by 60 min that day
Sun 28 Mar 2027 03:30:00 +0200  in 1 d  clocks go on by 60 min that day
"""),
    (BERLIN, AUTUMN, ["--every", "1d", "--start", "2027-10-30T13:00"], 3, """\
NEXT                            FIRES    NOTE
Sat 30 Oct 2027 13:00:00 +0200  in 13 h
Sun 31 Oct 2027 12:00:00 +0100  in 1 d   clocks go back by 60 min that day
Mon 01 Nov 2027 12:00:00 +0100  in 2 d
"""),
    (BERLIN, SPRING, ["--daily-at", "2:30", "--window", "2-3"], 3, """\
NEXT                            FIRES
Sat 27 Mar 2027 02:30:00 +0100  in 2 h
Mon 29 Mar 2027 02:30:00 +0200  in 2 d
Tue 30 Mar 2027 02:30:00 +0200  in 3 d
"""),
    (NEW_YORK, SPRING, ["--cron", FIXED], 6, """\
NEXT                            FIRES   NOTE
Sat 13 Mar 2027 01:30:00 -0500  in 1 h
Sat 13 Mar 2027 02:30:00 -0500  in 2 h
Sun 14 Mar 2027 01:30:00 -0500  in 1 d  clocks go on by 60 min that day
Sun 14 Mar 2027 03:00:00 -0400  in 1 d  no 02:30 that day: fires right after
Mon 15 Mar 2027 01:30:00 -0400  in 2 d
Mon 15 Mar 2027 02:30:00 -0400  in 2 d
"""),
    (NEW_YORK, AUTUMN, ["--cron", FIXED], 6, """\
NEXT                            FIRES   NOTE
Sat 06 Nov 2027 01:30:00 -0400  in 1 h
Sat 06 Nov 2027 02:30:00 -0400  in 2 h
Sun 07 Nov 2027 01:30:00 -0400  in 1 d  the first of two 01:30s that day
Sun 07 Nov 2027 02:30:00 -0500  in 1 d  clocks go back by 60 min that day
Mon 08 Nov 2027 01:30:00 -0500  in 2 d
Mon 08 Nov 2027 02:30:00 -0500  in 2 d
"""),
    (NEW_YORK, SPRING, ["--cron", WILD], 4, """\
NEXT                            FIRES   NOTE
Sun 14 Mar 2027 01:00:00 -0500  in 1 d  clocks go on by 60 min that day
Sun 14 Mar 2027 01:30:00 -0500  in 1 d  clocks go on by 60 min that day
Sun 21 Mar 2027 01:00:00 -0400  in 8 d
Sun 21 Mar 2027 01:30:00 -0400  in 8 d
"""),
    (NEW_YORK, AUTUMN, ["--cron", WILD], 7, """\
NEXT                            FIRES   NOTE
Sun 07 Nov 2027 01:00:00 -0400  in 1 d  the first of two 01:00s that day
Sun 07 Nov 2027 01:30:00 -0400  in 1 d  the first of two 01:30s that day
Sun 07 Nov 2027 01:00:00 -0500  in 1 d  the second of two 01:00s that day
Sun 07 Nov 2027 01:30:00 -0500  in 1 d  the second of two 01:30s that day
Sun 07 Nov 2027 02:00:00 -0500  in 1 d  clocks go back by 60 min that day
Sun 07 Nov 2027 02:30:00 -0500  in 1 d  clocks go back by 60 min that day
Sun 14 Nov 2027 01:00:00 -0500  in 8 d
"""),
    (NEW_YORK, AUTUMN, ["--every", "30m", "--start", "2027-11-07T01:00"], 5, """\
NEXT                            FIRES   NOTE
Sun 07 Nov 2027 01:00:00 -0400  in 1 d  the first of two 01:00s that day
Sun 07 Nov 2027 01:30:00 -0400  in 1 d  the first of two 01:30s that day
Sun 07 Nov 2027 01:00:00 -0500  in 1 d  the second of two 01:00s that day
Sun 07 Nov 2027 01:30:00 -0500  in 1 d  the second of two 01:30s that day
Sun 07 Nov 2027 02:00:00 -0500  in 1 d  clocks go back by 60 min that day
"""),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "season", "words", "count", "table"), TABLES)
def test_the_days_on_which_clocks_change(
    bgo: Bgo, when: When, zone: str, season: dict[str, str], words: list[str], count: int, table: str
) -> None:
    when(season[zone], zone)
    bgo("schedule", "echo", *words, "--key", "k", "-q")
    assert bgo("schedules", "preview", "k", "-n", str(count)).text == table
    assert all(len(line) <= 80 for line in table.splitlines())


def test_the_same_schedule_from_another_zone_is_shown_by_its_own_clock(bgo: Bgo, when: When) -> None:
    when(SPRING[BERLIN], "Asia/Tokyo")
    done = bgo("schedule", "echo", "--cron", FIXED, "--tz", BERLIN, "--key", "k")
    assert done.err == f"{FIXED} in Europe/Berlin; next Sat 27 Mar 2027 09:30:00 JST (in 1 h)\n"
    there = TABLES[0][4].replace("NEXT" + " " * 18, f"NEXT, in {BERLIN}")
    assert bgo("schedules", "preview", "k", "-n", "6").text == there


def test_a_change_by_half_an_hour(bgo: Bgo, when: When) -> None:
    when("2027-04-03T00:00+11:00", "Australia/Lord_Howe")
    bgo("schedule", "echo", "--cron", "45 1 * * *", "--key", "k")
    assert (
        bgo("schedules", "preview", "k", "-n", "3").text
        == """\
NEXT                            FIRES   NOTE
Sat 03 Apr 2027 01:45:00 +1100  in 1 h
Sun 04 Apr 2027 01:45:00 +1100  in 1 d  the first of two 01:45s that day
Mon 05 Apr 2027 01:45:00 +1030  in 2 d
"""
    )
