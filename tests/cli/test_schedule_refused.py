"""What `bgo schedule` and `bgo reschedule` refuse: exit code 2, three lines with the reason, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Bgo, When

EVERY = ["--every", "1h"]


@pytest.fixture(autouse=True)
def _now(when: When) -> None:
    when("2026-11-25T10:00:00+00:00")


TIMES = [
    ([], "nothing says when it fires", "try --every '1h'"),
    (["--every", "0.5s"], "--every: too short an interval: 0.5s", "1s"),
    (["--every", "-1h"], "--every: not a duration: '-1h'", "cannot be negative"),
    (["--every", "1mo"], "--every: not a duration: '1mo'", "months and years have no fixed length"),
    (["--every", "1h", "--daily-at", "9"], "--every and --daily-at contradict each other", "give one"),
    (["--every", "1h", "@daily"], "--every and @daily contradict each other", "give one"),
    (["@hourly", "@daily"], "@hourly and @daily contradict each other", "give one"),
    (["--daily-at", "25:00"], "--daily-at: not a time of day: '25:00'", "hours run from 0 to 23"),
    (["--on", "MON,XYZ", "--at", "9"], "--on: not a day of the week: 'XYZ'", "'MON' to 'SUN'"),
    (["--on", "mo", "--at", "9"], "--on: not a day of the week: 'mo'", "why: did you mean 'mon'?"),
    (["--cron", ""], "--cron: not a cron expression: it is empty", "minute hour day month weekday"),
    (["--cron", "  "], "--cron: not a cron expression: it is empty", "minute hour day month weekday"),
    (["--every", ""], "--every: not a duration: ''", "90s"),
    (["--daily-at", "9:00", "--daily-at", "18:00"], "--daily-at stands there twice", "--cron '0 9,18 * * *'"),
    (["--daily-at=9", "--daily-at", "18:00"], "--daily-at stands there twice", "--cron '0 9,18 * * *'"),
    (["--cron", "0 9 * * *", "--cron", "0 18 * * *"], "--cron stands there twice", "--cron '0 9,18 * * *'"),
    (["--on", "MON"], "--on needs --at", "--on MON,WED --at 14:00"),
    (["--monthly-on", "32", "--at", "9"], "--monthly-on: not a day of the month: 32", "hint: --monthly-on 1"),
    (["--every-minutes", "7"], "--every-minutes: cron cannot fire every 7 minutes", "--every 7m"),
    (["--every-hours", "5"], "--every-hours: cron cannot fire every 5 hours", "--every 5h"),
    (["--at", "18:00"], "--at alone names no days", "--daily-at 14:00"),
    (["--every", "1h", "--at", "18:00"], "--at does not go with --every", "--at is for --on and --monthly-on"),
    (["--at", "2026-12-24 18:00"], "--at: not a time of day: '2026-12-24 18:00'", "a date goes to --start"),
    (["--every", "1h", "--at", "tomorrow 9:00"], "--at: not a time of day: 'tomorrow 9:00'", "bgo enqueue --at"),
    (["--on", "MON", "--at", "+2h"], "--at: not a time of day: '+2h'", "a date goes to --start"),
    (["--daily-at", "9", "--tz", "Europa/Berlin"], "not a time zone: 'Europa/Berlin'", "'Europe/Berlin'"),
    (["--daily-at", "9", "--tz", "../../etc/passwd"], "not a time zone: '../../etc/passwd'", "letters, digits"),
    (["--daily-at", "9", "--tz", "A" * 300], "not a time zone: 'AAA", "letters, digits"),
    (["--daily-at", "9", "--tz", ""], "not a time zone: ''", "letters, digits"),
    (["--daily-at", "9", "--tz", "+25:00"], "not a time zone: '+25:00'", "-14:00 to +14:00"),
    (["--daily-at", "12:00", "--window", "22:00-06:00"], "the schedule never fires: '0 12 * * *'", "widen --window"),
    (["--cron", "0 3 * * 6", "--window", "1-5@mon-fri"], "the schedule never fires: '0 3 * * 6'", "widen --window"),
    ([*EVERY, "--window", "9-9"], "not a window: '9-9'", "all day is 00:00-24:00"),
    ([*EVERY, "--window", "nowhere"], "not a window: 'nowhere'", "off-peak, business-hours"),
    ([*EVERY, "--start", "soon"], "--start: not a time: 'soon'", "tomorrow 9:00"),
    ([*EVERY, "--end", "2026-11-25 09:00"], "a schedule that never fires", "give a later --end"),
    ([*EVERY, "--start", "2026-11-27", "--end", "2026-11-26"], "a schedule that never fires", "before it starts"),
    ([*EVERY, "--jitter", "1h"], "the jitter is as long as the interval", "a --jitter below 1h"),
    (["--cron", "* * * * *", "--jitter", "1h"], "the jitter is as long as the interval", "a --jitter below 1m"),
    (["--cron", "0,7 9 * * *", "--jitter", "7m"], "the jitter is as long as the interval", "two are 7m apart"),
    (
        [*EVERY, "--window", "9-12:15", "--jitter", "20m", "--start", "2026-12-01T09:10"],
        "the jitter is as long as the interval",
        "a --jitter below 10m",
    ),
    (["@reboot", "--jitter", "5m"], "@reboot and jitter contradict each other", "leave the jitter out"),
    ([*EVERY, "--jitter", "x"], "--jitter: not a duration: 'x'", "90s"),
    ([*EVERY, "--max-runs", "0"], "--max-runs: 0 is out of range", "hint: try --max-runs 3"),
    ([*EVERY, "--pause-after", "0"], "--pause-after: 0 is out of range", "hint: try --pause-after 3"),
    ([*EVERY, "--missed", "never"], "--missed: not a policy: 'never'", "try skip, skip:15m, one"),
    ([*EVERY, "--missed", "al"], "--missed: not a policy: 'al'", "did you mean"),
    ([*EVERY, "--missed", "skip:x"], "--missed: skip: not a duration: 'x'", "90s"),
    ([*EVERY, "--missed", "all:0"], "--missed: not a number to catch up with: '0'", "from 1 to 1,000"),
    ([*EVERY, "--missed", "all:9999"], "--missed: not a number to catch up with: '9999'", "from 1 to 1,000"),
    ([*EVERY, "--missed", "all", "--overlap", "skip"], "missed=all and overlap=skip contradict each other", "queue"),
    ([*EVERY, "--overlap", "stop"], "--overlap: not a policy: 'stop'", "skip, queue, replace, allow"),
    ([*EVERY, "--start-before", "18:00"], "--start-before: not a duration: '18:00'", "at which it fires"),
    ([*EVERY, "--start-before", "0s"], "--start-before: 0s is out of range", "hint: try --start-before 2h"),
    ([*EVERY, "--finish-before", "2026-12-24"], "--finish-before: not a duration: '2026-12-24'", "at which it fires"),
    ([*EVERY, "--finish-before", "1h", "--start-before", "tomorrow"], "--start-before: not a duration", "fires"),
    ([*EVERY, "--delay", "5m"], "a schedule has no --delay", "--jitter spreads them"),
    ([*EVERY, "--delay=5m"], "a schedule has no --delay", "its occurrences say when it runs"),
    ([*EVERY, "--run"], "a schedule has no --run", "bgo enqueue NAME --run"),
    ([*EVERY, "--wait"], "a schedule has no --wait", "bgo tasks --schedule ID"),
    ([*EVERY, "--network", "unmetered"], "--network is not available in this version", "would be a lie"),
    ([*EVERY, "--encrypt"], "--encrypt is not available in this version", "would be a lie"),
    ([*EVERY, "--key", "9x"], "not a key name: '9x'", "starts with a letter"),
    ([*EVERY, "--key", "a b"], "not a key name: 'a b'", "such as 'my-key'"),
    ([*EVERY, "nopair"], "not an input: 'nopair'", "key=value"),
    ([*EVERY, "--then", "echo"], "--then needs --items", "leave --then out"),
    ([*EVERY, "--field", "path"], "--field needs --items", "leave --field out"),
    ([*EVERY, "--format", "null"], "--format needs --items", "leave --format out"),
    ([*EVERY, "--steps", "echo", "--chain", "x.toml"], "--steps and --chain contradict each other", "give one"),
    ([*EVERY, "--steps", "echo", "--", "ls"], "a command line is for one task", "what stands after --"),
    ([*EVERY, "--items", "/dev/null"], "a batch of which items?", "there was none"),
    ([*EVERY, "--items", "/nowhere/at/all"], "", "No such file"),
    ([*EVERY, "--chain", "/nowhere/at/all"], "", "No such file"),
]


@pytest.mark.parametrize(
    ("words", "message", "part"), TIMES, ids=lambda v: " ".join(v)[:60] if isinstance(v, list) else ""
)
def test_bad_input_is_refused_with_the_reason(bgo: Bgo, words: list[str], message: str, part: str) -> None:
    done = bgo("schedule", "echo", *words)
    assert (done.code, len(done.error)) == (2, 3), done.err
    assert done.error[0].startswith(f"error: {message}")
    assert part in done.err
    assert done.error[1].startswith("  why: ")
    assert done.error[2].startswith(" hint: ")
    assert bgo("schedules", "-q").lines == []


@pytest.mark.parametrize(
    ("text", "message", "caret", "why"),
    [
        ("*/0 * * * *", "minute '0'", "  ^", "a step of 0 never gets on"),
        ("0 0 31 2 *", "day of month '31'", "    ^^", "no month that it names has a day 31"),
        ("0 25 * * *", "hour '25'", "  ^^", "0 to 23"),
        ("0 9 * * MONDAYX", "day of week 'MONDAYX'", "        ^^^^^^^", "names have three letters"),
        ("0 9 * *", "no day of week", "       ^", "4 of five fields"),
        ("0 0 9 * * *", "", "", "it has 6 fields, cron has five"),
        ("@yearlyy", "'@yearlyy'", "^^^^^^^^", "did you mean '@yearly'?"),
        ("9" * 5000 + " * * * *", "", "", "at most 1,000"),
        ("H * * * *", "", "^", ""),
    ],
)  # fmt: skip
def test_a_caret_points_at_the_fault(bgo: Bgo, text: str, message: str, caret: str, why: str) -> None:
    done = bgo("schedule", "echo", "--cron", text)
    assert (done.code, len(done.error)) == (2, 5), done.err
    first, shown, marked, because, hint = done.error
    assert first.startswith(f"error: --cron: not a cron expression: {message}")
    assert shown.strip("… ")[:40] == text[:40].strip()
    assert marked.startswith(" " * 7 + caret)
    assert marked.strip().strip("^") == ""
    assert why in because
    assert hint.startswith(" hint: ")
    assert all(len(line) <= 80 for line in (first, shown, marked))
    assert bgo("schedules", "-q").lines == []


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["shell", "--daily-at", "9:00"], "bgo schedule shell --every 1h -- ls -l"),
        (["n", *EVERY, "--steps", ""], "--steps 'first second+third'"),
        (["nightly", *EVERY], "if nightly is only a name: --handler HANDLER (bgo handlers list)"),
        (["ecko", *EVERY], "did you mean echo? if ecko is only a name: --handler HANDLER (bgo handlers list)"),
        (["n", *EVERY, "--steps", "ecko"], "did you mean echo?"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_hints_are_about_this_command(bgo: Bgo, words: list[str], hint: str) -> None:
    assert bgo("schedule", *words).error[2] == f" hint: {hint}"


def test_a_batch_whose_name_is_no_handler(bgo: Bgo, tmp_path: Path) -> None:
    (tmp_path / "items").write_text("a\n")
    done = bgo("schedule", "nightly", *EVERY, "--items", str(tmp_path / "items"))
    assert done.error[2] == " hint: if nightly is only a name: --handler HANDLER (bgo handlers list)"


def test_the_words_that_there_are(bgo: Bgo) -> None:
    assert "@annually, @reboot" in bgo("schedule", "echo", "@xyz").err
    assert "did you mean '@reboot'?" in bgo("schedule", "echo", "@rebot").err


def test_what_is_said_twice_and_is_no_rule(bgo: Bgo) -> None:
    words = ["--on", "mon", "--on", "wed-fri", "--at", "9:00", "--key", "k"]
    assert bgo("schedule", "echo", *words, "--json").json["rule"] == {"cron": "0 9 * * 1,3,4,5"}
    done = bgo("reschedule", "k", "--daily-at", "9:00", "--daily-at", "18:00")
    assert (done.code, done.error[0]) == (2, "error: --daily-at stands there twice")
    assert "it is empty" in bgo("reschedule", "k", "--cron", "").err
    shell = ["schedule", "shell", "--every", "1h", "-q", "--", "x", "--every", "2", "--every", "3"]
    assert bgo(*shell).code == 0


def test_the_caret_is_there_for_a_word_among_the_input(bgo: Bgo) -> None:
    done = bgo("schedule", "echo", "@hourli")
    assert done.code == 2
    assert done.error[:3] == ["error: not a cron expression: '@hourli'", " " * 7 + "@hourli", " " * 7 + "^" * 7]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["ehco", *EVERY], 3, "unknown handler: 'ehco'"),
        (["chain", *EVERY, "--steps", "ehco echo"], 3, "unknown handler: 'ehco'"),
        (["echo", *EVERY, "--queue", "nope"], 3, "no queue 'nope'"),
        (["shell", *EVERY], 2, "shell: which command?"),
        (["9", *EVERY], 2, "not a schedule name: '9'"),
        (["sleep", "seconds=soon", *EVERY], 2, ""),
        ([], 2, "missing argument 'NAME'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_enqueue_refuses_is_refused_here(bgo: Bgo, words: list[str], code: int, message: str) -> None:
    done = bgo("schedule", *words)
    assert (done.code, len(done.error)) == (code, 3), done.err
    assert done.error[0].startswith(f"error: {message}")
    assert bgo("schedules", "-q").lines == []


def test_refusals_are_objects_for_programs(bgo: Bgo) -> None:
    import json

    done = bgo("schedule", "echo", "--every", "1h", "--delay", "5m", "--json")
    error = json.loads(done.err)["error"]
    assert (done.code, error["exit_code"], error["message"]) == (2, 2, "a schedule has no --delay")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "reschedule: nothing to change"),
        (["--delay", "5m"], 2, "a schedule has no --delay"),
        (["--at", "tomorrow 9:00"], 2, "--at: not a time of day: 'tomorrow 9:00'"),
        (["--start-before", "18:00"], 2, "--start-before: not a duration: '18:00'"),
        (["--max-runs", "0"], 2, "--max-runs: 0 is out of range"),
        (["--cron", "0 0 30 2 *"], 2, "--cron: not a cron expression: day of month '30'"),
        (["--daily-at", "12", "--window", "22-6"], 2, "the schedule never fires"),
        (["--end", "2026-11-24"], 2, "a schedule that never fires"),
        (["--queue", "nope"], 3, "no queue 'nope'"),
        (["n:=[", "--every", "2h"], 2, ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_refused_change_changes_nothing(bgo: Bgo, words: list[str], code: int, message: str) -> None:
    bgo("schedule", "echo", "n:=1", *EVERY, "--key", "k")
    before = bgo("schedules", "--json").json
    done = bgo("reschedule", "k", *words)
    assert (done.code, done.error[0][: len(message) + 7]) == (code, f"error: {message}")
    assert bgo("schedules", "--json").json == before


@pytest.mark.parametrize("words", [["--steps", "echo sleep"], ["--items", "-"]], ids=" ".join)
def test_chains_and_batches_are_scheduled_anew(bgo: Bgo, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from bgo.cli import items

    monkeypatch.setattr(items, "items_of", lambda *_: iter(["a", "b"]))
    assert bgo("schedule", "echo", *EVERY, *words, "--key", "k").code == 0
    done = bgo("reschedule", "k", "--queue", "low")
    assert (done.code, done.error[0].partition(" is scheduled anew")[1]) == (2, " is scheduled anew")
    assert bgo("reschedule", "k", "--every", "2h", "--overlap", "allow").code == 0
