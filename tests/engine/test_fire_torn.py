"""Firing happens whole or not at all: a process that dies before any of its statements leaves no trace, and whoever
comes next brings everything to the same end. Eight that fire at once fire everything once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bgo.engine.fire import fire
from bgo.store.port import Session
from bgo.store.sqlite import SqliteStore
from tests.engine.checks import dump
from tests.engine.test_graph_torn import torn_at
from tests.engine.timed import BEGIN, H, M, S, Timed, a_batch_template, a_chain_template

Scene = Callable[[Timed], object]


def a_task(timed: Timed) -> None:
    timed.every(H)
    timed.settle_down()
    timed.clock.advance_ms(H)


def some_that_were_missed(timed: Timed) -> None:
    timed.every(H, missed="all:3")
    timed.settle_down()
    timed.clock.advance_ms(5 * H)


def a_chain_behind_another(timed: Timed) -> None:
    timed.every(H, overlap="queue", template=a_chain_template("a", "b"))
    timed.settle_down()
    timed.clock.advance_ms(H)


def a_batch_that_replaces_another(timed: Timed) -> None:
    timed.every(H, overlap="replace", template=a_batch_template(3))
    timed.settle_down()
    timed.clock.advance_ms(H)


def what_is_skipped(timed: Timed) -> None:
    timed.every(H, overlap="skip")
    timed.settle_down()
    timed.clock.advance_ms(3 * H)


def the_last_run(timed: Timed) -> None:
    timed.every(H, max_runs=2)
    timed.settle_down()
    timed.clock.advance_ms(H)


def a_start_of_the_computer(timed: Timed) -> None:
    timed.reboot_schedule()
    timed.settle_down()
    timed.reboot()


def a_clock_set_back(timed: Timed) -> None:
    timed.every(H)
    timed.settle_down()
    timed.go(9 * H)
    timed.clock.step_wall_ms(-5 * H)


def several_at_once(timed: Timed) -> None:
    for number in range(3):
        timed.every(H, name=f"n{number}", missed="skip")
    timed.settle_down()
    timed.clock.advance_ms(2 * H)


SCENES: dict[str, Scene] = {
    each.__name__: each
    for each in (
        a_task, some_that_were_missed, a_chain_behind_another, a_batch_that_replaces_another, what_is_skipped,
        the_last_run, a_start_of_the_computer, a_clock_set_back, several_at_once,
    )
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(SCENES))
def test_whoever_dies_while_it_fires_leaves_no_trace(name: str) -> None:
    timed = Timed()
    SCENES[name](timed)
    before = dump(timed.store.connection)

    def deed(session: Session) -> None:
        fire(session, timed.moment)

    number, torn = 0, True
    while torn:
        torn = torn_at(timed.store, deed, number)
        assert not torn or dump(timed.store.connection) == before, f"statement {number} of {name}"
        number += 1
    assert number > 4
    assert dump(timed.store.connection) != before
    undisturbed = Timed()
    SCENES[name](undisturbed)
    with undisturbed.store.write() as session:
        fire(session, undisturbed.moment)
    assert the_end(timed) == the_end(undisturbed)


def the_end(timed: Timed) -> list[Any]:
    """Let some hours pass and everything run; return how all ended."""
    for _ in range(3):
        timed.go(H)
        timed.run_out()
    assert not timed.unfinished()
    assert timed.faults() == []
    db = timed.store.connection
    tasks = db.execute("SELECT seq, id, name, kind, state, reason, schedule, occurrence FROM task ORDER BY seq")
    schedules = db.execute("SELECT id, state, next_at, last_at, fired, skipped, missed, coalesced FROM schedule")
    return [tasks.fetchall(), schedules.fetchall(), db.execute("SELECT * FROM occurrence").fetchall()]


def test_the_task_and_the_move_of_its_schedule_are_one_commit() -> None:
    timed = Timed()
    a_task(timed)
    commits = timed.store.changed()[1]
    with timed.store.write() as session:
        fire(session, timed.moment)
    assert timed.store.changed()[1] == commits + 1
    (made,) = {task.schedule for task in timed.tasks()}
    assert made is not None
    assert (len(timed.tasks()), timed.schedule(made).last_at) == (2, BEGIN + H)


TICKS, SCHEDULERS = 300, 8


def test_eight_that_fire_at_once_fire_every_occurrence_once(tmp_path: Path) -> None:
    """Each has its own store object on one file, and all see each instant; nobody is refused, nothing is doubled."""
    path = tmp_path / "store" / "bgo.db"
    timed = Timed(SqliteStore(path, synchronous="normal"))
    made = timed.every(S, start=BEGIN + S)
    gate = threading.Barrier(SCHEDULERS, action=lambda: timed.clock.advance_ms(S))
    errors: list[BaseException] = []

    def schedule(number: int) -> None:
        store = SqliteStore(path, synchronous="normal")
        try:
            for _ in range(TICKS):
                gate.wait(M / 1000)
                timed.tick(worker=str(number), store=store)
        except BaseException as error:
            errors.append(error)
            gate.abort()
        finally:
            store.close()

    threads = [threading.Thread(target=schedule, args=(number,)) for number in range(SCHEDULERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert timed.fired(made) == [n * S for n in range(1, TICKS + 1)]
    assert timed.counts(made) == (TICKS, 0, 0, 0)
    assert Counter(task.state for task in timed.tasks()) == {"queued": TICKS}
    assert timed.faults() == []
    timed.store.close()
