"""Windows at a worker: it wakes at the opening by itself, notices a set clock, and a plain run does not wait."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bgo.clock import SystemClock
from bgo.model.state import State
from bgo.model.window import TimeWindow
from tests.build import START, a_spec
from tests.hours import in_hours
from tests.run.test_loop import HOUR_MS, Scene, scene
from tests.run.yard import a_yard

__all__ = ["scene"]
MINUTE = 60_000
LEAD_MS = 1_500
"""How long before the opening the worker's wall clock stands when it starts, give or take what starting takes."""


def hours(start: datetime, end: datetime) -> TimeWindow:
    return TimeWindow(start.hour, end.hour, start_minute=start.minute, end_minute=end.minute)


def test_a_watching_worker_starts_work_at_the_opening_without_a_poll() -> None:
    """Its polls are a minute apart, and the next opening comes a moment after it has looked."""
    with a_yard(poll_ms=MINUTE) as yard:
        now = SystemClock().now_ms()
        ahead = (MINUTE - LEAD_MS - now) % MINUTE + MINUTE
        opening = datetime.fromtimestamp((now + ahead + LEAD_MS) // MINUTE * 60, UTC)
        window = hours(opening, opening + timedelta(hours=2))
        inside = yard.flow.enqueue("work", window=window, tz="UTC")
        outside = yard.flow.enqueue("work", window=hours(*(opening + timedelta(hours=n) for n in (2, 3))), tz="UTC")
        yard.worker(watch=True, ahead_ms=ahead)
        task = yard.ended(inside)[0].task
        assert task.started_at is not None
        assert task.started_at >= opening.timestamp() * 1000
        assert yard.state(outside)[0] is State.QUEUED


def closed(clock: datetime) -> TimeWindow:
    return TimeWindow((clock.hour + 5) % 24, (clock.hour + 6) % 24)


@pytest.mark.parametrize("until_empty", [False, True])
def test_a_run_does_not_wait_for_a_window(until_empty: bool) -> None:
    with a_yard() as yard:
        yard.flow.enqueue("work", window=closed(datetime.now(UTC)), tz="UTC")
        report = yard.drain(until_empty=until_empty)
        assert (report["started"], report["waiting"]["held"]) == (0, {"window": 1})


def test_a_window_is_not_asked_about_at_each_poll(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    from bgo.run.questions import Questions

    look = Questions.look
    monkeypatch.setattr(Questions, "look", lambda *args: looks.append(1) or look(*args))
    scene.until_ms = HOUR_MS // 4
    scene.add(wish=in_hours("16:00-17:00"))
    scene.watch()
    assert len(looks) <= 3


def test_a_wall_clock_that_was_set_is_noticed(scene: Scene, tmp_path: Path) -> None:
    """It is set back into a window that was over."""
    scene.add(wish=in_hours("15:00-15:06"))
    wait = scene.wait
    children: list[int] = []

    def step(timeout_ms: int) -> object:
        if len(scene.waits) == 20:
            scene.clock.step_wall_ms(-3 * MINUTE)
        return wait(timeout_ms)

    scene.wait = step  # type: ignore[method-assign,assignment]
    scene.until_ms = HOUR_MS // 4
    with contextlib.suppress(AssertionError):  # it wants a child
        scene.watch()
        children.append(0)
    assert not children
    assert scene.clock.now_ms() < START + MINUTE


def test_a_spec_of_hours_is_due_as_any(scene: Scene) -> None:
    scene.add(wish=in_hours("15:00-16:00"), due_at=START + HOUR_MS + 1)
    scene.watch()
    assert scene.zeros <= 3
    assert a_spec(wish=in_hours("15:00-16:00")).is_plain
