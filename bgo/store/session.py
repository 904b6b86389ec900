"""One transaction's verbs over SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from bgo.store.sql.alarms import SqlAlarms
from bgo.store.sql.keys import SqlDedup
from bgo.store.sql.lanes import SqlLanes
from bgo.store.sql.leases import SqlLeases
from bgo.store.sql.links import SqlLinks
from bgo.store.sql.moves import SqlMoves
from bgo.store.sql.named import SqlNamedLimits
from bgo.store.sql.pauses import SqlPauses
from bgo.store.sql.payloads import SqlPayloads
from bgo.store.sql.queues import SqlQueues
from bgo.store.sql.rates import SqlRates
from bgo.store.sql.records import SqlRecords
from bgo.store.sql.tasks import SqlTasks

if TYPE_CHECKING:
    from bgo.store.sql.flows import SqlFlows
    from bgo.store.sql.notes import SqlNotes
    from bgo.store.sql.overs import SqlOvers
    from bgo.store.sql.schedules import SqlSchedules
    from bgo.store.sql.stages import SqlStages


class Session:
    """The verbs of `port.Session`, sharing one connection."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.payloads = SqlPayloads(db)
        self.tasks = SqlTasks(db, self.payloads)
        self.rates = SqlRates(db)
        self.alarms = SqlAlarms(db)
        self.limits = SqlNamedLimits(db)
        self.lanes = SqlLanes(db, self.rates, self.limits)
        self.pauses = SqlPauses(db, self.lanes)
        self.moves = SqlMoves(db)
        self.leases = SqlLeases(db)
        self.records = SqlRecords(db, self.payloads)
        self.queues = SqlQueues(db)
        self.dedup = SqlDedup(db)
        self.links = SqlLinks(db)
        self.undone_by: sqlite3.Error | None = None
        """The error by which SQLite rolled the whole transaction back inside a savepoint, if it did."""

    @cached_property
    def flows(self) -> SqlFlows:
        """Loaded when it is first needed: most enqueues need none."""
        from bgo.store.sql.flows import SqlFlows

        return SqlFlows(self._db)

    @cached_property
    def notes(self) -> SqlNotes:
        from bgo.store.sql.notes import SqlNotes

        return SqlNotes(self._db)

    @cached_property
    def overs(self) -> SqlOvers:
        from bgo.store.sql.overs import SqlOvers

        return SqlOvers(self._db)

    @cached_property
    def stages(self) -> SqlStages:
        from bgo.store.sql.stages import SqlStages

        return SqlStages(self._db, self.lanes, self.pauses, self.payloads)

    @cached_property
    def schedules(self) -> SqlSchedules:
        from bgo.store.sql.schedules import SqlSchedules

        return SqlSchedules(self._db)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo only the block on an exception, and let it through.

        A full or failing disk undoes the whole transaction; then nothing of it is kept, whoever catches the exception.
        """
        self._db.execute("SAVEPOINT step")
        try:
            yield
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK TO step")
                self._db.execute("RELEASE step")
            elif isinstance(error, sqlite3.Error):
                self.undone_by = error
                self._db.execute("BEGIN")  # what follows must not commit statement by statement
            raise
        self._db.execute("RELEASE step")
