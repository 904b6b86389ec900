"""Chains and batches by other words than the engine's: what each member must get, how each must end, who may start.

It knows the wishes as they were handed in and the outputs as they were settled; the rows say only where all stand.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bgo.model.flow import CALLBACKS, CONTINUE, FAIL, INPUT, BatchPlan, ChainSpec, MemberSpec
from bgo.model.state import FINAL, Reason, State
from bgo.model.task import FOLLOW_UP, HistoryEntry, Task
from tests.engine.checks import ensure

ENDS = ("succeed", "exhaust", "cancel", "skip", "skip_failed")
BY_MEMBERS = ("done", "member_failed", "member_cancelled")
WAS_SKIPPED = {State.FAILED: "upstream_failed", State.CANCELLED: "upstream_cancelled"}
NOT_RUN = {"upstream_failed", "upstream_cancelled", "expired", "user", "tag", "chain", "batch", "all", "replaced"}


@dataclass
class Graphs:
    """All wishes, all outputs, and the rows as they were last seen."""

    chains: dict[str, ChainSpec] = field(default_factory=dict)
    batches: dict[str, BatchPlan] = field(default_factory=dict)
    items: dict[str, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    """Of a batch that was streamed in: what was sealed, by the member that it became."""
    outputs: dict[str, Any] = field(default_factory=dict)
    rows: dict[int, Task] = field(default_factory=dict)
    members: dict[int, list[Task]] = field(default_factory=dict)
    compensations: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """By chain and name: how many its ends have called for."""
    called_off: Counter[str] = field(default_factory=Counter)
    """How often each was called off: perhaps while it was compensated."""
    named: dict[tuple[str, str], int] = field(default_factory=dict)
    """Callbacks that were named later: how many ends of their batch they are not about."""
    revived: set[str] = field(default_factory=set)
    """Members that were put back by hand, or with what they are in."""

    def see(self, rows: Iterable[Task]) -> None:
        """Take the rows as they are now."""
        self.rows = {row.seq: row for row in rows}
        self.members = defaultdict(list)
        for row in sorted(self.rows.values(), key=lambda r: (r.step, r.seq)):
            if row.parent is not None:
                self.members[row.parent].append(row)

    def parent(self, row: Task) -> Task | None:
        return None if row.parent is None else self.rows.get(row.parent)

    def root(self, row: Task) -> Task:
        above = self.parent(row)
        return row if above is None else self.root(above)

    def is_under_revived(self, row: Task) -> bool:
        above = self.parent(row)
        return above is not None and (above.id in self.revived or self.is_under_revived(above))

    def is_blocked(self, row: Task) -> bool:
        """Say whether anything that a row is in has yet to begin."""
        above = self.parent(row)
        return above is not None and (above.state is State.BLOCKED or self.is_blocked(above))

    # What was asked for.

    def chain_of(self, row: Task) -> ChainSpec:
        if row.id in self.chains:
            return self.chains[row.id]
        above = self.parent(row)
        assert above is not None
        chain = self.batch_of(above).chain
        assert chain is not None
        return chain

    def member_of(self, row: Task) -> MemberSpec:
        above = self.parent(row)
        assert above is not None
        (found,) = [m for m in self.chain_of(above).members if m.spec.name == row.name]
        assert found.step == row.step
        return found

    def batch_of(self, row: Task) -> BatchPlan:
        if row.id in self.batches:
            return self.batches[row.id]
        plan = self.member_of(row).batch
        assert plan is not None
        return plan

    # What a member gets.

    def input_of(self, row: Task, own: Mapping[str, Any]) -> dict[str, Any]:
        """Return the documented input of a row that brings `own`."""
        above = self.parent(row)
        if above is None or (above.kind == "batch" and row.step >= FOLLOW_UP):
            return dict(own)
        found = self.input_of(above, self.own(above))
        if above.kind == "chain" and row.kind == "task" and 0 < row.step < FOLLOW_UP:
            found.update(self.laid_over(above, row.step))
        found.update(own)
        return found

    def own(self, row: Task) -> dict[str, Any]:
        """Return what a chain or a batch brings itself."""
        if row.id in self.chains:
            return dict(json.loads(self.chains[row.id].spec.input))
        if row.id in self.batches:
            return {}
        above = self.parent(row)
        assert above is not None
        if above.kind == "chain":
            return dict(json.loads(self.member_of(row).spec.input))
        return dict(self.item(row, above))

    def item(self, row: Task, above: Task) -> dict[str, Any]:
        """Return the item that a member of a batch was made of."""
        if above.id in self.batches:
            return _as_input(self.items[above.id][row.id])
        number = [m.seq for m in self.members[above.seq] if m.step == 0].index(row.seq)
        return _as_input(self.items_of(above)[number])

    def items_of(self, batch: Task) -> list[Any]:
        """Return all items of a batch, in order."""
        if batch.id in self.batches:
            return list(self.items[batch.id].values())
        member = self.member_of(batch)
        if member.batch is None or member.batch.over is None:
            return [json.loads(item) for item in member.items]
        found = self.source(batch, member.batch.over.member, member.batch.over.path)
        return found if isinstance(found, list) else []

    def source(self, batch: Task, name: str, path: tuple[str, ...]) -> Any:
        above = self.parent(batch)
        assert above is not None
        if name == INPUT:
            value: Any = self.input_of(above, self.own(above))
        else:
            (row,) = [m for m in self.members[above.seq] if m.name == name and m.step < FOLLOW_UP]
            value = self.output(row)
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def output(self, row: Task) -> Any:
        """Return what a member leaves to those that follow; nothing when it did not succeed."""
        if row.state is not State.SUCCEEDED:
            return None
        if row.kind == "task":
            return self.outputs.get(row.id)
        if row.kind == "batch":
            return [self.output(m) for m in self.members[row.seq] if m.step < FOLLOW_UP]
        last = len(self.chain_of(row).plan.steps) - 1
        return _overwritten([(m.name, self.output(m)) for m in self.members[row.seq] if m.step == last]) or None

    def laid_over(self, chain: Task, step: int) -> dict[str, Any]:
        before = [(m.name, self.output(m)) for m in self.members[chain.seq] if m.step == step - 1]
        if self.chain_of(chain).plan.steps[step].merge == "overwrite":
            return _overwritten(before)
        found: dict[str, list[Any]] = defaultdict(list)
        for name, value in before:
            for key, part in _as_object(name, value).items():
                found[key].append(part)
        return dict(found)

    # Who may start.

    def started(self, row: Task) -> None:
        """Judge a claim."""
        told = (row.id, row.name, row.step)
        above, child = self.parent(row), row
        while above is not None:
            if child.step >= FOLLOW_UP:
                break
            ensure(above.state is State.RUNNING, "what starts is in what has begun and not ended", (*told, above.state))
            ensure(above.cancel_reason is None, "what is cancelled starts nothing new", told)
            if above.kind == "chain":
                self._in_turn(above, child)
            above, child = self.parent(above), above
        above = self.parent(row)
        if above is not None and above.kind == "batch" and row.step >= FOLLOW_UP:
            earlier = [
                m
                for m in self.members[above.seq]
                if FOLLOW_UP <= m.step < row.step
                and m.seq < row.seq
                and m.created_at == row.created_at
                and m.epoch == 1
            ]
            if row.step == FOLLOW_UP + CALLBACKS.index("finally"):
                ensure(all(m.state in FINAL for m in earlier), "finally comes last", told)

    def _in_turn(self, chain: Task, row: Task) -> None:
        steps = self.chain_of(chain).plan.steps
        for other in self.members[chain.seq]:
            if other.step >= row.step:
                break
            goes_on = steps[other.step].on_failure == CONTINUE
            fine = other.state is State.SUCCEEDED or (goes_on and other.state in FINAL)
            again = goes_on and other.id in self.revived
            ensure(fine or again, "no step starts before those before it allow it", (row.id, other.name, other.state))

    # How they end.

    def ended(self, node: Task) -> None:
        """Judge how a chain or batch has ended, by its members."""
        mine = [m for m in self.members[node.seq] if m.step < FOLLOW_UP]
        left = [
            m for m in self.members[node.seq] if m.state not in FINAL and (m.step < FOLLOW_UP or node.kind == "chain")
        ]
        if node.reason not in BY_MEMBERS:
            self.called_off[node.id] += 1
            return
        ensure(not left, "a chain or batch ends with its last member", (node.id, left))
        if node.kind == "batch":
            found = Counter(m.state for m in mine)
            wanted = (
                State.FAILED if found[State.FAILED] else State.CANCELLED if found[State.CANCELLED] else State.SUCCEEDED
            )
            ensure(node.state is wanted, "a batch ends as its members did", (node.id, node.state, found))
            return
        self._compensated(node)
        broken = self._broken(node)
        wanted = State.SUCCEEDED if broken is None else broken[1]
        ensure(node.state is wanted, "a chain ends as its steps did", (node.id, node.state, wanted))
        for m in mine:
            if broken is not None and m.step == broken[0]:
                ensure(m.reason not in WAS_SKIPPED.values(), "what has had its turn is not skipped", (m.id, m.reason))
            if broken is not None and m.step > broken[0]:
                ensure(m.state in (State.FAILED, State.CANCELLED), "what comes after a broken step is skipped", m)
                ensure(m.reason in NOT_RUN, "what comes after a broken step has not run", (m.id, m.reason))
                if m.reason in WAS_SKIPPED.values():
                    ensure(WAS_SKIPPED[m.state] == m.reason, "what is skipped says why", (m.id, m.state, m.reason))

    def _broken(self, chain: Task) -> tuple[int, State] | None:
        """Return the step that a chain ended at, and how; None when it got to its end."""
        for number, step in enumerate(self.chain_of(chain).plan.steps):
            states = {m.state for m in self.members[chain.seq] if m.step == number}
            if step.on_failure != CONTINUE and states & {State.FAILED, State.CANCELLED}:
                return number, State.FAILED if State.FAILED in states else State.CANCELLED
        return None

    def _compensated(self, chain: Task) -> None:
        """Judge whether this end, and each before it, was compensated as its step asked for."""
        broken = self._broken(chain)
        if broken is not None and broken[1] is State.FAILED:
            policy = self.chain_of(chain).plan.steps[broken[0]].on_failure
            if policy not in (FAIL, CONTINUE):
                self.compensations[chain.id][policy] += 1
        made = Counter(m.name for m in self.members[chain.seq] if m.step >= FOLLOW_UP)
        wanted = self.compensations[chain.id]
        fits = wanted <= made and made.total() <= wanted.total() + self.called_off[chain.id]
        ensure(fits, "each end is compensated as its step asks for", (chain.id, made, wanted))

    def told_to(self, row: Task, above: Task, given: Mapping[str, Any]) -> None:
        """Judge what a compensation or a callback is told."""
        if above.kind == "batch":
            members = sum(m.step < FOLLOW_UP for m in self.members[above.seq])
            ended = given["succeeded"] + given["failed"] + given["cancelled"]
            fits = given["batch_id"] == above.id and given["total"] == ended <= members  # more may be coming in
            ensure(fits, "a callback is told how all ended", (row.id, given, members))
            return
        names = {step.name for step in self.chain_of(above).plan.steps if step.on_failure == row.name}
        fits = given["failed_step"] in names and "error" in given
        ensure(fits, "a compensation is told what failed", (row.id, given))

    # In the end.

    def lived(self, node: Task, told: list[HistoryEntry]) -> None:
        """Judge the life of a chain or batch: it ended once an epoch, and told whom it had to tell."""
        ends = [e for e in told if e.event in ENDS]
        again = [e for e in told if e.event == "revive_blocked"]
        ensure(node.epoch == len(again) + 1, "each revival is an epoch", (node.id, node.epoch))
        ensure(
            len(ends) == len(again) + (node.state in FINAL), "it ends once an epoch", (node.id, [e.event for e in told])
        )
        kinds = [e.event for e in told if e.event in ENDS or e.event == "revive_blocked"]
        ensure(
            all((k == "revive_blocked") == bool(i % 2) for i, k in enumerate(kinds)),
            "ends and revivals alternate",
            kinds,
        )
        if node.kind == "batch":
            self._called_back(node, told)
            self._made_of(node)

    def _made_of(self, batch: Task) -> None:
        """A batch has a member for each item, in order."""
        rows = [m for m in self.members[batch.seq] if m.step == 0]
        begun = batch.state is State.SUCCEEDED or batch.reason in BY_MEMBERS
        if begun:
            ensure(len(rows) == len(self.items_of(batch)), "a batch has a member for each item", (batch.id, len(rows)))

    def _called_back(self, batch: Task, told: list[HistoryEntry]) -> None:
        plan, calls = self.batch_of(batch), [m for m in self.members[batch.seq] if m.step >= FOLLOW_UP]
        withdrawn = Counter(m.step - FOLLOW_UP for m in calls if m.reason == Reason.REPLACED)
        made = Counter(m.step - FOLLOW_UP for m in calls) - withdrawn
        ends = [e for e in told if e.event in ENDS]
        for number, kind in enumerate(CALLBACKS):
            since = self.named.get((batch.id, kind), 0)
            met = any(self._calls(kind, e) for e in ends[since:] if batch.kind in e.detail)
            wanted = int(kind in plan.callbacks and met)
            if withdrawn[number] and not self._calls(kind, ends[-1]):
                wanted = made[number] and 1  # its end was taken back before it began, and this one calls others
            ensure(
                made[number] == wanted,
                "each callback is made once, when its condition held",
                (batch.id, kind, made, wanted),
            )

    def _calls(self, kind: str, end: HistoryEntry) -> bool:
        return kind == "finally" or (kind == "then") == (end.state == State.SUCCEEDED)


def _as_input(item: Any) -> dict[str, Any]:
    return item if isinstance(item, dict) else {"item": item}


def _as_object(name: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    return value if isinstance(value, dict) else {name: value}


def _overwritten(outputs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in outputs:
        found.update(_as_object(name, value))
    return found
