"""Assertions on what is queued, and what they say when they fail."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import ANY

import pytest

import bgo
from bgo.errors import UsageError
from bgo.testing import ManualClock, assert_enqueued, drain, enqueued, refute_enqueued
from tests.testing import shop


def test_what_is_queued_is_found(flow: bgo.TaskFlow, bgo_clock: ManualClock) -> None:
    first = shop.greet.enqueue(user="ann")
    second = flow.enqueue("greet", {"user": "bob"}, queue="high", tags=["vip", "mail"], delay=3600, priority=2)
    assert [task.id for task in enqueued(flow)] == [first, second]
    (found,) = assert_enqueued(flow, "greet", input={"user": "bob"}, queue="high", tags="mail", priority=2)
    assert found.id == second
    assert_enqueued(flow, shop.greet, count=2)
    assert_enqueued(flow, shop.greet, input={"user": ANY}, count=2)
    assert_enqueued(flow, at=timedelta(hours=1), count=1)
    assert_enqueued(flow, at=bgo_clock.now, count=1)
    assert_enqueued(flow, at=bgo_clock.now_ms(), count=1)
    refute_enqueued(flow, "slow")
    refute_enqueued(flow, "greet", input={"user": "cid"})


def test_a_task_answers_to_its_own_name_and_its_handlers(flow: bgo.TaskFlow) -> None:
    flow.enqueue("greet", {"user": "ann"}, as_="welcome")
    assert enqueued(flow, "welcome") == enqueued(flow, "greet") != []


def test_inputs_are_looked_into(flow: bgo.TaskFlow) -> None:
    flow.enqueue("nested", {"order": {"id": 7, "lines": [1, 2]}, "dry": False}, allow_unknown=True)
    assert_enqueued(flow, input={"order": {"id": 7}})
    assert_enqueued(flow, input={"order": {"lines": (1, 2)}})
    with pytest.raises(AssertionError, match=r"input order\.id is 7, not 8; input order\.more is missing"):
        assert_enqueued(flow, input={"order": {"id": 8, "more": 1}})


def test_a_failure_tells_the_nearest(flow: bgo.TaskFlow) -> None:
    flow.enqueue("slow")
    near = flow.enqueue("greet", {"user": "ann"}, tags=["mail"])
    with pytest.raises(AssertionError) as failed:
        assert_enqueued(flow, "greet", input={"user": "bob"}, queue="high", tags=["vip"])
    head, count, first, second = str(failed.value).splitlines()
    assert head == "no task waits as greet with input={'user': 'bob'}, queue='high', tags=['vip']"
    assert count == "2 wait:"
    assert f"greet {near} {{'user': 'ann'}} queue=default tags=mail queued" in first
    assert "<- input user is 'ann', not 'bob'; its queue is default; it lacks the tag vip" in first
    assert "its name is slow" in second


def test_a_failure_tells_what_has_run_already(flow: bgo.TaskFlow) -> None:
    shop.greet.enqueue(user="ann")
    drain(flow)
    with pytest.raises(AssertionError, match=r"no task waits at all\n1 that would fit wait no more.* succeeded"):
        assert_enqueued(flow, "greet")
    assert len(assert_enqueued(flow, "greet", states="succeeded")) == 1


def test_counts_and_refutations_fail_with_what_is_there(flow: bgo.TaskFlow) -> None:
    shop.greet.enqueue(user="ann")
    with pytest.raises(AssertionError, match=r"1 instead of 2 tasks wait as greet(.|\n)*this one fits"):
        assert_enqueued(flow, "greet", count=2)
    with pytest.raises(AssertionError, match="1 tasks wait as any task\n  greet "):
        refute_enqueued(flow)
    assert_enqueued(flow, "slow", count=0)


def test_an_unknown_question_is_refused(flow: bgo.TaskFlow) -> None:
    with pytest.raises(UsageError, match="no such question: que"):
        assert_enqueued(flow, "greet", que="high")  # type: ignore[call-arg]
