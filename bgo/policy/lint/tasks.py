"""Rules about one task: its wish against the clock, the device, the profile, and how long its runs usually take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import tzinfo

from bgo.model.device import View
from bgo.model.finding import Finding
from bgo.model.lane import PLAIN, Traits
from bgo.model.options import TaskConstraints
from bgo.model.task import Wish
from bgo.model.window import ZonedWindow
from bgo.policy import device, fit, relax, retry
from bgo.policy.lint import about
from bgo.policy.window import next_edge, opens_at

TIGHT = 0.8
"""A run that usually takes this part of its timeout is close to being killed."""


@dataclass(frozen=True, slots=True)
class Work:
    """A task as a linter looks at it: one that waits, or one that a schedule makes."""

    wish: Wish
    due_at: int
    """When it may begin first, but for its window; UTC milliseconds."""
    created_at: int
    traits: Traits = PLAIN
    zone: tzinfo | None = None
    """The zone of its window; None where this computer does not know it."""
    expires_at: int | None = None
    input_bytes: int | None = None
    usual_ms: int | None = None
    """How long runs under its name take, as a rule; None: unknown."""
    delayed: bool = False
    """It was put off when it was enqueued."""


def lint(work: Work, view: View) -> Iterator[Finding]:
    """Yield what is wrong with it under this view, the worst not always first."""
    yield from _fits(work, view)
    yield from _times(work)
    yield from _promised(work, view)
    yield from _lasts(work, view)
    yield from relaxes_late(work.wish, None if work.expires_at is None else work.expires_at - work.created_at)
    asks = relax.asked(work.wish, work.created_at, max(work.created_at, work.due_at))
    yield from sensed(fit.enforceable(asks, view.profile), view)


def _fits(work: Work, view: View) -> Iterator[Finding]:
    profile, size = view.profile, work.input_bytes
    traits = work.traits if size is None else work.traits._replace(payload=0)
    found = fit.fitted(work.wish, traits, profile, delayed=work.delayed)
    sized = None if size is None else fit.payload(size, profile)
    for refusal in (*found.refusals, *(() if sized is None else (sized,))):
        yield Finding("refused", f"{refusal.current}; it needs {refusal.needed}", refusal.why, refusal.hint)
    for change in found.changes:
        code = _CHANGED.get(change.what, "not-enforced")
        yield Finding(code, f"{change.what}: {change.asked} becomes {change.given}", change.why, _FIXES[code])
    warn = profile.work.data_warn_bytes
    if size is not None and warn is not None and sized is None and size >= warn:
        most = profile.work.data_max_bytes
        limit = "" if most is None else f" of {most:,}"
        why = f"{profile.name} counts in its own way, and may count more"
        yield Finding("input-near-cap", f"{size:,}{limit} bytes of input", why, "put the data into a file")


_CHANGED = {
    "timeout": "timeout-above-cap",
    "retry delay": "backoff-bent",
    "retry max": "backoff-bent",
    "expedited": "not-expedited",
}
_FIXES = {
    "timeout-above-cap": "give a shorter --timeout, and let the handler go on from a checkpoint",
    "backoff-bent": "give --retry delays within the bounds",
    "not-expedited": "leave --expedited out",
    "not-enforced": "look at it in the handler, and ask to be retried",
}


def _times(work: Work) -> Iterator[Finding]:
    """Whether its window opens, and before its deadline."""
    earliest: int | None = work.due_at
    if (asked := work.wish.window) is not None:
        if work.zone is None:
            why, fix = f"nobody can tell when {asked.told} is", "pip install --upgrade tzdata, or another --tz"
            yield Finding("zone-unknown", f"this computer has no time zone {asked.zone}", why, fix)
            return
        earliest = opens_at(asked.window, work.zone, work.due_at)
        if earliest is None:
            why = "no such time comes within a year"
            yield Finding("window-never-opens", f"window {asked.told}", why, "give another --window")
            return
        yield from _stays_open(work, asked, earliest)
    if work.expires_at is None or earliest is None:
        return
    if earliest >= work.expires_at:
        late = about(earliest - work.expires_at)
        what = "its window opens" if work.wish.window is not None else "it is due"
        why = f"{what} {late} after its deadline" if late != "0s" else f"{what} at its deadline"
        yield Finding("deadline-impossible", "it expires before it may begin", why, "give a later deadline")
    elif work.wish.finish_before is not None:
        yield from _finishes(work, work.wish.finish_before - earliest)


def _stays_open(work: Work, asked: ZonedWindow, opening: int) -> Iterator[Finding]:
    """Whether a window that stops its runs is open for as long as they take, the next time that it opens anew."""
    usual, zone = work.usual_ms, work.zone
    if not work.wish.window_strict or usual is None or zone is None:
        return
    closing = next_edge(asked.window, zone, opening)
    fresh = None if closing is None else opens_at(asked.window, zone, closing)
    end = None if fresh is None else next_edge(asked.window, zone, fresh)
    if fresh is not None and end is not None and usual > end - fresh:
        said = f"its runs usually take {about(usual)}, and its window {asked.told} is open for {about(end - fresh)}"
        fix = "give a longer --window, leave --window-strict out, or let the handler go on from a checkpoint"
        yield Finding("window-too-short", said, "it is strict: they are stopped when it closes, and begin anew", fix)


def _promised(work: Work, view: View) -> Iterator[Finding]:
    """Whether it has a deadline on a platform that may give no time before it."""
    left = (work.expires_at or 0) - work.due_at
    if view.profile.os == "ios" and left > 0 and not work.traits.foreground:
        why = f"{view.profile.name} gives time when it likes, and may give none before its deadline"
        yield Finding("no-promise", f"it expires after {about(left)}", why, "give it days")


def _finishes(work: Work, left: int) -> Iterator[Finding]:
    """Whether there is time enough for a run, and for all of its attempts."""
    usual, policy = work.usual_ms, work.wish.retry
    if usual is not None and usual > left:
        said = f"it usually takes {about(usual)}, and {about(left)} are left"
        yield Finding("deadline-tight", said, "finish-before counts from its first possible start", "give it more time")
        return
    spent, attempt = usual or 0, 1
    while attempt < policy.max_attempts:
        spent += retry.bounds_ms(policy, attempt)[0] + (usual or 0)
        if spent > left:
            said = f"at most {attempt} of {policy.max_attempts} attempts come before its deadline"
            why = f"the delays between them leave no time for more within {about(left)}"
            yield Finding("retries-past-deadline", said, why, "give shorter --retry delays, or a later deadline")
            return
        attempt += 1


def _lasts(work: Work, view: View) -> Iterator[Finding]:
    """Whether its runs are short enough for the platform, and for its own timeout."""
    usual, profile = work.usual_ms, view.profile
    if usual is None:
        return
    told, cap, hard = (
        f"its runs usually take {about(usual)}",
        fit.run_cap(work.traits, profile),
        work.wish.timeout.hard_ms,
    )
    longest = max((t.run_max_ms for t in (profile.refresh, profile.processing) if t is not None), default=None)
    cap = longest if cap is None else cap
    if cap is not None and usual > cap:
        why = f"{profile.name} ends them after {about(cap)}"
        yield Finding("runs-too-long", told, why, "do less in one run: checkpoints, a chain, or a batch of small tasks")
    elif hard is not None and usual > hard * TIGHT:
        yield Finding("timeout-tight", told, f"they are killed after {about(hard)}", "give a longer --timeout")
    elif profile.refresh is not None and usual > profile.refresh.run_max_ms:
        why = (
            f"an app refresh ends after {about(profile.refresh.run_max_ms)}: it runs only while nobody uses the device"
        )
        yield Finding("processing-only", told, why, "do less in one run, or accept it")


def relaxes_late(wish: Wish, left: int | None) -> Iterator[Finding]:
    """Yield a finding for the first step of relax that comes when the task has expired. `left`: from its creation."""
    for step in wish.relax if left is not None else ():
        if left is not None and step.after_ms >= left:
            said = f"relax after {about(step.after_ms)}, but it expires after {about(left)}"
            why = "a step counts from its creation, and this one never comes"
            yield Finding("relax-too-late", said, why, "relax sooner, or give a later deadline")
            return


class _All(frozenset[str]):
    """Every gate there is and will be."""

    def __contains__(self, name: object) -> bool:
        return True


def sensed(asks: TaskConstraints, view: View) -> Iterator[Finding]:
    """Yield a finding for each constraint of which nobody here knows whether it is met."""
    strict, lenient = _judged(view, frozenset()), _judged(view, _All())
    for as_is, bad, good in zip(
        device.asked(asks, view), device.asked(asks, strict), device.asked(asks, lenient), strict=True
    ):
        if bad.is_open == good.is_open:
            continue
        said = f"{as_is.gate}: {bad.current}; needs {as_is.needed}"
        name = view.profile.name
        if as_is.is_open:
            yield Finding(
                "unknown-passes", said, f"{name} lets the unknown pass", "unknown_passes in a profile of yours"
            )
        else:
            yield Finding("not-sensed", said, f"{name} holds what is unknown", as_is.lift)


def _judged(view: View, passes: frozenset[str]) -> View:
    return replace(view, profile=replace(view.profile, unknown_passes=passes))
