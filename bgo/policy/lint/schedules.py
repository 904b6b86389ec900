"""Rules about schedules: when they come against the profile, the windows of their tasks, and how long those take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import islice

from bgo.model.device import View
from bgo.model.finding import Finding
from bgo.model.profile import Profile
from bgo.model.schedule import Overlap, Reboot, ScheduleWish
from bgo.policy import fit_timing, occurrences
from bgo.policy.lint import about
from bgo.policy.lint.tasks import Work, relaxes_late
from bgo.policy.window import DAY_MS, opens_at

LOOKED_AT = 60
"""So many of its next occurrences are looked at."""
AHEAD_MS = 31 * DAY_MS


@dataclass(frozen=True, slots=True)
class Recurring:
    """A schedule as a linter looks at it."""

    wish: ScheduleWish
    zone: tzinfo
    now: int
    first: Sequence[Work]
    """The tasks with which each of its occurrences begins."""
    each_ms: int | None = None
    """How long what it makes for one occurrence takes in all, as a rule; None: unknown."""


def lint(found: Recurring, view: View) -> Iterator[Finding]:
    """Yield what is wrong with when it comes."""
    bent = fit_timing.timing(found.wish.timing, view.profile)
    for change in bent.changes:
        code, fix = _BENT[change.what]
        yield Finding(code, f"{change.what}: {change.asked} becomes {change.given}", change.why, fix)
    if view.profile.os == "ios":
        why = f"{view.profile.name} has no periodic work: bgo asks anew after each run, and is given time or not"
        yield Finding(
            "no-promise", "it comes no sooner than asked for, and may not come", why, "bgo simulate shows ranges"
        )
    left = [ms for ms in (found.wish.start_before_ms, found.wish.finish_before_ms) if ms is not None]
    for work in found.first:
        yield from relaxes_late(work.wish, min(left, default=None))
        yield from _window(work, found, min(left, default=None))
    yield from _pace(found, view.profile)


_BENT = {
    "every": ("interval-below-floor", "give an interval that is no shorter"),
    "cron": ("cron-as-interval", "give --every, and say in the handler what the hour must be"),
}


def coming(found: Recurring, until: int) -> list[int]:
    """Return its next occurrences, at most some dozens of them."""
    if isinstance(found.wish.timing.rule, Reboot):
        return []
    return list(islice(occurrences.between(found.wish.timing, found.zone, found.now, until), LOOKED_AT))


def pace_ms(found: Recurring, profile: Profile) -> int | None:
    """Return how many milliseconds lie between two of its next occurrences, taken together; None for fewer than two."""
    at = coming(found, found.now + 366 * DAY_MS)
    if len(at) < 2:
        return None
    pace = (at[-1] - at[0]) // (len(at) - 1)
    return pace if profile.work.min_interval_ms is None else max(pace, profile.work.min_interval_ms)


def _window(work: Work, found: Recurring, left: int | None) -> Iterator[Finding]:
    """Whether the window of its tasks is open when they are made, or opens before they expire."""
    asked, zone = work.wish.window, work.zone
    if asked is None or zone is None:
        return
    at = coming(found, found.now + AHEAD_MS)
    waits = [opening - each for each in at if (opening := opens_at(asked.window, zone, each)) is not None]
    if not waits:
        return
    late = [wait for wait in waits if left is not None and wait >= left]
    told = f"within {asked.told}"
    if late:
        code = "window-misses-schedule" if len(late) == len(waits) else "window-misses-some"
        said = f"{len(late)} of its next {len(waits)} occurrences expire before their tasks may begin"
        why = f"they may begin only {told}, and expire after {about(left or 0)}"
        yield Finding(code, said, why, "let it fire within the window, or give it later deadlines")
    elif min(waits) > 0:
        said = f"its tasks may begin only {told}, and wait {about(min(waits))} for that each time"
        yield Finding("window-delays", said, "it fires while that is closed", "let it fire within the window")


def _pace(found: Recurring, profile: Profile) -> Iterator[Finding]:
    """Whether it is done before it comes again."""
    takes, pace = found.each_ms, pace_ms(found, profile)
    if takes is None or pace is None or takes <= pace:
        return
    said = f"it comes every {about(pace)}, and usually takes {about(takes)}"
    match found.wish.overlap:
        case Overlap.SKIP:
            lost = takes // pace
            why = f"overlap is skip: about {lost} of {lost + 1} occurrences are skipped"
            yield Finding("occurrences-skipped", said, why, "let it come less often")
        case Overlap.REPLACE:
            why = "overlap is replace: what runs is cancelled each time, and is never done"
            yield Finding("overlap-never-ends", said, why, "let it come less often, or --overlap skip")
        case Overlap.QUEUE:
            why = "overlap is queue: they wait for each other, and become more and more"
            yield Finding("overlap-never-ends", said, why, "let it come less often, or --overlap skip")
        case Overlap.ALLOW:
            pass  # they run beside each other
