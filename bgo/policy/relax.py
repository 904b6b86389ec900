"""Relaxing: what a task asks of the device as it grows older. Ages count from its creation, and each step replaces what
was asked before; it can only ask for less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from bgo.errors import UsageError
from bgo.model.options import MAX_DURATION_MS, NO_CONSTRAINTS, NetworkConstraint, TaskConstraints, is_whole, shown
from bgo.model.specs import constraint_words

if TYPE_CHECKING:
    from bgo.model.task import Wish
    from bgo.model.window import RelaxStep

LIMIT = 8
"""Steps of one task."""
N = NetworkConstraint
_LOOSER = {
    N.NONE: (),
    N.CONNECTED: (N.NONE,),
    N.NOT_ROAMING: (N.CONNECTED, N.NONE),
    N.METERED: (N.CONNECTED, N.NONE),
    N.UNMETERED: (N.NOT_ROAMING, N.CONNECTED, N.NONE),
}
"""Network → those that every such network is as well."""


def asked(wish: Wish, created_at: int, now: int) -> TaskConstraints:
    """Return what a task asks of the device now."""
    past = [step.constraints for step in wish.relax if created_at + step.after_ms <= now]
    return in_force(wish.constraints, past[-1]) if past else wish.constraints


def next_at(wish: Wish, created_at: int, now: int) -> int | None:
    """Return the next instant from which on it asks for less; None when there is none."""
    return next((at for step in wish.relax if (at := created_at + step.after_ms) > now), None)


def in_force(base: TaskConstraints, step: TaskConstraints) -> TaskConstraints:
    """Return a step's constraints as they are judged: what a loss means stays as the task has it."""
    return NO_CONSTRAINTS if step.is_empty else replace(step, on_loss=base.on_loss)


def checked(base: TaskConstraints, steps: Sequence[RelaxStep]) -> tuple[RelaxStep, ...]:
    """Return the steps. Raises UsageError for those that are too many, out of order, or ask for more."""
    if len(steps) > LIMIT:
        raise UsageError(f"{len(steps)} steps of relax", why=f"a task has at most {LIMIT}", hint="leave some out")
    age, before = 0, base
    for step in steps:
        _check(step)
        told = _told(step.constraints)
        if step.after_ms <= age:
            raise UsageError(
                f"relax: {told} comes no later than what is before it",
                why="steps are given in the order of their ages, each above 0",
                hint="relax 1d:network=connected, then 3d:none",
            )
        if not is_looser(before, step.constraints):
            raise UsageError(
                f"relax: {told} is no less than {_told(before)}",
                why="a step says all that is asked from then on, and can only ask for less",
                hint="leave something of it out, or relax to none",
            )
        age, before = step.after_ms, step.constraints
    return tuple(steps)


def _check(step: object) -> None:
    from bgo.model.window import RelaxStep

    is_step = isinstance(step, RelaxStep) and isinstance(step.constraints, TaskConstraints)
    if not (is_step and is_whole(getattr(step, "after_ms", None), 0, MAX_DURATION_MS)):
        raise UsageError(
            f"not a step of relax: {shown(step)}",
            why="it is an age and what is asked from then on",
            hint='RelaxStep.after(timedelta(days=3), TaskConstraints()), or "3d:none"',
        )


def is_looser(before: TaskConstraints, after: TaskConstraints) -> bool:
    """Say whether the second asks for less than the first, and for nothing that the first does not."""
    is_less = False
    for f in fields(TaskConstraints):
        old, new = getattr(before, f.name), getattr(after, f.name)
        if f.name == "on_loss" or old == new:
            continue
        if not _is_less(f.name, old, new):
            return False
        is_less = True
    return is_less


def _is_less(name: str, old: Any, new: Any) -> bool:
    """Say whether a constraint that is `new` is met whenever it was met as `old`, which is another one."""
    if new == getattr(NO_CONSTRAINTS, name):
        return True
    match name:
        case "network":
            return new in _LOOSER[old]
        case "cpu_below":
            return old is not None and new > old
        case "unused_for":
            return old is not None and new < old
        case "on_network":
            return bool(old) and set(old) < set(new)
    return False


def _told(wish: TaskConstraints) -> str:
    return ",".join(constraint_words(wish)) or "none"
