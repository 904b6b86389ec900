"""Fit of schedules: what a platform makes of when they fire."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from bgo.model.change import Change
from bgo.model.profile import Profile
from bgo.model.schedule import Every, Reboot, Timing
from bgo.model.words import span


class FittedTiming(NamedTuple):
    """A timing as the platform has it, and in what it differs from the one that was asked for."""

    timing: Timing
    changes: tuple[Change, ...] = ()


class Rhythm(NamedTuple):
    """How often periodic work comes, and in which last part of each interval it may run."""

    every_ms: int
    flex_ms: int
    changes: tuple[Change, ...] = ()


def timing(asked: Timing, profile: Profile) -> FittedTiming:
    """Return when a schedule fires under the profile: no interval is shorter than the platform's shortest."""
    if isinstance(asked.rule, Every):
        found = rhythm(asked.rule.every_ms, None, profile)
        if found.every_ms != asked.rule.every_ms:
            asked = replace(asked, rule=asked.rule._replace(every_ms=found.every_ms))
        return FittedTiming(asked, found.changes)
    if isinstance(asked.rule, Reboot) or not profile.work.cron_as_interval:
        return FittedTiming(asked)
    why = f"{profile.name} knows no times of day: it counts from the end of the run before"
    return FittedTiming(asked, (Change("cron", asked.rule.text, "the distance of its occurrences", why),))


def rhythm(every_ms: int, flex_ms: int | None, profile: Profile) -> Rhythm:
    """Return interval and flex as the platform has them. A flex of None, or the whole interval: no flex."""
    low, low_flex = profile.work.min_interval_ms, profile.work.min_flex_ms
    every = every_ms if low is None else max(every_ms, low)
    why = f"{profile.name}: the shortest there is"
    changes = [] if every == every_ms else [Change("every", span(every_ms), span(every), why)]
    if flex_ms is None:
        return Rhythm(every, every, tuple(changes))
    flex = min(flex_ms if low_flex is None else max(flex_ms, low_flex), every)
    if flex != flex_ms:
        bound = why if flex > flex_ms else f"{profile.name}: no longer than its interval"
        changes.append(Change("flex", span(flex_ms), span(flex), bound))
    return Rhythm(every, flex, tuple(changes))


def first_ms(delay_ms: int, found: Rhythm) -> int:
    """Return after how long periodic work may run for the first time: with a flex, in the last part of an interval."""
    return delay_ms + (0 if found.flex_ms == found.every_ms else found.every_ms - found.flex_ms)


def next_ms(began_ms: int, ended_ms: int, every_ms: int, profile: Profile) -> int:
    """Return when periodic work is due again: an interval after its run began, or after it ended."""
    return (ended_ms if profile.work.interval_from == "completion" else began_ms) + every_ms
