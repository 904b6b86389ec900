"""Signals in words: what a script's line, a flag and `BGO_DEVICE` may say of the device, and how each is read.

    charging=no battery=12 network=metered idle=no storage_low=no screen=on wifi=Home app=background lock=locked

A signal that is said holds as it is: a level without a past counts as having been there for long.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace

from bgo.devices.readings import SIGNALS
from bgo.errors import UsageError
from bgo.model.device import DeviceState, Reading
from bgo.model.platform import PlatformState
from bgo.model.profile import Battery
from bgo.model.words import did_you_mean
from bgo.policy import battery

VARIABLE, NOW = "BGO_DEVICE", "as sensed now"


def pairs(words: Iterable[str]) -> dict[str, str]:
    """Return `key=value` words as a table. Raises UsageError for another word, and for a key that comes twice."""
    found: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"not a signal: {word!r:.60}", why="a signal reads: charging=yes", hint="give key=value")
        if key in found:
            raise UsageError(f"{key!r:.60} is said twice", why="one of them would be lost", hint="keep one of them")
        found[key] = value
    return found


def changed(state: DeviceState, words: Mapping[str, str], source: str, at_ms: int | None = None) -> DeviceState:
    """Return the state once these signals are said; `source` is where. Raises UsageError for what cannot be read.

    Another network has another name, or none, until one is said. What nobody has touched for some time goes on so from
    `at_ms`; without that it is said to be so all the time.
    """
    for key, word in words.items():
        if key not in SIGNALS:
            raise UsageError(
                f"unknown signal {key!r:.60}",
                why=did_you_mean(key, SIGNALS) or f"the signals are {', '.join(SIGNALS)}",
                hint="write charging=yes",
            )
        value = SIGNALS[key](key, word, source)
        if key == "wifi":
            continue
        if key == "network" and "wifi" not in words and value.kind is state.network.kind:
            value = replace(value, name=state.network.name)
        elif key == "unused" and value.ms:
            value = replace(value, at_ms=at_ms)
        state = replace(state, **{key: value})
    if "wifi" in words:
        state = replace(state, network=replace(state.network, name=SIGNALS["wifi"]("wifi", words["wifi"], source)))
    return state


def settled(
    state: DeviceState, before: PlatformState, marks: Battery = battery.USUAL
) -> tuple[DeviceState, PlatformState]:
    """Return the state with its battery said to be low or not, and what a later level is to be judged by."""
    if not battery.is_folded(state):
        return state, battery.step(before, state, marks)
    return replace(state, battery_low=battery.reading(state, before, marks)), battery.step(before, state, marks)


def said(words: Mapping[str, str], source: str, marks: Battery = battery.USUAL) -> DeviceState:
    """Return the state of a device of which only this is said, for so long that no past counts."""
    return settled(changed(DeviceState(), words, source), PlatformState(), marks)[0]


def assumed(words: Mapping[str, str]) -> DeviceState:
    """Return what `[assume]` says. Raises UsageError for what cannot be read, and for a network's name."""
    if "wifi" in words:
        why = "where it is unknown, nobody knows its cost either"
        raise UsageError("wifi is not assumed", why=why, hint="assume the network: network=unmetered")
    return said(words, "[assume]")


def remarked(state: DeviceState, marks: Battery) -> DeviceState:
    """Return what words say of a device, its battery judged by other marks."""
    if state.battery.percent is None or marks == battery.USUAL:
        return state
    return settled(replace(state, battery_low=Reading()), PlatformState(), marks)[0]


def by_flags(flags: Mapping[str, str], more: Iterable[str]) -> DeviceState:
    """Return what flags say, each being its own source, and `key=value` words of `--signal`, none of them twice."""
    words = pairs(more)
    sources = {key: "--" + key.replace("_", "-") for key in flags} | {key: f"--signal {key}" for key in words}
    if twice := sorted(flags.keys() & words.keys()):
        hint = f"keep --{twice[0].replace('_', '-')}, and leave {sources[twice[0]]} out"
        raise UsageError(f"{twice[0]} is said twice", why="it has a flag of its own", hint=hint)
    found = DeviceState()
    for key, word in sorted({**flags, **words}.items(), key=lambda pair: pair[0] == "wifi"):  # a network has its name
        found = changed(found, {key: word}, sources[key])
    return settled(found, PlatformState())[0]


def from_environment(text: str, marks: Battery = battery.USUAL) -> DeviceState:
    """Return what the words of `BGO_DEVICE` say. Raises UsageError that names the variable."""
    try:
        return said(pairs(text.split()), VARIABLE, marks)
    except UsageError as error:
        raise UsageError(f"BGO_DEVICE: {error.message}", why=error.why, hint=error.hint) from None


_USUAL = DeviceState()


def spoken_of(state: DeviceState) -> frozenset[str]:
    """Return the fields of which something is said, be it that they are unknown.

    Whether a battery is low goes with its level.
    """
    found = {f.name for f in fields(DeviceState) if getattr(state, f.name) != getattr(_USUAL, f.name)}
    return frozenset(found | {"battery_low"} if "battery" in found else found)


def over(above: DeviceState, below: DeviceState, names: Iterable[str] | None = None) -> DeviceState:
    """Return what either says; where both do, `above` counts. `names` are the fields that are its own in any case.

    Of a network of which only the name is said, the kind stays.
    """
    own = spoken_of(above) if names is None else names
    found = {name: getattr(above, name) for name in own}
    if "network" in found and above.network == replace(_USUAL.network, name=above.network.name):
        found["network"] = replace(below.network, name=above.network.name or below.network.name)
    return replace(below, **found)


def at_start(state: DeviceState, start_ms: int) -> DeviceState:
    """Return what is sensed now as what is so at the start of a play, whenever that is."""
    if state.unused.at_ms is None:
        return state
    return replace(state, unused=replace(state.unused, at_ms=start_ms))


MOMENTARY = frozenset({"load", "unused"})
"""What is sensed of these says nothing of a day: it is another at every look."""


def _is_fixed(source: str) -> bool:
    """Say whether what comes from there is the same at each reading."""
    return source == VARIABLE or source.startswith("profile ")


def as_sensed_now(state: DeviceState) -> DeviceState:
    """Return what is sensed as it counts for a whole script, with one source for all that sensors say: they tell more
    than a value, such as free bytes, and that would make two answers differ which mean the same.
    """
    found = {name: getattr(state, name) for name in spoken_of(state)}
    told = {
        name: getattr(_USUAL, name) if name in MOMENTARY else replace(value, source=NOW)
        for name, value in found.items()
        if not _is_fixed(value.source)
    }
    return replace(state, **told)
