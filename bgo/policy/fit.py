"""Fit: what a platform makes of a wish. Some of it is bent to the platform's bounds, and some of it is refused.

Tasks keep their wish: it is fitted anew by whoever judges, so that one store can be run and simulated under many
profiles. What does not fit is refused where it is entered under that profile, and held where it is met under another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from bgo.model.change import Change
from bgo.model.lane import PLAIN, Gate, Traits, ViewKey, payload_class
from bgo.model.options import NO_CONSTRAINTS, NetworkConstraint, RetryPolicy, TaskConstraints, TaskTimeout
from bgo.model.plan import Hold
from bgo.model.profile import Profile
from bgo.model.task import Wish
from bgo.model.words import did_you_mean, span


class Refusal(NamedTuple):
    """Something that the platform does not take at all."""

    what: str
    """The option, by its name on the command line."""
    current: str
    needed: str
    why: str
    hint: str


class Fitted(NamedTuple):
    """A wish as the platform has it, and in what it differs from the one that was asked for."""

    wish: Wish
    changes: tuple[Change, ...] = ()
    refusals: tuple[Refusal, ...] = ()


ASKED = {
    "network": "network",
    "battery_not_low": "battery_not_low",
    "charging": "requires_charging",
    "device_idle": "device_idle",
    "storage_not_low": "storage_not_low",
    "load": "cpu_below",
    "unused": "unused_for",
    "named_network": "on_network",
}
"""Constraints by their words in profiles → the fields in which tasks ask for them."""
KINDS = (NetworkConstraint.UNMETERED, NetworkConstraint.METERED, NetworkConstraint.NOT_ROAMING)
"""Networks that a profile can name one by one as unenforceable: such work gets any network."""


def fitted(wish: Wish, traits: Traits, profile: Profile, *, delayed: bool = False) -> Fitted:
    """Return the wish as the platform has it. `delayed`: it is not to start at once, as expedited work must."""
    changes: list[Change] = []
    timeout = _timeout(wish.timeout, traits, profile, changes)
    retry = _retry(wish.retry, profile, changes)
    constraints = enforceable(wish.constraints, profile)
    changes += _unenforced(wish.constraints, constraints, profile)
    if traits.expedited == "run" and _has_none(profile.expedited, profile):
        changes.append(Change("expedited", "run", "plain work", f"{profile.name} has no expedited work"))
    refusals = tuple(_refused(wish.constraints, traits, profile, delayed=delayed))
    if (timeout, retry, constraints) != (wish.timeout, wish.retry, wish.constraints):
        wish = replace(wish, timeout=timeout, retry=retry, constraints=constraints)
    return Fitted(wish, tuple(changes), refusals)


def hold(key: ViewKey, profile: Profile) -> Hold | None:
    """Return the hold of work that the profile refuses; None where it takes it."""
    if key.traits == PLAIN:
        return None  # only traits are refused
    found = next(_refused(key.constraints, key.traits, profile), None)
    if found is None:
        return None
    lift = f"{found.hint}; or run it under another profile: bgo run --profile host"
    return Hold(Gate.PROFILE, found.current, found.needed, f"the profile {profile.name}", None, lift)


def payload(size: int, profile: Profile, what: str = "input") -> Refusal | None:
    """Return the refusal of `size` bytes of input or output; None where they are not too many."""
    limit = profile.work.data_max_bytes
    if limit is None or size <= limit:
        return None
    return Refusal(
        what,
        f"{size:,} bytes of {what}",
        f"at most {limit:,} bytes under {profile.name}",
        "what is given to work on this platform goes through its own store, which takes no more",
        "put the data into a file and give its path",
    )


def enforceable(wish: TaskConstraints, profile: Profile) -> TaskConstraints:
    """Return those constraints that the platform knows; the others are for the handler to look at."""
    unknown = profile.work.unenforceable
    if not unknown or wish is NO_CONSTRAINTS:
        return wish
    lost = {
        name: getattr(NO_CONSTRAINTS, name)
        for word, name in ASKED.items()
        if (word in unknown or name in unknown) and getattr(wish, name) != getattr(NO_CONSTRAINTS, name)
    }
    named = {word.replace("_", "-") for word in unknown}
    if "network" not in lost and wish.network in KINDS and wish.network in named:
        lost["network"] = NetworkConstraint.CONNECTED
    return replace(wish, **lost) if lost else wish


def run_cap(traits: Traits, profile: Profile) -> int | None:
    """Return for how many milliseconds one run of such work may go on at most; None: as long as it likes."""
    if traits.foreground and profile.foreground is not None:
        limit = profile.foreground.types.get(traits.foreground)
        caps = [] if limit is None else [ms for ms in (limit.run_max_ms, limit.total_ms) if ms is not None]
        return min(caps, default=None)
    return profile.work.run_max_ms


def _timeout(asked: TaskTimeout, traits: Traits, profile: Profile, changes: list[Change]) -> TaskTimeout:
    cap = run_cap(traits, profile)
    if cap is None or (asked.hard_ms is not None and asked.hard_ms <= cap):
        return asked
    why = f"{profile.name}: no run of {'this type' if traits.foreground else 'plain work'} goes on for longer"
    changes.append(Change("timeout", "none" if asked.hard_ms is None else span(asked.hard_ms), span(cap), why))
    soft = asked.soft_ms
    if soft is not None and soft >= cap:
        soft = max(1, cap * 8 // 10)
    return TaskTimeout(None if soft is None else soft / 1000, cap / 1000, asked.on_soft_timeout)


def _retry(asked: RetryPolicy, profile: Profile, changes: list[Change]) -> RetryPolicy:
    low, high = profile.work.backoff_min_ms, profile.work.backoff_max_ms
    if asked.kind == "none" or (low is None and high is None):
        return asked

    def bent(ms: int) -> int:
        ms = ms if low is None else max(ms, low)
        return ms if high is None else min(ms, high)

    def noted(what: str, before: int, after: int) -> int:
        if before != after:
            why = f"{profile.name}: the {'shortest' if after > before else 'longest'} there is"
            changes.append(Change(what, span(before), span(after), why))
        return after

    if asked.kind == "custom":
        delays = tuple(noted("retry delay", ms, bent(ms)) for ms in asked.delays_ms)
        return asked if delays == asked.delays_ms else replace(asked, delays_ms=delays)
    delay = noted("retry delay", asked.delay_ms, bent(asked.delay_ms))
    most = noted("retry max", asked.max_delay_ms, bent(asked.max_delay_ms))
    if (delay, most) == (asked.delay_ms, asked.max_delay_ms):
        return asked
    return replace(asked, delay_ms=delay, max_delay_ms=most)


def _unenforced(asked: TaskConstraints, given: TaskConstraints, profile: Profile) -> Iterator[Change]:
    """Yield a change for each constraint that is left to the handler."""
    for word, name in ASKED.items():
        before, after = getattr(asked, name), getattr(given, name)
        if before != after:
            became = _word(after) if after and after != "none" else "nothing"
            why = f"{profile.name} knows no such condition: let the handler look"
            option = word if name == "requires_charging" else name
            yield Change(option.replace("_", "-"), _word(before), became, why)


def _word(value: object) -> str:
    """Return what a constraint asks for, as people write it."""
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, timedelta):
        return span(value // timedelta(milliseconds=1))
    return "yes" if value is True else f"{value}%" if isinstance(value, int) else str(value)


def _has_none(table: object, profile: Profile) -> bool:
    """Say whether a platform has no such work. On a computer nothing distinguishes it."""
    return table is None and profile.os != "host"


def _refused(asked: TaskConstraints, traits: Traits, profile: Profile, *, delayed: bool = False) -> Iterator[Refusal]:
    if traits.expedited:
        yield from _expedited(asked, traits, profile, delayed=delayed)
    if traits.foreground and _has_none(profile.foreground, profile):
        yield Refusal(
            "foreground",
            f"foreground work ({traits.foreground})",
            f"work in the background, as {profile.name} knows no other",
            f"{profile.name} has no services in the foreground",
            "leave --foreground out",
        )
    elif traits.foreground and profile.foreground is not None and traits.foreground not in profile.foreground.types:
        yield _no_type(traits.foreground, profile)
    if traits.retries and profile.work.idle_refuses_retry:
        yield Refusal(
            "retry",
            "an idle device and a retry policy",
            f"one of them alone under {profile.name}",
            "work for an idle device has no backoff there: it comes again when the device is idle again",
            "leave --device-idle or --retry out",
        )
    limit = profile.work.data_max_bytes
    if limit is not None and traits.payload > payload_class(limit):
        found = payload((10 << 10 << (traits.payload - 1)) + 1, profile)
        if found is not None:
            least = f"more than {10 << (traits.payload - 1)} KiB of input"
            yield found._replace(current=least)


def _expedited(asked: TaskConstraints, traits: Traits, profile: Profile, *, delayed: bool) -> Iterator[Refusal]:
    if traits.expedited == "drop" and _has_none(profile.expedited, profile):
        yield Refusal(
            "expedited",
            "expedited work that is dropped where it cannot be expedited",
            f"plain work, as {profile.name} knows no other",
            f"{profile.name} has no expedited work",
            "--expedited alone has it run as plain work",
        )
    asks = {"delay": delayed, "periodic": traits.periodic}
    for word in sorted(profile.work.expedited_refuses):
        name = ASKED.get(word, word)
        if not asks.get(word, getattr(asked, name, None) != getattr(NO_CONSTRAINTS, name, None)):
            continue
        told, option = _WITH.get(word, (f"with --{word.replace('_', '-')}", f"--{word.replace('_', '-')}"))
        yield Refusal(
            "expedited",
            f"expedited work {told}",
            f"expedited work without that under {profile.name}",
            "expedited work starts at once or not at all: it waits for nothing of that kind",
            f"leave {option} or --expedited out",
        )


_WITH = {"delay": ("with a delay", "--delay, --at"), "periodic": ("that a schedule makes", "the schedule")}
"""What expedited work may be refused for beside its constraints, and what to leave out then."""


def _no_type(asked: str, profile: Profile) -> Refusal:
    known = sorted(profile.foreground.types) if profile.foreground is not None else []
    return Refusal(
        "foreground",
        f"a foreground service of type {asked}",
        f"a type that {profile.name} has",
        did_you_mean(asked, known) or f"{profile.name} has {', '.join(known) or 'none'}",
        f"--foreground {known[0]}" if known else "leave --foreground out",
    )
