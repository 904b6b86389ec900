"""What is wrong, or odd, about a profile whose every key can be read: numbers that do not go together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from bgo.devices.profiles import words
from bgo.devices.profiles.reading import Path, Said
from bgo.errors import UsageError
from bgo.model.profile import BUCKETS, Profile
from bgo.model.words import did_you_mean
from bgo.policy.android.expedited import MARGIN_MS

STANDBY = BUCKETS[1:6]
"""The buckets that an app goes down while nobody uses it."""
ASKED = {
    "charging": "charging",
    "battery": "battery_not_low",
    "network": "network",
    "idle": "device_idle",
    "storage_low": "storage_not_low",
}
"""The signals that tasks ask for, by the constraints that do; of a phone they never come from this computer."""


class Finding(NamedTuple):
    """One thing to mend (an error), or to think about (a warning)."""

    is_error: bool
    place: str
    what: str
    why: str
    fix: str

    @classmethod
    def of(cls, error: UsageError) -> Finding:
        """Return a refusal as a finding: its message begins with the place."""
        place = re.match(r".*?:\d+(?=: )", error.message, re.DOTALL)
        what = error.message if place is None else error.message[place.end() + 2 :]
        return cls(True, "" if place is None else place[0], what, error.why, error.hint)

    def as_error(self) -> UsageError:
        """Return it as a refusal."""
        return UsageError(f"{self.place}: {self.what}", why=self.why, hint=self.fix)

    def to_json(self) -> dict[str, str]:
        """Return the documented object."""
        level = "error" if self.is_error else "warning"
        return {"level": level, "place": self.place, "what": self.what, "why": self.why, "fix": self.fix}


class Odd(NamedTuple):
    """A finding whose place is still a path."""

    path: str
    what: str
    why: str
    fix: str
    is_error: bool = True


def findings(profile: Profile, said: Mapping[Path, Said]) -> list[Finding]:
    """Return what is to be said of a profile, errors first; `said` tells the places."""
    found = [
        Finding(odd.is_error, _place(said, tuple(odd.path.split("."))), odd.what, odd.why, odd.fix)
        for judge in _JUDGES
        for odd in judge(profile)
    ]
    return sorted(found, key=lambda each: not each.is_error)


def _place(said: Mapping[Path, Said], path: Path) -> str:
    while path and path not in said:
        path = path[:-1]
    return said[path or ("os",)].place


def _at_most(path: str, value: float, most: float, why: str) -> Iterator[Odd]:
    if value > most:
        yield Odd(path, f"{path} is {value:g}", why, f"write a number from 0 to {most:g}")


def _positive(path: str, value: int | None, why: str) -> Iterator[Odd]:
    if value == 0:
        yield Odd(path, f"{path} is nothing", why, "give it a length, or leave the rule out")


def _ordered(low: tuple[str, int | None], high: tuple[str, int | None]) -> Iterator[Odd]:
    if low[1] is not None and high[1] is not None and low[1] > high[1]:
        yield Odd(high[0], f"{high[0]} is less than {low[0]}", "the one is the least, the other the most", "swap them")


def _battery(profile: Profile) -> Iterator[Odd]:
    b, s = profile.battery, profile.storage
    percent = "it is in percent"
    yield from _at_most("battery.low", b.low, 100, percent)
    yield from _at_most("battery.okay", b.okay, 100, percent)
    yield from _at_most("battery.stable_charge_level", b.stable_charge_level, 100, percent)
    yield from _at_most("storage.low_percent", s.low_percent, 100, percent)
    if b.okay <= b.low:
        why = f"it is low at {b.low} % and below, and would at once not be low any more"
        yield Odd("battery.okay", f"battery.okay is {b.okay}, battery.low {b.low}", why, f"give okay {b.low + 5}")


def _work(profile: Profile) -> Iterator[Odd]:
    w = profile.work
    yield from _ordered(("work.backoff_min", w.backoff_min_ms), ("work.backoff_max", w.backoff_max_ms))
    yield from _positive("work.run_max", w.run_max_ms, "nothing could ever run")
    yield from _positive("work.data_max", w.data_max_bytes, "no task could ever be queued")
    yield from _positive("work.max_scheduled", w.max_scheduled, "nothing could ever run")
    if w.data_warn_bytes is not None and w.data_warn_bytes > (w.data_max_bytes or w.data_warn_bytes):
        why = "what is above data_max is refused before anybody warns"
        yield Odd("work.data_warn", "data_warn is above data_max", why, "give it less", is_error=False)
    if (w.min_flex_ms or 0) > (w.min_interval_ms or w.min_flex_ms or 0):
        why = "a flex is never longer than its interval"
        yield Odd("work.min_flex", "min_flex is above min_interval", why, "give it less", is_error=False)


def _doze(profile: Profile) -> Iterator[Odd]:
    if profile.doze is None:
        return
    for name, doze in (("deep", profile.doze.deep), ("light", profile.doze.light)):
        if doze is None:
            continue
        path = f"doze.{name}"
        yield from _positive(f"{path}.idle", doze.idle_ms, "the windows would follow each other without end")
        yield from _positive(f"{path}.window", doze.window_ms, "the idle periods would follow each other without end")
        yield from _ordered((f"{path}.idle", doze.idle_ms), (f"{path}.idle_max", doze.idle_max_ms))
        yield from _ordered((f"{path}.min_window", doze.min_window_ms), (f"{path}.window", doze.window_ms))
        yield from _grows(f"{path}.idle_factor", doze.idle_factor)
    if (deep := profile.doze.deep) is not None:
        yield from _ordered(("doze.deep.window", deep.window_ms), ("doze.deep.window_max", deep.window_max_ms))
        yield from _grows("doze.deep.window_factor", deep.window_factor)


def _grows(path: str, factor: float) -> Iterator[Odd]:
    if factor < 1:
        yield Odd(path, f"{path} is {factor:g}", "from one to the next they would shrink to nothing", "give at least 1")


def _quota(profile: Profile) -> Iterator[Odd]:
    if (quota := profile.quota) is None:
        return
    if not quota.buckets:
        yield Odd("quota", "[quota] has no bucket", "then only day_cap counts", "add [quota.rare] …", is_error=False)
    yield from _positive("quota.burst_window", quota.burst_window_ms, "nothing is counted in no time")
    for name, bucket in quota.buckets.items():
        path = f"quota.{name}"
        yield from _positive(f"{path}.window", bucket.window_ms, "nothing is counted in no time")
        yield from _ordered((f"{path}.time", bucket.time_ms), (f"{path}.window", bucket.window_ms))
        if 0 < bucket.time_ms <= quota.buffer_ms:
            why = "once used up it never becomes free again: quota.buffer is as long"
            yield Odd(f"{path}.time", f"{path}.time is hardly anything", why, "give it more, or less buffer")
    shares = [(name, quota.buckets[name].time_ms / (quota.buckets[name].window_ms or 1)) for name in _present(quota)]
    for (freer, more), (rarer, less) in pairwise(shares):
        if less > more:
            why = f"{rarer} is for apps that are used less than those in {freer}"
            what = f"{rarer} has more time than {freer}"
            yield Odd(f"quota.{rarer}", what, why, "look whether they are swapped", is_error=False)


def _present(quota: object) -> list[str]:
    return [name for name in BUCKETS if name in getattr(quota, "buckets", {})]


def _standby(profile: Profile) -> Iterator[Odd]:
    if (e := profile.expedited) is not None:
        yield from _positive("expedited.window", e.window_ms, "nothing is counted in no time")
        if not e.budgets_ms:
            why = "then nothing ever runs as such: without the table it would, and without a limit"
            yield Odd("expedited", "[expedited] has no budgets", why, "add [expedited.budgets]", is_error=False)
        for name, budget in e.budgets_ms.items():
            if 0 < budget <= MARGIN_MS:
                path = f"expedited.budgets.{name}"
                why = "a start needs more than 30 s of it free: here that none of it is used"
                what, fix = f"{path} is hardly anything", "give it more than 30s, or leave the bucket out"
                yield Odd(path, what, why, fix, is_error=False)
    if (b := profile.batching) is not None:
        yield from _positive("batching.ready", b.ready, "nothing is ready when nothing is there")
    if (s := profile.standby) is None:
        return
    yield from _positive("standby.step", s.step_ms, "it would be looked at without end")
    for name, steps in (("elapsed", s.elapsed_ms), ("screen", s.screen_ms)):
        path = f"standby.{name}"
        if len(steps) != len(STANDBY):
            fix = f"write {len(STANDBY)} durations, the first of them 0s"
            yield Odd(path, f"{path} has {len(steps)} steps", f"the buckets are {', '.join(STANDBY)}", fix)
        elif any(before > after for before, after in pairwise(steps)):
            yield Odd(path, f"{path} goes backwards", "each bucket is for less use than the one before", "sort them")


def _foreground(profile: Profile) -> Iterator[Odd]:
    if profile.foreground is None:
        return
    for name, limit in profile.foreground.types.items():
        path = f"foreground.{name}"
        if (limit.total_ms is None) != (limit.window_ms is None):
            said, lacks = ("total", "window") if limit.window_ms is None else ("window", "total")
            yield Odd(path, f"[{path}] has {said} without {lacks}", "so much in how long a time?", f"add {lacks}")
        yield from _positive(f"{path}.window", limit.window_ms, "nothing is counted in no time")
        if name not in words.SERVICES:
            why = did_you_mean(name, words.SERVICES) or f"Android has {', '.join(words.SERVICES)}"
            yield Odd(path, f"{name} is no type of service known here", why, "mend it, or let it be", is_error=False)


def _ios(profile: Profile) -> Iterator[Odd]:
    for name, chance in (("refresh", profile.refresh), ("processing", profile.processing)):
        if chance is not None:
            yield from _positive(f"{name}.run_max", chance.run_max_ms, "nothing could ever run")
            yield from _positive(f"{name}.pending", chance.pending, "nothing could ever run")
    if (app := profile.app) is not None:
        yield from _at_most("app.battery_floor", app.battery_floor, 100, "it is in percent")
        yield from _at_most("app.usage", app.usage, 1, "0 is never used, 1 all the time")


def _device(profile: Profile) -> Iterator[Odd]:
    passes = profile.work.unenforceable | profile.unknown_passes
    lacks = [name for name, word in ASKED.items() if name not in profile.device and word not in passes]
    if profile.idle is not None and "screen" in profile.device and "idle" in lacks:
        lacks.remove("idle")  # it follows from the screen
    if profile.os != "host" and lacks:
        what = f"[device] says nothing of {', '.join(lacks)}"
        why = "a phone's signals never come from this computer: work that asks for one is held until something says it"
        yield Odd("device", what, why, f'add what is usual, such as {lacks[0]} = "…"', is_error=False)


_JUDGES: tuple[Callable[[Profile], Iterator[Odd]], ...] = (
    *(_battery, _work, _doze, _quota, _standby, _foreground, _ios, _device),
)
