"""Windows in the library: keywords, handlers that declare one, copies, and members of chains and batches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import bgo
from bgo.errors import UsageError
from bgo.hooks.codec import info_from, info_json
from bgo.hooks.defaults import defaults_from
from bgo.model.handler import HandlerInfo, Source
from bgo.model.options import TaskConstraints
from bgo.model.window import TimeWindow, ZonedWindow
from tests.flow import kitchen
from tests.hours import hours

NIGHT = TimeWindow(22, 6)


@pytest.fixture
def flow(bgo_isolate: Callable[[bgo.TaskFlow], bgo.TaskFlow]) -> bgo.TaskFlow:
    return bgo_isolate(kitchen.flow)


def asked(flow: bgo.TaskFlow, task_id: str) -> ZonedWindow | None:
    return flow.get(task_id).task.wish.window


def test_a_window_or_its_text_in_a_zone_or_in_the_local_one(
    flow: bgo.TaskFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Africa/Cairo")
    assert asked(flow, flow.enqueue("scan", window=NIGHT, tz="Asia/Tokyo")) == hours("22:00-06:00 Asia/Tokyo")
    assert asked(flow, flow.enqueue("scan", window="business-hours")) == hours("09:00-17:00@1,2,3,4,5 Africa/Cairo")
    ids = flow.enqueue_many("scan", [{}, {}], window="22-6", tz="UTC")
    assert [asked(flow, each) for each in ids] == [hours("22:00-06:00")] * 2
    assert asked(flow, flow.enqueue("scan")) is None


@pytest.mark.parametrize(
    ("options", "first"),
    [
        ({"tz": "UTC"}, "tz needs window"),
        ({"window": 9}, "not a window: 9"),
        ({"window": "9"}, "not a window: '9'"),
        ({"window": NIGHT, "tz": 1}, "tz is not a zone's name: 1"),
        ({"window": NIGHT, "tz": UTC}, "tz is not a zone's name"),
        ({"window": NIGHT, "tz": "Moon/Base"}, "not a time zone: 'Moon/Base'"),
    ],
)
def test_what_is_no_window_or_zone(flow: bgo.TaskFlow, options: Any, first: str) -> None:
    with pytest.raises(UsageError) as caught:
        flow.enqueue("scan", **options)
    assert caught.value.message.startswith(first)
    assert caught.value.why
    assert caught.value.hint


def later(flow: bgo.TaskFlow) -> datetime:
    """Return the full hour after the next in UTC."""
    now = datetime.fromtimestamp(flow.clock.now_ms() / 1000, UTC)
    return (now + timedelta(hours=2)).replace(minute=0, second=0, microsecond=0)


@pytest.mark.parametrize("deadline", ["start_before", "finish_before"])
def test_a_deadline_before_the_opening_is_refused(flow: bgo.TaskFlow, deadline: Any) -> None:
    opening = later(flow)
    window = TimeWindow(opening.hour, (opening.hour + 1) % 24)
    flow.enqueue("scan", window=window, tz="UTC", **{deadline: opening + timedelta(minutes=1)})
    too_soon = {deadline: opening, "window": window, "tz": "UTC"}
    with pytest.raises(UsageError, match="comes before the window opens"):
        flow.enqueue("scan", **too_soon)
    with pytest.raises(UsageError, match="comes before the window opens"):
        flow.enqueue("scan", window=window, tz="UTC", at=opening + timedelta(hours=2),
                     **{deadline: opening + timedelta(hours=20)})  # fmt: skip


def test_members_get_it_unless_they_say_otherwise(flow: bgo.TaskFlow) -> None:
    made = flow.chain("c").then("scan", window="9-17").then("tell", as_="b").then("tell", as_="c", tz="Asia/Tokyo")
    chain_id = made.enqueue({}, window=NIGHT, tz="UTC")
    found = [task.wish.window for task in flow.members(chain_id)]
    assert found == [hours("09:00-17:00"), hours("22:00-06:00"), hours("22:00-06:00 Asia/Tokyo")]
    some = flow.chain("c").then("scan", window="9-17").then("tell").enqueue({}, tz="Asia/Tokyo")
    assert [task.wish.window for task in flow.members(some)] == [hours("09:00-17:00 Asia/Tokyo"), None]
    for refused in (
        lambda: flow.chain("c").then("scan").enqueue({}, tz="UTC"),
        lambda: flow.chain("c").then("scan", tz="UTC").enqueue({}),
        lambda: flow.batch("tell", [1], tz="UTC"),
    ):
        with pytest.raises(UsageError, match="tz needs window"):
            refused()


def test_the_start_of_the_whole_is_judged_by_its_first_members(flow: bgo.TaskFlow) -> None:
    opening = later(flow)
    window = TimeWindow(opening.hour, (opening.hour + 1) % 24)
    for refused in (
        lambda: flow.chain("c").then("scan").enqueue({}, window=window, tz="UTC", start_before=opening),
        lambda: (
            flow.chain("c").then_batch("tell", items=[1]).enqueue({}, window=window, tz="UTC", start_before=opening)
        ),
        lambda: flow.batch("tell", [1], window=window, tz="UTC", start_before=opening),
    ):
        with pytest.raises(UsageError, match="start-before comes before the window opens"):
            refused()
    chain_id = flow.chain("c").then("tell").then("scan", window=window, tz="UTC").enqueue({}, start_before=opening)
    assert flow.get(chain_id).task.name == "c"


def test_a_handler_may_declare_one(flow: bgo.TaskFlow, tmp_path: Path) -> None:
    defaults = defaults_from({"window": TimeWindow.BUSINESS_HOURS, "tz": "Europe/Berlin", "window_strict": True})
    info = HandlerInfo("scan", Source("flow", "x"), defaults=defaults)
    assert info_from(info_json(info)) == info
    spec = flow._build(flow._request("scan", {}, {}), {}, info)
    assert spec.wish.window == hours("09:00-17:00@1,2,3,4,5 Europe/Berlin")
    over = flow._build(flow._request("scan", {}, {"window": "0-24", "tz": "UTC"}), {}, info)
    assert over.wish.window == hours("00:00-24:00")
    assert (spec.wish.window_strict, over.wish.window_strict) == (True, True)
    assert not flow._build(flow._request("scan", {}, {"window_strict": False}), {}, info).wish.window_strict
    named = HandlerInfo("scan", Source("flow", "x"), defaults=defaults_from({"window": "quiet"}))
    with pytest.raises(UsageError, match="not a window: 'quiet'"):
        flow._build(flow._request("scan", {}, {}), {}, named)
    assert info_from(info_json(named)) == named


@pytest.mark.parametrize(
    "options",
    [
        {"window": "9"}, {"window": 3}, {"tz": "UTC"}, {"window": "1-2", "tz": "Moon"}, {"window_strict": True},
        {"window": "1-2", "window_strict": "yes"},
    ],
)  # fmt: skip
def test_a_declared_window_is_checked(options: Any) -> None:
    with pytest.raises(UsageError):
        defaults_from(options)


def test_a_device_and_a_window_are_both_asked_for(flow: bgo.TaskFlow) -> None:
    wish = TaskConstraints(requires_charging=True)
    found = flow.plan("scan", {}, constraints=wish, window="0-24", tz="UTC")
    assert [line.gate for line in found.gates][3:5] == ["window", "charging"]
