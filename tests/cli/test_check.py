"""`bgo check`: what it says of a store, in words and as JSON, and its exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from bgo.api import TaskFlow
from bgo.clock import VirtualClock
from bgo.model.finding import CODES, Level
from bgo.model.options import TaskConstraints
from tests.build import START
from tests.cli.conftest import Bgo

CHARGED = TaskConstraints(requires_charging=True)


@pytest.fixture
def flow(known: None) -> Iterator[TaskFlow]:
    with TaskFlow() as found:
        yield found


def test_a_store_of_which_there_is_nothing_to_say(bgo: Bgo, flow: TaskFlow) -> None:
    flow.enqueue("echo")
    done = bgo("check", "--strict")
    assert (done.code, done.out) == (0, "")
    assert done.err == "nothing to say: 1 waiting task and 0 schedules, judged by profile host\n"
    assert bgo("check", "--json").json == []


def test_findings_are_told_once_for_tasks_alike_and_warnings_are_no_failure_but_with_strict(
    bgo: Bgo, flow: TaskFlow
) -> None:
    ids = [flow.enqueue("echo", {"message": n}, rate_limit="1/1d", as_="mail") for n in range(8)]
    done = bgo("check")
    assert done.code == 0
    assert done.lines[0] == "warning rate-slow  rate key mail"
    assert "8 wait, and are through in about 8 days" in done.text
    assert done.err.startswith("1 warning: 8 waiting tasks")
    assert bgo("check", "--strict").code == 1
    (found,) = bgo("check", "--json").json
    assert found == {
        "schema": 1, "code": "rate-slow", "level": "warning", "kind": "rate", "id": "mail", "name": "mail", "tasks": 8,
        "said": found["said"], "why": "1 starts in 1d under mail", "fix": "allow more with --rate", "profile": "host",
    }  # fmt: skip
    assert bgo("check", ids[0], "--json").json == []


def test_what_nobody_here_can_run_is_an_error(bgo: Bgo, flow: TaskFlow) -> None:
    first = flow.enqueue("nowhere", allow_unknown=True)
    flow.enqueue("nowhere", allow_unknown=True, timeout=5)
    flow.schedule("nowhere", interval=60, allow_unknown=True, overlap="allow")
    done = bgo("check")
    assert done.code == 1
    assert done.lines[0] == f"error   no-handler  task {first} nowhere and 1 more"
    assert done.text.count("no-handler") == 2
    assert done.err.startswith("2 errors: 2 waiting tasks and 1 schedule")


def test_facts_decide_as_they_do_for_a_run(bgo: Bgo, flow: TaskFlow, monkeypatch: pytest.MonkeyPatch) -> None:
    flow.enqueue("echo", constraints=TaskConstraints(network="unmetered"))
    assert [found["code"] for found in bgo("check", "--network", "connected", "--json").json] == ["not-sensed"]
    assert bgo("check", "--network", "metered", "--json").json == []


def test_words_choose_what_is_looked_at(bgo: Bgo, flow: TaskFlow) -> None:
    flow.enqueue("nowhere", as_="one", allow_unknown=True)
    flow.schedule("nowhere", interval=60, key="two", allow_unknown=True, overlap="allow")
    flow.enqueue("echo", as_="fine")
    chain = flow.chain("whole").then("echo").enqueue()
    assert bgo("check", "fine").code == 0
    assert bgo("check", chain).err.startswith("nothing to say: 1 waiting task and")
    assert bgo("check", "one", "fine").err.startswith("1 error: 2 waiting tasks and 0 schedules")
    assert bgo("check", "two").err.startswith("1 error: 0 waiting tasks and 1 schedule")
    missing = bgo("check", "three")
    assert (missing.code, missing.error[0]) == (3, "error: nothing is called 'three'")
    assert bgo("check", "0000zzzz").code == 3


def test_a_schedule_that_can_never_keep_up(bgo: Bgo, flow: TaskFlow) -> None:
    flow.schedule("echo", interval=600, rate_limit="1/1h", key="busy", overlap="allow")
    (found,) = bgo("check", "--json").json
    assert (found["code"], found["said"]) == ("rate-never-drains", "about 144 come in a day, and 24 may start")
    flow.schedule("echo", interval=6000, rate_limit="1/1h", key="busy", overlap="allow")
    assert bgo("check", "--json").json == []


def test_members_of_chains_and_batches_of_schedules_count_each(bgo: Bgo, flow: TaskFlow) -> None:
    flow.schedule(
        "mails", handler="echo", items=[{"message": n} for n in range(30)], interval=86_400, rate_limit="20/1d"
    )
    (found,) = bgo("check", "--json").json
    assert (found["code"], found["said"]) == ("rate-never-drains", "about 30 come in a day, and 20 may start")


def test_what_has_expired_is_no_waiting_task(bgo: Bgo, flow: TaskFlow) -> None:
    flow.clock = VirtualClock(START)
    gone = flow.enqueue("nowhere", start_before=60, allow_unknown=True)
    assert bgo("check").code == 0
    assert bgo("check", gone).code == 0


def test_a_note_on_many_schedules_is_told_once_and_an_error_of_each(bgo: Bgo, flow: TaskFlow) -> None:
    for key in ("one", "two", "three"):
        flow.schedule("echo", interval=3600, key=key)
    (found,) = bgo("check", "--profile", "ios", "--json").json
    assert (found["code"], found["kind"], found["tasks"], found["level"]) == ("no-promise", "schedule", 3, "note")
    assert "echo and 2 more" in bgo("check", "--profile", "ios").text
    for key in ("one", "two", "three"):
        flow.schedule("nowhere", interval=3600, key=key, allow_unknown=True)
    ids = [one["id"] for one in bgo("check", "--json").json if one["code"] == "no-handler"]
    assert len(set(ids)) == 3


def test_codes_are_listed(bgo: Bgo) -> None:
    assert {row["code"]: row["level"] for row in bgo("check", "--codes", "--json").json} == {
        code: str(level) for code, (level, _) in CODES.items()
    }
    lines = bgo("check", "--codes").lines
    assert len(lines) == len(CODES)
    assert all(line.split()[0] in set(Level) for line in lines)
    json.dumps(lines)
