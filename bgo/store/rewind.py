"""A store as it would have stood at an earlier instant: for simulations, which begin at a full minute or in the past.

These statements read whole tables: they are for copies in memory, never for a store that others use.
"""

from __future__ import annotations

import sqlite3

from bgo.store.session import Session

PUT_BACK = "UPDATE task SET ready = 0, ready_at = NULL WHERE ready = 1 AND due_at > ? RETURNING lane"
CLAMP_READY = "UPDATE task SET ready_at = ?1 WHERE ready = 1 AND ready_at > ?1"
LATER_LOGS = "SELECT DISTINCT scope, ref FROM hold_log WHERE at > ? ORDER BY scope, ref"
DROP_LATER_LOGS = "DELETE FROM hold_log WHERE at > ?"
HELD_BY = {"lane": "SELECT held_by FROM lane WHERE id = ?", "view": "SELECT held_by FROM view WHERE id = ?"}

UNASKED = ("task_state", "task_name", "task_finished", "task_root", "history_at", "history_task")
"""Indexes by which nobody looks while a store is played, and that each move of a task would have to keep."""


def unburden(db: sqlite3.Connection) -> None:
    """Drop the indexes that are for reports and for pruning."""
    for name in UNASKED:
        db.execute(f"DROP INDEX {name}")


def rewind(db: sqlite3.Connection, session: Session, at: int) -> None:
    """Let tasks that are due only after `at` wait for their time again, and end the log of holds there.

    What holds now is taken to have held since `at`; runs that have ended since stay ended.
    """
    lanes = {lane for (lane,) in db.execute(PUT_BACK, (at,)).fetchall()}
    db.execute(CLAMP_READY, (at,))
    later = db.execute(LATER_LOGS, (at,)).fetchall()
    db.execute(DROP_LATER_LOGS, (at,))
    for scope, ref in later:
        row = db.execute(HELD_BY[scope], (ref,)).fetchone()
        if row is not None:
            session.lanes.log(scope, ref, row[0], at)
    session.lanes.refresh(lanes, at)
