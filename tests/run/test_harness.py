"""The harness itself: each of its checks finds what it is there for, and nothing in a sound store."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bgo.model.state import Reason, State
from tests.run.chaos import Deeds
from tests.run.harness import findings
from tests.run.yard import Yard, a_yard


@pytest.fixture(scope="module")
def sound() -> Iterator[tuple[Yard, str]]:
    """A store with one task that was lost once and then succeeded."""
    with a_yard() as yard:
        code = "note('S', ctx); import os; ctx.run > 1 or os.kill(os.getppid(), 9)"
        task = yard.flow.enqueue("execute", {"code": code})
        yard.worker(slots=1).end()
        yard.drain(slots=1)
        assert yard.state(task)[0] is State.SUCCEEDED
        yield yard, task


def sql(yard: Yard, statement: str, *values: object) -> None:
    with yard.flow.store.upkeep() as db:
        db.execute(statement, values)


def say(yard: Yard, line: str) -> None:
    with (yard.place / "ledger").open("a") as ledger:
        ledger.write(line + "\n")


def add_outcome(yard: Yard, task: str, run: int, event: str, state: State, reason: str) -> None:
    sql(
        yard,
        """INSERT INTO history (task, name, event, run, attempt, state, reason, at, waited, detail, outcome)
        VALUES (?, 'execute', ?, ?, 1, ?, ?, 0, '{}', '{}', 0)""",
        task, event, run, state, reason,
    )  # fmt: skip


def add_lease(yard: Yard, task: str) -> None:
    sql(
        yard,
        """INSERT INTO lease
            (task, run, worker, host, boot_id, until, child_pid, child_start, claimed_at, queue, waited)
        SELECT seq, 2, 'w', 'h', 'b', 0, 1, 1, 0, 'default', '{}' FROM task WHERE id = ?""",
        task,
    )


WRONG: dict[str, Callable[[Yard, str], object]] = {
    "lost": lambda yard, task: None,  # an id that was never there is acknowledged below
    "unfinished": lambda yard, task: sql(yard, "UPDATE task SET state = 'queued', finished_at = NULL, ready = 1"),
    "two_outcomes": lambda yard, task: add_outcome(yard, task, 2, "succeed", State.SUCCEEDED, Reason.DONE),
    "overlap": lambda yard, task: say(yard, f"F {task} 1 1 1 1"),
    "unexplained_rerun": lambda yard, task: sql(yard, "DELETE FROM history WHERE event = 'lose'"),
    "uncounted_run": lambda yard, task: say(yard, f"S {task} 3 1 1 1"),
    "charged": lambda yard, task: sql(yard, "UPDATE task SET attempt = 2"),
    "left_over": add_lease,
    "store": add_lease,
    "false_crash": lambda yard, task: sql(yard, "UPDATE history SET reason = 'crash' WHERE event = 'succeed'"),
    "false_loss": lambda yard, task: add_outcome(yard, task, 1, "lose", State.QUEUED, Reason.LOST),
}


def test_nothing_is_found_in_a_sound_store(sound: tuple[Yard, str]) -> None:
    yard, task = sound
    deeds = Deeds()
    deeds.counts["kill worker"] = 1
    assert {name: found for name, found in findings(yard, {task}, deeds).items() if found} == {}
    assert set(findings(yard, {task}, deeds)) == set(WRONG)


@pytest.mark.parametrize("name", WRONG)
def test_each_check_finds_what_it_is_for(sound: tuple[Yard, str], name: str) -> None:
    yard, task = sound
    ledger, store = (yard.place / "ledger").read_bytes(), yard.flow.settings.store_path
    backup = yard.place / f"backup-{name}.db"
    with yard.flow.store.upkeep() as db:
        db.execute("VACUUM INTO ?", (str(backup),))
    try:
        WRONG[name](yard, task)
        acknowledged = {task, "0000nevermore"} if name == "lost" else {task}
        assert findings(yard, acknowledged, Deeds())[name] != []
    finally:
        yard.flow.close()
        (yard.place / "ledger").write_bytes(ledger)
        for file in store.parent.glob(store.name + "-*"):
            file.unlink()
        store.write_bytes(backup.read_bytes())
        yard.flow.initialize()
