"""Chains and batches drawn by chance: every kind of step, policy and list, with names that tell members apart."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

from bgo.ids import derived_id
from bgo.model.flow import CALLBACKS, CONTINUE, FAIL, INPUT, BatchPlan, ChainPlan, ChainSpec, MemberSpec, Over, Step
from bgo.model.limits import ConcurrencyControl, DedupPolicy, Unique
from bgo.model.options import RetryPolicy
from bgo.model.task import TaskSpec, Wish
from bgo.policy.dedup import key_of
from tests.build import an_id

LISTS: tuple[Any, ...] = ([], [], [1], [1, 2], [{"k": 1}, 2, "three"], list(range(7)), {"no": "list"})


def a_node(name: str = "node", **fields: Any) -> TaskSpec:
    """Return what a chain or a batch is as a row."""
    values: dict[str, Any] = {"id": an_id(), "handler": "", "input": b"{}", "name": name, **fields}
    return TaskSpec(**values)


def a_template(name: str = "each", **fields: Any) -> TaskSpec:
    """Return a spec without an id."""
    return TaskSpec(**{"id": "", "handler": "work", "input": b"{}", "name": name, **fields})


def a_chain(
    *steps: tuple[str, ...] | str, on_failure: str = FAIL, asides: tuple[str, ...] = (), **node: Any
) -> ChainSpec:
    """Return a chain of plain tasks with these names, one word or several in parallel a step."""
    names = [(step,) if isinstance(step, str) else step for step in steps]
    plan = ChainPlan(
        tuple(Step("+".join(each), each, on_failure) for each in names), {name: a_template(name) for name in asides}
    )
    made = [MemberSpec(a_template(name), number) for number, each in enumerate(names) for name in each]
    return ChainSpec(a_node("chain", **node), plan, tuple(made))


def items(*values: Any) -> tuple[bytes, ...]:
    """Return items as they come into a batch."""
    return tuple(
        json.dumps(v if isinstance(v, dict) else {"item": v}, sort_keys=True, separators=(",", ":")).encode()
        for v in values
    )


class Maker:
    """Draws graphs; the names of one chain's members are all different."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self._count = 0

    def new_id(self) -> str:
        """Return an id that depends on nothing but the dice."""
        return derived_id("walk", self.chance.getrandbits(64))

    def name(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"

    def wish(self, now: int | None = None) -> Wish:
        """Return what a member asks for; with `now` it may have to begin soon."""
        chance = self.chance.random
        return Wish(
            retry=RetryPolicy.custom(delays=[0.001, 0.001]) if chance() < 0.3 else RetryPolicy.NONE,
            concurrency=ConcurrencyControl(2, key="shared") if chance() < 0.15 else None,
            at_most_once=chance() < 0.05,
            start_before=now + self.chance.randrange(20, 300) if now is not None and chance() < 0.06 else None,
        )

    def own(self) -> bytes:
        """Return an input of one's own: often none."""
        return self.chance.choice((b"{}", b"{}", b'{"own":1}', b'{"base":9,"own":2}'))

    def task(self, letter: str = "t", now: int | None = None) -> TaskSpec:
        return a_template(
            self.name(letter), input=self.own(), wish=self.wish(now), tags=self.chance.choice(((), (), ("t",)))
        )

    def chain(self, now: int | None = None, depth: int = 0, **node: Any) -> ChainSpec:
        """Return a chain of one to five steps."""
        steps, members, asides = [], [], {}
        for number in range(self.chance.choice((1, 2, 2, 3, 3, 4, 5))):
            made = [self.member(number, members, now, depth) for _ in range(self.chance.choice((1, 1, 1, 2, 3)))]
            policy = self.chance.choice((FAIL, FAIL, CONTINUE, "aside"))
            if policy == "aside":
                aside = self.task("x")
                asides[aside.name], policy = aside, aside.name
            names = tuple(member.spec.name for member in made)
            merge = self.chance.choice(("overwrite", "overwrite", "array"))
            steps.append(Step("+".join(names), names, policy, merge))
            members += made
        spec = a_node(
            "chain", id=self.new_id(), input=self.chance.choice((b"{}", *((b'{"base":1,"list":[1,2]}',) * 3))), **node
        )
        return ChainSpec(spec, ChainPlan(tuple(steps), asides), tuple(members))

    def member(self, number: int, before: list[MemberSpec], now: int | None, depth: int) -> MemberSpec:
        """Return a task, a batch over a list to come, or one of given items."""
        kind = self.chance.choices(("task", "over", "static"), (6, 2 if depth < 2 else 0, 1 if depth < 2 else 0))[0]
        if kind == "task":
            spec = self.task(now=now if number else None)
            later = None if number or now is None or self.chance.random() < 0.9 else now + self.chance.randrange(50)
            return MemberSpec(replace(spec, due_at=later), number)
        spec = a_template(self.name("b"), handler="", input=self.own())
        plan = self.plan(depth + 1)
        if kind == "static":
            return MemberSpec(spec, number, plan, items(*range(self.chance.choice((0, 1, 2, 4)))))
        earlier = [m.spec.name for m in before if m.step < number]
        member = self.chance.choice([*earlier, INPUT])
        path = self.chance.choice((*((("list",),) * 12), (), ("gone",)))
        return MemberSpec(spec, number, replace(plan, over=Over(member, path)))

    def plan(self, depth: int = 0) -> BatchPlan:
        """Return what the items of a batch become, and who is told of its end."""
        callbacks = {kind: self.task(kind[0]) for kind in CALLBACKS if self.chance.random() < 0.4}
        if depth < 2 and self.chance.random() < 0.3:
            return BatchPlan(chain=self.chain(depth=depth + 1), callbacks=callbacks)
        return BatchPlan(self.task("i"), callbacks=callbacks)

    def whole(self, others: tuple[str, ...], policy: Any) -> dict[str, Any]:
        """Return what a chain or batch as a whole may ask for."""
        kind = self.chance.choices(("plain", "after", "unique", "once"), (8, 3, 2, 1))[0]
        tags = self.chance.choice(((), ("t",)))
        if kind == "after":
            return {"after": others, "tags": tags}
        if kind == "unique":
            return {"wish": Wish(unique=Unique(self.chance.choice("uv"), policy)), "tags": tags}
        if kind == "once":
            dedup = DedupPolicy()
            return {"wish": Wish(dedup=dedup), "dedup_key": key_of("node", {"n": 1}, dedup, None, ""), "tags": tags}
        return {"tags": tags}

    def output(self) -> dict[str, Any] | None:
        """Return what a task puts out."""
        return self.chance.choice(
            (None, {"v": self.chance.randrange(9)}, *({"list": self.chance.choice(LISTS), "v": 1} for _ in range(9)))
        )
