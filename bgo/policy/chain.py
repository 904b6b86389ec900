"""Chain: what the end of a step means for the chain, what a step gets as its input, and where a fan-out finds its list.
All on plain values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from bgo.model.flow import CONTINUE, FAIL, INPUT, Merge, Over, Step
from bgo.model.state import State


class After(Enum):
    """What follows a step all of whose members have ended."""

    NEXT = "next"
    FAIL = "fail"
    CANCEL = "cancel"


def after(step: Step, tally: Mapping[State, int]) -> After:
    """Judge an ended step by how many of its members stand in each state. A failure outweighs a cancellation."""
    if step.on_failure == CONTINUE:
        return After.NEXT
    if tally.get(State.FAILED):
        return After.FAIL
    return After.CANCEL if tally.get(State.CANCELLED) else After.NEXT


def compensation(step: Step) -> str | None:
    """Return the name of the compensation that a failure of this step calls for."""
    return None if step.on_failure in (FAIL, CONTINUE) else step.on_failure


def batch_state(succeeded: int, failed: int, cancelled: int) -> State:
    """Return how a batch has ended whose members have ended so."""
    if failed:
        return State.FAILED
    return State.CANCELLED if cancelled else State.SUCCEEDED


def merged(base: Mapping[str, Any], outputs: Sequence[tuple[str, Any]], merge: Merge) -> dict[str, Any]:
    """Return an input with the outputs of the step before laid over it, shallowly and in their order.

    `array` collects the values of each key of the outputs instead of letting later ones win. An output that is no
    object goes in under its step's name; no output goes in as nothing.
    """
    objects = [value if isinstance(value, dict) else {name: value} for name, value in outputs if value is not None]
    if merge == "overwrite":
        return {**base, **{key: value for each in objects for key, value in each.items()}}
    collected: dict[str, Any] = {}
    for each in objects:
        for key, value in each.items():
            collected.setdefault(key, []).append(value)
    return {**base, **collected}


def items_at(over: Over, source: Any) -> tuple[list[Any] | None, str]:
    """Return the list that a fan-out goes over, in the output (or input) it names; else None and why there is none."""
    where = "the chain's input" if over.member == INPUT else f"the output of {over.member}"
    value = source
    for key in over.path:
        if not isinstance(value, Mapping) or key not in value:
            return None, f"{where} has no {'.'.join(over.path)}"
        value = value[key]
    if not isinstance(value, list):
        return None, f"{over} is {type(value).__name__}, not a list"
    return value, ""


def item_input(item: Any, field: str = "item") -> dict[str, Any]:
    """Return an item as an input: an object is one, anything else becomes `{field: …}`."""
    return item if isinstance(item, dict) else {field: item}
