"""Chains and batches as wishes: the plan of a chain (steps in line, compensations beside it) and of a batch.

A plan is stored once, as JSON, beside the row that stands for the chain or batch; its members are rows of their own.
A template is a TaskSpec without an id, kept for members that are made later: items of a fan-out, compensations,
callbacks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

from bgo.model import wish as wishes
from bgo.model.task import TaskSpec

FAIL, CONTINUE = "fail", "continue"
Merge = Literal["overwrite", "array"]
GOING = "going"
"""`flow.ending` of a chain or batch of which a prune has begun to remove members."""
INPUT = "input"
"""The name by which a fan-out reaches the chain's own input."""
CALLBACKS = ("then", "catch", "finally")


@dataclass(frozen=True, slots=True)
class Over:
    """A list that is known only from an earlier output: that of `member` (or the chain's `input`), at `path`."""

    member: str
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ".".join((self.member, *self.path))


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a chain: the names of its members, and what follows when one of them fails."""

    name: str
    members: tuple[str, ...]
    on_failure: str = FAIL
    """`fail`, `continue`, or the name of a compensation."""
    merge: Merge = "overwrite"
    """How the outputs of the step before come together in the input of this one."""


@dataclass(frozen=True, slots=True)
class ChainPlan:
    """The steps of a chain in order, and the compensations that stand beside it, by name."""

    steps: tuple[Step, ...]
    asides: Mapping[str, TaskSpec] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """What an item becomes (a task, or a whole chain), where the items come from, and who is told of the end."""

    template: TaskSpec | None = None
    chain: ChainSpec | None = None
    over: Over | None = None
    callbacks: Mapping[str, TaskSpec] = field(default_factory=dict)
    field_: str = "item"
    """Under which key an item that is no object becomes an input."""


@dataclass(frozen=True, slots=True)
class MemberSpec:
    """A member of a chain as a template; with `batch` it is a batch, made of an earlier output or of `items`."""

    spec: TaskSpec
    step: int
    batch: BatchPlan | None = None
    items: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class ChainSpec:
    """A chain, complete: its own wish as a template (name, input, tags), its plan, its members in order."""

    spec: TaskSpec
    plan: ChainPlan
    members: tuple[MemberSpec, ...]


def spec_json(spec: TaskSpec) -> dict[str, Any]:
    """Return a template as a JSON object."""
    return {
        "handler": spec.handler,
        "name": spec.name,
        "queue": spec.queue,
        "priority": spec.priority,
        "tags": list(spec.tags),
        "input": json.loads(spec.input),
        "wish": wishes.dump(spec.wish),
        "setup": None if spec.setup is None else json.loads(spec.setup),
        "cwd": spec.cwd,
        "due_at": spec.due_at,
        **({"after": list(spec.after)} if spec.after else {}),
        **({} if spec.dedup_key is None else {"dedup_key": spec.dedup_key}),
    }


def spec_from(data: Mapping[str, Any]) -> TaskSpec:
    """Return a template from its JSON object."""
    from bgo.model import payload

    return TaskSpec(
        id="",
        handler=data["handler"],
        input=payload.dump(data["input"]),
        name=data["name"],
        queue=data["queue"],
        priority=data["priority"],
        tags=tuple(data["tags"]),
        wish=wishes.load(data["wish"]),
        setup=None if data["setup"] is None else payload.dump(data["setup"]),
        cwd=data["cwd"],
        due_at=data["due_at"],
        after=tuple(data.get("after", ())),
        dedup_key=data.get("dedup_key"),
    )


def chain_plan_json(plan: ChainPlan) -> dict[str, Any]:
    """Return a chain's plan as a JSON object."""
    steps = [[s.name, list(s.members), s.on_failure, s.merge] for s in plan.steps]
    return {"steps": steps, "asides": {name: spec_json(spec) for name, spec in plan.asides.items()}}


def _chain_plan(data: Mapping[str, Any]) -> ChainPlan:
    steps = tuple(Step(name, tuple(members), on_failure, merge) for name, members, on_failure, merge in data["steps"])
    return ChainPlan(steps, {name: spec_from(spec) for name, spec in data["asides"].items()})


def batch_plan_json(plan: BatchPlan) -> dict[str, Any]:
    """Return a batch's plan as a JSON object."""
    return {
        "template": None if plan.template is None else spec_json(plan.template),
        "chain": None if plan.chain is None else _chain_json(plan.chain),
        "over": None if plan.over is None else [plan.over.member, *plan.over.path],
        "callbacks": {kind: spec_json(spec) for kind, spec in plan.callbacks.items()},
        "field": plan.field_,
    }


def _batch_plan(data: Mapping[str, Any]) -> BatchPlan:
    over = data["over"]
    return BatchPlan(
        None if data["template"] is None else spec_from(data["template"]),
        None if data["chain"] is None else _chain(data["chain"]),
        None if over is None else Over(over[0], tuple(over[1:])),
        {kind: spec_from(spec) for kind, spec in data["callbacks"].items()},
        data["field"],
    )


def _chain_json(chain: ChainSpec) -> dict[str, Any]:
    members = [
        [
            spec_json(m.spec),
            m.step,
            None if m.batch is None else batch_plan_json(m.batch),
            [i.decode() for i in m.items],
        ]
        for m in chain.members
    ]
    return {"spec": spec_json(chain.spec), "plan": chain_plan_json(chain.plan), "members": members}


def _chain(data: Mapping[str, Any]) -> ChainSpec:
    members = tuple(
        MemberSpec(
            spec_from(spec), step, None if batch is None else _batch_plan(batch), tuple(i.encode() for i in items)
        )
        for spec, step, batch, items in data["members"]
    )
    return ChainSpec(spec_from(data["spec"]), _chain_plan(data["plan"]), members)


@lru_cache(maxsize=64)
def chain_plan_from(data: bytes) -> ChainPlan:
    """Return a chain's plan from its stored bytes."""
    return _chain_plan(json.loads(data))


@lru_cache(maxsize=64)
def batch_plan_from(data: bytes) -> BatchPlan:
    """Return a batch's plan from its stored bytes."""
    return _batch_plan(json.loads(data))


def with_callback(plan: BatchPlan, kind: str, spec: TaskSpec) -> BatchPlan:
    """Return the plan with one more callback."""
    return replace(plan, callbacks={**plan.callbacks, kind: spec})


@dataclass(frozen=True, slots=True)
class Batch:
    """A whole batch: its own wish as a template, what its items become, and the items (canonical JSON of objects)."""

    spec: TaskSpec
    plan: BatchPlan
    items: tuple[bytes, ...]


Template = TaskSpec | ChainSpec | Batch
"""What is made again and again: a task, a chain or a batch, without an id."""


def template_json(template: Template) -> dict[str, Any]:
    """Return a template as a JSON object with one key: its kind."""
    match template:
        case TaskSpec():
            return {"task": spec_json(template)}
        case ChainSpec():
            return {"chain": _chain_json(template)}
        case Batch():
            items = [item.decode() for item in template.items]
            return {"batch": [spec_json(template.spec), batch_plan_json(template.plan), items]}


@lru_cache(maxsize=64)
def template_from(data: bytes) -> Template:
    """Return a template from its stored bytes."""
    ((kind, value),) = json.loads(data).items()
    if kind == "task":
        return spec_from(value)
    if kind == "chain":
        return _chain(value)
    spec, plan, items = value
    return Batch(spec_from(spec), _batch_plan(plan), tuple(item.encode() for item in items))
