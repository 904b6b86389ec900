"""Bugs to plant into workers: each a mistake that systems of this trade have made, or that this one had."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bgo.model.device import Tri
from bgo.model.profile import HOST, Work
from tests.run.planting import PLANTS, a_plant


@a_plant
def settle_without_the_run() -> None:
    """The guard of a settle is the task's id alone: whoever comes writes, whatever run is on."""
    from bgo.engine import settle as settling
    from bgo.engine.settle import RunKey

    settle = settling.settle

    def careless(session: Any, key: RunKey, *args: Any) -> Any:
        lease = session.leases.find(key.seq)
        return settle(session, key if lease is None else RunKey(key.seq, lease.run, lease.worker), *args)

    settling.settle = careless


@a_plant
def count_at_the_finish() -> None:
    """Runs are counted when they end: what kills its worker is never counted."""
    from bgo.store.sql import tasks

    tasks.CLAIM = tasks.CLAIM.replace("run = run + 1, attempt = attempt + 1", "run = run, attempt = attempt")
    tasks.SETTLE = tasks.SETTLE.replace("SET state = ?", "SET run = run + 1, state = ?")
    tasks.END = tasks.END.replace("SET state = ?", "SET run = run + 1, state = ?")


@a_plant
def rescue_by_id_alone() -> None:
    """The rescuer takes what it saw a while ago, whoever holds it by now."""
    from bgo.engine import rescue
    from bgo.engine.rescue import Orphan
    from bgo.engine.settle import RunKey
    from bgo.run import desk
    from bgo.store.sql import leases

    look = rescue.has_orphans
    seen: list[Any] = []

    def remember(session: Any, judge: Any, mine: str) -> bool:
        seen[:] = [lease for lease in session.leases.list_all() if lease.worker != mine and judge(lease).orphaned]
        return look(session, judge, mine)

    def adopt(session: Any, _: Any, mine: str, until: int) -> list[Orphan]:
        session._db.executemany(by_id, [(mine, until, lease.seq) for lease in seen])
        return [Orphan(lease, RunKey(lease.seq, lease.run, mine), False) for lease in seen]

    by_id = "UPDATE lease SET worker = ?, until = ? WHERE task = ?"
    assert by_id != leases.ADOPT
    rescue.has_orphans = remember
    desk.rescue.adopt = adopt
    PLANTS["slow_rescue"]()


@a_plant
def stop_the_child_alone() -> None:
    """A stop signals the child's process and nobody else: no group, no session, no marks, no strays."""
    from bgo.run import stop
    from bgo.run.proctable import find_process
    from bgo.run.strays import Strays

    def only_child(child: Any, mark: str) -> list[Any]:
        found = None if child is None else find_process(child.pid)
        return [] if found is None or found.is_gone or found.start_time != child.start_time else [found]

    stop.members = only_child
    Strays.end = lambda *_: None  # type: ignore[method-assign,assignment]


@a_plant
def rescue_without_a_stop() -> None:
    """A lost run is put back in the queue while its processes still work."""
    from bgo.run.desk import Desk

    Desk._stop = lambda *_: True  # type: ignore[method-assign,assignment]


@a_plant
def normal_sync() -> None:
    """WAL with synchronous=NORMAL: a power cut takes back what was acknowledged."""
    from bgo.store.sqlite import SqliteStore

    make = SqliteStore.__init__

    def cheap(store: Any, path: Any, **_: Any) -> None:
        make(store, path, synchronous="normal")

    SqliteStore.__init__ = cheap  # type: ignore[method-assign,assignment]
    PLANTS["tells_sync"]()


@a_plant
def no_turnstile() -> None:
    """Writers fight for SQLite's lock instead of queueing."""
    from bgo.store import sqlite
    from bgo.store.turnstile import NoTurnstile

    PLANTS["impatient"]()
    sqlite.Turnstile = lambda *_: NoTurnstile()  # type: ignore[misc,assignment]


@a_plant
def no_renewal() -> None:
    """Leases are never extended."""
    from bgo.store.sql.leases import SqlLeases

    SqlLeases.renew = lambda *_: 0  # type: ignore[method-assign,assignment]


@a_plant
def no_hand_back() -> None:
    """A worker that is told to end just ends."""
    import os

    from bgo.run.runs import Runs

    def give_up(*_: Any) -> None:
        os._exit(0)

    Runs.hand_back = give_up  # type: ignore[method-assign]


@a_plant
def alive_by_pid() -> None:
    """A worker lives as long as somebody has its pid."""
    import os
    from pathlib import Path

    from bgo.run import liveness

    def is_alive(run_dir: Path, worker: str) -> bool:
        try:
            os.kill(int((run_dir / f"{worker}.lock").read_text()), 0)
        except (OSError, ValueError):
            return False
        return True

    liveness.is_alive = is_alive


@a_plant
def trust_every_child() -> None:
    """A child whose run was taken over gets the next task, and its death is that task's crash."""
    from bgo.run.desk import Inbox
    from bgo.run.runs import Runs

    make = Inbox.__init__

    class Nothing(dict[Any, Any]):
        def __setitem__(self, key: Any, value: Any) -> None: ...

    def forgetful(inbox: Any, *args: Any, **kwargs: Any) -> None:
        make(inbox, *args, **kwargs)
        inbox.ran_on = Nothing()

    Inbox.__init__ = forgetful  # type: ignore[method-assign]
    Runs._judge = lambda runs, run, crash: crash  # type: ignore[method-assign]
    PLANTS["slow_commit"]()


@a_plant
def believe_every_frame() -> None:
    """What a child says is taken for the run it has now."""
    from bgo.run import runs

    runs._is_of = lambda frame, task: frame["t"] != "hello"


@a_plant
def charge_losses() -> None:
    """The death of a worker uses up an attempt of its tasks."""
    from dataclasses import replace

    from bgo.policy import settle

    lost = settle._lost

    def charged(task: Any, **how: Any) -> Any:
        return replace(lost(task, **how), attempt=task.attempt)

    settle._lost = charged


@a_plant
def forget_what_failed_to_commit() -> None:
    """The inbox is emptied before the commit has succeeded."""
    from bgo.errors import StoreBusyError
    from bgo.run.desk import Desk, Inbox

    PLANTS["impatient"]()
    commit = Desk.commit

    def hasty(desk: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return commit(desk, *args, **kwargs)
        except StoreBusyError:
            desk.inbox = Inbox()
            raise

    Desk.commit = hasty  # type: ignore[method-assign]


@a_plant
def rate_of_this_tick() -> None:
    """A rate counts the starts of one tick, and forgets those before it."""
    from bgo.store.sql.rates import SqlRates

    SqlRates.waits = lambda self, rate, moment, width: (0,) * min(width, rate.max)  # type: ignore[method-assign]


@a_plant
def limit_of_this_worker() -> None:
    """A concurrency key counts nobody's leases but one's own: here, none."""
    from bgo.store.sql.leases import SqlLeases

    SqlLeases.usage = lambda self: {}  # type: ignore[method-assign]


@a_plant
def charge_stops() -> None:
    """What the device stopped has used up an attempt."""
    from bgo.policy import loss
    from bgo.run import runs

    outcome = loss.outcome
    PLANTS["quick_loss"]()
    charging = replace(HOST, work=Work(stop_consumes_attempt=True))
    runs.loss.outcome = lambda wish, lost, profile, *, started: outcome(wish, lost, charging, started=started)


@a_plant
def undo_stops() -> None:
    """A constraint that holds again calls off a stop that was begun."""
    from bgo.run.devicewatch import DeviceWatch

    turn = DeviceWatch.turn
    PLANTS["quick_loss"]()

    def forgiving(watch: DeviceWatch, awake: int) -> None:
        turn(watch, awake)
        stopped = [run for run in watch._runs if run.stopped_for is not None]
        if stopped and watch._bench.sense().charging.value is Tri.YES:
            for run in stopped:
                run.stopped_for = run.loss = run.cancel_at = None

    DeviceWatch.turn = forgiving  # type: ignore[method-assign]


@a_plant
def watch_the_gate_only() -> None:
    """A constraint is judged before the start and never again."""
    from bgo.policy import loss

    loss.is_watched = lambda wish: False
