"""The play that was asked for: which work, under which profiles, on which device, with how many seeds."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from bgo import compose
from bgo.clock import from_datetime
from bgo.devices.names import is_sensed
from bgo.errors import UsageError
from bgo.model.device import DeviceChange, DeviceState, Facts, facts_of
from bgo.model.options import Duration, is_whole, shown, to_ms
from bgo.run.plays import PLAYS, Part, Play
from bgo.run.simulator import WEEK_MS, SimOptions, floor_to_minute, simulate

if TYPE_CHECKING:
    from bgo.flow.running import Running
    from bgo.flow.scenario_file import Scenario
    from bgo.model.handler import Catalogue
    from bgo.model.profile import Profile
    from bgo.run.timeline import Timeline
    from bgo.store.sqlite import SqliteStore

SCENARIO_SLOTS = 4
"""A scenario plays the same on every computer: its slots do not hang on the cores of this one."""
MOST_PLAYS = 1_000
MOST_SEED = 1 << 62
Progress = Callable[[float], None]
"""Hears which part of the whole is done, from 0 to 1."""


class PlayOptions(TypedDict, total=False):
    """What `flow.play` takes; what is left out is as the scenario says, or as usual."""

    scenario: str | os.PathLike[str]
    """A file with the work to be played, in place of what is queued here."""
    profile: str
    """Whose rules: the name of a profile, or a file; default: that of the settings."""
    compare: str
    """Another profile, played as well."""
    device: str | Sequence[str]
    """A day that comes with bgo, a script's file, or the lines of a script; default: as it is sensed now."""
    facts: Facts | DeviceState | None
    """What is so all the time, whatever the script says."""
    start: datetime | int
    """The first instant (UTC milliseconds, or a datetime); default: the minute that has begun."""
    for_: Duration
    """How much time to play; default: a week."""
    seed: int
    """Repeats what chance decides; default: 1."""
    slots: int
    plays: int
    """So many seeds, from `seed` on; default: 20 under a profile that promises no times (iOS), else one."""
    on_progress: Progress


class _Asked(NamedTuple):
    """What is to be played, with all that was left out."""

    scenario: Scenario | None
    profiles: tuple[str, ...]
    device: str | tuple[str, ...] | None
    facts: Facts
    start_ms: int
    for_ms: int
    seed: int
    slots: int | None
    plays: int | None


def play(flow: Running, said: PlayOptions) -> Play:
    """Play it. Raises UsageError for what cannot be played, and what the readers of scenarios and scripts raise."""
    asked = _asked(flow, said)
    profiles = [compose.profile(replace(flow.settings, profile=name)) for name in asked.profiles]
    counts = [asked.plays or (PLAYS if profile.os == "ios" else 1) for profile in profiles]
    tell = _Told(said.get("on_progress"), sum(counts), asked.start_ms, asked.for_ms)
    store, catalogue = _work(flow, asked.scenario)
    slots = flow.settings.slots if asked.scenario is None else SCENARIO_SLOTS
    try:
        parts = []
        for profile, count in zip(profiles, counts, strict=True):
            options = _options(flow, asked, profile)
            seeds = [replace(options, seed=asked.seed + number) for number in range(count)]
            played: list[Timeline] = [simulate(store, catalogue, slots, each, tell.next()) for each in seeds]
            parts.append(Part(profile.name, tuple(played)))
        return Play(tuple(parts))
    finally:
        if asked.scenario is not None:
            store.close()


def _asked(flow: Running, said: PlayOptions) -> _Asked:
    """Return what is said, over what the scenario says, over what is usual. `--profile` is said; a profile of the
    environment or the config file is usual."""
    start = said.get("start")
    start_ms = from_datetime(start) if isinstance(start, datetime) else start
    scenario = None
    if "scenario" in said:
        from bgo.flow.scenario_file import load

        scenario = load(said["scenario"], flow.clock, flow.settings.windows, start_ms)
        start_ms = scenario.start_ms
    usual: PlayOptions = {"profile": flow.settings.profile, "seed": 1}
    if scenario is not None:
        usual |= _of_file(scenario)
    if flow.settings.origins.get("profile") == "--profile":
        usual["profile"] = flow.settings.profile
    found: PlayOptions = {**usual, **said}
    if not is_whole(found["seed"], 0, MOST_SEED):
        raise UsageError(
            f"seed: {shown(found['seed'])} is out of range", why=f"it is from 0 to {MOST_SEED}", hint="seed=1"
        )
    plays, facts = found.get("plays"), facts_of(found.get("facts"))
    device = found.get("device") or (None if is_sensed(facts.device) else facts.device or None)
    if plays is not None and not is_whole(plays, 1, MOST_PLAYS):
        raise UsageError("how many plays?", why=f"there are from 1 to {MOST_PLAYS:,}", hint=f"plays={PLAYS}")
    return _Asked(
        scenario,
        (found["profile"], found["compare"]) if "compare" in found else (found["profile"],),
        device if device is None or isinstance(device, str) else tuple(device),
        facts,
        floor_to_minute(flow.clock.now_ms()) if start_ms is None else start_ms,
        to_ms(found["for_"], "for", minimum=1) if "for_" in found else WEEK_MS,
        found["seed"],
        found.get("slots"),
        plays,
    )


def _of_file(scenario: Scenario) -> PlayOptions:
    """Return what a scenario says of its play; files that it names lie beside it."""
    found: PlayOptions = {}
    if scenario.profile is not None:
        found["profile"] = _beside(scenario, scenario.profile)
    if scenario.compare is not None:
        found["compare"] = _beside(scenario, scenario.compare)
    if scenario.device is not None:
        found["device"] = scenario.device
    if scenario.for_ms is not None:
        found["for_"] = timedelta(milliseconds=scenario.for_ms)
    if scenario.seed is not None:
        found["seed"] = scenario.seed
    if scenario.slots is not None:
        found["slots"] = scenario.slots
    if scenario.plays is not None:
        found["plays"] = scenario.plays
    return found


def _beside(scenario: Scenario, word: str) -> str:
    """Return a profile's name, or where its file lies."""
    is_path = os.sep in word or word.endswith(".toml")
    return os.path.join(scenario.folder, os.path.expanduser(word)) if is_path else word


def _work(flow: Running, scenario: Scenario | None) -> tuple[SqliteStore, Catalogue | None]:
    """Return the store that is played, and the handlers that there are (None: all)."""
    if scenario is None:
        return flow.store, flow.catalogue()
    from bgo.flow.scenario import stage

    return stage(scenario, flow.settings), None


def _options(flow: Running, asked: _Asked, profile: Profile) -> SimOptions:
    found = SimOptions(
        asked.start_ms, asked.for_ms, asked.seed, asked.slots, _device(flow, asked, profile), profile=profile
    )
    if asked.scenario is None:
        return replace(found, is_ahead=asked.start_ms > flow.clock.now_ms())
    return replace(found, durations=asked.scenario.takes, failures=asked.scenario.fails)


def _device(flow: Running, asked: _Asked, profile: Profile) -> tuple[DeviceChange, ...]:
    """Return the device as facts tell it, where they leave it open the script, and where that never speaks what a
    worker would read here; of a scenario, which plays the same everywhere, nothing is read here."""
    from bgo.devices.sources import Ground, play

    settings, is_made_up = flow.settings, asked.scenario is not None
    ground = Ground(flow._survey, flow.clock.now_ms, settings.sensors, profile, settings.assume)
    if is_made_up:
        ground = replace(ground, env={}, is_made_up=True)
    return play(asked.facts, None if asked.device is None else _script(asked, profile), asked.start_ms, ground)


def _script(asked: _Asked, profile: Profile) -> tuple[DeviceChange, ...]:
    from bgo.devices.traces import built_in, parse_trace, read_trace

    until = asked.start_ms + asked.for_ms
    name = "the script" if asked.scenario is None else f"{asked.scenario.name}, device"
    if isinstance(asked.device, str):
        path, scenario = asked.device, asked.scenario
        if scenario is not None and path == scenario.device and path not in built_in():
            path = os.path.join(scenario.folder, os.path.expanduser(path))
        return read_trace(path, asked.start_ms, until_ms=until, marks=profile.battery)
    lines = "\n".join(asked.device or ())
    return parse_trace(lines, name, asked.start_ms, until_ms=until, marks=profile.battery)


class _Told:
    """Makes one progress of those of all plays."""

    def __init__(self, tell: Progress | None, plays: int, start_ms: int, for_ms: int) -> None:
        self._tell, self._plays, self._start, self._length = tell, plays, start_ms, for_ms
        self._begun = 0

    def next(self) -> Callable[[int], None] | None:
        """Return what the next play is to tell its instants to."""
        tell, before = self._tell, self._begun
        self._begun += 1
        if tell is None:
            return None
        return lambda at: tell((before + (at - self._start) / self._length) / self._plays)
