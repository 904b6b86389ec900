"""Schedules as a program asks for them: when they fire, as a wish, and what they make, as a template."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bgo import zones
from bgo.clock import from_datetime
from bgo.engine.schedules import Draft
from bgo.engine.spec import instant
from bgo.errors import UsageError
from bgo.flow.options import TimingOptions
from bgo.model import payload
from bgo.model.cron import CronSchedule
from bgo.model.flow import Batch, BatchPlan, ChainSpec, Template, template_json
from bgo.model.options import Duration, check_name, is_whole, shown, to_ms
from bgo.model.schedule import Cron, Every, MissedPolicy, Overlap, Reboot, Rule, ScheduleKind, ScheduleWish, Timing
from bgo.model.task import INPUT_LIMIT, TaskSpec

if TYPE_CHECKING:
    from bgo.flow.chaining import ChainBuilder
    from bgo.flow.enqueueing import Enqueueing

REBOOT = "@reboot"
EVERY_MIN_MS = 1_000
"""A shorter interval is a busy loop, and each occurrence a commit."""
MOST_ITEMS = 1_000
"""Items of a batch that a schedule makes: all of it comes in in one transaction."""
RULES = ("interval", "cron", "reboot")
_TIMING = frozenset((*TimingOptions.__annotations__, "window", "tz"))
"""A window is for both: cron occurrences outside are dropped, those of an interval slide to its opening; and what was
made starts in it alone."""


@dataclass(frozen=True, slots=True)
class What:
    """What a schedule makes: a task of a handler, a chain, or a batch of items."""

    name: str
    input: Mapping[str, Any] = field(default_factory=dict)
    chain: ChainBuilder | None = None
    items: Iterable[Any] | None = None
    handler: str | None = None
    field_: str | None = None
    callbacks: Mapping[str, str | None] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


NOT_HERE = {
    "delay": "occurrences say when it runs; jitter spreads them",
    "at": "occurrences say when it runs; start says from when on",
}
DEADLINES = ("start_before", "finish_before")


def check_options(options: Mapping[str, Any]) -> None:
    """Raise UsageError for keywords of `enqueue` that a schedule cannot have."""
    for name, why in NOT_HERE.items():
        if options.get(name) is not None:
            raise UsageError(f"a schedule has no {name}", why=why, hint=f"leave {name} out")


def wish_of(
    flow: Enqueueing, timing: Mapping[str, Any], options: Mapping[str, Any], base: ScheduleWish | None = None
) -> ScheduleWish:
    """Return the wish that these keywords mean; what they leave out is as in `base`, and what is None is taken away."""
    check_options(options)
    rule = _rule(timing, base)
    missed = timing.get("missed")
    policy = MissedPolicy.of(missed) if missed is not None else MissedPolicy() if base is None else base.missed
    found = ScheduleWish(
        _timing(flow, timing, rule, base),
        jitter_ms=_ms(timing.get("jitter"), "jitter", 0, None if base is None else base.jitter_ms) or 0,
        missed=policy,
        overlap=_overlap(timing.get("overlap"), policy, base),
        max_runs=_number(timing, "max_runs", base),
        pause_after=_number(timing, "pause_after", base),
        start_before_ms=_deadline(options, "start_before", base),
        finish_before_ms=_deadline(options, "finish_before", base),
    )
    return found


def _rule(timing: Mapping[str, Any], base: ScheduleWish | None) -> Rule:
    said = [name for name in RULES if timing.get(name)]
    if not said and timing.get("interval") is not None:
        said = ["interval"]
    if len(said) > 1:
        raise UsageError(
            f"{' and '.join(said)} contradict each other", why="each says when it fires", hint="give one of them"
        )
    if not said:
        if base is not None:
            return base.timing.rule
        raise UsageError(
            "a schedule of which time?",
            why="nothing says when it fires",
            hint="interval=timedelta(hours=1), cron=CronSchedule.daily_at(hour=9), or reboot=True",
        )
    if said == ["interval"]:
        return Every(_length(timing["interval"], "interval", EVERY_MIN_MS), 0)
    cron = timing.get("cron")
    if cron is None or (isinstance(cron, str) and cron.strip().lower() == REBOOT):
        return Reboot()
    made = cron if isinstance(cron, CronSchedule) else CronSchedule(cron)
    return Cron(made.text, made.fields)


def _timing(flow: Enqueueing, timing: Mapping[str, Any], rule: Rule, base: ScheduleWish | None) -> Timing:
    zone: object = timing.get("tz")
    if zone is None:
        zone = zones.local_name() if base is None else base.timing.zone
    if not isinstance(zone, str):
        raise UsageError(f"tz is not a zone's name: {zone!r:.80}", why="names are kept", hint="tz='Europe/Berlin'")
    zones.zone(zone)
    window = None
    if (hours := timing.get("window")) is not None:
        from bgo.flow.windows import zoned

        window = zoned(hours, zone, flow.settings.windows).window
    now = flow.clock.now_ms()
    start, end = (_instant(timing.get(what), what, now, zone) for what in ("start", "end"))
    if base is not None:
        window = window if "window" in timing else base.timing.window
        start = start if "start" in timing else base.timing.start_ms
        end = end if "end" in timing else base.timing.end_ms
    return Timing(rule, zone, window, start, end)


def _instant(value: datetime | int | str | None, what: str, now: int, zone: str) -> int | None:
    if isinstance(value, str):
        from bgo.model.words import instant_ms

        try:
            value = instant_ms(value, now, zones.zone(zone))
        except UsageError as error:
            raise error.within(what) from None
    return instant(from_datetime(value) if isinstance(value, datetime) else value, f"an instant for {what}")


def _ms(value: Duration | str | None, what: str, minimum: int, base: int | None) -> int | None:
    return base if value is None else _length(value, what, minimum)


def _length(value: object, what: str, minimum: int) -> int:
    if not isinstance(value, str):
        return to_ms(value, what, minimum=minimum)
    from bgo.model.words import duration_ms

    try:
        return duration_ms(value, minimum=minimum)
    except UsageError as error:
        raise error.within(what) from None


def _number(timing: Mapping[str, Any], name: str, base: ScheduleWish | None) -> int | None:
    value: int | None = timing.get(name, None if base is None else getattr(base, name))
    if value is not None and not is_whole(value, 1, 1_000_000_000):
        raise UsageError(f"{name}: {shown(value)} is out of range", why="it is a number from 1", hint=f"{name}=3")
    return value


def _overlap(value: Overlap | str | None, missed: MissedPolicy, base: ScheduleWish | None) -> Overlap:
    makes_up = missed.kind == "all"
    if value is None:
        usual = Overlap.QUEUE if makes_up else Overlap.SKIP
        return usual if base is None or (makes_up and base.overlap is Overlap.SKIP) else base.overlap
    if value not in set(Overlap):
        from bgo.model.words import did_you_mean

        why = did_you_mean(str(value), Overlap) or "it says what happens while an earlier one is unfinished"
        raise UsageError(f"overlap: not a policy: {shown(value)}", why=why, hint=f"one of {', '.join(Overlap)}")
    if makes_up and value == Overlap.SKIP:
        raise UsageError(
            "missed=all and overlap=skip contradict each other",
            why="all that was missed fires at once: skip would let only the first one in",
            hint="leave overlap out (queue), or give allow",
        )
    return Overlap(value)


def _deadline(options: Mapping[str, Any], name: str, base: ScheduleWish | None) -> int | None:
    value = options.get(name)
    if value is None:
        return None if base is None or name in options else getattr(base, f"{name}_ms")
    if isinstance(value, datetime):
        raise UsageError(
            f"{name}: a schedule needs a duration",
            why="it counts from the time at which it fires",
            hint=f"{name}=timedelta(hours=2)",
        )
    return to_ms(value, name, minimum=1)


def draft_of(flow: Enqueueing, what: What, wish: ScheduleWish, key: str | None) -> Draft:
    """Return the whole schedule; nothing is written. Raises what `enqueue` raises."""
    from bgo.ids import new_id

    if key is not None:
        check_name(key, "key")
    said = {name: value for name, value in what.options.items() if value is not None and name not in DEADLINES}
    check_options(said)
    said |= upstream(flow, said.get("after"))
    check_name(what.name, "schedule")
    if wish.timing.window is not None:
        said |= {"window": wish.timing.window, "tz": wish.timing.zone}
    kind, template = _template(flow, replace(what, options=said))
    handler = "" if isinstance(template, ChainSpec) else _handler(template)
    spec = template if isinstance(template, TaskSpec) else template.spec
    plan = payload.dump_object(template_json(template), "what it makes", INPUT_LIMIT)
    return Draft(new_id(flow._rng), key, spec.name or handler, handler, kind, wish, plan)


def upstream(flow: Enqueueing, words: Iterable[str] | None) -> dict[str, tuple[str, ...]]:
    """Return whole ids of what each run is to come after: years later a beginning of one may mean another, or none.

    Raises NotFoundError.
    """
    if not words:
        return {}
    from bgo.engine import resolve

    with flow.store.read() as session:
        return {"after": tuple(resolve.task_id(session, word) for word in words)}


def _handler(template: TaskSpec | Batch) -> str:
    if isinstance(template, TaskSpec):
        return template.handler
    return "" if template.plan.template is None else template.plan.template.handler


def _check_whole(what: What) -> None:
    """Refuse what a chain or batch would drop: nothing is ignored."""
    kind = "batch" if what.chain is None else "chain"
    if what.chain is not None and what.handler is not None:
        raise UsageError("handler and chain contradict each other", why="both say what runs", hint="give one of them")
    if "as_" in what.options:
        why = f"a {kind} is called by the schedule's name, its members by their steps'"
        raise UsageError("as: it is for a schedule of one task", why=why, hint="leave it out")
    handlers = what.chain.handlers if what.chain is not None else [what.handler or what.name]
    if "env" in what.options and "shell" not in handlers:
        why = "of all that it makes, only commands keep an environment"
        raise UsageError("env: nothing that it makes is a command", why=why, hint="leave it out")


def _template(flow: Enqueueing, what: What) -> tuple[ScheduleKind, Template]:
    if what.chain is not None or what.items is not None:
        _check_whole(what)
    if what.chain is not None and what.items is None:
        options: Any = what.options
        return "chain", _bare(what.chain.with_options(**options).spec(what.input), what.name)
    if what.items is not None:
        return "batch", _batch(flow, what)
    options = what.options
    spec = flow._spec(what.handler or what.name, what.input, options)
    if what.handler is not None and what.handler != what.name and "as_" not in options:
        spec = replace(spec, name=what.name)
    return "task", replace(spec, id="", random_order=0.0)


def _bare(chain: ChainSpec, name: str) -> ChainSpec:
    return replace(chain, spec=replace(chain.spec, id="", name=name))


def _batch(flow: Enqueueing, what: What) -> Batch:
    from itertools import islice

    from bgo.flow.batching import entry_of
    from bgo.flow.items import as_items

    callbacks: Mapping[str, str | Callable[..., object] | None] = what.callbacks
    entry, info, field_ = entry_of(
        flow, what.name, handler=what.handler, chain=what.chain, callbacks=callbacks, input=what.input,
        field=what.field_, options=what.options,
    )  # fmt: skip
    items = tuple(islice(as_items(what.items or (), field_, info, what.input), MOST_ITEMS + 1))
    if not items or len(items) > MOST_ITEMS:
        why = "there was none" if not items else f"it makes them in one transaction, {MOST_ITEMS:,} at most"
        raise UsageError("a batch of which items?", why=why, hint="a chain that scans and fans out finds any number")
    plan: BatchPlan = entry.plan
    if plan.chain is not None:
        plan = replace(plan, chain=_bare(plan.chain, plan.chain.spec.name))
    return Batch(replace(entry.spec, id="", dedup_key=_items_key(entry.spec, items)), plan, items)


def _items_key(spec: TaskSpec, items: tuple[bytes, ...]) -> str | None:
    if spec.wish.dedup is None:
        return None
    from hashlib import sha256

    from bgo.flow.entering import batch_key

    return batch_key(spec, sha256(b"".join(item + b"\n" for item in items)).hexdigest())


def split(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return when it fires, and what goes to `enqueue`; a window is for both."""
    timing = {name: value for name, value in options.items() if name in _TIMING}
    return timing, {name: value for name, value in options.items() if name not in timing}
