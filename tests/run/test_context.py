"""What a handler may say and ask through `ctx`, on a clock that stands still."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.clock import VirtualClock
from bgo.errors import UsageError
from bgo.model.handler import Source
from bgo.run.context import (
    PROGRESS_EVERY_MS,
    CancelRequested,
    TaskContext,
    flush_progress,
    on_cancel,
    tell_cancelled,
    tell_soft_timeout,
)
from bgo.run.text import clip
from bgo.run.wire import Frame, StartFrame


class Desk:
    """A context, the clock it reads, and the frames it sends."""

    def __init__(self, **changes: Any) -> None:
        self.clock = VirtualClock(1_000_000)
        self.sent: list[Frame] = []
        fields: dict[str, Any] = {
            "task_id": "0abcdefghijk",
            "run": 3,
            "attempt": 2,
            "name": "nightly",
            "handler": "files.copy",
            "source": Source("file", "x.py"),
            "input": {"a": 1},
            "argv": ["ls"],
            "env": {"PATH": "/bin"},
            "cwd": "/tmp",
            "tags": ["t"],
            "soft_ms": None,
            "hard_ms": None,
            "restored": [1],
            "chain": {"first": {"b": 2}},
            "workdir": "/nonexistent",
        }
        self.ctx = TaskContext(StartFrame(**{**fields, **changes}), self.sent.append, self.clock)


def test_a_context_tells_what_the_task_is() -> None:
    ctx = Desk().ctx
    assert (ctx.task_id, ctx.run, ctx.attempt, ctx.name) == ("0abcdefghijk", 3, 2, "nightly")
    assert (ctx.input, ctx.argv, ctx.env, ctx.cwd) == ({"a": 1}, ["ls"], {"PATH": "/bin"}, "/tmp")
    assert (ctx.tags, ctx.restored, ctx.chain) == (("t",), [1], {"first": {"b": 2}})


def test_the_work_directory_is_made_when_it_is_asked_for(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "work"
    ctx = Desk(workdir=str(place)).ctx
    assert not place.exists()
    assert ctx.workdir == place
    assert ctx.workdir.is_dir()
    assert place.stat().st_mode & 0o777 == 0o700


def test_the_deadline_counts_down_in_awake_time() -> None:
    desk = Desk(hard_ms=5_000)
    assert desk.ctx.deadline == 5.0
    desk.clock.advance_ms(3_000)
    desk.clock.step_wall_ms(86_400_000)
    assert desk.ctx.deadline == 2.0
    desk.clock.advance_ms(3_000)
    assert desk.ctx.deadline == 0.0
    assert Desk().ctx.deadline is None


def test_a_cancel_is_seen_and_raised() -> None:
    desk = Desk()
    desk.ctx.check_cancelled()
    assert not desk.ctx.cancelled
    tell_cancelled(desk.ctx)
    assert desk.ctx.cancelled
    with pytest.raises(CancelRequested):
        desk.ctx.check_cancelled()
    assert not issubclass(CancelRequested, Exception)  # 'except Exception' does not swallow it


def test_a_soft_timeout_is_seen() -> None:
    desk = Desk()
    assert not desk.ctx.soft_timed_out
    tell_soft_timeout(desk.ctx)
    assert (desk.ctx.soft_timed_out, desk.ctx.cancelled) == (True, False)


@pytest.mark.parametrize("early", [True, False])
def test_whoever_waits_for_a_cancel_is_woken(early: bool) -> None:
    desk, woken = Desk(), []
    if early:
        tell_cancelled(desk.ctx)
    on_cancel(desk.ctx, lambda: woken.append(1))
    if not early:
        tell_cancelled(desk.ctx)
    assert woken == [1]


def test_progress_is_sent_at_most_ten_times_a_second_and_the_last_one_always() -> None:
    desk = Desk()
    for step in range(1000):
        desk.ctx.report_progress(step / 1000, f"step {step}")
        desk.clock.advance_ms(1)
    assert len(desk.sent) == 1000 // PROGRESS_EVERY_MS
    flush_progress(desk.ctx)
    flush_progress(desk.ctx)
    assert desk.sent[-1] == {"t": "progress", "fraction": 0.999, "message": "step 999"}
    assert len(desk.sent) == 1000 // PROGRESS_EVERY_MS + 1


@given(st.lists(st.floats() | st.integers(-5, 5), min_size=1))
def test_progress_stays_between_0_and_1_and_never_goes_back(values: list[float]) -> None:
    desk = Desk()
    for value in values:
        desk.ctx.report_progress(value)
        desk.clock.advance_ms(PROGRESS_EVERY_MS)
    fractions = [frame["fraction"] for frame in desk.sent]
    assert fractions == sorted(fractions)
    assert all(0.0 <= fraction <= 1.0 for fraction in fractions)
    assert fractions[-1] == min(1.0, max([0.0, *(v for v in values if not math.isnan(v))]))


def test_a_progress_that_is_no_number_is_the_handlers_error() -> None:
    with pytest.raises((TypeError, ValueError)):
        Desk().ctx.report_progress("half")  # type: ignore[arg-type]


def test_log_lines_carry_a_known_level_and_a_bounded_text() -> None:
    desk = Desk()
    desk.ctx.log("careful", "warning")
    desk.ctx.log({"a": 1}, "shout")
    desk.ctx.log("x" * 100_000)
    desk.ctx.log("\ud800")
    assert [frame["level"] for frame in desk.sent] == ["warning", "info", "info", "info"]
    assert desk.sent[1]["message"] == "{'a': 1}"
    assert len(desk.sent[2]["message"]) <= 16 << 10
    assert desk.sent[3]["message"] == "\\ud800"


@pytest.mark.parametrize("data", [None, 1, "x", [1, {"a": None}], {"at": 5}])
def test_any_json_value_can_be_a_checkpoint(data: Any) -> None:
    desk = Desk()
    desk.ctx.checkpoint(data)
    assert desk.sent == [{"t": "checkpoint", "data": data}]


@pytest.mark.parametrize("data", [object(), {1: 2}, float("nan"), "\ud800", "x" * (1 << 20)])
def test_a_checkpoint_that_cannot_be_kept_is_refused(data: Any) -> None:
    desk = Desk()
    with pytest.raises(UsageError):
        desk.ctx.checkpoint(data)
    assert desk.sent == []


@given(st.text(st.characters(exclude_categories=()), max_size=300), st.integers(100, 400))
def test_clipped_text_fits_can_be_stored_and_keeps_its_ends(text: str, limit: int) -> None:
    found = clip(text, limit)
    data = found.encode()
    assert len(data) <= limit
    whole = text.encode("utf-8", "backslashreplace").decode()
    if len(whole.encode()) <= limit:
        assert found == whole
    else:
        assert whole.startswith(found.partition("\n… ")[0][:5])
        assert "left out" in found
