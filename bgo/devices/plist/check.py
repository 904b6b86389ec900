"""The checks: identifiers, background modes, and what else in an Info.plist keeps background work from running.

Apple: https://developer.apple.com/documentation/uikit/using-background-tasks-to-update-your-app and, for each key,
https://developer.apple.com/documentation/bundleresources/information-property-list/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bgo.devices.plist.finding import LEVELS, Finding
from bgo.devices.plist.identifiers import IDS, identifiers
from bgo.devices.plist.modes import MODES, modes
from bgo.errors import UsageError
from bgo.model.profile import Profile

EXITS = "UIApplicationExitsOnSuspend"
LEAST_IOS = 13
"""BGTaskScheduler is there from here on."""


def findings(plist: Mapping[str, Any], profile: Profile) -> list[Finding]:
    """Return what is to be said of an app's plist under a profile of iOS, errors first.

    Raises UsageError for a profile of another platform.
    """
    if profile.os != "ios":
        raise UsageError(
            f"{profile.name} is no profile of ios",
            why="an Info.plist says what an app may do on iOS",
            hint="bgo profiles check ios --plist FILE",
        )
    found = [*_whose(plist), *identifiers(plist, profile), *modes(plist, profile), *_rest(plist), *_notes(plist)]
    return sorted(found, key=lambda one: LEVELS.index(one.level))


def _whose(plist: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield that this is not the plist of an app."""
    kind = plist.get("CFBundlePackageType")
    if "NSExtension" in plist or kind == "XPC!":
        yield Finding(
            "warning",
            "NSExtension",
            "this is the plist of an extension",
            "an extension may ask for time, but it is the app that is launched for it, and whose plist counts",
            "check the Info.plist of the app's own target",
        )
    elif isinstance(kind, str) and kind not in ("APPL", "$(PRODUCT_BUNDLE_PACKAGE_TYPE)"):
        yield Finding(
            "warning",
            "CFBundlePackageType",
            f"this is the plist of no app: {kind!r:.40}",
            "only an app's plist is asked for identifiers and modes",
            "check the Info.plist of the app's own target",
        )
    if "LSMinimumSystemVersion" in plist and not plist.get("LSRequiresIPhoneOS"):
        yield Finding(
            "warning",
            "LSMinimumSystemVersion",
            "this looks like the plist of a Mac app",
            "on macOS BackgroundTasks is there for Mac Catalyst alone",
            "check the plist of the iOS target",
        )


def _rest(plist: Mapping[str, Any]) -> Iterator[Finding]:
    if plist.get(EXITS) is True:
        yield Finding(
            "error",
            EXITS,
            "the app ends as soon as it leaves the screen",
            "there is no grace after it, and nothing in the background is its",
            f"delete {EXITS}, or set it to NO",
        )
    least = plist.get("MinimumOSVersion")
    major = re.match(r"(\d{1,6})(\.|$)", least) if isinstance(least, str) else None
    if major is not None and int(major[1]) < LEAST_IOS:
        yield Finding(
            "warning",
            "MinimumOSVersion",
            f"the app runs from iOS {least[:20] if isinstance(least, str) else ''} on",
            f"before iOS {LEAST_IOS} there is no BGTaskScheduler: there nothing of this runs",
            f"ask for iOS {LEAST_IOS}, or do without it where it is not there",
        )


def _notes(plist: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what no plist can mend, and what its users see as work that never runs."""
    listed = plist.get(MODES)
    if IDS in plist and isinstance(listed, list) and "fetch" in listed:
        yield Finding(
            "note",
            IDS,
            "the old way of background fetch is switched off",
            "from iOS 13 on this key disables performFetchWithCompletionHandler and setMinimumBackgroundFetchInterval",
            "ask for time by BGTaskScheduler alone",
        )
    yield Finding(
        "note",
        "",
        "users can switch Background App Refresh off, for all apps or for this one",
        "then every request ends with error 1, unavailable; in Low Power Mode it is off, too",
        "look at UIApplication.shared.backgroundRefreshStatus, and say so in the app",
    )
    yield Finding(
        "note",
        "",
        "the Simulator cannot schedule background tasks",
        "there every request ends with error 1, unavailable",
        "try it on a device, or ask bgo simulate --profile ios",
    )
