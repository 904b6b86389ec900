"""One thing in full: a list of `label  value` lines, and a task's options in words."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bgo.cli import render
from bgo.model.options import NetworkConstraint

if TYPE_CHECKING:
    from rich.console import Console

    from bgo.model.limits import DedupPolicy, RateLimit
    from bgo.model.options import RetryPolicy, TaskConstraints, TaskTimeout
    from bgo.model.task import Wish
    from bgo.model.window import RelaxStep

STRICT = "; what runs then is stopped when it closes"
Fact = tuple[str, Any]
"""A label and its value: text (foreign, cleaned, folded at the window's edge), a Rich Text, or None (left out)."""


def facts(rows: Iterable[Fact], *, color: bool, title: Any = None) -> None:
    """Print labelled values, those without a value left out."""
    from rich.table import Table

    out = render.console(color=color)
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, value in rows:
        if value not in (None, ""):
            grid.add_row(render.safe(label), render.safe(value) if isinstance(value, str) else value)
    unpadded(out, *(thing for thing in (title, grid) if thing is not None))


def unpadded(out: Console, *things: Any) -> None:
    """Print things without the blanks that Rich fills its lines with."""
    with out.capture() as held:
        for thing in things:
            out.print(thing)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in held.get().splitlines()))


def told_options(wish: Wish) -> list[Fact]:
    """Return what a task asks for, in words; what it leaves at its usual value is left out, but the timeout."""
    limit, rate, dedup, unique = wish.concurrency, wish.rate, wish.dedup, wish.unique
    return [
        ("timeout", told_timeout(wish.timeout)),
        ("retry", told_retry(wish.retry)),
        ("window", None if wish.window is None else f"{wish.window.told}{STRICT if wish.window_strict else ''}"),
        ("needs", told_needs(wish.constraints)),
        *(("relaxes" if number == 0 else "", told_relax(step)) for number, step in enumerate(wish.relax)),
        ("if lost", _told_loss(wish.constraints.on_loss)),
        ("at once", None if limit is None else f"at most {limit.max_concurrent}, {limit.strategy}"),
        ("rate", None if rate is None else told_rate(rate)),
        ("dedup", None if dedup is None else told_dedup(dedup)),
        ("unique", None if unique is None else f"{unique.id}; if taken: {unique.policy}"),
        ("starts by", None if wish.start_before is None else render.local_time(wish.start_before)),
        ("ends by", None if wish.finish_before is None else render.local_time(wish.finish_before)),
        ("expedited", None if wish.expedited is None else _EXPEDITED[wish.expedited]),
        ("seen as", None if wish.foreground is None else f"a service in the foreground: {wish.foreground}"),
        ("promise", "at most once: never again once started" if wish.at_most_once else None),
    ]


_EXPEDITED = {"run": "while its quota lasts; then as plain work", "drop": "while its quota lasts; then held"}
_NETWORKS = {
    NetworkConstraint.NONE: "",
    NetworkConstraint.CONNECTED: "a network",
    NetworkConstraint.UNMETERED: "an unmetered network",
    NetworkConstraint.NOT_ROAMING: "a network without roaming",
    NetworkConstraint.METERED: "a metered network",
}


def told_needs(wish: TaskConstraints | None) -> str | None:
    """Return in words what the device must offer; None where nothing is asked of it."""
    if wish is None or wish.is_empty:
        return None
    words = (
        _NETWORKS[wish.network],
        "a battery that is not low" if wish.battery_not_low else "",
        "a charging device" if wish.requires_charging else "",
        "an idle device" if wish.device_idle else "",
        "free storage" if wish.storage_not_low else "",
        "" if wish.cpu_below is None else f"processors less than {wish.cpu_below} % busy",
        "" if wish.unused_ms is None else f"a device untouched for {render.duration(wish.unused_ms)}",
        f"the network {' or '.join(wish.networks)}" if wish.networks else "",
    )
    return ", ".join(word for word in words if word)


def told_relax(step: RelaxStep) -> str:
    """Return from which age on a task asks only for what."""
    from bgo.model.specs import constraint_words

    what = ", ".join(constraint_words(step.constraints)) or "nothing of the device"
    return f"{render.duration(step.after_ms)} old, it asks only for {what}"


def _told_loss(policy: str) -> str | None:
    """Return what becomes of a run when the device stops offering what it needs, where that is not the usual."""
    return {"finish": "a run goes on to its end", "cancel": "a run is stopped, and the task cancelled"}.get(policy)


def told_rate(limit: RateLimit) -> str:
    """Return a rate in words."""
    under = "" if limit.key is None else f" under {limit.key}"
    return f"at most {limit.max_executions} starts in {render.duration(limit.window_ms)}{under}"


def told_dedup(policy: DedupPolicy) -> str:
    """Return in words what counts as the same work, and how long."""
    what = "the whole input" if policy.fields is None else ", ".join(policy.fields)
    return f"by {what}, " + ("until it ends" if policy.ttl_ms is None else f"for {render.duration(policy.ttl_ms)}")


def told_timeout(timeout: TaskTimeout) -> str:
    """Return a timeout in words."""
    if timeout.hard_ms is None:
        return "none" if timeout.soft_ms is None else f"warns after {render.duration(timeout.soft_ms)}"
    soft = "" if timeout.soft_ms is None else f"warns after {render.duration(timeout.soft_ms)}, "
    return f"{soft}killed after {render.duration(timeout.hard_ms)}"


def told_retry(policy: RetryPolicy) -> str:
    """Return a retry policy in words."""
    if policy.max_attempts <= 1:
        return "none"
    kinds = f"{policy.max_attempts} attempts, "
    if policy.kind == "custom":
        delays = ", ".join(render.duration(ms) for ms in policy.delays_ms[:10])
        kinds += f"after {delays}" + (" …" if len(policy.delays_ms) > 10 else "")
    else:
        kinds += f"{policy.kind} from {render.duration(policy.delay_ms)} to {render.duration(policy.max_delay_ms)}"
    return kinds + (", with jitter" if policy.jitter else "")
