"""BGTaskSchedulerPermittedIdentifiers: the names under which the app may ask for time.

https://developer.apple.com/documentation/bundleresources/information-property-list/bgtaskschedulerpermittedidentifiers
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bgo.devices.plist.finding import Finding, kind_of
from bgo.model.profile import Profile
from bgo.model.words import did_you_mean

IDS = "BGTaskSchedulerPermittedIdentifiers"
BUNDLE = "CFBundleIdentifier"
REFUSED = "a request under an identifier that is not listed ends with error 3, not permitted"


def identifiers(plist: Mapping[str, Any], profile: Profile) -> Iterator[Finding]:
    """Yield what is to be said of the identifiers: whether they can be used, and are those of the profile."""
    listed = plist.get(IDS)
    if not isinstance(listed, list) or not listed or not all(isinstance(one, str) for one in listed):
        yield _unusable(plist, listed)
        return
    for one in dict.fromkeys(listed):
        yield from _one(one, plist)
        if listed.count(one) > 1:
            yield Finding("warning", IDS, f"{one!r:.80} stands there twice", "one of them is for nothing", "delete one")
    yield from _against(listed, profile)


def _unusable(plist: Mapping[str, Any], listed: Any) -> Finding:
    if IDS not in plist:
        what = f"there is no {IDS}"
    elif listed == []:
        what = "no identifier is listed"
    else:
        what = f"it is no list of texts, but {kind_of(listed)}"
    bundle = plist.get(BUNDLE)
    prefix = bundle if isinstance(bundle, str) and bundle else "com.example.app"
    return Finding("error", IDS, what, REFUSED, f"list those that the app asks under, such as {prefix:.80}.refresh")


def _one(one: str, plist: Mapping[str, Any]) -> Iterator[Finding]:
    if one != one.strip() or not one or not one.isprintable():
        why = "it is compared letter for letter with that of the request: " + REFUSED
        yield Finding("error", IDS, f"{one!r:.80} has blanks about it, or is empty", why, "write it without them")
    elif one.endswith("*"):
        bundle = plist.get(BUNDLE)
        if isinstance(bundle, str) and "$(" not in bundle + one and not one.startswith(f"{bundle}."):
            yield Finding(
                "error",
                IDS,
                f"{one!r:.80} does not begin with {bundle:.80}",
                "an identifier with * is for continued work (iOS 26), and must begin with that of the app",
                f"write {bundle:.80}.NAME.*",
            )
    elif "." not in one and "$(" not in one:
        yield Finding(
            "warning",
            IDS,
            f"{one!r:.80} is not in reverse URL notation",
            "Apple asks for such names, so that no two parts of an app take the same",
            f"write com.example.{one:.60}",
        )


def _against(listed: list[str], profile: Profile) -> Iterator[Finding]:
    """Yield where the list and what the profile says of the app do not go together."""
    named = profile.app.permitted_ids if profile.app is not None else ()
    for one in named:
        if not any(_covers(entry, one) for entry in listed):
            near = did_you_mean(one, listed)
            yield Finding("error", IDS, f"{one!r:.80} is not listed", REFUSED, near or f"add {one:.80}")
    for entry in listed if named else ():
        if not any(_covers(entry, one) for one in named):
            yield Finding(
                "warning",
                IDS,
                f"{entry!r:.80} is listed, and {profile.name} does not say that the app asks under it",
                "every listed identifier needs a handler that is registered before the launch is over",
                "register one, or delete it from the list",
            )
    plain = {one for one in listed if not one.endswith("*")}
    if len(plain) == 1 and profile.refresh is not None and profile.processing is not None:
        yield Finding(
            "warning",
            IDS,
            "one identifier for both refresh and processing",
            "a request replaces the one that waits under the same identifier, so that one of the two never comes",
            "list one for each",
        )


def _covers(entry: str, identifier: str) -> bool:
    """Say whether an entry stands for an identifier; what Xcode puts in at build time may be anything."""
    parts = re.split(r"(\$\([^)]*\)|\*$)", entry)
    pattern = "".join(".*" if part == "*" or part.startswith("$(") else re.escape(part) for part in parts)
    return re.fullmatch(pattern, identifier) is not None
