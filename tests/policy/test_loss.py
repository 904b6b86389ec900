"""Loss: how long a constraint must be gone, and what the end of a run that was stopped for it is taken for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.model.device import DeviceState, Level, Span, Tri, View
from bgo.model.options import NO_CONSTRAINTS, ConstraintLoss, TaskConstraints
from bgo.model.outcome import (
    CancelledRun,
    Crashed,
    Failed,
    Lost,
    Outcome,
    Rejected,
    Released,
    RetryAsked,
    Snoozed,
    Succeeded,
    TaskError,
    TimedOut,
)
from bgo.model.plan import Gate, Hold
from bgo.model.profile import HOST, Profile, Work
from bgo.model.state import Reason
from bgo.policy import loss
from bgo.policy.loss import SETTLE_MS, Loss
from tests.build import a_view

CHARGED = TaskConstraints(requires_charging=True)
HOLD = Hold(Gate.CHARGING, "no (test)", "yes")
ERROR = TaskError("E", "no")


def test_only_what_asks_something_and_may_not_finish_is_watched() -> None:
    assert loss.is_watched(CHARGED)
    assert loss.is_watched(replace(CHARGED, on_loss=ConstraintLoss.CANCEL))
    assert not loss.is_watched(replace(CHARGED, on_loss=ConstraintLoss.FINISH))
    assert not loss.is_watched(NO_CONSTRAINTS)


def test_a_run_is_load_itself_and_never_stopped_for_it() -> None:
    busy = View(device=DeviceState(load=Level(99, "test"), unused=Span(0, "test", at_ms=500)))
    quiet = TaskConstraints(cpu_below=50)
    assert not loss.can_be_lost(quiet)
    assert not loss.is_watched(quiet)
    assert loss.observe(quiet, busy, None, 1) is None
    found = loss.observe(replace(quiet, unused_for=60), busy, None, 1, wall_ms=1_000)
    assert found is not None
    assert (found.hold.gate, found.hold.until_ms) == (Gate.UNUSED, 60_500)


@given(st.lists(st.tuples(st.integers(1, 4_000), st.sampled_from(Tri)), max_size=30))
def test_a_loss_settles_only_when_no_look_in_between_saw_it_back(looks: list[tuple[int, Tri]]) -> None:
    now, found, gone_since = 0, None, None
    for wait, charging in looks:
        now += wait
        found = loss.observe(CHARGED, a_view({Tri.YES: True, Tri.NO: False}.get(charging)), found, now)
        gone_since = None if charging is Tri.YES else now if gone_since is None else gone_since
        assert (found is None) == (gone_since is None)
        if found is not None and gone_since is not None:
            assert found.settles_at == gone_since + SETTLE_MS
            assert found.hold.current.startswith(charging.value), "the hold is that of the last look"


def test_what_a_stop_makes_of_the_task() -> None:
    android = Profile("android", work=Work(stop_consumes_attempt=True))
    cancels = replace(CHARGED, on_loss=ConstraintLoss.CANCEL)
    assert loss.outcome(CHARGED, HOLD, HOST, started=True) == Released(Reason.DEVICE, True, HOLD)
    assert loss.outcome(CHARGED, HOLD, android, started=False) == Released(Reason.DEVICE, False, HOLD, charged=True)
    assert loss.outcome(cancels, HOLD, HOST, started=True) == CancelledRun(HOLD)
    assert Loss(HOLD, 7).settles_at == 7 + SETTLE_MS


STANDS: list[Outcome] = [
    Succeeded(), Snoozed(1), Rejected(ERROR), Released(Reason.SHUTDOWN), Released(Reason.SHUTDOWN, started=False),
]  # fmt: skip
GIVES_WAY: list[Outcome] = [
    Failed(ERROR), Failed(ERROR, retry=False), RetryAsked(), TimedOut(1), Crashed(signal=15), CancelledRun(),
    Lost(started=False),
]  # fmt: skip


@pytest.mark.parametrize("policy", [ConstraintLoss.STOP, ConstraintLoss.CANCEL])
@pytest.mark.parametrize("said", [*STANDS, *GIVES_WAY], ids=repr)
def test_what_came_first_stands_and_errors_of_being_stopped_do_not(said: Outcome, policy: ConstraintLoss) -> None:
    stopped = loss.outcome(replace(CHARGED, on_loss=policy), HOLD, HOST, started=True)
    assert loss.instead(said, stopped) == (said if said in STANDS else stopped)
    assert loss.instead(stopped, stopped) == stopped
