"""The state machine, as one table: which event may move a task from which state to which.

Scheduled-for-later is QUEUED with `due_at` ahead, not a state; a hold is not a state. Final states absorb: only an
explicit revive opens a new epoch. Every pair that is not in `TRANSITIONS` raises.
"""

from __future__ import annotations

from enum import StrEnum

from bgo.errors import IllegalTransitionError


class State(StrEnum):
    """Where a task stands."""

    BLOCKED = "blocked"
    """Waits for other tasks, or for its turn in a chain. Moved on by the engine when they end."""
    QUEUED = "queued"
    """Waits for its due time, its gates and a free slot. Claimed by a worker."""
    RUNNING = "running"
    """A worker holds a lease and a child runs the handler; left only by the outcome of that run. A chain or a batch has
    begun: left when its last member has ended."""
    RETRYING = "retrying"
    """The last attempt failed and the retry policy allows another at `due_at`. Claimed like QUEUED."""
    SUCCEEDED = "succeeded"
    """Final. The output is kept until retention removes the task."""
    FAILED = "failed"
    """Final until revived. The error is kept; `tasks --state failed` lists it, `retry` revives it."""
    CANCELLED = "cancelled"
    """Final until revived. Somebody or something called it off; `reason` says who."""


class Event(StrEnum):
    """What can happen to a task."""

    UNBLOCK = "unblock"
    BEGIN = "begin"
    """Of a chain or a batch: its members may start."""
    SKIP = "skip"
    SKIP_FAILED = "skip_failed"
    CLAIM = "claim"
    SUCCEED = "succeed"
    RETRY = "retry"
    LOSE = "lose"
    RELEASE = "release"
    EXHAUST = "exhaust"
    CANCEL = "cancel"
    REVIVE = "revive"
    REVIVE_BLOCKED = "revive_blocked"


class Reason(StrEnum):
    """Why a task stands where it stands; kept on the task and in its history."""

    NEW = "new"
    UPSTREAM_DONE = "upstream_done"
    UPSTREAM_FAILED = "upstream_failed"
    UPSTREAM_CANCELLED = "upstream_cancelled"
    CLAIMED = "claimed"
    DONE = "done"
    ERROR = "error"
    CRASH = "crash"
    HARD_TIMEOUT = "hard_timeout"
    ASKED = "asked"
    LOST = "lost"
    SHUTDOWN = "shutdown"
    DEVICE = "device"
    SNOOZE = "snooze"
    REJECTED = "rejected"
    USER = "user"
    TAG = "tag"
    CHAIN = "chain"
    BATCH = "batch"
    ALL = "all"
    REPLACED = "replaced"
    EXPIRED = "expired"
    BEGUN = "begun"
    MEMBER_FAILED = "member_failed"
    MEMBER_CANCELLED = "member_cancelled"


S, E = State, Event

TRANSITIONS: dict[tuple[State, Event], State] = {
    (S.BLOCKED, E.UNBLOCK): S.QUEUED,
    (S.BLOCKED, E.BEGIN): S.RUNNING,
    (S.BLOCKED, E.SKIP): S.CANCELLED,
    (S.BLOCKED, E.SKIP_FAILED): S.FAILED,
    (S.QUEUED, E.CLAIM): S.RUNNING,
    (S.RETRYING, E.CLAIM): S.RUNNING,
    (S.RUNNING, E.SUCCEED): S.SUCCEEDED,
    (S.RUNNING, E.RETRY): S.RETRYING,
    (S.RUNNING, E.LOSE): S.QUEUED,
    (S.RUNNING, E.RELEASE): S.QUEUED,
    (S.RUNNING, E.EXHAUST): S.FAILED,
    (S.RUNNING, E.CANCEL): S.CANCELLED,
    (S.BLOCKED, E.CANCEL): S.CANCELLED,
    (S.QUEUED, E.CANCEL): S.CANCELLED,
    (S.RETRYING, E.CANCEL): S.CANCELLED,
    (S.FAILED, E.REVIVE): S.QUEUED,
    (S.CANCELLED, E.REVIVE): S.QUEUED,
    (S.FAILED, E.REVIVE_BLOCKED): S.BLOCKED,
    (S.CANCELLED, E.REVIVE_BLOCKED): S.BLOCKED,
}

FINAL = frozenset({S.SUCCEEDED, S.FAILED, S.CANCELLED})
CLAIMABLE = frozenset({S.QUEUED, S.RETRYING})
ACTIVE = frozenset(S) - FINAL

OUTCOME_EVENTS = frozenset({E.SUCCEED, E.RETRY, E.LOSE, E.RELEASE, E.EXHAUST, E.CANCEL})
"""Events that end a run: each run has exactly one of them in its history."""

REASONS: dict[Event, frozenset[Reason]] = {
    E.UNBLOCK: frozenset({Reason.UPSTREAM_DONE}),
    E.BEGIN: frozenset({Reason.BEGUN}),
    E.SKIP: frozenset({Reason.UPSTREAM_CANCELLED}),
    E.SKIP_FAILED: frozenset({Reason.UPSTREAM_FAILED}),
    E.CLAIM: frozenset({Reason.CLAIMED}),
    E.SUCCEED: frozenset({Reason.DONE}),
    E.RETRY: frozenset({Reason.ERROR, Reason.CRASH, Reason.HARD_TIMEOUT, Reason.ASKED}),
    E.LOSE: frozenset({Reason.LOST}),
    E.RELEASE: frozenset({Reason.SHUTDOWN, Reason.DEVICE, Reason.SNOOZE}),
    E.EXHAUST: frozenset(
        {
            *(Reason.ERROR, Reason.CRASH, Reason.HARD_TIMEOUT, Reason.LOST, Reason.REJECTED, Reason.ASKED),
            *(Reason.SNOOZE, Reason.MEMBER_FAILED),
        }
    ),
    E.CANCEL: frozenset(
        {
            *(Reason.USER, Reason.TAG, Reason.CHAIN, Reason.BATCH, Reason.ALL, Reason.REPLACED, Reason.EXPIRED),
            *(Reason.MEMBER_CANCELLED, Reason.DEVICE),
        }
    ),
    E.REVIVE: frozenset({Reason.USER}),
    E.REVIVE_BLOCKED: frozenset({Reason.USER}),
}


def advance(state: State, event: Event) -> State:
    """Return the state that `event` leads to from `state`.

    Raises IllegalTransitionError for every pair outside the table.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransitionError(
            f"a {state} task cannot {event}", why="the state table has no such transition", hint="please report this"
        ) from None
