"""What a schedule file says beside handler and input, turned into keywords of `flow.schedule`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from bgo.clock import from_datetime
from bgo.errors import UsageError
from bgo.flow import chain_words as words
from bgo.flow.chain_words import Context, Reader
from bgo.model.options import is_whole, shown
from bgo.model.schedule import MissedPolicy, Overlap
from bgo.model.words import did_you_mean

ABSOLUTE = "2026-12-24, or 2026-12-24T18:00 with an offset or in the schedule's tz"


def _missed(value: Any) -> str:
    said = words.text(value, "a policy such as 'skip'")
    MissedPolicy.of(said)
    return said


def _overlap(value: Any) -> str:
    said = words.text(value, "a policy such as 'queue'").strip().lower()
    if said not in set(Overlap):
        why = did_you_mean(said, Overlap) or "it says what happens while an earlier run is unfinished"
        raise UsageError(f"not a policy: {said!r:.60}", why=why, hint=f"try {', '.join(Overlap)}")
    return said


def _count(value: Any) -> int:
    if not is_whole(value, 1, 1_000_000_000):
        raise UsageError(f"not a number of runs: {shown(value)}", why="it is a whole number from 1 on", hint="try 10")
    return int(value)


def _instant(value: Any, context: Context) -> datetime:
    """Return an instant; one that counts from now is refused, for the file is read again."""
    when = _written(value)
    if when.tzinfo is None:
        when = when.replace(tzinfo=words.zone_of(context))
    try:
        is_past = from_datetime(when) < 0
    except (ValueError, OverflowError, OSError):
        is_past = True
    if is_past:
        raise UsageError(f"not a date: {when}", why="dates run from 1970 on", hint=f"try {ABSOLUTE}")
    return when


def _written(value: Any) -> datetime:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value.strip())
        except ValueError:
            why = "a file is read again, so it takes dates and times, and nothing that counts from now"
            raise UsageError(f"not a date: {value!r:.60}", why=why, hint=f"try {ABSOLUTE}") from None
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    raise words.wrong(value, "a date or a time")


def _deadline(value: Any) -> timedelta:
    try:
        return words.length(value)
    except UsageError as error:
        why = "it counts from the time that each run was due"
        raise UsageError(error.message, why=why, hint='start-before = "2h"') from None


TIMING: Mapping[str, Reader] = {
    "jitter": ("jitter", lambda v, c: words.length(v)),
    "missed": ("missed", lambda v, c: _missed(v)),
    "overlap": ("overlap", lambda v, c: _overlap(v)),
    "start": ("start", _instant),
    "end": ("end", _instant),
    "max_runs": ("max_runs", lambda v, c: _count(v)),
    "pause_after": ("pause_after", lambda v, c: _count(v)),
}
"""What a schedule has beside its rule, by its word in the file."""
NOT_HERE = ("delay", "at")
"""Options of a single task that say when it runs."""
OPTIONS: Mapping[str, Reader] = {
    **words.EACH,
    **{key: reader for key, reader in words.WHOLE.items() if key not in NOT_HERE},
    "start_before": ("start_before", lambda v, c: _deadline(v)),
    "finish_before": ("finish_before", lambda v, c: _deadline(v)),
}
"""What each run may have, by its word in the file."""
