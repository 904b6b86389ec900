"""The wish of a schedule as JSON text and back: what the store keeps of it. Defaults are left out.

The fields of a cron expression are kept beside its text: who fires schedules need not read expressions.
"""

from __future__ import annotations

import json
from typing import Any

from bgo.model.cron import CronFields
from bgo.model.schedule import (
    CATCH_UP,
    GRACE_MS,
    Cron,
    Every,
    Missed,
    MissedPolicy,
    Overlap,
    Reboot,
    Rule,
    ScheduleWish,
    Timing,
)
from bgo.model.window import ZonedWindow

_NUMBERS = ("jitter_ms", "max_runs", "pause_after", "start_before_ms", "finish_before_ms")


def dump(wish: ScheduleWish) -> str:
    """Return the wish as the text that is stored. Where an interval counts from is not part of it."""
    timing = wish.timing
    found: dict[str, Any] = {"rule": _rule_json(timing.rule), "zone": timing.zone}
    if timing.window is not None:
        found["window"] = str(timing.window)
    found.update({name: at for name, at in (("start", timing.start_ms), ("end", timing.end_ms)) if at is not None})
    if wish.missed != MissedPolicy():
        found["missed"] = [wish.missed.kind, wish.missed.grace_ms, wish.missed.most]
    if wish.overlap is not Overlap.SKIP:
        found["overlap"] = wish.overlap
    found.update({name: value for name in _NUMBERS if (value := getattr(wish, name))})
    return json.dumps(found, sort_keys=True, separators=(",", ":"))


def load(text: str, anchor: int) -> ScheduleWish:
    """Return a wish from its stored text; an interval counts from `anchor`."""
    data: dict[str, Any] = json.loads(text)
    window = data.get("window")
    kind, grace, most = data.get("missed", (Missed.ONE, GRACE_MS, CATCH_UP))
    return ScheduleWish(
        Timing(
            _rule(data["rule"], anchor),
            data["zone"],
            None if window is None else ZonedWindow.of(f"{window} {data['zone']}").window,
            data.get("start"),
            data.get("end"),
        ),
        missed=MissedPolicy(Missed(kind), grace, most),
        overlap=Overlap(data.get("overlap", Overlap.SKIP)),
        **{name: data[name] for name in _NUMBERS if name in data},
    )


def _rule_json(rule: Rule) -> dict[str, Any]:
    match rule:
        case Every():
            return {"every_ms": rule.every_ms}
        case Cron():
            return {"cron": rule.text, "fields": list(rule.fields)}
        case Reboot():
            return {"reboot": True}


def _rule(data: dict[str, Any], anchor: int) -> Rule:
    if "every_ms" in data:
        return Every(data["every_ms"], anchor)
    if "cron" in data:
        *numbers, any_day, any_weekday, is_fixed = data["fields"]
        minutes, hours, days, months, weekdays = (tuple(each) for each in numbers)
        return Cron(data["cron"], CronFields(minutes, hours, days, months, weekdays, any_day, any_weekday, is_fixed))
    return Reboot()
