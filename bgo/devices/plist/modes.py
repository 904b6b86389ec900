"""UIBackgroundModes: what the app may do in the background at all.

https://developer.apple.com/documentation/bundleresources/information-property-list/uibackgroundmodes
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bgo.devices.plist.finding import Finding, kind_of
from bgo.model.profile import Profile
from bgo.model.words import did_you_mean

MODES = "UIBackgroundModes"
KNOWN = (
    *("audio", "bluetooth-central", "bluetooth-peripheral", "external-accessory", "fetch", "location"),
    *("nearby-interaction", "network-authentication", "newsstand-content", "processing", "push-to-talk"),
    *("remote-notification", "screen-capture", "voip"),
)
NEEDED = {"fetch": "refresh", "processing": "processing"}
"""Mode → what there is none of without it."""
CAPABILITY = {"fetch": "Background fetch", "processing": "Background processing"}


def modes(plist: Mapping[str, Any], profile: Profile) -> Iterator[Finding]:
    """Yield what is to be said of the modes: whether they are there for all that the profile gives time for."""
    listed = plist.get(MODES)
    if MODES not in plist:
        listed = []
    elif not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        yield Finding(
            "error", MODES, f"it is no list of texts, but {kind_of(listed)}", "iOS reads no mode from it",
            "write an array of strings: fetch, processing",
        )  # fmt: skip
        return
    for mode in _wanted(profile):
        if mode not in listed:
            yield _missing(mode)
    for one in dict.fromkeys(listed):
        if one not in KNOWN:
            near = did_you_mean(one.removeprefix("background-"), KNOWN)
            yield Finding("warning", MODES, f"no mode {one!r:.60}", near or f"there are {', '.join(KNOWN)}", "mend it")
    if "remote-notification" in listed:
        yield Finding(
            "note", MODES, "silent pushes wake the app two or three times an hour at most", "more are throttled",
            "https://developer.apple.com/documentation/backgroundtasks/choosing-background-strategies-for-your-app",
        )  # fmt: skip


def _wanted(profile: Profile) -> list[str]:
    """Return the modes that the app needs by what the profile says of it, or else of iOS."""
    said = profile.app.background_modes if profile.app is not None else ()
    given = {"fetch": profile.refresh is not None, "processing": profile.processing is not None}
    return list(said) or [mode for mode, is_given in given.items() if is_given]


def _missing(mode: str) -> Finding:
    switch = CAPABILITY.get(mode)
    fix = f"add <string>{mode:.40}</string> to {MODES}"
    if switch is None:
        return Finding("error", MODES, f"{mode!r:.60} is not listed", "the profile says that the app has it", fix)
    return Finding(
        "error",
        MODES,
        f"{mode!r} is not listed",
        f"without it there is no {NEEDED[mode]}: requests for it end with error 3, not permitted",
        f"{fix}; in Xcode: Signing & Capabilities, Background Modes, {switch}",
    )
