"""The schema of record, the migrations and the hot statements say the same; hot statements use their indexes."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys

import pytest
from sqlalchemy import create_engine
from sqlmodel import Session, SQLModel, select

from bgo.store import schema
from bgo.store.sqlite import SqliteStore
from tests.build import a_spec, a_wish
from tests.engine.timed import H, Timed
from tests.store import drive
from tests.store.shape import explain, hot_statements, shape_of

WITHS = {"above", "found", "key"}
"""What statements begin WITH: no tables, the tables are scanned where these are made."""
SMALL = {"view", "queue", "pause", "tag_move", "lease", "worker", "stage", "json_each", "CONSTANT", "w", *WITHS}
"""Tables that stay small whatever waits: views (one per queue, handler and constraints), live runs, workers, batches
that are coming in; and lists of a few words that are bound."""
SCANS = {
    "tasks.NEWEST": "from the end, and stops at its LIMIT",
    "tasks.NEXT_DUE": "the first entry of the alarm index",
    "tasks.WAITS_IN": "asked by --until-empty --queue when nothing else is left: the alarm index, to its first hit",
    "tasks.ALIKE": "bgo check: reads every waiting task, and ranks the kinds of them",
    "tasks.COUNTS": "a summary: counts every task, from an index alone",
    "tasks.FLOWS": "a summary: counts every chain and batch",
    "tasks.GOING": "those that a prune is removing: few, and mostly none",
    "tasks.ENDED_ROWS": "a dry run of a prune: reads what has ended",
    "tasks.UNSEEN": "a summary: counts what is coming in, while it does",
    "tasks.NOT_DUE": "told once at the end of a run: counts the delayed tasks, from their index",
    "queues.ROWS": "bgo queues: counts every waiting task",
    "lanes.CLOSED": "told once at the end of a run: counts the tasks of held lanes, from their index",
    "pauses.PAUSED_LANES.queue": "bgo pause --queue touches every lane of the queue anyway",
    "suggest.NEWEST": "from the end, and stops at its LIMIT",
    "lanes.UNUSED": "prune, once an hour: reads every task's lane",
    "holdlog.FORGET": "prune: reads the log of holds, in steps",
    "alarms.NEXT": "the first entries of the alarm indexes",
    "links.NEXT_RELEASES": "ends whose waiters are being told: few, and mostly none",
    "links.PENDING": "ends whose waiters are being told: few, and mostly none",
    "named.OF_SOURCE": "limits that people write into a config: few",
    "lanes.WAITS_FOR_RATE": "asked by --until-empty when nothing else is left: the parked lanes, to its first hit",
    "rates.FORGET": "prune: reads the rate keys, in steps",
    "schedules.ALL": "bgo schedules shows them all; people write them: some hundred, not thousands",
    "schedules.COUNTS": "a summary: counts schedules by their state",
    "suggest.SCHEDULES": "completion of a word by a person: the ids, keys and names of schedules",
    "schedules.SET_BOOT": "once, in a copy that is drained or simulated",
}
"""Statements that may read a whole table or index, each with the reason why that is no hot path or stays cheap."""

INTENDED = {
    "schedules.DUE": "schedule_fire",
    "schedules.AHEAD": "schedule_last",
    "schedules.REBOOTS": "schedule_boot",
    "schedules.FIND": "schedule_id",
    "schedules.PREFIX": "schedule_id",
    "schedules.FIND_KEY": "schedule_key",
    "schedules.UNFINISHED": "task_schedule_open",
    "schedules.LAST_ENDS": "task_schedule",
    "schedules.HAS_FIRED": "task_id",
    "schedules.FORGET": "sqlite_autoindex_occurrence_1",
    "schedules.FORGET_ALL": "sqlite_autoindex_occurrence_1",
    "schedules.OCCURRENCES": "sqlite_autoindex_occurrence_1",
    "alarms.NEXT": "schedule_fire schedule_last schedule_boot",
}
"""The indexes that were made for a statement: with and without figures the planner takes them."""


def created() -> sqlite3.Connection:
    """Return a database made from the schema of record."""
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(":memory:", isolation_level=None))
    schema.metadata.create_all(engine)
    db = engine.raw_connection().driver_connection
    assert isinstance(db, sqlite3.Connection)
    return db


def test_migrations_lead_to_the_schema_of_record() -> None:
    migrated, record = shape_of(SqliteStore(None).connection), shape_of(created())
    assert migrated.keys() == record.keys()
    for table, shape in record.items():
        assert migrated[table] == shape, table


def test_the_comparison_sees_a_difference() -> None:
    left, right = sqlite3.connect(":memory:"), sqlite3.connect(":memory:")
    left.execute("CREATE TABLE t (a INTEGER NOT NULL CHECK (a > 0), b TEXT)")
    left.execute("CREATE INDEX i ON t (a) WHERE b = 1")
    seen = shape_of(left)
    for other in (
        ["CREATE TABLE t (a INTEGER CHECK (a > 0), b TEXT)", "CREATE INDEX i ON t (a) WHERE b = 1"],
        ["CREATE TABLE t (a INTEGER NOT NULL CHECK (a > 1), b TEXT)", "CREATE INDEX i ON t (a) WHERE b = 1"],
        ["CREATE TABLE t (a INTEGER NOT NULL CHECK (a > 0), b TEXT)", "CREATE INDEX i ON t (a) WHERE b = 2"],
        ["CREATE TABLE t (a INTEGER NOT NULL CHECK (a > 0), b TEXT)", "CREATE INDEX i ON t (a DESC) WHERE b = 1"],
        ["CREATE TABLE t (a INTEGER NOT NULL CHECK (a > 0), b TEXT)", "CREATE UNIQUE INDEX i ON t (a) WHERE b = 1"],
        ["CREATE TABLE t (a INTEGER NOT NULL CHECK (a > 0), b INT)", "CREATE INDEX i ON t (a) WHERE b = 1"],
    ):
        right.executescript("DROP TABLE IF EXISTS t;" + ";".join(other))
        assert shape_of(right) != seen, other


def test_the_tables_of_a_program_that_uses_sqlmodel_stay_its_own() -> None:
    assert not SQLModel.metadata.tables


def test_rows_read_back_typed() -> None:
    store = SqliteStore(None)
    (task_id,) = drive.enqueue(store, a_spec(input=b'{"a":1}', tags=("x",), priority=3))
    engine = create_engine("sqlite://", creator=lambda: store.connection)
    with Session(engine) as session:
        task = session.exec(select(schema.Task).where(schema.Task.id == task_id)).one()
        assert (task.state, task.priority, task.tags) == ("queued", 3, '["x"]')
        payload = session.get_one(schema.Payload, task.input)
        assert payload.bytes == b'{"a":1}'


@pytest.mark.parametrize("name", sorted(hot_statements()))
def test_every_hot_statement_prepares_on_the_schema_of_record(name: str) -> None:
    assert explain(created(), hot_statements()[name])


def test_a_misspelt_column_is_seen() -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        explain(created(), "SELECT lenient FROM task")


def test_the_hot_statements_are_all_found() -> None:
    found = hot_statements()
    assert {"tasks.CLAIM", "tasks.SETTLE", "lanes.REFRESH", "pauses.PAUSED_LANES.queue", "records.ADD"} <= found.keys()
    assert SCANS.keys() <= found.keys()


@pytest.fixture(scope="module")
def stores() -> list[SqliteStore]:
    """Return an empty store and an analysed one with work in every state, so that the planner has figures to use."""
    empty, full = SqliteStore(None), SqliteStore(None)
    specs = [a_spec(f"h{n % 7}", wish=a_wish(limit=1 + n % 3), tags=(f"t{n % 5}",)) for n in range(400)]
    drive.enqueue(full, *specs, *(a_spec(due_at=drive.START + 1_000 + n) for n in range(200)))
    for _ in range(20):
        for done in drive.tick(full, 4):
            drive.finish(full, done)
    drive.tick(full, 8)
    drive.cancel(full, sorted(drive.ids(full))[:50])
    schedules(full)
    full.connection.execute("ANALYZE")
    return [empty, full]


def schedules(store: SqliteStore) -> None:
    """Put schedules into a store, some of each kind, that have fired."""
    timed = Timed(store)
    for number in range(60):
        timed.every(H, name=f"s{number}", missed="all", paused=number % 4 == 0, key=f"k{number}")
        timed.reboot_schedule(name=f"b{number}")
    for _ in range(8):
        timed.go(H)
        timed.reboot()


def whole_reads(store: SqliteStore, name: str) -> list[str]:
    """Return the steps of a statement's plan that read or sort more than a small table."""
    steps = explain(store.connection, hot_statements()[name], plan=True)
    scanned = [s for s in steps if (found := re.match(r"SCAN (\S+)", s)) and found[1] not in SMALL]
    sorts = {"lanes", "tasks", "tied", "records"} & {name.partition(".")[0]}
    return scanned + [s for s in steps if "AUTOMATIC" in s or (sorts and "TEMP B-TREE FOR ORDER BY" in s)]


@pytest.mark.parametrize("name", sorted(hot_statements().keys() - SCANS.keys()))
def test_no_hot_statement_reads_a_whole_table(stores: list[SqliteStore], name: str) -> None:
    for store in stores:
        assert not whole_reads(store, name)


@pytest.mark.parametrize("name", sorted(INTENDED))
def test_a_statement_takes_the_indexes_that_were_made_for_it(stores: list[SqliteStore], name: str) -> None:
    for store in stores:
        plan = " ".join(explain(store.connection, hot_statements()[name], plan=True))
        assert all(f"INDEX {index} " in plan + " " for index in INTENDED[name].split()), plan


@pytest.mark.parametrize("name", sorted(SCANS))
def test_each_argued_scan_happens(stores: list[SqliteStore], name: str) -> None:
    """The argument for a scan that is gone should go too."""
    assert any(whole_reads(store, name) for store in stores)


def test_the_hot_path_imports_nothing_heavy() -> None:
    program = (
        "import sys, bgo.store.sqlite, bgo.store.admin, bgo.engine.cycle, bgo.engine.enqueue, bgo.engine.settle\n"
        "heavy = {'sqlmodel', 'sqlalchemy', 'pydantic', 'asyncio', 'cryptography', 'croniter', 'keyring', 'rich'}\n"
        "found = heavy & set(sys.modules)\n"
        "assert not found, found\n"
        "bgo.store.sqlite.SqliteStore(None)\n"
        "assert not heavy & set(sys.modules), sys.modules.keys()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
