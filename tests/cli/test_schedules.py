"""`bgo schedules`, `reschedule`, `unschedule`, and what the other commands tell of schedules."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from bgo.api import TaskFlow
from tests.cli.conftest import Bgo, When

NOW = "2026-11-25T10:00:00+00:00"
"""A Wednesday; 11:00 in Berlin."""


@pytest.fixture(autouse=True)
def _now(when: When) -> None:
    when(NOW)


@pytest.fixture
def three(bgo: Bgo) -> list[str]:
    """The ids of three schedules: by key, by name, and one that has been paused."""
    ids = [
        bgo("schedule", "echo", "message=hi", "--every", "1h", "--start", "12:00", "--key", "hourly", "-q").out,
        bgo("schedule", "shell", "--daily-at", "9:30", "--tz", "Asia/Tokyo", "-q", "--", "rsync", "-a", "x").out,
        bgo("schedule", "echo", "--weekends-at", "10", "--tag", "t", "-q").out,
    ]
    found = [text.strip() for text in ids]
    bgo("schedules", "pause", found[2])
    return found


def fired(*numbers: int) -> None:
    """Let the newest schedule have counted so many fired, skipped, missed and coalesced occurrences."""
    with TaskFlow() as flow, flow.store.write() as session:
        columns = ("fired", "skipped", "missed", "coalesced")[: len(numbers)]
        wanted = ", ".join(f"{c} = {n}" for c, n in zip(columns, numbers, strict=True))
        session.schedules._db.execute(f"UPDATE schedule SET {wanted}")  # type: ignore[attr-defined]


def test_the_list_at_80_columns(bgo: Bgo, three: list[str]) -> None:
    assert (
        bgo("schedules").text
        == f"""\
ID            STATE     NAME   KEY       FIRES                    NEXT     FIRED
{three[0]}  ● active  echo   hourly    every 1 h                in 1 h       0
{three[1]}  ● active  rsync            30 9 * * * in Asia/Tok…  in 14 h      0
{three[2]}  ⏸ paused  echo             0 10 * * 0,6                          0
"""
    )


def test_what_did_not_fire_stays_at_80_columns(bgo: Bgo, three: list[str]) -> None:
    fired(1200, 3, 0, 17)
    shown = bgo("schedules").text.splitlines()
    assert shown[0].endswith("  NOT FIRED")
    assert "KEY" not in shown[0]
    assert all("  3 skipped" in line for line in shown[1:])
    assert max(map(len, shown)) <= 80


def test_the_list_tells_what_did_not_fire(bgo: Bgo, three: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    fired(1200, 3, 0, 17)
    monkeypatch.setenv("COLUMNS", "140")
    assert (
        bgo("schedules", "list", "hourly").text
        == f"""\
ID            STATE     NAME  KEY     FIRES      NEXT    FIRED  NOT FIRED
{three[0]}  ● active  echo  hourly  every 1 h  in 1 h  1,200  3 skipped, 17 coalesced
"""
    )
    assert "not fired  3 skipped, 17 coalesced" in bgo("schedules", "show", "hourly").text


def test_the_list_of_none_and_of_some(bgo: Bgo, three: list[str]) -> None:
    assert bgo("schedules", "-q").lines == three
    assert bgo("schedules", "list", "echo", "-q").lines == [three[0], three[2]]
    assert bgo("schedules", "list", three[1][:6], "-q").lines == [three[1]]
    found = bgo("schedules", "--json").json
    assert [(each["id"], each["key"], each["state"]) for each in found] == [
        (three[0], "hourly", "active"), (three[1], None, "active"), (three[2], None, "paused"),
    ]  # fmt: skip
    assert bgo("schedules", "list", "hurly").err == (
        "error: no schedule hurly\n  why: no id, key or name is that\n hint: did you mean hourly?\n"
    )
    assert bgo("unschedule", "shell", "-q").lines == [three[1]]
    assert bgo("cancel", "--all", "--schedules", "--yes", "-q").lines == [three[0], three[2]]
    assert bgo("schedules").err == "no schedule yet: bgo schedule NAME --every 1h\n"
    assert bgo("schedules", "--json").json == []


def test_one_in_full(bgo: Bgo, three: list[str]) -> None:
    words = ["--every", "2h", "--window", "9-17@mon-fri", "--end", "2026-12-24", "--max-runs", "5", "--jitter", "5m"]
    bgo("reschedule", "hourly", *words, "--missed", "skip:15m", "--overlap", "queue", "--pause-after", "3",
        "--start-before", "30m", "--finish-before", "90m", "-q")  # fmt: skip
    shown = bgo("schedules", "show", "hourly").text.replace(three[0], "ID")
    facts, _, coming = shown.partition("NEXT ")
    assert facts.startswith("""\
ID  echo  ● active  makes a task
key        hourly
fires      every 2 h within 09:00-17:00 mon-fri in Europe/Berlin
""")
    for line in (
        "from       Wed 25 Nov 2026 12:00:00 CET",
        "until      Thu 24 Dec 2026 00:00:00 CET",
        "jitter     up to 5 min later",
        "missed     skip: what is more than 15 min late is dropped",
        "overlap    queue: waits for the earlier ones to end",
        "at most    5 times",
        "pauses     after 3 failures in a row",
        "starts by  30 min after it fired",
        "ends by    1 h 30 min after it fired",
        "fired      0",
        'input      {"message": "hi"}',
        "more       bgo tasks --schedule ID; bgo explain ID",
    ):
        assert line in facts.splitlines()
    assert [line[:24] for line in coming.splitlines()[1:]] == [
        "Wed 25 Nov 2026 12:00:00", "Wed 25 Nov 2026 14:00:00", "Wed 25 Nov 2026 16:00:00",
        "Thu 26 Nov 2026 09:00:00", "Thu 26 Nov 2026 10:00:00",
    ]  # fmt: skip
    assert "command  rsync -a x" in bgo("schedules", "show", "rsync").text


def test_show_as_an_object(bgo: Bgo, three: list[str]) -> None:
    found = bgo("schedules", "show", "hourly", "--json").json
    assert list(found)[-3:] == ["occurrences", "due", "coming"]
    assert found["occurrences"] == []
    assert found["coming"][0] == {
        "at": "2026-11-25T11:00:00.000Z",
        "fires_at": "2026-11-25T11:00:00.000Z",
        "local": "2026-11-25T12:00:00+01:00",
        "note": "",
    }
    assert len(found["coming"]) == 5
    assert bgo("status", three[0], "--json").json == found
    assert bgo("status", three[0][:5], "--json").json == found
    assert bgo("status", three[0], "-q").lines == [three[0]]
    assert bgo("schedules", "show", three[2], "--json").json["coming"] == []
    done = bgo("schedules", "show", "echo")
    assert (done.code, done.error[0], done.error[1]) == (
        3, "error: echo could be 2 schedules", f"  why: {three[0]}, {three[2]}",
    )  # fmt: skip


def test_pause_and_resume(bgo: Bgo, three: list[str], when: When) -> None:
    assert bgo("schedules", "pause", "hourly").out == f"{three[0]} (hourly) does not fire until it is resumed\n"
    assert bgo("schedules", "pause", "hourly", "-q").lines == [three[0]]
    paused = bgo("schedules", "show", "hourly", "--json").json
    assert (paused["state"], paused["reason"], paused["next_at"]) == ("paused", "paused by its user", None)
    assert "next     paused by its user" in bgo("schedules", "show", "hourly").text
    when("2026-11-25T15:20:00+00:00")
    resumed = bgo("schedules", "resume", three[0], "--json").json
    assert resumed == {"schema": 1, "id": three[0], "key": "hourly", "name": "echo", "state": "active"}
    assert bgo("schedules", "show", "hourly", "--json").json["next_at"] == "2026-11-25T16:00:00.000Z"
    assert bgo("schedules", "resume", "hourly").out == f"{three[0]} (hourly) fires again\n"
    both = bgo("schedules", "resume", "echo", "--json").json
    assert [(each["id"], each["state"]) for each in both] == [(three[0], "active"), (three[2], "active")]


def test_what_is_finished_is_not_paused(bgo: Bgo) -> None:
    bgo("schedule", "echo", "--every", "1h", "--max-runs", "1", "--key", "once")
    with TaskFlow() as flow:
        flow.run()
    for verb in ("pause", "resume"):
        done = bgo("schedules", verb, "once")
        assert (done.code, done.error[0][-11:], done.error[1]) == (4, "is finished", "  why: it has fired")
    assert bgo("explain", "once").lines[1].endswith("finished: it has fired")
    assert bgo("reschedule", "once", "--max-runs", "2", "--json").json["state"] == "active"


def test_reschedule_changes_what_is_said(bgo: Bgo, three: list[str]) -> None:
    before = bgo("schedules", "show", "hourly", "--json").json
    done = bgo("reschedule", "hourly", "--every", "2h")
    assert (done.lines, done.err) == (
        [three[0]], "every 2 h; next Wed 25 Nov 2026 12:00:00 CET (in 1 h)\n",
    )  # fmt: skip
    bgo("reschedule", "hourly", "n:=2", "--tag", "new", "--queue", "low", "--retry", "linear:attempts=3")
    after = bgo("schedules", "show", "hourly", "--json").json
    assert (after["input"], after["tags"], after["queue"]) == ({"message": "hi", "n": 2}, ["new"], "low")
    same = set(before) - {"input", "tags", "queue", "options", "rule", "coming"}
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    moved = bgo("reschedule", "hourly", "@daily", "--tz", "UTC", "--json").json
    assert (moved["rule"], moved["zone"], moved["next_at"]) == (
        {"cron": "@daily"}, "UTC", "2026-11-26T00:00:00.000Z",
    )  # fmt: skip
    assert bgo("reschedule", three[0][:6], "--every", "3h", "-q").lines == [three[0]]
    assert bgo("reschedule", "echo", "--every", "3h").code == 3
    assert bgo("reschedule", "nobody", "--every", "3h").code == 3


def test_reschedule_takes_settings_away(bgo: Bgo) -> None:
    words = ("--window", "off-peak", "--end", "2030-01-01", "--max-runs", "3", "--pause-after", "2")
    bgo("schedule", "echo", "message=hi", "--every", "1h", "--key", "k", "--start-before", "2h", *words)
    names = ("window", "end", "max_runs", "pause_after", "start_before_ms")
    assert None not in [bgo("schedules", "show", "k", "--json").json[name] for name in names]
    options = ("--window", "--end", "--max-runs", "--pause-after", "--start-before")
    done = bgo("reschedule", "k", *(word for option in options for word in (option, "none")), "--json")
    assert [done.json[name] for name in names] == [None] * len(names)
    bgo("run", "-q")
    assert bgo("tasks", "--schedule", "k", "--json").json[0]["state"] == "succeeded", "no window holds it any more"
    assert bgo("reschedule", "k", "--max-runs", "some").code == 2


def test_unschedule(bgo: Bgo, three: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    task = bgo("enqueue", "echo", "-q").out.strip()
    gone = bgo("unschedule", "hourly", "--json").json
    assert gone == {"schema": 1, "id": three[0], "key": "hourly", "name": "echo", "state": "active"}
    assert bgo("unschedule", "hourly").code == 3
    assert bgo("unschedule", "rsync").out == f"{three[1]} (rsync) is removed\n"
    for _ in range(2):
        bgo("schedule", "echo", "--every", "1h", "-q")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    done = bgo("unschedule", "echo")
    assert (done.code, done.error[0], done.error[2]) == (
        2, "error: echo means 3 schedules", " hint: give an id or a key, or --yes",
    )  # fmt: skip
    assert len(bgo("unschedule", "echo", "--yes", "-q").lines) == 3
    assert bgo("schedules", "-q").lines == []
    assert bgo("status", task, "--json").json["state"] == "queued"


def test_several_at_once(bgo: Bgo, three: list[str]) -> None:
    done = bgo("schedules", "pause", "hourly", three[1], "hourly")
    assert [line.split()[0] for line in done.lines] == [three[0], three[1]]
    assert bgo("schedules", "list", "--state", "paused", "-q").lines == three
    assert bgo("schedules", "resume", "hourly", "nobody").code == 3
    assert bgo("schedules", "list", "--state", "paused", "-q").lines == three
    found = bgo("schedules", "resume", "hourly", three[2][:8], "--json").json
    assert [each["state"] for each in found] == ["active", "active"]
    assert bgo("unschedule", "hourly", "rsync", "-q").lines == three[:2]
    assert bgo("schedules", "-q").lines == [three[2]]
    assert bgo("unschedule").code == 2


def test_what_is_finished_refuses_before_anything_is_done(bgo: Bgo, three: list[str]) -> None:
    bgo("schedule", "echo", "--every", "1h", "--max-runs", "1", "--key", "once")
    with TaskFlow() as flow:
        flow.run()
    assert bgo("schedules", "pause", "hourly", "once").code == 4
    assert bgo("schedules", "show", "hourly", "--json").json["state"] == "active"


def test_a_list_of_some_states_and_of_so_many(bgo: Bgo, three: list[str]) -> None:
    assert bgo("schedules", "--state", "active", "-q").lines == three[:2]
    assert bgo("schedules", "--state", "active", "--state", "paused", "--limit", "1", "-q").lines == [three[0]]
    assert bgo("schedules", "--state", "finished").err == "no schedule fits\n"
    assert bgo("schedules", "--state", "done").code == 2
    assert bgo("schedules", "--limit", "0").code == 2
    done = bgo("schedules", "--limit", "2")
    assert (len(done.lines), done.err) == (3, "the oldest 2 of 3; more with --limit N\n")


class Answers(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("n\n", 2)])
def test_unschedule_asks_before_it_removes_several(
    bgo: Bgo, answer: str, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        bgo("schedule", "echo", "--every", "1h", "-q")
    monkeypatch.setattr(sys, "stdin", Answers(answer))
    bgo("unschedule", "echo")
    assert len(bgo("schedules", "-q").lines) == left


def test_a_preview(bgo: Bgo, three: list[str]) -> None:
    assert (
        bgo("schedules", "preview", "rsync", "-n", "2").text
        == """\
NEXT, in Asia/Tokyo             FIRES
Thu 26 Nov 2026 09:30:00 +0900  in 14 h
Fri 27 Nov 2026 09:30:00 +0900  in 1 d
"""
    )
    found = bgo("schedules", "preview", "rsync", "--json").json
    assert (len(found), set(found[0])) == (10, {"at", "fires_at", "local", "note"})
    later = bgo("schedules", "preview", "hourly", "--from", "2027-01-01 12:00", "-n", "1", "--json").json
    assert later[0]["local"] == "2027-01-01T12:00:00+01:00"
    assert bgo("schedules", "preview", "hourly", "-n", "0").code == 2
    assert bgo("schedules", "preview", "hourly", "--from", "soon").code == 2
    reboot = bgo("schedule", "echo", "@reboot", "-q").out.strip()
    assert bgo("schedules", "preview", reboot).err.startswith("it fires at the start of this computer; ")
    bgo("reschedule", "hourly", "--end", "13:00")
    assert len(bgo("schedules", "preview", "hourly").lines) == 2
    assert bgo("schedules", "preview", "hourly", "--from", "2027-01-01").err.startswith("no occurrence is left; ")


def test_cancel_leaves_schedules_unless_told(bgo: Bgo, three: list[str]) -> None:
    bgo("enqueue", "echo", "--tag", "t")
    for words in (["echo"], ["--all", "--yes"], ["--tag", "t"]):
        assert bgo("cancel", *words).code == 0
        assert bgo("schedules", "-q").lines == three
    done = bgo("cancel", "--tag", "t", "--schedules")
    assert done.out == f"{three[2]} removed: the schedule\n"
    assert bgo("cancel", "--schedule", "hourly", "--schedules", "--json").json == [
        {"schema": 1, "id": three[0], "effect": "removed", "state": "active"}
    ]
    assert bgo("schedules", "-q").lines == [three[1]]


def test_cancel_asks_for_schedules_as_well(bgo: Bgo, three: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    done = bgo("cancel", "--all", "--schedules")
    assert (done.code, done.error[0]) == (2, "error: Remove these schedules? That is 3 of them.")
    assert bgo("schedules", "-q").lines == three


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["--all"], "Cancel these, and remove 3 schedules? That is 5 of them."),
        (["--tag", "t"], "Cancel these, and remove a schedule? That is 3 of them."),
    ],
)
def test_cancel_says_how_many_of_them_are_schedules(
    bgo: Bgo, three: list[str], words: list[str], asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        bgo("enqueue", "echo", "--tag", "t")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert bgo("cancel", *words, "--schedules").error[0] == f"error: {asked}"
    assert bgo("cancel", *words).error[0] == "error: Cancel these? That is 2 of them."
    assert bgo("schedules", "-q").lines == three


def test_what_a_schedule_made_takes_it_with_it(bgo: Bgo) -> None:
    key = ["--key", "soon"]
    schedule = bgo("schedule", "echo", "--every", "1h", "--charging", *key, "-q").out.strip()
    assert bgo("run", "-q", "--charging", "no").code == 0
    (task,) = bgo("tasks", "--schedule", "soon", "-q").lines
    assert bgo("tasks", "--schedule", "soon", "--json").json[0]["schedule_id"] == schedule
    assert bgo("cancel", task, "--schedules", "--yes").lines == [
        f"{task} prevented",
        f"{schedule} removed: the schedule",
    ]
    assert bgo("schedules", "-q").lines == []


def test_explain_says_why_it_does_not_fire(bgo: Bgo, three: list[str]) -> None:
    found = bgo("explain", three[0], "--json").json
    assert list(found) == [
        "schema", "id", "key", "name", "state", "verdict", "gates", "next_at", "workers", "profile", "changes", "held",
    ]  # fmt: skip
    assert [(line["gate"], line["open"]) for line in found["gates"]] == [
        ("state", True), ("due", False), ("worker", False), ("overlap", True),
    ]  # fmt: skip
    assert found["verdict"] == "it waits for its time, and no worker runs"
    assert [each["id"] for each in bgo("explain", "hourly", "--json").json] == [three[0]]
    assert [each["id"] for each in bgo("explain", "echo", "--json").json] == [three[0], three[2]]
    shown = bgo("explain", three[2]).text
    assert "✗ held  paused  paused; needs active" in shown
    assert f"to lift it: bgo schedules resume {three[2]}" in shown
    task = bgo("enqueue", "echo", "-q").out.strip()
    assert [each["id"] for each in bgo("explain", "echo", "--json").json] == [task, three[0], three[2]]


def test_status_of_a_name_that_only_a_schedule_has(bgo: Bgo, three: list[str]) -> None:
    assert bgo("status", "hourly").err == (
        "error: no task is called hourly\n  why: a schedule is, and it has made none yet\n"
        " hint: bgo schedules show hourly; bgo explain hourly\n"
    )


def test_status_of_a_key_whose_schedule_has_made_tasks(bgo: Bgo, three: list[str]) -> None:
    fired(13)
    assert bgo("status", "hourly").err == (
        "error: no task is called hourly\n  why: a schedule is; the tasks that it makes are called echo\n"
        " hint: bgo schedules show hourly; bgo tasks --schedule hourly; bgo explain hourly\n"
    )


def test_the_monitor_tells_what_is_overdue(bgo: Bgo, three: list[str], when: When) -> None:
    when("2026-11-25T11:00:23+00:00")
    shown = bgo("monitor", "--once").out
    assert "schedule hourly due 23 s ago" in shown


def test_the_overview(bgo: Bgo, three: list[str]) -> None:
    shown = bgo("status").text.splitlines()
    assert shown[1:3] == [
        "schedules  2 active, 1 paused; next Wed 25 Nov 2026 12:00:00 CET (in 1 h):",
        "           hourly",
    ]
    assert any("bgo install" in line for line in shown)
    wanted: dict[str, Any] = {"active": 2, "paused": 1, "finished": 0}
    wanted["next"] = {"id": three[0], "key": "hourly", "name": "echo", "fires_at": "2026-11-25T11:00:00.000Z"}
    assert bgo("status", "--json").json["schedules"] == wanted
    assert bgo("monitor", "--once", "--json").json["schedules"] == wanted
    assert "schedule hourly fires in 1 h" in bgo("monitor", "--once").out


def test_the_overview_without_schedules(bgo: Bgo) -> None:
    assert "schedules" not in bgo("status").out
    assert bgo("status", "--json").json["schedules"] == {"active": 0, "paused": 0, "finished": 0, "next": None}


def test_simulate_plays_them(bgo: Bgo, three: list[str]) -> None:
    found = bgo("simulate", "--for", "1d", "--json").json
    assert [(each["schedule_id"], each["counts"]["fired"]) for each in found["schedules"]] == [
        (three[0], 23),
        (three[1], 1),
        (three[2], 0),
    ]
    table = bgo("simulate", "--for", "1d", "--table").text
    assert [line.split()[:3] for line in table.splitlines() if line.startswith(("hourly", three[1]))] == [
        ["hourly", "echo", "23"], [three[1], "rsync", "1"],
    ]  # fmt: skip
    assert bgo("tasks", "-q").lines == []


def test_run_makes_now_what_it_makes_and_counts_nothing(bgo: Bgo, three: list[str]) -> None:
    before = bgo("schedules", "--json").json
    made = [bgo("schedules", "run", each, "-q").out.strip() for each in (three[0], "hourly", three[2])]
    assert bgo("tasks", "--schedule", three[0], "-q").lines == made[1::-1]
    assert bgo("schedules", "run", three[2], "--json").json["outcome"] == "new"
    after = bgo("schedules", "--json").json
    assert [{**each, "unfinished": []} for each in after] == before
    assert after[0]["unfinished"] == made[1::-1]
    assert bgo("schedules", "run", "hourly", "--run", "-q").code == 0
    assert bgo("schedules", "run", "hourly", "--run", "--wait").code == 2
    assert bgo("schedules", "run", "echo").code == 3
    assert f"to lift it: bgo schedules run {three[0]}" in bgo("explain", three[0]).text


def test_its_id_means_what_it_made_also_when_it_is_gone(bgo: Bgo, three: list[str]) -> None:
    made = [bgo("schedules", "run", "hourly", "--run", "-q").lines[0] for _ in range(2)][::-1]
    other = bgo("enqueue", "echo", "message=x", "-q").out.strip()
    assert bgo("tasks", three[0], "-q").lines == bgo("tasks", three[0][:6], "-q").lines == made
    assert bgo("history", three[0], "-q").lines == made
    shot = bgo("monitor", three[0], "--once", "--json").json
    assert [entry["task_id"] for entry in shot["recent"]] == made
    assert bgo("tasks", three[0], other).error[1] == f"  why: {three[0]} stands for what this schedule has made"
    assert bgo("cancel", three[0]).code != 0, "what is destructive wants to be told"
    bgo("unschedule", "hourly")
    for verb in ("tasks", "history"):
        assert bgo(verb, "--schedule", three[0], "-q").lines == made
    assert bgo("tasks", "--schedule", three[0][:6]).code == 3
    bgo("unschedule", three[2])
    assert bgo("tasks", "--schedule", three[2]).code == 3, "nothing is left that it made"


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_pause_of_a_schedule_names_the_verb_for_it(bgo: Bgo, three: list[str], verb: str) -> None:
    for word in (three[0], three[0][:5], "hourly"):
        assert bgo(verb, word).error == [
            f"error: {word} is a schedule",
            f"  why: bgo {verb} is about tasks: of a name, a queue or a tag",
            f" hint: bgo schedules {verb} {word}",
        ]
    assert bgo(verb, "echo").code == bgo(verb, "rsync").code == 0
    bgo("enqueue", "echo", "--as", "hourly", "message=x")
    assert bgo(verb, "hourly").code == 0, "tasks are called so, too"


def test_explain_all_tells_of_schedules_too(
    bgo: Bgo, three: list[str], when: When, monkeypatch: pytest.MonkeyPatch
) -> None:
    when("2026-11-25T12:30:00+00:00")
    monkeypatch.setenv("COLUMNS", "140")
    shown = bgo("explain", "--all")
    assert "nothing waits" not in shown.err
    lines = shown.text.splitlines()
    assert lines[0].split() == ["SCHEDULE", "NAME", "STATE", "FIRES", "SO", "TO", "LIFT", "IT"]
    assert [line.split()[0] for line in lines[1:]] == ["hourly", three[1], three[2]]
    assert "it is due, and no worker runs" in lines[1]
    assert "bgo run" in lines[1]
    assert f"bgo schedules resume {three[2]}" in lines[3]
    task = bgo("enqueue", "echo", "-q").out.strip()
    found = bgo("explain", "--all", "--json").json
    assert [(each["id"], each["kind"]) for each in found] == [
        (task, "task"), *((three[n], "schedule") for n in (0, 1, 2)),
    ]  # fmt: skip
    assert "2 of 3 schedules; more with --limit N" in bgo("explain", "--all", "--limit", "2").err


def test_what_pauses_at_its_next_time_says_so(bgo: Bgo) -> None:
    made = bgo("schedule", "shell", "--every", "1h", "--start", "12:00", "--pause-after", "2", "-q", "--", "false")
    key = made.out.strip()
    for times, verdict in enumerate(["it waits for its time, and no worker runs"] * 2):
        found = bgo("explain", key, "--json").json
        assert (found["verdict"], bgo("schedules", "show", key, "--json").json["failures_in_a_row"]) == (verdict, times)
        assert [line["current"] for line in found["gates"] if line["gate"] == "failures"] == [
            f"{times} in a row; 2 pause it"
        ]
        bgo("schedules", "run", key, "--run", "-q")
    found = bgo("explain", key, "--json").json
    assert found["verdict"] == "pauses at its next time: 2 failures in a row"
    (line,) = [line for line in found["gates"] if line["gate"] == "failures"]
    assert (line["open"], line["lift"]) == (
        False,
        f"bgo schedules run {key}, if that succeeds; bgo reschedule {key} --pause-after none",
    )
    bgo("reschedule", key, "--pause-after", "none")
    assert bgo("explain", key, "--json").json["verdict"] == "it waits for its time, and no worker runs"


@pytest.mark.parametrize("words", [(), ("--json",), ("--quiet",)], ids=str)
def test_the_worker_tells_that_a_schedule_has_paused_itself(bgo: Bgo, when: When, words: tuple[str, ...]) -> None:
    made = bgo(
        "schedule", "shell", "--every", "1h", "--pause-after", "1", "--key", "k", "-q", "--", "false"
    ).out.strip()
    bgo("run", "-q")
    when("2026-11-25T11:00:05+00:00")
    done = bgo("run", *words)
    if words == ("--json",):
        (told,) = [event for event in done.events if event["type"] == "schedule_paused"]
        assert list(told) == ["schema", "type", "ts", "id", "key", "name", "reason"]
        assert (told["id"], told["key"], told["name"], told["reason"]) == (
            made,
            "k",
            "false",
            "its last run has failed",
        )
    else:
        line = f"schedule {made} (k) paused: its last run has failed; bgo schedules resume {made}"
        assert (line in done.out) == (not words)
    assert bgo("schedules", "show", "k", "--json").json["state"] == "paused"
    assert "paused" not in bgo("run").out
