"""The wish as JSON text and back: what the store keeps of a task's options. Defaults are left out."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bgo.model.options import (
    NO_CONSTRAINTS,
    ConstraintLoss,
    NetworkConstraint,
    RetryPolicy,
    TaskConstraints,
    TaskTimeout,
)
from bgo.model.task import Wish

if TYPE_CHECKING:
    from bgo.model.limits import ConcurrencyControl, DedupPolicy, RateLimit, Unique
    from bgo.model.window import RelaxStep, ZonedWindow


def constraints_json(constraints: TaskConstraints) -> dict[str, Any]:
    """Return only what the constraints ask for."""
    found: dict[str, Any] = {}
    for f in fields(TaskConstraints):
        value = getattr(constraints, f.name)
        if value != getattr(NO_CONSTRAINTS, f.name):
            found[f.name] = str(value) if isinstance(value, str) else value
    if "unused_for" in found:
        found["unused_ms"] = constraints.unused_ms
        del found["unused_for"]
    if "on_network" in found:
        found["on_network"] = list(constraints.networks)
    return found


def constraints_from(data: dict[str, Any]) -> TaskConstraints:
    """Return constraints from their JSON: the one NO_CONSTRAINTS for none."""
    if not data:
        return NO_CONSTRAINTS
    found = dict(data)
    if "network" in found:
        found["network"] = NetworkConstraint(found["network"])
    if "on_loss" in found:
        found["on_loss"] = ConstraintLoss(found["on_loss"])
    if "unused_ms" in found:
        found["unused_for"] = timedelta(milliseconds=found.pop("unused_ms"))
    return TaskConstraints(**found)


_RETRY_DEFAULTS = {f.name: f.default for f in fields(RetryPolicy)}


def retry_json(policy: RetryPolicy) -> dict[str, Any]:
    """Return the policy's fields that differ from 'no retry'."""
    return {n: v for n, d in _RETRY_DEFAULTS.items() if (v := getattr(policy, n)) != d}


def retry_from(data: dict[str, Any]) -> RetryPolicy:
    """Return a policy from its JSON."""
    found: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
    return RetryPolicy(**found)


def timeout_json(timeout: TaskTimeout) -> dict[str, Any]:
    """Return the limits in milliseconds."""
    found: dict[str, Any] = {"soft_ms": timeout.soft_ms, "hard_ms": timeout.hard_ms}
    if timeout.on_soft_timeout:
        found["on_soft_timeout"] = timeout.on_soft_timeout
    return found


def timeout_from(data: dict[str, Any]) -> TaskTimeout:
    """Return limits from their JSON."""
    soft, hard = data["soft_ms"], data["hard_ms"]
    return TaskTimeout(
        None if soft is None else soft / 1000, None if hard is None else hard / 1000, data.get("on_soft_timeout")
    )


def concurrency_json(control: ConcurrencyControl) -> dict[str, Any]:
    """Return the limit, its strategy and its key."""
    return {"max": control.max_concurrent, "strategy": str(control.strategy), "key": control.key}


def rate_json(limit: RateLimit) -> dict[str, Any]:
    """Return the number of starts, the window in milliseconds and the key."""
    return {"max": limit.max_executions, "window_ms": limit.window_ms, "key": limit.key}


def concurrency_from(data: dict[str, Any] | None) -> ConcurrencyControl | None:
    """Return a limit from its JSON; None for None."""
    if data is None:
        return None
    from bgo.model.limits import ConcurrencyControl, ConcurrencyStrategy  # most tasks have no limit

    return ConcurrencyControl(data["max"], ConcurrencyStrategy(data["strategy"]), data["key"])


def rate_from(data: dict[str, Any] | None) -> RateLimit | None:
    """Return a rate from its JSON; None for None."""
    if data is None:
        return None
    from bgo.model.limits import RateLimit

    return RateLimit(data["max"], timedelta(milliseconds=data["window_ms"]), data["key"])


def _dedup_from(data: dict[str, Any] | None) -> DedupPolicy | None:
    if data is None:
        return None
    from bgo.model.limits import DedupPolicy

    return DedupPolicy(None if data["fields"] is None else tuple(data["fields"]), data["ttl_ms"])


def _unique_from(data: dict[str, Any] | None) -> Unique | None:
    if data is None:
        return None
    from bgo.model.limits import Unique, UniquePolicy

    return Unique(data["id"], UniquePolicy(data["policy"]))


def _window_from(text: str | None) -> ZonedWindow | None:
    if text is None:
        return None
    from bgo.model.window import ZonedWindow

    return ZonedWindow.of(text)


def _relax_from(data: list[dict[str, Any]]) -> tuple[RelaxStep, ...]:
    from bgo.model.window import RelaxStep

    return tuple(RelaxStep(step["after_ms"], constraints_from(step["constraints"])) for step in data)


def to_json(wish: Wish) -> dict[str, Any]:
    """Return the wish as a JSON object without defaults."""
    found: dict[str, Any] = {}
    if wish.timeout != TaskTimeout.MODERATE:
        found["timeout"] = timeout_json(wish.timeout)
    if wish.retry != RetryPolicy.NONE:
        found["retry"] = retry_json(wish.retry)
    if not wish.constraints.is_empty:
        found["constraints"] = constraints_json(wish.constraints)
    if wish.concurrency is not None:
        found["concurrency"] = concurrency_json(wish.concurrency)
    if wish.at_most_once:
        found["at_most_once"] = True
    if wish.rate is not None:
        found["rate"] = rate_json(wish.rate)
    if wish.dedup is not None:
        fields_ = wish.dedup.fields
        found["dedup"] = {"fields": None if fields_ is None else list(fields_), "ttl_ms": wish.dedup.ttl_ms}
    if wish.unique is not None:
        found["unique"] = {"id": wish.unique.id, "policy": str(wish.unique.policy)}
    for name in ("start_before", "finish_before"):
        if (at := getattr(wish, name)) is not None:
            found[name] = at
    if wish.window is not None:
        found["window"] = str(wish.window)
    if wish.window_strict:
        found["window_strict"] = True
    for name in ("expedited", "foreground"):
        if (word := getattr(wish, name)) is not None:
            found[name] = word
    if wish.relax:
        found["relax"] = [{"after_ms": s.after_ms, "constraints": constraints_json(s.constraints)} for s in wish.relax]
    return found


@lru_cache(maxsize=512)
def dump(wish: Wish) -> str:
    """Return the wish as the text that is stored."""
    return json.dumps(to_json(wish), sort_keys=True, separators=(",", ":"))


@lru_cache(maxsize=512)
def load(text: str) -> Wish:
    """Return a wish from its stored text."""
    data: dict[str, Any] = json.loads(text)
    return Wish(
        timeout=timeout_from(data["timeout"]) if "timeout" in data else TaskTimeout.MODERATE,
        retry=retry_from(data.get("retry", {})),
        constraints=constraints_from(data.get("constraints", {})),
        concurrency=concurrency_from(data.get("concurrency")),
        at_most_once=data.get("at_most_once", False),
        rate=rate_from(data.get("rate")),
        dedup=_dedup_from(data.get("dedup")),
        unique=_unique_from(data.get("unique")),
        start_before=data.get("start_before"),
        finish_before=data.get("finish_before"),
        window=_window_from(data.get("window")),
        relax=_relax_from(data["relax"]) if "relax" in data else (),
        expedited=data.get("expedited"),
        foreground=data.get("foreground"),
        window_strict=data.get("window_strict", False),
    )
