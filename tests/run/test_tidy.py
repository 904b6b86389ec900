"""Automatic retention: once an hour over all workers, in steps, stopped with the worker, never unfinished work."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bgo.api import TaskFlow
from bgo.clock import SystemClock
from bgo.config import Flags, load
from bgo.model.query import Selector
from bgo.model.state import State
from bgo.run.output import log_path
from bgo.run.tidy import EVERY_MS, Tidier

GoOn = Callable[[], bool]


def make_old(stamp: Path) -> None:
    """Set a stamp back by more than an hour."""
    stamp.touch()
    past = SystemClock().now_ms() - EVERY_MS - 1000
    os.utime(stamp, ns=(past * 1_000_000, past * 1_000_000))


def test_a_fresh_store_is_not_pruned_and_an_hour_old_stamp_is_due_once(tmp_path: Path) -> None:
    """Two workers look at one stamp; one prune comes of it."""
    done: list[str] = []
    stamp = tmp_path / "tidied"
    first = Tidier(stamp, SystemClock(), lambda _: done.append("first"))
    second = Tidier(stamp, SystemClock(), lambda _: done.append("second"))
    first.look()
    first.end()
    assert done == []
    make_old(stamp)
    first = Tidier(stamp, SystemClock(), lambda _: done.append("first"))
    first.look()
    second.look()
    first.end()
    second.end()
    assert done == ["first"]


def test_a_prune_stops_when_its_worker_ends(tmp_path: Path) -> None:
    """What is asked after each step says no once the worker is leaving."""
    began, seen = threading.Event(), []

    def prune(go_on: GoOn) -> None:
        began.set()
        while go_on():
            pass
        seen.append("stopped")

    stamp = tmp_path / "tidied"
    make_old(stamp)
    tidier = Tidier(stamp, SystemClock(), prune)
    tidier.look()
    assert began.wait(10)
    tidier.end()
    assert seen == ["stopped"]


@pytest.mark.parametrize("limits", [{"rows": 2}, {"bytes": 1}], ids=["rows", "bytes"])
def test_a_worker_prunes_what_is_beyond_retention_and_nothing_unfinished(
    tmp_path: Path, limits: dict[str, int]
) -> None:
    """Ended tasks and their logs go; the task that waits for power stays."""
    settings = load(Flags(), {"BGO_HOME": str(tmp_path)})
    settings = replace(settings, kept={**settings.kept, **limits})
    flow = TaskFlow(settings=settings)
    ids = [flow.enqueue("echo", {"message": str(n)}) for n in range(5)]
    waiting = flow.enqueue("echo", delay=3600)
    flow.run()
    make_old(settings.run_dir / "tidied")
    flow.run()
    kept = {view.id for view in flow.tasks(Selector(match_all=True))}
    expected = limits.get("rows", 0)
    assert len(kept & set(ids)) == expected
    assert waiting in kept
    assert flow.get(waiting).state is State.QUEUED
    gone = set(ids) - kept
    assert not any(log_path(settings.log_dir, task_id, 1).exists() for task_id in gone)
    flow.close()
