"""Settle: every outcome in every situation, as one table; then what holds for all of its cells."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from bgo.errors import IllegalTransitionError
from bgo.ids import seeded_rng
from bgo.model.options import RetryPolicy
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
from bgo.model.plan import Gate, Hold, Transition
from bgo.model.state import FINAL, REASONS, Event, Reason, State, advance
from bgo.model.task import Task
from bgo.policy.lease import LOSS_LIMIT, loss_delay_ms
from bgo.policy.settle import SNOOZE_LIMIT, error_of, settle
from tests.build import START, a_task, a_wish

ERROR = TaskError("ValueError", "no", "trace", ("ValueError", "Exception"))
NOW = START + 60_000
LOST = Hold(Gate.CHARGING, "no (test)", "yes")

OUTCOMES: dict[str, Outcome] = {
    "succeeded": Succeeded({"n": 1}),
    "failed": Failed(ERROR),
    "gave up": Failed(ERROR, retry=False),
    "asked": RetryAsked(),
    "asked in 7 s": RetryAsked(7_000),
    "snoozed": Snoozed(9_000),
    "timed out": TimedOut(60_000),
    "crashed": Crashed(signal=11),
    "cancelled": CancelledRun(),
    "lost": Lost(started=True),
    "lost early": Lost(started=False),
    "rebooted": Lost(started=True, rebooted=True),
    "shut down": Released(Reason.SHUTDOWN),
    "device": Released(Reason.DEVICE),
    "device, charged": Released(Reason.DEVICE, lost=LOST, charged=True),
    "device, cancels": CancelledRun(LOST),
    "unstarted": Released(Reason.SHUTDOWN, started=False),
    "rejected": Rejected(ERROR),
}
SITUATIONS: dict[str, Task] = {
    "no retry": a_task(),
    "tries left": a_task(attempt=2, run=5, losses=3, snoozes=4, wish=a_wish(retry=RetryPolicy.linear(3, 30))),
    "last try": a_task(attempt=3, run=5, wish=a_wish(retry=RetryPolicy.linear(3, 30))),
    "other kinds": a_task(wish=a_wish(retry=RetryPolicy.linear(3, 30, retry_on=["OSError"]))),
    "at most once": a_task(wish=a_wish(retry=RetryPolicy.linear(3, 30), at_most_once=True)),
}
TABLE = """
              no retry             tries left             last try             other kinds          at most once
succeeded     succeeded:done       succeeded:done         succeeded:done       succeeded:done       succeeded:done
failed        failed:error         retrying:error         failed:error         failed:error         failed:error
gave up       failed:error         failed:error           failed:error         failed:error         failed:error
asked         retrying:asked       retrying:asked         failed:asked         retrying:asked       retrying:asked
asked in 7 s  retrying:asked       retrying:asked         failed:asked         retrying:asked       retrying:asked
snoozed       queued:snooze        queued:snooze          queued:snooze        queued:snooze        queued:snooze
timed out     failed:hard_timeout  retrying:hard_timeout  failed:hard_timeout  failed:hard_timeout  failed:hard_timeout
crashed       failed:crash         retrying:crash         failed:crash         failed:crash         failed:crash
cancelled     cancelled:user       cancelled:user         cancelled:user       cancelled:user       cancelled:user
lost          queued:lost          queued:lost            queued:lost          queued:lost          failed:lost
lost early    queued:lost          queued:lost            queued:lost          queued:lost          failed:lost
rebooted      queued:lost          queued:lost            queued:lost          queued:lost          failed:lost
shut down     queued:shutdown      queued:shutdown        queued:shutdown      queued:shutdown      failed:lost
device        queued:device        queued:device          queued:device        queued:device        failed:lost
device, charged  queued:device     queued:device          queued:device        queued:device        failed:lost
device, cancels  cancelled:device  cancelled:device       cancelled:device     cancelled:device     cancelled:device
unstarted     queued:shutdown      queued:shutdown        queued:shutdown      queued:shutdown      queued:shutdown
rejected      failed:rejected      failed:rejected        failed:rejected      failed:rejected      failed:rejected
"""
"""A handler that asks to be run again means it, so `asked` and `snoozed` stand even for at-most-once tasks."""

_HEAD, *_LINES = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in TABLE.strip().splitlines()]
CELLS = {(line[0], column): line[i + 1] for line in _LINES for i, column in enumerate(_HEAD)}
PAIRS = list(product(OUTCOMES, SITUATIONS))


def judge(task: Task, outcome: Outcome) -> Transition:
    return settle(task, outcome, NOW, seeded_rng(1, "settle"))


def test_the_table_is_whole() -> None:
    assert set(CELLS) == set(PAIRS)
    assert {type(o) for o in OUTCOMES.values()} == set(Outcome.__args__)


@pytest.mark.parametrize(("outcome", "situation"), PAIRS)
def test_where_each_outcome_leads(outcome: str, situation: str) -> None:
    to = judge(SITUATIONS[situation], OUTCOMES[outcome])
    assert f"{to.state}:{to.reason}" == CELLS[outcome, situation]


@pytest.mark.parametrize(("outcome", "situation"), PAIRS)
@pytest.mark.parametrize("flag", [Reason.USER, Reason.TAG, Reason.REPLACED])
def test_a_cancel_flag_stands_against_everything_but_an_end_that_came_first(
    outcome: str, situation: str, flag: Reason
) -> None:
    without = judge(SITUATIONS[situation], OUTCOMES[outcome])
    to = judge(replace(SITUATIONS[situation], cancel_reason=flag), OUTCOMES[outcome])
    if without.state in FINAL and without.event is not Event.CANCEL:
        assert to == without
    else:
        assert (to.event, to.state, to.reason) == (Event.CANCEL, State.CANCELLED, flag)


@pytest.mark.parametrize("flag", [None, Reason.ALL])
@pytest.mark.parametrize(("outcome", "situation"), PAIRS)
def test_every_verdict_is_legal(outcome: str, situation: str, flag: str | None) -> None:
    task = replace(SITUATIONS[situation], cancel_reason=flag)
    to = judge(task, OUTCOMES[outcome])
    assert to.state is advance(State.RUNNING, to.event)
    assert to.reason in REASONS[to.event]
    if to.state in FINAL:
        assert (to.losses, to.snoozes, to.due_at) == (0, 0, None)
    given_back = to.event in (Event.LOSE, Event.RELEASE) and not getattr(OUTCOMES[outcome], "charged", False)
    assert to.attempt == task.attempt - given_back, "an attempt is charged, or it is handed back"
    assert to.due_at is None or to.due_at > NOW


@pytest.mark.parametrize("state", [s for s in State if s is not State.RUNNING])
@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("flag", [None, Reason.USER])
def test_only_a_running_task_can_be_settled(state: State, outcome: str, flag: str | None) -> None:
    with pytest.raises(IllegalTransitionError):
        judge(a_task(state, cancel_reason=flag), OUTCOMES[outcome])


def test_when_a_retry_comes() -> None:
    task = SITUATIONS["tries left"]
    assert judge(task, Failed(ERROR)).due_at == NOW + 60_000, "30 s × attempt 2"
    assert judge(task, RetryAsked()).due_at == NOW + 60_000
    assert judge(task, RetryAsked(7_000)).due_at == NOW + 7_000
    assert judge(task, RetryAsked(0)).due_at == NOW
    assert judge(SITUATIONS["no retry"], RetryAsked()).due_at == NOW + 30_000
    assert judge(task, Failed(ERROR)).losses == judge(task, Failed(ERROR)).snoozes == 0


def test_a_task_without_a_policy_that_asks_gets_three_tries() -> None:
    states = [judge(a_task(attempt=n), RetryAsked()).state for n in (1, 2, 3, 4)]
    assert states == [State.RETRYING, State.RETRYING, State.FAILED, State.FAILED]


def test_losses_wait_longer_and_longer_and_fail_at_the_limit() -> None:
    for losses in range(LOSS_LIMIT - 1):
        to = judge(a_task(losses=losses), Lost(started=True))
        delay = loss_delay_ms(losses + 1)
        assert (to.state, to.losses) == (State.QUEUED, losses + 1)
        assert to.due_at == (NOW + delay if delay else None)
    to = judge(a_task(losses=LOSS_LIMIT - 1), Lost(started=True))
    assert (to.state, to.reason) == (State.FAILED, Reason.LOST)


def test_losses_before_started_do_not_count() -> None:
    for losses in (0, 5, LOSS_LIMIT - 1):
        to = judge(a_task(losses=losses), Lost(started=False))
        assert (to.state, to.losses, to.due_at) == (State.QUEUED, losses, None)


def test_a_reboot_never_counts_and_begins_the_count_anew() -> None:
    for losses in (0, 5, LOSS_LIMIT - 1):
        to = judge(a_task(losses=losses), Lost(started=True, rebooted=True))
        assert (to.state, to.losses, to.due_at) == (State.QUEUED, 0, None)


def test_a_release_keeps_the_count_of_losses_and_the_due_time() -> None:
    to = judge(a_task(losses=4), Released(Reason.SHUTDOWN))
    assert (to.losses, to.due_at) == (4, None)


def test_a_stop_by_the_device_is_told_where_it_ends_a_task() -> None:
    error = error_of(Released(Reason.DEVICE, lost=LOST), Event.EXHAUST)
    assert error is not None
    assert error.message == "it was stopped (charging: no (test), needs yes) while it ran, and it may not run twice"
    assert error_of(Released(Reason.DEVICE, lost=LOST), Event.RELEASE) is error_of(CancelledRun(LOST)) is None


def test_snoozing_is_free_a_thousand_times_in_a_row() -> None:
    to = judge(a_task(snoozes=SNOOZE_LIMIT - 1), Snoozed(5_000))
    assert (to.state, to.snoozes, to.attempt, to.due_at) == (State.QUEUED, SNOOZE_LIMIT, 0, NOW + 5_000)
    to = judge(a_task(snoozes=SNOOZE_LIMIT), Snoozed(5_000))
    assert (to.state, to.reason) == (State.FAILED, Reason.SNOOZE)


@pytest.mark.parametrize(("kind", "outcome"), [("TimeoutError", TimedOut(1)), ("Crash", Crashed(exit_code=1))])
def test_kills_have_kinds_that_a_policy_can_name(kind: str, outcome: Outcome) -> None:
    only = a_wish(retry=RetryPolicy.linear(3, 30, retry_on=[kind]))
    never = a_wish(retry=RetryPolicy.linear(3, 30, give_up_on=[kind]))
    assert judge(a_task(wish=only), outcome).state is State.RETRYING
    assert judge(a_task(wish=never), outcome).state is State.FAILED


def test_the_dice_are_an_argument() -> None:
    task = a_task(wish=a_wish(retry=RetryPolicy.exponential(3, 600, jitter=True)))
    drawn = {settle(task, Failed(ERROR), NOW, seeded_rng(seed, "settle")).due_at for seed in range(20)}
    assert len(drawn) > 10
    again = [settle(task, Failed(ERROR), NOW, seeded_rng(3, "settle")) for _ in range(2)]
    assert again[0] == again[1]


@pytest.mark.parametrize(
    ("outcome", "type_", "says"),
    [
        (Failed(ERROR), "ValueError", "no"),
        (Rejected(ERROR), "ValueError", "no"),
        (RetryAsked(error=ERROR), "ValueError", "no"),
        (TimedOut(61_500), "HardTimeout", "61.5 s"),
        (Crashed(signal=9), "Crash", "killed by signal 9"),
        (Crashed(exit_code=3, detail="oom"), "Crash", "ended with exit code 3"),
        (Lost(started=True), "Lost", "while it ran"),
        (Lost(started=False), "Lost", "before it started"),
        (Lost(started=True, rebooted=True), "Lost", "the machine restarted"),
    ],
)
def test_errors_are_told(outcome: Outcome, type_: str, says: str) -> None:
    error = error_of(outcome)
    assert error is not None
    assert error.type == type_
    assert says in error.message


@pytest.mark.parametrize("name", ["succeeded", "snoozed", "cancelled", "shut down", "asked"])
def test_these_are_no_errors(name: str) -> None:
    assert error_of(OUTCOMES[name]) is None


@pytest.mark.parametrize("name", sorted(OUTCOMES))
def test_every_final_failure_has_an_error(name: str) -> None:
    """`tasks --state failed` and `wait` must have something to say."""
    if not isinstance(OUTCOMES[name], (Succeeded, CancelledRun)):
        assert error_of(OUTCOMES[name], Event.EXHAUST) is not None
