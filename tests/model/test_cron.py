"""Cron expressions: what cron(8) reads is read as it does, and the rest is refused with carets under the fault."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bgo
from bgo.errors import UsageError
from bgo.model.cron import CronFields, CronSchedule
from bgo.model.cron_fault import DRAWN, FORMS
from bgo.model.cron_text import FIELDS, LONGEST, WORDS, read

ALL = tuple(tuple(range(field.low, field.low + field.span)) for field in FIELDS)


def refused(text: object) -> UsageError:
    with pytest.raises(UsageError) as caught:
        CronSchedule(text)  # type: ignore[arg-type]
    return caught.value


def pointed_at(error: UsageError) -> str:
    """Return what the carets stand under."""
    (note,) = error.__notes__
    shown, carets = note.split("\n")
    assert carets.strip(" ") == "^" * carets.count("^") != ""
    assert max(len(shown), len(carets)) <= DRAWN + 1
    return shown.ljust(len(carets))[carets.index("^") : len(carets)]


@pytest.mark.parametrize(
    ("text", "field", "values"),
    [
        ("* * * * *", 0, ALL[0]),
        ("*/15 * * * *", 0, (0, 15, 30, 45)),
        ("5/20 * * * *", 0, (5, 25, 45)),
        ("59/20 * * * *", 0, (59,)),
        ("*/60 * * * *", 0, (0,)),
        ("10-20/5,17,*/30 * * * *", 0, (0, 10, 15, 17, 20, 30)),
        ("007 * * * *", 0, (7,)),
        ("30-30 * * * *", 0, (30,)),
        ("30-30/7 * * * *", 0, (30,)),
        ("0-59 * * * *", 0, ALL[0]),
        ("0 9-9 * * *", 1, (9,)),
        ("0 9-17/4 * * *", 1, (9, 13, 17)),
        ("0 */24 * * *", 1, (0,)),
        ("0 0 1-5,31 * *", 2, (1, 2, 3, 4, 5, 31)),
        ("0 0 */10 * *", 2, (1, 11, 21, 31)),
        ("0 0 1 JAN,mar-May *", 3, (1, 3, 4, 5)),
        ("0 0 1 dec-12 *", 3, (12,)),
        ("0 0 1 */3 *", 3, (1, 4, 7, 10)),
        ("0 0 * * mon-FRI", 4, (1, 2, 3, 4, 5)),
        ("0 0 * * 7", 4, (0,)),
        ("0 0 * * 0,7", 4, (0,)),
        ("0 0 * * 5-7", 4, (0, 5, 6)),
        ("0 0 * * 0-7", 4, ALL[4]),
        ("0 0 * * 1-7", 4, ALL[4]),
        ("0 0 * * sat-sun", 4, (0, 6)),
        ("0 0 * * sun-tue", 4, (0, 1, 2)),
        ("0 0 * * 1/2", 4, (0, 1, 3, 5)),
        ("0 0 * * 5-5", 4, (5,)),
        ("0 0 * * */2", 4, (0, 2, 4, 6)),
    ],
)
def test_what_a_field_names(text: str, field: int, values: tuple[int, ...]) -> None:
    assert CronSchedule(text).fields[field] == values


@pytest.mark.parametrize(("word", "text"), WORDS.items())
def test_words(word: str, text: str) -> None:
    assert CronSchedule(word).fields == CronSchedule(word.upper()).fields == CronSchedule(text).fields
    assert CronSchedule(word.title()).text == word.title()


@pytest.mark.parametrize(
    ("text", "any_day", "any_weekday", "is_fixed"),
    [
        ("0 0 1 * 1", False, False, True),
        ("0 0 * * 1", True, False, True),
        ("0 0 */2 * *", True, True, True),
        ("0 0 1-31 * 0-6", False, False, True),
        ("0 0 *,1 * 1,*", True, False, True),
        ("*/5 0 1 * *", False, True, False),
        ("5 */2 1 * *", False, True, False),
        ("0-59 0-23 * * *", True, True, True),
        ("@hourly", True, True, False),
        ("@weekly", True, False, True),
    ],
)
def test_what_begins_with_a_star(text: str, any_day: bool, any_weekday: bool, is_fixed: bool) -> None:
    assert CronSchedule(text).fields[5:] == (any_day, any_weekday, is_fixed)


def test_a_schedule_is_its_text_with_single_blanks() -> None:
    one, other = CronSchedule(" 0\t9  * * MON "), CronSchedule("0 9 * * MON")
    assert one.text == str(one) == "0 9 * * MON"
    assert one == other
    assert hash(one) == hash(other)
    assert one != CronSchedule("0 9 * * mon")
    with pytest.raises(AttributeError):
        one.text = "* * * * *"  # type: ignore[misc]
    assert bgo.CronSchedule is CronSchedule


def test_croniter_is_loaded_when_fields_are_asked_for() -> None:
    code = (
        "import sys, bgo; bgo.CronSchedule('0 9-9 * * *'); assert 'croniter' not in sys.modules;"
        "bgo.CronSchedule.DAILY.fields; assert 'croniter' in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@given(st.randoms(use_true_random=False))
def test_croniter_reads_each_list_as_the_grammar_does(rng: random.Random) -> None:
    def item(low: int, high: int) -> str:
        first = rng.randint(low, high)
        last, step = rng.randint(first, high), rng.randint(1, min(high, 7))
        return rng.choice(
            (f"{first}", f"{first}-{last}", f"{first}-{last}/{step}", f"{first}/{step}", f"*/{step}", "*")
        )

    text = " ".join(",".join(item(f.low, f.high) for _ in range(rng.randint(1, 4))) for f in FIELDS)
    try:
        items = read(text)[1]
    except UsageError as error:
        assert "never fire" in error.hint
        return
    named = [sorted({value for item in field for value in item.values}) for field in items]
    named[4] = sorted({value % 7 for value in named[4]})
    assert [list(values) for values in CronSchedule(text).fields[:5]] == named


# --- refused --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "field", "at", "said"),
    [
        ("60 * * * *", "minute", "60", "a minute is a number from 0 to 59"),
        ("0 25 * * *", "hour", "25", "an hour is a number from 0 to 23"),
        ("0 0 0 * *", "day of month", "0", "from 1 to 31"),
        ("0 0 1 13 *", "month", "13", "from 1 to 12"),
        ("0 0 * * 8", "day of week", "8", "from 0 to 7"),
        ("0 0 1,2,40,5 * *", "day of month", "40", "from 1 to 31"),
        ("0 9-25 * * *", "hour", "25", "from 0 to 23"),
        ("0 0 1 0-3 *", "month", "0", "from 1 to 12"),
        ("R R * * *", "minute", "R", "no random times"),
        ("H * * * *", "minute", "H", "no hashed times"),
        ("H/15 * * * *", "minute", "H", "no hashed times"),
        ("0 0 L * *", "day of month", "L", "no last day"),
        ("0 0 * * 5L", "day of week", "5L", "no last day"),
        ("0 0 LW * *", "day of month", "LW", "no last day"),
        ("0 0 15W * *", "day of month", "15W", "no nearest weekday"),
        ("0 0 * * 5#2", "day of week", "5#2", "no nth weekday"),
        ("0 0 * * fri#2", "day of week", "fri#2", "no nth weekday"),
        ("0 0 ? * *", "day of month", "?", "write * for any"),
        ("0 0 * * monday", "day of week", "monday", "names have three letters"),
        ("0 0 * sept *", "month", "sept", "names have three letters"),
        ("0 0 * * moo", "day of week", "moo", "or sun to sat"),
        ("0 0 mon * *", "day of month", "mon", "a day of month is a number"),
        ("1,,2 * * * *", "minute", ",", "between two values"),
        ("1, * * * *", "minute", ",", "between two values"),
        (",1 * * * *", "minute", ",", "between two values"),
        ("-5 * * * *", "minute", "-5", "two ends"),
        ("5- * * * *", "minute", "5-", "two ends"),
        ("1-2-3 * * * *", "minute", "1-2-3", "two ends"),
        ("- * * * *", "minute", "-", "two ends"),
        ("*-5 * * * *", "minute", "*", "number from 0 to 59"),
        ("** * * * *", "minute", "**", "number from 0 to 59"),
        ("1.5 * * * *", "minute", "1.5", "number from 0 to 59"),
        ("+5 * * * *", "minute", "+5", "number from 0 to 59"),
        ("1_0 * * * *", "minute", "1_0", "number from 0 to 59"),
        ("~ * * * *", "minute", "~", "number from 0 to 59"),
        ("*/ * * * *", "minute", "/", "after / stands a number"),
        ("/5 * * * *", "minute", "/5", "before / stands *"),
        ("*/5/2 * * * *", "minute", "/5/2", "after / stands a number"),
        ("*/-5 * * * *", "minute", "/-5", "after / stands a number"),
        ("*/x * * * *", "minute", "/x", "after / stands a number"),
        ("*/0 * * * *", "minute", "0", "never gets on"),
        ("5/00 * * * *", "minute", "00", "never gets on"),
        ("*/61 * * * *", "minute", "61", "only 60 values"),
        ("0 */99999999999 * * *", "hour", "99999999999", "only 24 values"),
        ("0 0 * * */8", "day of week", "8", "only 7 values"),
        ("0 22-2 * * *", "hour", "22-2", "does not go round"),
    ],
)
def test_what_cron_does_not_read(text: str, field: str, at: str, said: str) -> None:
    error = refused(text)
    assert error.message == f"not a cron expression: {field} {at!r}"
    assert said in error.why
    assert error.hint
    assert pointed_at(error) == at


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("0 0 0 * * *", "*", "it has 6 fields, cron has five"),
        ("0 0 1 1 * * 2030", "* 2030", "it has 7 fields, cron has five"),
        ("0 9 * * * /usr/bin/backup --all", "/usr/bin/backup --all", "it has 7 fields, cron has five"),
        ("0 9 * *", " ", "it has 4 of five fields; missing: day of week"),
        ("0", " ", "missing: hour, day of month, month, day of week"),
        ("0 9 * * *\n", "?", "ASCII on one line"),
        ("\n0 9 * * *", "?", "ASCII on one line"),
        ("0 9 *\r\n* *", "?", "ASCII on one line"),
        ("0 9\x00* * *", "?", "ASCII on one line"),
        ("0 9 * * \x1b[31m1", "?", "ASCII on one line"),
        ("٣ * * * *", "?", "ASCII on one line"),
        ("１ * * * *", "?", "ASCII on one line"),
        ("0\u00a09 * * *", "?", "ASCII on one line"),
        ("0 9 * * mon–fri", "?", "ASCII on one line"),
        ("@every 5m", "@every 5m", "an interval"),
        ("@EVERY", "@EVERY", "an interval"),
        ("@reboot", "@reboot", "names no time"),
        ("@dayly", "@dayly", "did you mean '@daily'?"),
        ("@daily 9", "@daily 9", "did you mean '@daily'?"),
        ("@everyday", "@everyday", "cron's words are"),
        ("@", "@", "cron's words are @hourly"),
        ("@noon", "@noon", "cron's words are"),
    ],
)
def test_what_is_no_expression_at_all(text: str, at: str, said: str) -> None:
    error = refused(text)
    assert said in error.why
    assert pointed_at(error) == at


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("0 22-2 * * *", "write 22-23,0-2"),
        ("0 23-0 * * *", "write 23,0"),
        ("0 22-2/2 * * *", "write 0,2,22"),
        ("0 0 1 nov-feb *", "write 11-12,1-2"),
        ("0 0 28-3 * *", "write 28-31,1-3"),
        ("0 0 * * 5-0", "write 5-7"),
        ("0 0 * * fri-mon", "write 5-7,1"),
        ("0 0 * * 7-3", "write 7,1-3"),
        ("0 0 * * monday", "write mon"),
        ("*/90 * * * *", "write 0 alone; a longer interval is --every, as in --every 90m"),
        ("@every 20m", "bgo schedule NAME --every 20m, or interval=timedelta(…) in Python"),
        ("@reboot", "bgo schedule NAME @reboot, or reboot=True in Python"),
        ("0 0 31 2 *", "it would never fire: name another day or month"),
        ("", FORMS),
        ("  ", FORMS),
    ],
)
def test_what_to_write_instead(text: str, hint: str) -> None:
    assert refused(text).hint == hint
    if hint.startswith("write ") and hint.removeprefix("write ")[0].isdigit() and " " not in hint[6:]:
        assert any(
            _reads(" ".join([*fields[:place], hint[6:], *fields[place + 1 :]]))
            for fields in [text.split()]
            for place in range(5)
        )


def _reads(text: str) -> bool:
    try:
        CronSchedule(text)
    except UsageError:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 0 31 2 *", "a day 31"),
        ("0 0 30,31 2 *", "a day 30 or 31"),
        ("0 0 31 2,4 *", "a day 31"),
        ("0 0 31 4,jun,9,nov *", "a day 31"),
        ("0 0 30-31 feb */2", "a day 30 or 31"),
    ],
)
def test_what_never_fires(text: str, said: str) -> None:
    error = refused(text)
    assert error.why == f"no month that it names has {said}"
    assert pointed_at(error) == text.split()[2]


@pytest.mark.parametrize("text", ["0 0 29 2 *", "0 0 31 2,3 *", "0 0 31 2 mon", "0 0 30 4 *", "0 0 */31 2 *"])
def test_what_fires_seldom_is_read(text: str) -> None:
    assert CronSchedule(text).text == text


@pytest.mark.parametrize("given", [None, 5, b"* * * * *", ["*"] * 5, object()])
def test_what_is_no_text(given: object) -> None:
    assert refused(given).why == "it is no text"


def test_a_long_expression_is_cut_around_the_fault() -> None:
    every = ",".join(map(str, range(60)))
    error = refused(f"{every},60,{every} * * * *")
    assert pointed_at(error) == "60"
    shown = error.__notes__[0].split("\n")[0]
    assert shown[0] == shown[-1] == "…"
    assert "58,59,60,0,1" in shown
    assert len(shown) == DRAWN


def test_fields_of_thousands_of_digits_are_too_long() -> None:
    for text in ("9" * 5_000 + " * * * *", "* * * * 1-" + "9" * 5_000, "* */" + "0" * 5_000 + " * * *"):
        error = refused(text)
        assert f"cron expressions at most {LONGEST:,}" in error.why
        assert pointed_at(error)
        assert len(error.message) < 100
    assert refused("9" * 900 + " * * * *").why == "a minute is a number from 0 to 59"


def _hostile(rng: random.Random) -> str:
    """Return five good fields, and something done to them."""
    good = ["*", "0", "*/5", "1-5", "1,2", "7", "3/2"]
    fields = [rng.choice(good) for _ in FIELDS]
    evil = [
        *(
            "R",
            "H",
            "L",
            "W",
            "?",
            "1#1",
            "LW",
            "5L",
            "15W",
            "*/0",
            "*/99999999999",
            "9" * 5_000,
            "22-2",
            "1--2",
            "1-",
            "-1",
        ),
        *(
            "1,,2",
            ",",
            "/",
            "*/",
            "*/*",
            "1/2/3",
            "99",
            "mon-",
            "jan-99",
            "٣",
            "１",
            "\x00",
            "\x1b[2J",
            "1\n",
            "1\r",
            "½",
            "🕐",
        ),
        *(
            "1e3",
            "0x1",
            "1.0",
            "+1",
            "true",
            "None",
            "{}",
            "$(id)",
            "%d",
            "@daily",
            "*" * 40,
            "1-" * 400,
            "," * 900,
            "~",
            "H(1-9)",
        ),
    ]
    match rng.randrange(5):
        case 0:
            fields[rng.randrange(5)] = rng.choice(evil)
        case 1:
            place = rng.randrange(5)
            fields[place] = f"{fields[place]},{rng.choice(evil)}"
        case 2:
            fields = fields[: rng.randrange(5)] if rng.random() < 0.5 else fields * rng.randint(2, 400)
        case 3:
            place, word = rng.randrange(5), rng.choice(("\n", "\x00", "\x85", "\u2028", "\x0b", "\x7f", "\ud800"))
            fields[place] += word
        case _:
            fields[rng.randrange(5)] = "".join(chr(rng.randint(33, 126)) for _ in range(rng.randint(1, 30))) + "!"
    return " ".join(fields)


def test_hostile_expressions_are_refused_with_a_caret() -> None:
    rng = random.Random(59)
    seen = set[str]()
    while len(seen) < 2_500:
        text = _hostile(rng)
        if text in seen:
            continue
        seen.add(text)
        error = refused(text)
        assert error.exit_code == 2
        assert error.message.startswith("not a cron expression: "), text
        assert error.why, text
        assert max(len(error.message), len(error.why), len(error.hint)) < 160, text
        if text:
            pointed_at(error)
            drawn = error.__notes__[0].replace("\n", "").replace("…", "")
            assert drawn.isascii(), text
            assert drawn.isprintable(), text


# --- builders ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (CronSchedule.every_n_minutes(15), "*/15 * * * *"),
        (CronSchedule.every_n_minutes(1), "* * * * *"),
        (CronSchedule.every_n_minutes(60), "0 * * * *"),
        (CronSchedule.every_n_hours(6), "0 */6 * * *"),
        (CronSchedule.every_n_hours(1), "0 * * * *"),
        (CronSchedule.every_n_hours(24), "0 0 * * *"),
        (CronSchedule.daily_at(hour=9), "0 9 * * *"),
        (CronSchedule.daily_at(hour=0, minute=59), "59 0 * * *"),
        (CronSchedule.on_days_at(days=["MON", "wednesday", "Fri"], hour=14), "0 14 * * 1,3,5"),
        (CronSchedule.on_days_at(days=[7, 6, 0, "sun"], hour=14, minute=30), "30 14 * * 0,6"),
        (CronSchedule.on_days_at(days="MON, WED,5", hour=14), "0 14 * * 1,3,5"),
        (CronSchedule.on_days_at(days="tues", hour=14), "0 14 * * 2"),
        (CronSchedule.on_days_at(days=["mon-fri"], hour=14), "0 14 * * 1,2,3,4,5"),
        (CronSchedule.on_days_at(days="FRI - monday,wed", hour=14), "0 14 * * 0,1,3,5,6"),
        (CronSchedule.on_days_at(days=["6-7", "1-2"], hour=14), "0 14 * * 0,1,2,6"),
        (CronSchedule.on_days_at(days=["0-7"], hour=14), "0 14 * * 0,1,2,3,4,5,6"),
        (CronSchedule.on_days_at(days=["mon-sun"], hour=14), "0 14 * * 0,1,2,3,4,5,6"),
        (CronSchedule.on_days_at(days=["tue-tue"], hour=14), "0 14 * * 2"),
        (CronSchedule.weekdays_at(hour=9), "0 9 * * 1-5"),
        (CronSchedule.weekend_at(hour=10, minute=5), "5 10 * * 0,6"),
        (CronSchedule.monthly_at(day=31, hour=0), "0 0 31 * *"),
        (CronSchedule.HOURLY, "0 * * * *"),
        (CronSchedule.DAILY, "0 0 * * *"),
        (CronSchedule.WEEKLY_MONDAY, "0 0 * * 1"),
        (CronSchedule.MONTHLY, "0 0 1 * *"),
    ],
)
def test_builders(schedule: CronSchedule, text: str) -> None:
    assert schedule == CronSchedule(text)
    assert isinstance(schedule.fields, CronFields)


@pytest.mark.parametrize("n", [0, -5, 7, 45, 61, 120, True, 1.5, "15", None, 10**4_000])
def test_minutes_that_do_not_divide_the_hour(n: object) -> None:
    with pytest.raises(UsageError, match=r"cron cannot fire every .* minutes") as caught:
        CronSchedule.every_n_minutes(n)  # type: ignore[arg-type]
    assert "starts anew each hour, so only 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60 " in caught.value.why


def test_an_interval_does_what_cron_cannot() -> None:
    with pytest.raises(UsageError) as minutes:
        CronSchedule.every_n_minutes(7)
    assert minutes.value.hint == "an interval does exactly that: --every 7m, or interval=timedelta(minutes=7)"
    with pytest.raises(UsageError) as hours:
        CronSchedule.every_n_hours(36)
    assert hours.value.hint == "an interval does exactly that: --every 36h, or interval=timedelta(hours=36)"
    assert "starts anew each day" in hours.value.why


@pytest.mark.parametrize(
    ("hour", "minute"), [(24, 0), (-1, 0), (9, 60), (9, -1), (True, 0), (9.5, 0), ("9", 0), (None, 0)]
)
def test_times_that_are_none(hour: object, minute: object) -> None:
    given = {"hour": hour, "minute": minute}
    for build in (CronSchedule.daily_at, CronSchedule.weekdays_at, CronSchedule.weekend_at):
        with pytest.raises(UsageError, match="not a time of day"):
            build(**given)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="not a time of day"):
        CronSchedule.on_days_at(days=["MON"], **given)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="not a time of day"):
        CronSchedule.monthly_at(day=1, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "days",
    [
        ["MO"],
        ["someday"],
        [8],
        [-1],
        [True],
        [None],
        [1.0],
        ["1-"],
        ["-5"],
        ["mon-fri-sat"],
        ["mon-8"],
        "MON;TUE",
        [[]],
    ],
)
def test_days_that_are_none(days: list[str | int]) -> None:
    with pytest.raises(UsageError, match="not a day of the week"):
        CronSchedule.on_days_at(days=days, hour=9)


@pytest.mark.parametrize(("day", "near"), [("mo", "mon"), ("Th", "thu"), ("montag", "monday"), ("mon-fry", "friday")])
def test_a_day_that_is_nearly_one(day: str, near: str) -> None:
    with pytest.raises(UsageError) as caught:
        CronSchedule.on_days_at(days=[day], hour=9)
    assert caught.value.why == f"did you mean {near!r}?"


def test_no_days() -> None:
    with pytest.raises(UsageError, match="no day to fire on"):
        CronSchedule.on_days_at(days=[], hour=9)


@pytest.mark.parametrize("day", [0, 32, -1, True, "1", None, 1.0])
def test_days_of_the_month_that_are_none(day: object) -> None:
    with pytest.raises(UsageError, match="not a day of the month"):
        CronSchedule.monthly_at(day=day, hour=0)  # type: ignore[arg-type]
