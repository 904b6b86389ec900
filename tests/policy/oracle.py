"""Another reading of cron: random expressions around changes of the clock, told by cronsim, compared with ours.

cronsim claims to be Debian's cron. Where it is not, the difference must be proven from the expression alone: see
`_explained`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim

from bgo.errors import UsageError
from bgo.model.cron import CronSchedule
from bgo.model.schedule import Cron, Timing
from bgo.policy.occurrences import next_after
from bgo.policy.window import offset_ms

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
FIRES = 12
ZONES = {
    "UTC": 2020,
    "Asia/Kolkata": 2020,
    "Europe/Berlin": 1996,
    "America/New_York": 1996,
    "Australia/Lord_Howe": 1996,
    "Pacific/Apia": 2010,
    "Asia/Tehran": 1996,
    "Africa/Cairo": 1996,
    "America/Sao_Paulo": 1996,
    "America/Santiago": 1996,
    # Until 2011 the clock changed at 00:01 there: back to 23:01 of the day before, where cronsim never ends.
    "America/St_Johns": 2012,
    "Africa/Casablanca": 1996,
    "America/Nuuk": 1996,
}
"""Where, and from which year on."""
SKIPS_HOURS = {
    "Australia/Lord_Howe": "its clock changes by half an hour: cronsim goes on by whole hours, past the next full one",
    "Pacific/Apia": "it left out 2011-12-30, whose midnight cronsim takes for a time that was",
    "Asia/Tehran": "its gap begins at midnight, which cronsim takes for a time that was",
    "Africa/Cairo": "as Tehran",
    "Africa/Casablanca": "as Tehran, until 2011",
    "America/Sao_Paulo": "as Tehran",
    "America/Santiago": "as Tehran",
}
"""Why cronsim steps wrongly there with expressions that follow real time. Those that name wall times it reads as we."""


@lru_cache
def changes(name: str, from_year: int, until_year: int = 2031) -> tuple[int, ...]:
    """Return the instants at which the zone's clock changes."""
    zone, found = ZoneInfo(name), []
    at = _year(from_year)
    while at < _year(until_year):
        before, after = at, at + DAY // 2
        if offset_ms(zone, before) != offset_ms(zone, after):
            while after - before > 1000:
                middle = (before + after) // 2000 * 1000
                same = offset_ms(zone, middle) == offset_ms(zone, before)
                before, after = (middle, after) if same else (before, middle)
            found.append(after)
        at += DAY // 2
    return tuple(found)


def _year(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=ZoneInfo("UTC")).timestamp()) * 1000


def expression(rng: random.Random) -> str:
    """Return an expression of our grammar that favours the hours in which clocks change."""
    late = rng.choice([(0, 23), (0, 3), (0, 3), (22, 23)])
    return " ".join(
        (
            _field(rng, 0, 59, 0.15),
            _field(rng, *late, 0.25),
            _field(rng, 1, 31, 0.6),
            _field(rng, 1, 12, 0.75),
            _field(rng, 0, 7, 0.5),
        )
    )


def _field(rng: random.Random, low: int, high: int, star: float) -> str:
    if rng.random() < star:
        return "*"
    return ",".join(_item(rng, low, high) for _ in range(rng.choice((1, 1, 1, 2, 3))))


def _item(rng: random.Random, low: int, high: int) -> str:
    first = rng.randint(low, high)
    last, step = rng.randint(first, high), rng.randint(1, 6)
    forms = [str(first)] * 3 + [f"*/{step}", f"{first}-{last}", f"{first}-{first}", f"{first}/{step}"]
    if first < last:  # N-N/S is N; cronsim reads it as N/S
        forms.append(f"{first}-{last}/{step}")
    return rng.choice(forms)


def theirs(text: str, zone: ZoneInfo, start: int) -> list[int]:
    """Return cronsim's next occurrences after an instant."""
    fires = CronSim(text, datetime.fromtimestamp(start / 1000, zone))
    return [int(fire.timestamp() * 1000) for fire in islice(fires, FIRES)]


def ours(schedule: CronSchedule, zone: ZoneInfo, start: int) -> list[int]:
    """Return our next occurrences after an instant."""
    timing = Timing(Cron(schedule.text, schedule.fields), str(zone))
    found: list[int] = []
    while len(found) < FIRES and (at := next_after(timing, zone, found[-1] if found else start)) is not None:
        found.append(at)
    return found


def compared(seed: int, each: int, zones: dict[str, int] = ZONES) -> Iterator[tuple[str, str]]:
    """Yield for each of `each` expressions per zone what it was and how it compares: `same`, a reason, or the fault."""
    rng = random.Random(seed)
    for name, from_year in zones.items():
        zone = ZoneInfo(name)
        around = changes(name, from_year) or (_year(from_year + 5),)
        for _ in range(each):
            text = expression(rng)
            try:
                schedule = CronSchedule(text)
            except UsageError as error:
                assert "never fire" in error.hint, text
                continue
            # Not within two passes of an hour: there cronsim starts anew at the first.
            start = rng.choice(around) - rng.choice((6, 30, 54)) * HOUR
            start -= start % MINUTE
            a, b = ours(schedule, zone, start), theirs(text, zone, start)
            what = f"{text} in {name} after {datetime.fromtimestamp(start / 1000, zone)}"
            yield what, "same" if a == b else _explained(schedule, zone, (a, b))


def _explained(schedule: CronSchedule, zone: ZoneInfo, found: tuple[list[int], list[int]]) -> str:
    """Return why two lists of occurrences differ, by the first that does.

    An expression that follows real time fires at each minute whose wall reading fits, and only then. So of the two
    answers one is wrong by the wall reading of the earlier instant; which fields fit is asked from cronsim.
    """
    a, b = next((pair for pair in zip(*found, strict=False) if pair[0] != pair[1]), (0, 0))
    wall = datetime.fromtimestamp(min(a, b) / 1000, zone)
    sim = CronSim(schedule.text, wall)
    fits = wall.minute in sim.minutes and wall.hour in sim.hours and wall.month in sim.months
    fits = fits and sim.match_day(wall.date())
    reason = SKIPS_HOURS.get(str(zone), "")
    if reason and not schedule.fields.is_fixed and a and fits == (a < b):
        return reason
    said = [[str(datetime.fromtimestamp(at / 1000, zone)) for at in each] for each in found]
    return f"UNEXPLAINED: ours {said[0]}, cronsim's {said[1]}"
