"""`bgo enqueue` with rates, keys of a kind, upstreams and deadlines: what is said, answered, and refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bgo.api import TaskFlow
from bgo.clock import to_iso
from bgo.model.task import Task
from tests.cli.conftest import Bgo, Lived

MINUTE = 60_000


def kept(task_id: str) -> Task:
    with TaskFlow() as flow:
        return flow.get(task_id).task


def count() -> int:
    with TaskFlow() as flow:
        return len(flow.get_all_tasks())


def test_a_rate_is_kept_with_its_key(bgo: Bgo) -> None:
    rate = kept(bgo("enqueue", "echo", "--rate", "10/1m", "--rate-key", "api").out.strip()).wish.rate
    assert rate is not None
    assert (rate.max_executions, rate.window_ms, rate.key) == (10, MINUTE, "api")
    plan = bgo("enqueue", "echo", "--rate", "hourly", "--dry-run")
    assert "at most 100 starts in 1 h" in plan.out


def test_a_duplicate_answers_with_the_one_that_is_there(bgo: Bgo) -> None:
    words = ["enqueue", "echo", "message=a", "--dedup", "message", "--dedup-ttl", "5m"]
    first = bgo(*words, "--queue", "high", "--json").json
    assert (first["deduplicated"], first["kept"]) == (False, False)
    again = bgo(*words, "more=b", "--delay", "1h")
    assert (again.code, again.out) == (0, f"{first['id']}\n")
    assert again.err == f"nothing new was queued: {first['id']} is equal (queued)\n"
    told = bgo(*words, "--delay", "1h", "--json").json
    assert told == {**first, "deduplicated": True, "due_at": to_iso(kept(first["id"]).due_at)}
    assert bgo(*words, "-q").err == ""
    assert count() == 1


def test_a_kept_unique_task_is_told(bgo: Bgo) -> None:
    first = bgo("enqueue", "echo", "--unique", "nightly").out.strip()
    again = bgo("enqueue", "sleep", "seconds=1", "--unique", "nightly")
    assert again.err == f"nothing new was queued: {first} has that unique id (queued)\n"
    told = bgo("enqueue", "sleep", "seconds=1", "--unique", "nightly", "--unique-policy", "keep", "--json").json
    assert (told["id"], told["name"], told["kept"], told["deduplicated"]) == (first, "echo", True, False)
    new = bgo("enqueue", "echo", "--unique", "nightly", "--unique-policy", "replace").out.strip()
    assert (kept(first).state, kept(first).reason, kept(new).state) == ("cancelled", "replaced", "queued")


def test_wait_and_run_follow_the_survivor(bgo: Bgo) -> None:
    words = ["enqueue", "echo", "message=a", "--dedup", "input", "--dedup-ttl", "1h"]
    first = bgo(*words).out.strip()
    done = bgo(*words, "--run")
    assert (done.code, done.lines[0]) == (0, first)
    assert done.err.startswith(f"nothing new was queued: {first} is equal (queued)\n")
    waited = bgo(*words, "--wait", "--json")
    assert (waited.code, waited.json["id"], waited.json["state"]) == (0, first, "succeeded")
    assert count() == 1


def test_a_dry_run_says_who_would_stand_in(bgo: Bgo) -> None:
    words = ["enqueue", "echo", "message=a", "--dedup", "input"]
    first = bgo(*words).out.strip()
    assert bgo(*words, "--dry-run", "--json").json["verdict"] == f"deduplicated: {first} stands in for it"
    plan = bgo("enqueue", "echo", "--after", first, "--start-before", "2h", "--unique", "u", "--dry-run")
    for words_ in (f"after      {first}", "starts by", "unique     u; if taken: keep"):
        assert words_ in plan.out
    assert count() == 1


def test_after_waits_for_success(bgo: Bgo, lived: Lived) -> None:
    waits = bgo("enqueue", "echo", "--after", lived.ready, "--after", lived.done, "--json").json
    assert waits["state"] == "blocked"
    assert bgo("enqueue", "echo", "--after", lived.done, "--json").json["state"] == "queued"
    failed = bgo("enqueue", "echo", "--after", lived.failed)
    assert (failed.code, failed.err) == (0, "failed at once: what it was to wait for has failed\n")
    assert kept(failed.out.strip()).reason == "upstream_failed"
    assert bgo("enqueue", "echo", "--after", "0000zzzz").code == 3
    assert bgo("enqueue", "echo", "--after", "zzzz2222").code == 2


def test_deadlines_are_told_as_they_were_understood(bgo: Bgo) -> None:
    done = bgo("enqueue", "echo", "--delay", "1h", "--start-before", "2h", "--finish-before", "2099-12-24 18:00")
    due, start, finish = done.err.splitlines()
    assert due.endswith("(in 1 h)")
    assert start.startswith("cancelled if it has not begun by ")
    assert start.endswith("(in 2 h)")
    assert finish.startswith("cancelled if it does not run by Thu 24 Dec 2099 18:00:00")
    task = kept(done.out.strip())
    assert task.expires_at == task.wish.start_before
    assert bgo("enqueue", "echo", "--start-before", "2h", "-q").err == ""
    assert bgo("enqueue", "echo", "--start-before", "2h", "--json").err == ""


def test_a_finish_that_cannot_be_met_is_told_and_not_refused(bgo: Bgo) -> None:
    assert bgo("enqueue", "sleep", "seconds=0.3", "--run", "-q").code == 0
    done = bgo("enqueue", "sleep", "seconds=0.3", "--finish-before", "100ms")
    assert done.code == 0
    assert "it can hardly finish in time: sleep usually takes" in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--rate", "0/1m"], "rate: not a number of starts: 0"),
        (["--rate", "-1/1m"], "rate: not a number of starts: -1"),
        (["--rate", "10/0s"], "not a rate: '10/0s'"),
        (["--rate", "10"], "not a rate: '10'"),
        (["--rate", "moderat"], "not a rate: 'moderat'"),
        (["--rate-key", "k"], "--rate-key needs --rate"),
        (["--rate", "1/1s", "--rate-key", ""], "rate: not a key: ''"),
        (["--concurrency", "0"], "concurrency: 0 is out of range"),
        (["--concurrency-key", "k"], "--concurrency-key needs --concurrency"),
        (["--dedup", "a,,b"], "dedup: not a list of fields: 'a,,b'"),
        (["--dedup-ttl", "5m"], "--dedup-ttl needs --dedup"),
        (["--dedup", "input", "--dedup-ttl", "0s"], "dedup"),
        (["--dedup", "input", "--unique", "u"], "dedup and unique contradict each other"),
        (["--unique-policy", "keep"], "--unique-policy needs --unique"),
        (["--unique", "u", "--unique-policy", "kep"], "not a unique policy: 'kep'"),
        (["--unique", ""], "not a unique id: ''"),
        (["--start-before", "2001-01-01"], "start-before: that time is past"),
        (["--finish-before", "2001-01-01"], "finish-before: that time is past"),
        (["--delay", "2h", "--start-before", "1h"], "start-before comes before the task may begin"),
        (["--finish-before", "someday"], "--finish-before: "),
    ],
)
def test_what_is_malformed_is_refused_and_nothing_is_kept(bgo: Bgo, words: list[str], message: str) -> None:
    done = bgo("enqueue", "echo", *words)
    assert done.code == 2
    what, why, hint = done.error
    assert message in what
    assert len(why) > len("  why: ")
    assert len(hint) > len(" hint: ")
    refused: Any = json.loads(bgo("enqueue", "echo", *words, "--json").err)
    assert refused["error"]["exit_code"] == 2
    assert count() == 0


def test_a_field_that_the_input_lacks_is_refused(bgo: Bgo) -> None:
    done = bgo("enqueue", "echo", "user_id=1", "--dedup", "userid")
    assert done.code == 2
    assert "userid" in done.error[0]


def test_like_copies_the_rate_and_nothing_that_makes_it_one_of_a_kind(bgo: Bgo) -> None:
    old = bgo("enqueue", "echo", "--rate", "5/1h", "--dedup", "input", "--start-before", "2h").out.strip()
    copy = kept(bgo("enqueue", "--like", old).out.strip())
    assert copy.id != old
    assert (copy.wish.rate, copy.wish.dedup, copy.expires_at) == (kept(old).wish.rate, None, None)
