"""The state table, walked over every pair, and compared with the published one."""

from __future__ import annotations

from itertools import product

import pytest

from bgo.errors import IllegalTransitionError
from bgo.model.state import (
    ACTIVE,
    CLAIMABLE,
    FINAL,
    OUTCOME_EVENTS,
    REASONS,
    TRANSITIONS,
    Event,
    Reason,
    State,
    advance,
)

PUBLISHED = """
unblock         blocked                  queued     upstream_done
begin           blocked                  running    begun
skip            blocked                  cancelled  upstream_cancelled
skip_failed     blocked                  failed     upstream_failed
claim           queued retrying          running    claimed
succeed         running                  succeeded  done
retry           running                  retrying   error crash hard_timeout asked
lose            running                  queued     lost
release         running                  queued     shutdown device snooze
exhaust         running                  failed     error crash hard_timeout lost rejected asked snooze member_failed
cancel          blocked queued retrying  cancelled  user tag chain batch all replaced expired member_cancelled device
cancel          running                  cancelled  user tag chain batch all replaced expired member_cancelled device
revive          failed cancelled         queued     user
revive_blocked  failed cancelled         blocked    user
"""
"""Event, states it leaves, state it leads to, reasons it keeps: the diagram in the manual."""

ROWS = [[part.split() for part in line.split("  ") if part] for line in PUBLISHED.strip().splitlines()]
EDGES = {(State(before), Event(event)): State(after) for (event,), befores, (after,), _ in ROWS for before in befores}


def test_the_table_is_the_published_one() -> None:
    assert TRANSITIONS == EDGES


def test_the_reasons_are_the_published_ones() -> None:
    published = {Event(event): frozenset(map(Reason, reasons)) for (event,), _, _, reasons in ROWS}
    assert published == REASONS


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_pair_moves_as_published_or_raises(state: State, event: Event) -> None:
    expected = EDGES.get((state, event))
    if expected is None:
        with pytest.raises(IllegalTransitionError) as caught:
            advance(state, event)
        assert caught.value.exit_code == 70
        assert state in caught.value.message
        assert event in caught.value.message
    else:
        assert advance(state, event) is expected


def test_final_states_absorb() -> None:
    """Only an explicit revive leaves one, and nothing at all leaves SUCCEEDED."""
    leaving = {(s, e) for s, e in TRANSITIONS if s in FINAL}
    assert leaving == set(product((State.FAILED, State.CANCELLED), (Event.REVIVE, Event.REVIVE_BLOCKED)))


def test_only_an_outcome_ends_a_run() -> None:
    assert {e for s, e in TRANSITIONS if s is State.RUNNING} == OUTCOME_EVENTS


def test_only_a_claim_starts_a_run() -> None:
    """A chain or batch begins without one: nobody runs it but its members."""
    assert {e for (_, e), after in TRANSITIONS.items() if after is State.RUNNING} == {Event.CLAIM, Event.BEGIN}
    assert {s for s, e in TRANSITIONS if e is Event.BEGIN} == {State.BLOCKED}
    assert {s for s, e in TRANSITIONS if e is Event.CLAIM} == CLAIMABLE


def test_every_state_is_reached_and_active_ones_can_end() -> None:
    assert set(State) == {State.QUEUED, *TRANSITIONS.values()}
    assert FINAL.isdisjoint(ACTIVE)
    assert set(State) == FINAL | ACTIVE
    for state in ACTIVE:
        assert TRANSITIONS[state, Event.CANCEL] is State.CANCELLED


def test_every_event_names_its_reasons() -> None:
    assert set(REASONS) == set(Event)
    assert all(REASONS.values())
