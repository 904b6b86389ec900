"""Settle: the only author of endings. An outcome in, a transition out; the clock and the dice are arguments."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from bgo.errors import IllegalTransitionError
from bgo.ids import Rng
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
from bgo.model.plan import Hold, Transition
from bgo.model.state import Event, Reason, State, advance
from bgo.model.task import Task
from bgo.policy import lease, retry

SNOOZE_LIMIT = 1000


def settle(task: Task, outcome: Outcome, now_ms: int, rng: Rng) -> Transition:
    """Judge how `task`'s run ended.

    A cancel that was asked for while it ran stands against everything that would run the task again, and never
    against a success or a final failure that came first. Raises IllegalTransitionError when the task does not run.
    """
    if task.state is not State.RUNNING:
        raise IllegalTransitionError(
            f"a {task.state} task has no run to settle", why="only a running one has", hint="please report this"
        )
    verdict = _judge(task, outcome, now_ms, rng)
    if task.cancel_reason and verdict.event in (Event.RETRY, Event.LOSE, Event.RELEASE):
        return _end(task, Event.CANCEL, Reason(task.cancel_reason))
    return verdict


def _judge(task: Task, outcome: Outcome, now_ms: int, rng: Rng) -> Transition:
    match outcome:
        case Succeeded():
            return _end(task, Event.SUCCEED, Reason.DONE)
        case Failed(error, retry=again):
            wish = task.wish.retry
            return _again(task, Reason.ERROR, again and retry.is_worth_it(wish, error.kinds), now_ms, rng)
        case TimedOut():
            return _again(task, Reason.HARD_TIMEOUT, retry.is_worth_it(task.wish.retry, ("TimeoutError",)), now_ms, rng)
        case Crashed():
            return _again(task, Reason.CRASH, retry.is_worth_it(task.wish.retry, ("Crash",)), now_ms, rng)
        case RetryAsked(after_ms):
            return _asked(task, after_ms, now_ms, rng)
        case Snoozed(after_ms):
            return _snoozed(task, after_ms, now_ms)
        case Lost(started, rebooted):
            return _lost(task, started=started, rebooted=rebooted, now_ms=now_ms)
        case Released(reason, started, charged=charged):
            if task.wish.at_most_once and started:
                return _end(task, Event.EXHAUST, Reason.LOST)
            back = _back(task, Event.RELEASE, reason, None)
            return replace(back, attempt=task.attempt) if charged and started else back
        case CancelledRun(lost):
            return _end(task, Event.CANCEL, Reason(task.cancel_reason or (Reason.DEVICE if lost else Reason.USER)))
        case Rejected():
            return _end(task, Event.EXHAUST, Reason.REJECTED)
        case _:
            assert_never(outcome)


def _end(task: Task, event: Event, reason: Reason) -> Transition:
    return Transition(event, advance(task.state, event), reason, task.attempt, 0, 0)


def _back(task: Task, event: Event, reason: Reason, due_at: int | None, *, losses: int | None = None) -> Transition:
    """The run is not charged: the task waits again, with its attempt handed back."""
    kept = task.losses if losses is None else losses
    return Transition(event, advance(task.state, event), reason, task.attempt - 1, kept, task.snoozes, due_at)


def _retry_at(task: Task, reason: Reason, due_at: int) -> Transition:
    return Transition(Event.RETRY, advance(task.state, Event.RETRY), reason, task.attempt, 0, 0, due_at)


def _again(task: Task, reason: Reason, worth_it: bool, now_ms: int, rng: Rng) -> Transition:
    wish = task.wish.retry
    if not worth_it or task.attempt >= wish.max_attempts or task.wish.at_most_once:
        return _end(task, Event.EXHAUST, reason)
    return _retry_at(task, reason, now_ms + retry.delay_ms(wish, task.attempt, rng))


def _asked(task: Task, after_ms: int | None, now_ms: int, rng: Rng) -> Transition:
    wish: RetryPolicy = task.wish.retry if task.wish.retry.kind != "none" else retry.ASKED_POLICY
    if task.attempt >= wish.max_attempts:
        return _end(task, Event.EXHAUST, Reason.ASKED)
    delay = retry.delay_ms(wish, task.attempt, rng) if after_ms is None else after_ms
    return _retry_at(task, Reason.ASKED, now_ms + delay)


def _snoozed(task: Task, after_ms: int, now_ms: int) -> Transition:
    if task.snoozes + 1 > SNOOZE_LIMIT:
        return _end(task, Event.EXHAUST, Reason.SNOOZE)
    state = advance(task.state, Event.RELEASE)
    return Transition(Event.RELEASE, state, Reason.SNOOZE, task.attempt - 1, 0, task.snoozes + 1, now_ms + after_ms)


def _lost(task: Task, *, started: bool, rebooted: bool, now_ms: int) -> Transition:
    """A loss is not an error: nothing is charged, and only losses after Started in one boot are counted.

    A reboot never counts, and begins the count anew.
    """
    if task.wish.at_most_once:
        return _end(task, Event.EXHAUST, Reason.LOST)
    if rebooted or not started:
        return _back(task, Event.LOSE, Reason.LOST, None, losses=0 if rebooted else None)
    losses = task.losses + 1
    if losses >= lease.LOSS_LIMIT:
        return _end(task, Event.EXHAUST, Reason.LOST)
    delay = lease.loss_delay_ms(losses)
    return _back(task, Event.LOSE, Reason.LOST, now_ms + delay if delay else None, losses=losses)


def lost_of(outcome: Outcome) -> Hold | None:
    """Return the constraint that ended this run by being lost, None where something else did."""
    return outcome.lost if isinstance(outcome, (Released, CancelledRun)) else None


def error_of(outcome: Outcome, event: Event | None = None) -> TaskError | None:
    """Return what the history shows as the error of this outcome, which led to this event; a final failure has one."""
    match outcome:
        case RetryAsked(error=None) if event is Event.EXHAUST:
            return TaskError("NoTryLeft", "the handler asked for another try, and there is none left")
        case Snoozed() if event is Event.EXHAUST:
            return TaskError("SnoozedTooOften", f"the handler put itself off {SNOOZE_LIMIT:,} times in a row")
        case Released(lost=lost) if event is Event.EXHAUST:
            why = "its worker stopped" if lost is None else f"it was stopped ({lost.told})"
            return TaskError("Lost", f"{why} while it ran, and it may not run twice")
        case Failed(error) | Rejected(error):
            return error
        case RetryAsked(error=error):
            return error
        case TimedOut(after_ms):
            return TaskError("HardTimeout", f"killed after {after_ms / 1000:g} s (hard timeout)")
        case Crashed(exit_code, signal, detail):
            how = f"killed by signal {signal}" if signal else f"ended with exit code {exit_code}"
            return TaskError("Crash", f"the child process was {how}" if signal else f"the child process {how}", detail)
        case Lost(started, rebooted):
            when = "the machine restarted" if rebooted else "its worker died or lost the lease"
            return TaskError("Lost", f"{when} {'while it ran' if started else 'before it started'}")
        case _:
            return None
