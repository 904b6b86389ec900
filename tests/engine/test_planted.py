"""Planted bugs: one changed line each, and the check that must notice it.

A line is changed in the source text of a function or a statement and put in place of the original everywhere in
bgo; then the stories are told until one of them breaks. Without the change none of them breaks, so a check that never
fails, or a bug that nobody would notice, shows up here.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import textwrap
from dataclasses import dataclass
from typing import Any

import pytest

from bgo.store.sql.tasks import ENDED
from tests.engine.checks import BrokenError
from tests.engine.stories import STORIES
from tests.engine.world import World

GUARD = "(lease.run, lease.worker, task.run) != (key.run, key.worker, key.run)"


@dataclass(frozen=True)
class Bug:
    """Where (module:name, or module:Class.name), what the line says, what it says instead, and who notices."""

    changes: tuple[tuple[str, str, str], ...]
    noticed_by: str


BUGS = {
    "the run is dropped from the settle guard": Bug(
        (("bgo.engine.settle:settle", GUARD, "lease.worker != key.worker"),),
        "only the holder of a live run may end it",
    ),
    "the worker is dropped from the settle guard": Bug(
        (("bgo.engine.settle:settle", GUARD, "(lease.run, task.run) != (key.run, key.run)"),),
        "only the holder of a live run may end it",
    ),
    "attempts are counted at the finish, not in the claim": Bug(
        (
            ("bgo.store.sql.tasks:CLAIM", "attempt = attempt + 1,", ""),
            ("bgo.store.sql.tasks:SETTLE", "attempt = ?,", "attempt = ? + 1,"),
            ("bgo.store.sql.tasks:END", "attempt = ?,", "attempt = ? + 1,"),
        ),
        "attempt is as expected",
    ),
    "a settle ignores the cancel flag": Bug(
        (("bgo.policy.settle:settle", "if task.cancel_reason and", "if False and"),), "state is as expected"
    ),
    "retries know no end": Bug(
        (("bgo.policy.settle:_again", "or task.attempt >= wish.max_attempts", ""),), "state is as expected"
    ),
    "admit ignores what runs": Bug(
        (("bgo.policy.admit:_hold", "desk.usage.get(key, 0)", "0"),),
        "no gate is passed that holds",
    ),
    "a settle keeps the room under its key": Bug(
        (("bgo.engine.settle:settle", "session.lanes.open_key(lease.concurrency_key, now)", "pass"),),
        "no lane with room is stuck",
    ),
    "a cancelled head keeps the room under its key": Bug(
        (("bgo.store.sql.lanes:SqlLanes.refresh", "self.open_key(key, now)", "pass"),), "no lane with room is stuck"
    ),
    "a promotion does not refresh its lane": Bug(
        (("bgo.engine.alarms:ring", "session.lanes.refresh(promoted, now)", "pass"),),
        "no slot stays idle while something may start",
    ),
    "a cancel does not refresh its lane": Bug(
        (("bgo.engine.wave:Wave.ended", "self.woken.add(task.lane)", "pass"),), "lane heads equal a recount"
    ),
    "a battery between the marks counts as full": Bug(
        (("bgo.policy.battery:low", "percent < marks.okay", "percent <= marks.low"),), "no gate is passed that holds"
    ),
    "a battery is low for good": Bug(
        (("bgo.policy.battery:low", "percent < marks.okay", "percent <= 100"),),
        "no slot stays idle while something may start",
    ),
    "nobody remembers that the battery was low": Bug(
        (("bgo.engine.platform:remember", "is_news(session, seen, keeper)", "False"),), "no gate is passed that holds"
    ),
    "a look does not say that the battery has changed": Bug(
        (("bgo.engine.cycle:look", " or platform.is_news(session, view, memory.keeper)", ""),),
        "a look that sees no work means a tick without a trace",
    ),
    "what nobody knows passes": Bug(
        (("bgo.policy.device:_verdict", "name in view.profile.unknown_passes", "True"),),
        "no gate is passed that holds",
    ),
    "what nobody knows holds": Bug(
        (("bgo.policy.device:_verdict", "name in view.profile.unknown_passes", "False"),),
        "no slot stays idle while something may start",
    ),
    "a network of unknown cost is a free one": Bug(
        (("bgo.policy.device:meets", "kind in _MEETS[wish]", "kind in ('connected', *_MEETS[wish])"),),
        "no gate is passed that holds",
    ),
    "prune takes unfinished work": Bug(
        (
            ("bgo.store.sql.tasks:DELETE", "AND finished_at IS NOT NULL", ""),
            (
                "bgo.store.sql.tasks:ENDED",
                ENDED,
                "SELECT seq FROM task WHERE coalesce(finished_at, created_at) < ?1 AND (finished_at IS NULL"
                " OR state IN (SELECT value FROM json_each(?2))) LIMIT ?3",
            ),
        ),
        "only ended tasks are pruned",
    ),
    "the order ignores priority": Bug(
        (("bgo.policy.order:rank", "due_ms - priority * PRIORITY_HEAD_START_MS", "due_ms"),),
        "a lane's first goes first",
    ),
    "a lost run is charged": Bug(
        (("bgo.policy.settle:_back", "task.attempt - 1", "task.attempt"),), "attempt is as expected"
    ),
    "a loss does not wait": Bug(
        (("bgo.policy.settle:_lost", "now_ms + delay if delay else None", "None"),), "a delay lies in its bounds"
    ),
    "at-most-once runs twice after a loss": Bug(
        (("bgo.policy.settle:_lost", "if task.wish.at_most_once:", "if False:"),), "state is as expected"
    ),
    "two holds at once are counted twice": Bug(
        (("bgo.engine.waiting:waited", "min(ms, left)", "ms"),), "waits never exceed the wall"
    ),
    "a look does not ask what others logged": Bug(
        (("bgo.engine.cycle:look", "memory.held.get(v, Gate.STATE)", "memory.held.get(v)"),),
        "a look that sees no work means a tick without a trace",
    ),
    "a task that keeps its due time waits for a clock set back": Bug(
        (("bgo.engine.waiting:place_of", "due_at is None or due <= now", "due <= now"),), "ready is as expected"
    ),
    "a revived task keeps its old count": Bug(
        (("bgo.store.sql.tasks:MOVE_WAIT", "attempt = 0,", ""),), "attempt is as expected"
    ),
    "an outcome is not told as one": Bug(
        (("bgo.engine.settle:settle", "outcome=True", "outcome=False"),),
        "each run has one outcome and none is missing",
    ),
    "a refused finish leaves no trace": Bug(
        (("bgo.engine.settle:settle", "_record_late(session, task, key.run, outcome, now)", "pass"),),
        "history tells every event once",
    ),
    "a run of the past keeps checkpoints": Bug(
        (
            ("bgo.store.sql.tasks:OLD_CHECKPOINT", "AND run = ?", "AND ? > 0"),
            ("bgo.store.sql.tasks:CHECKPOINT", "AND run = ?", "AND ? > 0"),
        ),
        "a checkpoint is that of the last run",
    ),
    "the number of a pruned task is given out again": Bug(
        (("bgo.store.sql.tasks:NEXT_SEQ", "'last_seq'", "'nothing'"),), "only the holder of a live run may end it"
    ),
    "a new lane does not know that it is paused": Bug(
        (("bgo.store.sql.pauses:paused_bits", "paused |= PAUSE_BIT[kind]", "pass"),),
        "pauses reach every lane",
    ),
    "a pause of a tag leaves out what is not ready": Bug(
        (("bgo.engine.relane:step", "task.state not in FINAL", "task.ready"),),
        "a pause of a tag reaches its tasks",
    ),
    "a new task does not know that its tag is paused": Bug(
        (("bgo.engine.enqueue:_share", "session.pauses.marks(spec.tags)", "()"),),
        "a pause of a tag reaches its tasks",
    ),
    "a pause stops no running work": Bug(
        (
            ("bgo.store.sql.pauses:SqlPauses.set", "self.stop_running()", "pass"),
            ("bgo.engine.relane:step", "session.pauses.stop_running()", "pass"),
        ),
        "running work stands still by its pauses",
    ),
    "a moved task leaves a lane that does not know it": Bug(
        (
            (
                "bgo.engine.edit:_reseat",
                "session.lanes.refresh({task.lane, lane}, now)",
                "session.lanes.refresh({lane}, now)",
            ),
        ),
        "lane heads equal a recount",
    ),
    "a bumped head of a lifo lane waits like the others": Bug(
        (("bgo.store.sql.lanes:REFRESH", "IN ('lifo', 'random') AND task.rank >=", "IN ('lifo', 'random') OR 0 >"),),
        "lane heads equal a recount",
    ),
    "a dry run of prune counts rows that age takes": Bug(
        (("bgo.engine.prune:would_prune", "len(rows) - len(rest) + sum", "sum"),),
        "a dry run tells what a prune does",
    ),
}


def plant(monkeypatch: pytest.MonkeyPatch, where: str, says: str, instead: str) -> None:
    """Put a changed copy of a function or statement in place of the original, wherever bgo refers to it."""
    module_name, _, path = where.partition(":")
    module = importlib.import_module(module_name)
    holder: Any = module
    *classes, name = path.split(".")
    for part in classes:
        holder = getattr(holder, part)
    original = getattr(holder, name)
    if isinstance(original, str):
        assert says in original, f"{where} does not say {says!r} any more"
        monkeypatch.setattr(holder, name, original.replace(says, instead))
        return
    source = textwrap.dedent(inspect.getsource(original))
    assert says in source, f"{where} does not say {says!r} any more"
    made: dict[str, Any] = {}
    exec(compile(source.replace(says, instead), module_name, "exec"), original.__globals__, made)
    for place in [holder, *(m for n, m in sys.modules.items() if n.startswith(("bgo.", "tests.engine")))]:
        for attribute, value in list(vars(place).items()):
            if value is original:
                monkeypatch.setattr(place, attribute, made[name])


def tell_all() -> None:
    for story in STORIES.values():
        world = World()
        try:
            story(world)
            world.verify()
        finally:
            world.store.close()


def test_without_a_bug_nothing_breaks() -> None:
    tell_all()


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for change in BUGS[name].changes:
        plant(monkeypatch, *change)
    with pytest.raises(BrokenError) as caught:
        tell_all()
    assert caught.value.check == BUGS[name].noticed_by
