"""`@task` and what it refuses; declared options; descriptions as JSON."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from bgo.errors import RefusedError, UsageError
from bgo.hooks.codec import info_from, info_json
from bgo.hooks.defaults import defaults_from
from bgo.hooks.task import TaskHandler, task
from bgo.model.limits import ConcurrencyControl, RateLimit
from bgo.model.options import NetworkConstraint, RetryPolicy, TaskConstraints, TaskTimeout


@task
def sync_data(ctx: Any, user_id: str, force: bool = False) -> str:
    """Bring the data over.

    And more.
    """
    return f"{user_id}:{force}"


@task("mail.send", timeout="quick", retry=RetryPolicy.linear(4), queue="high", priority="low", tags=["a", "b", "a"])
async def send(ctx: Any) -> None: ...


def test_the_function_stays_usable_and_is_described() -> None:
    assert isinstance(sync_data, TaskHandler)
    assert sync_data(None, "u", force=True) == "u:True"
    info = sync_data.info
    assert (info.name, info.summary, info.source.target) == ("sync_data", "Bring the data over.", __name__)
    assert [p.name for p in info.params or ()] == ["user_id", "force"]
    assert sync_data.__name__ == "sync_data"


def test_options_become_defaults() -> None:
    defaults = send.info.defaults
    assert send.info.name == "mail.send"
    assert send.handler.is_async
    assert defaults.timeout == TaskTimeout.QUICK
    assert defaults.retry == RetryPolicy.linear(4)
    assert (defaults.queue, defaults.priority, defaults.tags) == ("high", -10, ("a", "b"))


def test_enqueue_waits_for_a_flow() -> None:
    with pytest.raises(RefusedError, match="belongs to no TaskFlow"):
        sync_data.enqueue(user_id="u")
    sync_data.enqueue = lambda **data: f"id of {data}"
    try:
        assert sync_data.enqueue(user_id="u") == "id of {'user_id': 'u'}"
    finally:
        del sync_data.enqueue


class Service:
    def method(self, ctx: Any) -> None: ...

    @staticmethod
    def static(ctx: Any) -> None: ...


def generator(ctx: Any) -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    "fn",
    [
        lambda ctx: None,
        functools.partial(Service.static, 1),
        Service().method,
        Service(),
        generator,
        print,
    ],
    ids=["lambda", "partial", "bound method", "object", "generator", "builtin without a signature for ctx"],
)
def test_what_a_child_cannot_import_or_call_is_refused(fn: Any) -> None:
    with pytest.raises(UsageError) as caught:
        task("thing")(fn)
    assert "thing" in caught.value.message


def test_closures_are_refused_with_the_way_out() -> None:
    def inner(ctx: Any) -> None: ...

    with pytest.raises(UsageError) as caught:
        task(inner)
    assert "inside a function" in caught.value.message
    assert "top level of a module" in caught.value.hint


def test_static_methods_are_importable() -> None:
    assert task("static")(Service.static).info.name == "static"


@pytest.mark.parametrize("name", ["", "1st", "a b", "x" * 65, "../up", "name\n"])
def test_illegal_names_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="not a handler name"):
        task(name)(Service.static)


@pytest.mark.parametrize(
    ("value", "timeout"),
    [
        ("extended", TaskTimeout.EXTENDED),
        ("none", TaskTimeout.NONE),
        (60, TaskTimeout.hard_only(60)),
        (timedelta(minutes=1), TaskTimeout.hard_only(60)),
        (TaskTimeout(hard=5), TaskTimeout(hard=5)),
    ],
)
def test_timeouts(value: Any, timeout: TaskTimeout) -> None:
    assert defaults_from({"timeout": value}).timeout == timeout


@pytest.mark.parametrize("value", ["10/1m", "moderate", RateLimit(10, 60)])
def test_rates(value: Any) -> None:
    limited = task("x", rate=value)(Service.static).info
    assert limited.defaults.rate == RateLimit(10, timedelta(minutes=1))
    assert info_from(json.loads(json.dumps(info_json(limited)))).defaults == limited.defaults


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": "eternal"},
        {"timeout": True},
        {"retry": 3},
        {"priority": 101},
        {"priority": "urgent"},
        {"tags": "one"},
        {"tags": ["a b"]},
        {"queue": "1"},
        {"concurrency": 0},
        {"concurrency": "3"},
        {"rate": "often"},
        {"rate": 10},
        {"rate": "0/1m"},
        {"constraints": {"charging": True}},
    ],
)
def test_options_that_cannot_be_meant(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        defaults_from(options)


def test_a_misspelt_option_is_answered_with_the_right_one() -> None:
    with pytest.raises(UsageError) as caught:
        task("x", retries=3)(Service.static)  # type: ignore[call-overload]
    assert caught.value.hint == "did you mean 'retry'?"


def test_descriptions_survive_json() -> None:
    @functools.wraps(Service.static)
    def full(ctx: Any) -> None: ...

    options: dict[str, Any] = {
        "timeout": TaskTimeout(soft=1, hard=2, on_soft_timeout="m:warn"),
        "retry": RetryPolicy.custom(delays=[5, 15], retry_on=[OSError]),
        "queue": "low",
        "priority": 7,
        "tags": ["t"],
        "constraints": TaskConstraints(NetworkConstraint.UNMETERED, requires_charging=True),
        "concurrency": ConcurrencyControl(2, key="disk"),
        "at_most_once": True,
        "takes_argv": True,
    }
    for handler in (task("full", **options)(full), sync_data, send):
        text = json.dumps(info_json(handler.info))
        assert info_from(json.loads(text)) == handler.info
