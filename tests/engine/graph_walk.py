"""Random lives of chains and batches, judged after every deed by `graph_ledger` and by the rules of the store."""

from __future__ import annotations

import json
import random
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bgo.engine import batch as batches
from bgo.engine import chain as chains
from bgo.engine import enqueue as enqueueing
from bgo.engine import prune as pruning
from bgo.engine import upstream, wave
from bgo.engine.cancel import cancel
from bgo.engine.cycle import Asker, Claim, Memory, tick
from bgo.engine.expire import expire
from bgo.engine.prune import prune
from bgo.engine.revive import revive
from bgo.engine.settle import RunKey, settle
from bgo.errors import NotFoundError, RefusedError
from bgo.ids import derived_id, seeded_rng
from bgo.model.flow import BatchPlan
from bgo.model.limits import UniquePolicy
from bgo.model.outcome import CancelledRun, Failed, Lost, Outcome, Released, RetryAsked, Succeeded, TaskError
from bgo.model.query import Retention, Selector
from bgo.model.state import ACTIVE, FINAL, Reason, State
from bgo.model.task import FOLLOW_UP, Task, TaskSpec
from bgo.policy.gates import Offer
from bgo.store.check import check
from bgo.store.invariants import RULES
from bgo.store.port import Session
from bgo.store.rows import StageRow
from bgo.store.sql.taskrows import COLUMNS, to_task
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_child, a_moment, a_spec, a_view
from tests.engine.checks import check_rows, ensure
from tests.engine.graph_ledger import BY_MEMBERS, ENDS, Graphs
from tests.engine.graphs import Maker, a_node, items

ERROR = Failed(TaskError("E", "no"))


def small_steps(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let transactions be as small as the seed says, so that every boundary between two of them is met."""
    small = (1, 2, 3, 500)[seed % 4]
    for module in (wave, upstream, pruning):
        monkeypatch.setattr(module, "STEP", small)


class Staging:
    """A batch, or more of one, on its way in."""

    def __init__(self, stage: str, seq: int, spec: TaskSpec | None, batch_id: str) -> None:
        self.stage, self.seq, self.spec, self.batch_id = stage, seq, spec, batch_id
        self.items: dict[str, Any] = {}


class Walk:
    """One store, what chance does to it, and the ledger."""

    def __init__(self, seed: int, path: Path | None = None) -> None:
        self.path, self.store = path, SqliteStore(path)
        self.chance = random.Random(seed)
        self.make = Maker(self.chance)
        self.now = START
        self.graphs = Graphs()
        self.coming: list[Staging] = []
        self.orphans: list[StageRow] = []
        self.rng = seeded_rng(seed, "graphs")
        self.reviving = False
        self.told: Counter[str] = Counter()
        """What has happened, so that a walk that meets nothing is noticed."""

    # Looking.

    def rows(self) -> list[Task]:
        return [to_task(row) for row in self.store.connection.execute(f"SELECT {COLUMNS} FROM task")]

    def seen(self, *states: State) -> list[Task]:
        with self.store.read() as session:
            return session.tasks.select(Selector(states=states, match_all=True, kinds=()), limit=10_000)

    def some(self, *states: State) -> list[Task]:
        found = self.seen(*states)
        return self.chance.sample(found, min(len(found), self.chance.choice((1, 1, 2, 3))))

    def judge(self, claims: tuple[Claim, ...] = ()) -> None:
        """Compare the rows with what they were, and both with the ledger."""
        before = dict(self.graphs.rows)
        self.graphs.see(self.rows())
        for claim in claims:
            self._judge_claim(claim)
        for row in self.graphs.rows.values():
            old = before.get(row.seq)
            if old is not None and old.state in FINAL and (row.state, row.epoch) != (old.state, old.epoch):
                ensure(
                    self.reviving or self.graphs.is_under_revived(row),
                    "what has ended comes back by a revival alone",
                    (row.id, old.state, row.state),
                )
                self.graphs.revived.add(row.id)
            if (
                row.kind != "task"
                and row.state in FINAL
                and (old is None or (old.state, old.epoch) != (row.state, row.epoch))
            ):
                self.told[f"{row.kind} {row.state} {row.reason}"] += 1
                self.graphs.ended(row)
        self._judge_store()

    def _judge_claim(self, claim: Claim) -> None:
        task, row = claim.task, self.graphs.rows.get(claim.task.seq)
        if row is None or task.parent is None:
            return
        self.graphs.started(row)
        above = self.graphs.parent(row)
        ensure(above is not None, "what is in something has it", row.id)
        assert above is not None
        if row.step >= FOLLOW_UP:
            self.graphs.told_to(row, above, json.loads(claim.input))
        else:
            member = above.kind == "chain"
            own = json.loads(self.graphs.member_of(row).spec.input) if member else self.graphs.item(row, above)
            wanted = self.graphs.input_of(row, own)
            ensure(json.loads(claim.input) == wanted, "the input is as documented", (row.id, claim.input, wanted))
            self.told["claimed member"] += 1

    def _judge_store(self) -> None:
        db = self.store.connection
        for rule in RULES:
            found = db.execute(rule.statement).fetchall()
            ensure(not found, rule.code, found)
        stages = {stage for (stage,) in db.execute("SELECT id FROM stage WHERE hidden = 1")}
        unseen = {
            seq
            for seq, stage in db.execute(
                "SELECT seq, stage FROM task JOIN lane ON lane.id = lane WHERE stage IS NOT NULL"
            )
            if stage in stages
        }
        ran = [seq for seq in unseen if self.graphs.rows[seq].run]
        ensure(not ran, "what is coming in has not started", ran)
        counted = Counter(r.state for r in self.graphs.rows.values() if r.kind == "task" and r.seq not in unseen)
        with self.store.read() as session:
            counts = {state: n for state, n in session.tasks.counts().items() if n}
        ensure(counts == dict(counted), "counts leave out what is coming in", (counts, counted))

    # Deeds.

    def enqueue(self) -> None:
        policy = self.chance.choice(list(UniquePolicy))
        others = tuple(task.id for task in self.some(*ACTIVE))
        whole = self.make.whole(others, policy)
        kind = self.chance.random()
        if kind < 0.25:
            spec = a_spec(name="lone", id=self.make.new_id(), after=others if self.chance.random() < 0.5 else ())
            with self.store.write() as session:
                enqueueing.enqueue(session, (spec,), self.now)
        elif kind < 0.65:
            chain = self.make.chain(self.now, **whole)
            self.graphs.chains[chain.spec.id] = chain
            with self.store.write() as session:
                chains.enqueue(session, chain, self.now)
        else:
            self.begin_batch(whole)

    def begin_batch(self, whole: dict[str, Any]) -> None:
        plan, spec = self.make.plan(), a_node("batch", id=self.make.new_id(), **whole)
        self.graphs.batches[spec.id] = plan
        with self.store.write() as session:
            seq = batches.open_stage(session, spec, plan, "me", self.now, is_open=self.chance.random() < 0.4)
        self.coming.append(Staging(spec.id, seq, spec, spec.id))
        if self.chance.random() < 0.6:
            for _ in range(self.chance.randrange(3)):
                self.bring(self.coming[-1])
            self.end_staging(self.coming[-1])

    def bring(self, one: Staging) -> None:
        page = [
            self.chance.choice((1, "two", {"k": 3}, {"base": 4, "list": [1]}))
            for _ in range(self.chance.randrange(1, 5))
        ]
        with suppress(RefusedError), self.store.write() as session:
            batches.add(session, one.seq, one.stage, items(*page), len(one.items), self.now)
            for item in page:
                one.items[derived_id(one.stage, one.seq, len(one.items))] = item
            self.graphs.items[one.batch_id].update(one.items)

    def end_staging(self, one: Staging) -> None:
        try:
            with self.store.write() as session:
                made = batches.seal(session, one.stage, one.spec, self.now)
        except (RefusedError, NotFoundError):
            made = None
            self.told["seal refused"] += 1
            self.abandon(one)
            return
        if made is not None and made.outcome != "new":
            self.told[f"batch {made.outcome}"] += 1
            self.abandon(one)
            return
        self.coming.remove(one)

    def abandon(self, one: Staging) -> None:
        self.coming.remove(one)
        for member in one.items:
            del self.graphs.items[one.batch_id][member]
        with self.store.read() as session:
            self.orphans += [row for row in session.stages.list() if row.id == one.stage]

    def stage(self) -> None:
        """Something that is coming in gets on, or somebody brings more into a batch, or closes it."""
        if self.coming and self.chance.random() < 0.7:
            one = self.chance.choice(self.coming)
            self.chance.choices((self.bring, self.end_staging, self.abandon), (5, 4, 1))[0](one)
            return
        nodes = [task for task in self.seen(*ACTIVE) if task.kind == "batch" and task.parent is None]
        if nodes:
            node, stage = self.chance.choice(nodes), self.make.new_id()
            with suppress(RefusedError), self.store.write() as session:
                if self.chance.random() < 0.4:
                    self.told["closed"] += batches.close(session, node, self.now)
                else:
                    batches.more(session, node, stage, "me", self.now)
                    self.coming.append(Staging(stage, node.seq, None, node.id))

    def clear(self) -> None:
        """Somebody removes what nobody will seal."""
        for stage in list(self.orphans):
            with self.store.write() as session:
                if not batches.discard(session, stage, self.chance.choice((1, 2, 100)), self.now):
                    self.orphans.remove(stage)
                    self.told["discarded"] += 1

    def call(self) -> None:
        """Somebody names one more callback of a batch."""
        nodes = [task for task in self.seen() if task.kind == "batch" and task.id in self.graphs.batches]
        if nodes:
            node, kind = self.chance.choice(nodes), self.chance.choice(("then", "catch", "finally"))
            template = self.make.task(kind[0])
            plan = self.graphs.batches[node.id]
            with suppress(RefusedError), self.store.write() as session:
                batches.set_callback(session, node, kind, template, self.now)
                ends = sum(entry.event in ENDS for entry in session.records.of_task(node.id))
                self.graphs.named[node.id, kind] = ends - (node.state in FINAL)
                self.graphs.batches[node.id] = BatchPlan(
                    plan.template, plan.chain, plan.over, {**plan.callbacks, kind: template}
                )

    def work(self) -> None:
        for task in self.running():
            if self.chance.random() < 0.5:
                self.settle(task, self.outcome(task))
        self.tick(self.chance.choice((0, 1, 2, 4)))

    def running(self) -> list[Task]:
        return [task for task in self.seen(State.RUNNING) if task.kind == "task"]

    def tick(self, children: int) -> tuple[Claim, ...]:
        asker = Asker(self.chance.choice("wv"), "here", "boot1", Offer(), 6)
        with self.store.write() as session:
            done = tick(
                session, asker, a_view(), Memory(), [a_child() for _ in range(children)],
                lease_until=30_000, moment=a_moment(self.now),
            )  # fmt: skip
        self.judge(done.claims)
        return done.claims

    def outcome(self, task: Task) -> Outcome:
        if task.cancel_reason is not None and self.chance.random() < 0.8:
            return CancelledRun()
        kinds: list[Outcome] = [
            *(Succeeded(self.make.output()) for _ in range(12)), *(ERROR,) * 3, Lost(True), Lost(False),
            Released(Reason.SHUTDOWN), RetryAsked(1), CancelledRun(),
        ]  # fmt: skip
        return self.chance.choice(kinds)

    def settle(self, task: Task, outcome: Outcome) -> None:
        with self.store.write() as session:
            lease = session.leases.find(task.seq)
            assert lease is not None
            settle(session, RunKey(task.seq, task.run, lease.worker), outcome, a_moment(self.now), self.rng)
        if isinstance(outcome, Succeeded):
            self.graphs.outputs[task.id] = outcome.output
        self.judge()

    def call_off(self) -> None:
        """One or a few by id, or all of a name, a tag, or a batch."""
        nodes = [task.id for task in self.seen(*ACTIVE) if task.kind != "task"]
        wanted = self.chance.choice((
            Selector(ids=tuple(task.id for task in self.some(*ACTIVE))),
            Selector(tags=("t",), kinds=()),
            Selector(names=("lone",)),
            Selector(
                under=tuple(self.chance.sample(nodes, min(1, len(nodes)))), match_all=not nodes, states=(State.BLOCKED,)
            ),
        ))  # fmt: skip
        if wanted.is_empty:
            return
        with self.store.write() as session:
            tasks = session.tasks.select(wanted, limit=self.chance.choice((2, 9)))
            replies = cancel(session, tasks, Reason.USER, self.now)
        ensure(len(replies) == len(tasks), "every named task is answered")
        self.told["cancelled"] += len(replies)

    def put_back(self) -> None:
        self.reviving = True
        for task in self.some(State.FAILED, State.CANCELLED):
            with suppress(RefusedError), self.store.write() as session:
                row = session.tasks.find(task.id)
                if row is not None:
                    before = session.flows.undone(row.seq, (0, 0), 99) if row.kind == "batch" else []
                    revive(session, row, self.now)
                    self._judge_revival(session, row, before)
                    self.told[f"revived {task.kind}"] += 1
            self.judge()
        self.reviving = False

    def _judge_revival(self, session: Session, batch: Task, before: list[Task]) -> None:
        """A batch that is retried does not end before all that had come to no good end in it have had their turn."""
        now = session.tasks.find_seq(batch.seq)
        if now is not None and now.reason in BY_MEMBERS and batch.parent is None:
            rows = [session.tasks.find_seq(task.seq) for task in before]
            again = [row is not None and row.epoch > task.epoch for row, task in zip(rows, before, strict=True)]
            ensure(all(again), "a retried batch brings back what had failed", (batch.id, again))

    def pass_time(self) -> None:
        self.now += self.chance.randrange(30)
        if self.chance.random() < 0.5:
            with self.store.write() as session:
                expire(session, self.now, 2)

    def forget(self) -> None:
        """A prune begins, and perhaps does not get far."""
        turns = iter(range(self.chance.choice((1, 2, 99))))
        keep = Retention(finished_ms=400, failed_ms=600, rows=60)
        pages = prune(self.store, keep, self.now, lambda: next(turns, None) is not None)
        self.told["pruned"] += sum(len(page) for page in pages)

    def reopen(self) -> None:
        if self.path is not None:
            self.store.close()
            self.store = SqliteStore(self.path)

    def step(self) -> None:
        deeds = (
            self.enqueue, self.stage, self.clear, self.call, self.work, self.call_off, self.put_back, self.pass_time,
            self.forget, self.reopen,
        )  # fmt: skip
        self.chance.choices(deeds, (4, 4, 1, 1, 12, 1, 2, 2, 1, 1))[0]()
        self.judge()
        if self.chance.random() < 0.05:
            check_rows(self.store.connection)

    # The end of all things.

    def finish(self) -> None:
        """Let everything come to its end, and judge all lives."""
        while self.coming:
            self.end_staging(self.coming[0])
            self.judge()
        while self.orphans:
            self.clear()
            self.judge()
        for node in self.seen(*ACTIVE):
            if node.kind == "batch" and node.parent is None:
                with self.store.write() as session:
                    batches.close(session, node, self.now)
                self.judge()
        for _ in range(3_000):
            self.now += 40
            for task in self.running():
                self.settle(task, CancelledRun() if task.cancel_reason else Succeeded(self.make.output()))
            claims = self.tick(6)
            db = self.store.connection
            busy = db.execute("SELECT 1 FROM release UNION ALL SELECT 1 FROM task WHERE ready = 1").fetchone()
            if not claims and busy is None:
                with self.store.read() as session:
                    due = session.tasks.next_due()
                if due is None:
                    break
                self.now = max(self.now, due)
        self._judge_end()

    def _judge_end(self) -> None:
        left = self.seen(*ACTIVE)
        with self.store.read() as session:
            for task in left:
                others = session.links.upstreams(task.seq, 99)
                told = (task.id, task.kind, task.name, task.state, task.reason, [(o.id, o.state) for o in others])
                waits = task.state is State.BLOCKED and any(o.state is not State.SUCCEEDED for o in others)
                ensure(waits or self.graphs.is_blocked(task), "nothing is forgotten", told)
            going = set(session.tasks.going(99))
            for node in self.graphs.rows.values():
                if node.kind != "task" and self.graphs.root(node).seq not in going:
                    self.graphs.lived(node, session.records.of_task(node.id))
        found = check(self.store)
        ensure(not found, "the store is sound", found)
