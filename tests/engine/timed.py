"""A store with schedules, a virtual clock, and workers without processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bgo.clock import Moment, VirtualClock, moment
from bgo.engine import schedules as engine
from bgo.engine.cycle import Asker, Claim, Memory, tick
from bgo.engine.schedules import Draft
from bgo.engine.settle import RunKey, settle
from bgo.ids import derived_id, seeded_rng
from bgo.model import payload
from bgo.model.cron import CronSchedule
from bgo.model.flow import Batch, BatchPlan, ChainSpec, Template, template_json
from bgo.model.outcome import Failed, Outcome, Succeeded, TaskError
from bgo.model.profile import HOST
from bgo.model.query import Selector
from bgo.model.schedule import (
    Counters,
    Cron,
    Every,
    MissedPolicy,
    OccurrenceRow,
    Overlap,
    Reboot,
    Rule,
    Schedule,
    ScheduleWish,
    Timing,
)
from bgo.model.state import ACTIVE, State
from bgo.model.task import Task, TaskSpec
from bgo.policy.gates import Offer
from bgo.policy.lease import LEASE_MS
from bgo.store.check import check
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_child, a_view
from tests.engine.graphs import a_chain, a_template, items

S, M, H, D = 1_000, 60_000, 3_600_000, 86_400_000
YEAR = 366 * D
BEGIN = START - START % H + H
"""A full hour: a Sunday in June 2025, 16:00 UTC."""
ERROR = Failed(TaskError("E", "no"))


def every(ms: int) -> Every:
    """Return an interval; where it counts from is said by who sets it."""
    return Every(ms, 0)


def cron(text: str) -> Cron:
    made = CronSchedule(text)
    return Cron(made.text, made.fields)


def a_schedule_wish(rule: Rule, **said: Any) -> ScheduleWish:
    """Return a wish in UTC; `missed` and `overlap` as words, `jitter`, `start` and `end` in milliseconds."""
    timing = Timing(
        rule, said.pop("zone", "UTC"), said.pop("window", None), said.pop("start", None), said.pop("end", None)
    )
    named = {name: said.pop(name) for name in ("jitter", "start_before", "finish_before") if name in said}
    policies: dict[str, Any] = {"overlap": Overlap(said.pop("overlap", "allow"))}
    if "missed" in said:
        policies["missed"] = MissedPolicy.of(said.pop("missed"))
    return ScheduleWish(timing, **policies, **said, **{f"{name}_ms": value for name, value in named.items()})


def a_draft(
    rule: Rule, *, template: Template | None = None, key: str | None = None, name: str = "tick", **said: Any
) -> Draft:
    """Return a schedule of a plain task, or of what `template` is."""
    made = a_template(name) if template is None else template
    kind = {TaskSpec: "task", ChainSpec: "chain", Batch: "batch"}[type(made)]
    paused = said.pop("paused", None)
    id_ = said.pop("id", derived_id("schedule", name, key))
    plan = payload.dump_object(template_json(made), "plan", 1 << 20)
    return Draft(id_, key, name, "work", kind, a_schedule_wish(rule, **said), plan, paused=paused)  # type: ignore[arg-type]


def a_chain_template(*steps: str) -> ChainSpec:
    chain = a_chain(*steps)
    return replace(chain, spec=replace(chain.spec, id=""))


def a_batch_template(count: int = 2) -> Batch:
    return Batch(a_template("whole", handler=""), BatchPlan(a_template("each")), items(*range(count)))


class Timed:
    """One store and its clock; `w` asks unless another is named."""

    def __init__(self, store: SqliteStore | None = None, start: int = BEGIN) -> None:
        self.store = store or SqliteStore(None)
        self.clock, self.boot = VirtualClock(start), 1
        self.rng = seeded_rng(1, "timed")
        self.memories: dict[str, Memory] = {}
        self.profile = HOST

    @property
    def now(self) -> int:
        return self.clock.now_ms()

    @property
    def moment(self) -> Moment:
        return moment(self.clock, f"boot{self.boot}")

    # Schedules.

    def put(self, draft: Draft) -> str:
        """Set a schedule; return its id."""
        with self.store.write() as session:
            return engine.put(session, draft, self.moment).id

    def every(self, ms: int, **said: Any) -> str:
        return self.put(a_draft(every(ms), **said))

    def cron(self, text: str, **said: Any) -> str:
        return self.put(a_draft(cron(text), **said))

    def reboot_schedule(self, **said: Any) -> str:
        return self.put(a_draft(Reboot(), **said))

    def schedule(self, schedule_id: str) -> Schedule:
        with self.store.read() as session:
            found = session.schedules.find(schedule_id)
        assert found is not None
        return found

    def counts(self, schedule_id: str) -> Counters:
        return self.schedule(schedule_id).counters

    def notes(self, schedule_id: str) -> list[OccurrenceRow]:
        """Return what became of its occurrences, oldest first."""
        schedule = self.schedule(schedule_id)
        with self.store.read() as session:
            return session.schedules.occurrences(schedule, 1_000)[::-1]

    def pause(self, schedule_id: str) -> bool:
        with self.store.write() as session:
            found = session.schedules.find(schedule_id)
            assert found is not None
            return engine.pause(session, found, self.now)

    def resume(self, schedule_id: str) -> bool:
        with self.store.write() as session:
            found = session.schedules.find(schedule_id)
            assert found is not None
            return engine.resume(session, found, self.moment)

    def remove(self, schedule_id: str) -> None:
        with self.store.write() as session:
            found = session.schedules.find(schedule_id)
            assert found is not None
            engine.remove(session, found)

    # Work.

    def tick(self, children: int = 0, worker: str = "w", store: SqliteStore | None = None) -> list[Claim]:
        """Run one tick of a worker with so many idle children."""
        at = store or self.store
        memory = self.memories.setdefault(worker, Memory())
        asker = Asker(worker, worker, f"boot{self.boot}", Offer(), max(children, 1))
        kids = [a_child() for _ in range(children)]
        with at.write() as session:
            until = self.clock.awake_ms() + LEASE_MS
            view = replace(a_view(), profile=self.profile)
            found = tick(session, asker, view, memory, kids, lease_until=until, moment=self.moment)
        self.again = found.again
        return list(found.claims)

    def is_due(self) -> bool:
        """Say whether an alarm rings: a look would call for a tick."""
        with self.store.read() as session:
            return session.alarms.next(self.moment).is_due(self.now)

    def settle_down(self, limit: int = 200) -> None:
        """Tick until nothing more is due now."""
        for _ in range(limit):
            self.tick()
            if not self.again:
                return
        raise AssertionError("it never comes to rest")

    def go(self, ms: int) -> None:
        """Let time pass, and tick until nothing more is due."""
        self.clock.advance_ms(ms)
        self.settle_down()

    def at(self, ms: int) -> None:
        """Go to an instant so long after BEGIN."""
        self.go(BEGIN + ms - self.now)

    def reboot(self) -> None:
        self.boot += 1

    def tasks(self, schedule_id: str | None = None, *states: State) -> list[Task]:
        """Return what a schedule has made, oldest first."""
        with self.store.read() as session:
            found = session.tasks.select(Selector(match_all=True, states=states, kinds=()), limit=100_000)
        return [t for t in found[::-1] if t.schedule is not None and schedule_id in (None, t.schedule)]

    def fired(self, schedule_id: str | None = None) -> list[int | None]:
        """Return the occurrences of what was made, counted from BEGIN."""
        return [None if t.occurrence is None else t.occurrence - BEGIN for t in self.tasks(schedule_id)]

    def run(self, outcome: Outcome | None = None, children: int = 1) -> list[Task]:
        """Claim so many tasks and settle each; return them."""
        claims = self.tick(children)
        for claim in claims:
            self.finish(claim.task, outcome)
        return [claim.task for claim in claims]

    def finish(self, task: Task, outcome: Outcome | None = None) -> None:
        with self.store.write() as session:
            settle(session, RunKey(task.seq, task.run, "w"), outcome or Succeeded({}), self.moment, self.rng)

    def run_out(self, outcome: Outcome | None = None) -> None:
        """Run everything that is ready."""
        while self.run(outcome, 4):
            pass

    def unfinished(self) -> Sequence[Task]:
        return self.tasks(None, *ACTIVE)

    def faults(self) -> list[str]:
        return [f"{each.code}: {each.examples}" for each in check(self.store)]


def clock_at(text: str) -> int:
    """Return an instant given in ISO form, UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
