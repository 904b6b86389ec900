"""Limits under kill -9: no key ever has more running, no window ever sees more starts, whoever dies."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable
from datetime import timedelta

import pytest

from bgo.model.limits import ConcurrencyControl, RateLimit
from bgo.model.query import Selector
from bgo.model.state import FINAL
from tests.run.chaos import Chaos
from tests.run.harness import findings, story
from tests.run.test_crash import SEED
from tests.run.yard import Yard, a_yard

pytestmark = pytest.mark.slow

BLOWS = 50
AT_ONCE = 2
STARTS, WINDOW_MS = 12, 1_000
NAMES = ("a", "b", "c")
LIMIT = ConcurrencyControl(AT_ONCE, key="net")
RATE = RateLimit(STARTS, timedelta(milliseconds=WINDOW_MS), key="api")


class LimitedChaos(Chaos):
    """Chaos among tasks that share a concurrency key and a rate, over three workers with two slots each."""

    def _feed(self) -> None:
        if self.stopped:  # perhaps in the middle of a transaction, and we are the ones to continue it
            return
        with self.yard.flow.store.read() as session:
            waiting = sum(n for state, n in session.tasks.counts().items() if state not in FINAL)
        for _ in range(max(0, 30 - waiting)):
            fields = {"ms": self.rng.randrange(5, 60), "slots": AT_ONCE}
            name = self.rng.choice(NAMES)
            self.acked.append(self.yard.flow.enqueue("limited", fields, as_=name, concurrency=LIMIT, rate_limit=RATE))


def crowds(yard: Yard) -> list[int]:
    """Return for each true start, told by the handler itself, how many starts were heard of in the window before it.

    A child says that it begins just before it does: the first line of a handler may come late, but never before its
    claim. So it is held against what the worker heard of the others, cut to milliseconds.
    """
    offset = time.time() - time.monotonic()
    names = Selector(names=NAMES)
    heard = sorted(e.started_at for e in yard.flow.history(names, limit=100_000) if e.started_at is not None)
    ours = {view.id for view in yard.flow.tasks(names, limit=100_000)}
    true = sorted(round((line.at + offset) * 1000) for line in yard.lines("S") if line.id in ours)
    return [bisect_right(heard, at - 1) - bisect_right(heard, at - WINDOW_MS + 1) for at in true]


def test_no_kill_lets_more_run_or_start_than_the_limits_say(record_property: Callable[[str, object], None]) -> None:
    """The handlers judge themselves: places by locks that the kernel frees, starts by a clock that nobody sets."""
    with a_yard(lease_s=1) as yard:
        chaos = LimitedChaos(yard, SEED)
        print(f"BGO_TEST_SEED={SEED}")
        chaos.run(BLOWS)
        chaos.settle()
        found = crowds(yard)
        record_property("figures", f"{len(found)} starts, {chaos.deeds.counts}")
        assert yard.lines("V") == [], "more than the limit ran at once"
        assert max(found) <= STARTS, "more than the rate began in one window"
        assert max(found) >= STARTS - 1, "the rate has bound"
        assert chaos.bad_ends == []
        wrong = {name: found for name, found in findings(yard, chaos.acknowledged(), chaos.deeds).items() if found}
        assert not wrong, f"{wrong}\n{story(yard, wrong)}"


@pytest.mark.parametrize("bug", ["rate_of_this_tick", "limit_of_this_worker"])
def test_the_replay_finds_a_planted_bug(bug: str) -> None:
    with a_yard(lease_s=1) as yard:
        chaos = LimitedChaos(yard, seed=1, plant=bug)
        for blows in range(10, 100, 10):
            chaos.run(blows)
            if yard.lines("V") if bug == "limit_of_this_worker" else max(crowds(yard), default=0) > STARTS:
                return
        pytest.fail(f"the replay is still green after {blows} blows")
