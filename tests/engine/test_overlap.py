"""Overlap: what becomes of an occurrence while what earlier ones made is unfinished, in every state, of every kind."""

from __future__ import annotations

from typing import Any

import pytest

from bgo.model.options import RetryPolicy
from bgo.model.schedule import Counters
from bgo.model.state import State
from bgo.model.task import Wish
from tests.engine.graphs import a_template
from tests.engine.timed import ERROR, H, Timed, a_batch_template, a_chain_template


def kinds() -> dict[str, Any]:
    again = Wish(retry=RetryPolicy.custom(delays=[9_999]))
    return {
        "queued": a_template("tick"),
        "running": a_template("tick"),
        "retrying": a_template("tick", wish=again),
        "chain": a_chain_template("a", "b"),
        "running chain": a_chain_template("a", "b"),
        "batch": a_batch_template(),
    }


@pytest.mark.parametrize("kind", sorted(kinds()))
@pytest.mark.parametrize("overlap", ["skip", "queue", "replace", "allow"])
def test_overlap(overlap: str, kind: str) -> None:
    timed = Timed()
    made = timed.every(H, overlap=overlap, template=kinds()[kind])
    timed.go(0)
    if "running" in kind:
        timed.tick(1)
    elif kind == "retrying":
        timed.run(ERROR)
    timed.go(H)
    found = timed.tasks(made)
    states = [str(task.state) for task in found]
    before = {"running": "running", "retrying": "retrying", "queued": "queued"}.get(kind, "running")
    going = "queued" if kind in ("queued", "running", "retrying") else "running"
    match overlap:
        case "skip":
            assert (states, timed.counts(made)) == ([before], Counters(1, 1))
            assert timed.notes(made)[-1].task == found[0].id
        case "allow":
            assert (states, timed.counts(made)) == ([before, going], Counters(2))
        case "queue":
            assert (states, timed.counts(made)) == ([before, "blocked"], Counters(2))
        case _:
            stays = "running" in kind
            wanted = [before, "blocked"] if stays else ["cancelled", going]
            assert (states, timed.counts(made)) == (wanted, Counters(2))
            assert (found[0].cancel_reason if stays else found[0].reason) == "replaced"
    assert timed.faults() == []


@pytest.mark.parametrize("outcome", [None, ERROR])
@pytest.mark.parametrize("template", ["queued", "chain", "batch"])
def test_a_line_of_occurrences_goes_one_after_another_whatever_their_ends(template: str, outcome: Any) -> None:
    timed = Timed()
    made = timed.every(H, overlap="queue", missed="all", template=kinds()[template])
    timed.go(5 * H)
    assert timed.counts(made) == Counters(fired=6)
    order = []
    while ran := timed.run(outcome, 4):
        order.append({task.occurrence or owner(timed, task.parent) for task in ran})
    assert all(len(each) == 1 for each in order)
    flat = [next(iter(each)) for each in order]
    assert flat == sorted(flat)
    assert len(set(flat)) == 6
    assert not timed.unfinished()


def owner(timed: Timed, seq: int | None) -> int | None:
    assert seq is not None
    with timed.store.read() as session:
        found = session.tasks.find_seq(seq)
    assert found is not None
    return found.occurrence


def test_a_long_line_takes_no_more() -> None:
    timed = Timed()
    made = timed.every(H, overlap="queue", missed="all:1000")
    timed.go(149 * H)
    assert timed.counts(made) == Counters(fired=100, skipped=50)


def test_a_blocked_one_overlaps_too() -> None:
    timed = Timed()
    made = timed.every(H, overlap="queue")
    timed.go(0)
    timed.go(H)
    first, second = timed.tasks(made)
    timed.run_out()
    assert [task.state for task in timed.tasks(made)] == [State.SUCCEEDED] * 2
    assert (first.state, second.state) == (State.QUEUED, State.BLOCKED)
