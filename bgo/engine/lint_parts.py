"""What a schedule makes, as a linter needs it: the tasks of an occurrence, how many of each, how long all takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import tzinfo
from itertools import groupby
from typing import NamedTuple

from bgo import zones
from bgo.engine.enqueue import lane_key
from bgo.errors import UsageError
from bgo.model.flow import Batch, BatchPlan, ChainSpec, Template
from bgo.model.lane import LaneKey
from bgo.model.task import TaskSpec

Usual = Callable[[str], int | None]
"""How long runs under a name take, as a rule, in milliseconds; None: unknown."""


def key_of(spec: TaskSpec) -> LaneKey:
    """Return the gates that a task which is yet to be made will share with its lane, as this computer reads them."""
    key = lane_key(spec)
    if key.view.window is None:
        return key
    return replace(key, view=replace(key.view, zone=zone_of(key.view.window.zone)))


def zone_of(name: str) -> tzinfo | None:
    """Return a zone by its name; None where this computer does not know it."""
    try:
        return zones.zone(name)
    except UsageError:
        return None


class Part(NamedTuple):
    """Tasks of one kind in an occurrence."""

    spec: TaskSpec
    number: int
    begins: bool
    """They are made first; others follow these."""

    @property
    def name(self) -> str:
        """What they are called."""
        return self.spec.name or self.spec.handler


def parts(template: Template) -> Iterator[Part]:
    """Yield the tasks of an occurrence. Of a fan-out nobody knows how many there will be: one stands for them."""
    match template:
        case TaskSpec():
            yield Part(template, 1, True)
        case ChainSpec():
            for member in template.members:
                if member.batch is None:
                    yield Part(member.spec, 1, member.step == 0)
                else:
                    yield from _items(member.batch, max(1, len(member.items)), begins=member.step == 0)
        case Batch():
            yield from _items(template.plan, len(template.items), begins=True)


def _items(plan: BatchPlan, number: int, *, begins: bool) -> Iterator[Part]:
    if plan.template is not None:
        yield Part(plan.template, number, begins)
    for part in parts(plan.chain) if plan.chain is not None else ():
        yield Part(part.spec, part.number * number, part.begins and begins)


def takes_ms(template: Template, usual: Usual, slots: int) -> int | None:
    """Return how long an occurrence takes on a worker of so many slots that has nothing else to do; None: unknown."""
    match template:
        case TaskSpec():
            return usual(template.name or template.handler)
        case ChainSpec():
            steps = [
                [_member_ms(member.spec, member.batch, len(member.items), usual, slots) for member in members]
                for _, members in groupby(template.members, key=lambda member: member.step)
            ]
            longest = [None if None in step else max(ms or 0 for ms in step) for step in steps]
            return None if None in longest else sum(ms or 0 for ms in longest)
        case Batch():
            return _batch_ms(template.plan, len(template.items), usual, slots)


def _member_ms(spec: TaskSpec, batch: BatchPlan | None, items: int, usual: Usual, slots: int) -> int | None:
    return usual(spec.name or spec.handler) if batch is None else _batch_ms(batch, items, usual, slots)


def _batch_ms(plan: BatchPlan, items: int, usual: Usual, slots: int) -> int | None:
    inner = plan.template if plan.chain is None else plan.chain
    if inner is None or (each := takes_ms(inner, usual, slots)) is None:
        return None
    limit = None if plan.template is None else plan.template.wish.concurrency
    width = slots if limit is None else min(slots, limit.max_concurrent)
    return -(-items // max(1, width)) * each
