"""Requests: would iOS take those under which an app asks for time for this work?"""

from __future__ import annotations

from collections.abc import Iterator

from bgo.model.device import Tri, View
from bgo.model.finding import Finding
from bgo.model.lane import ViewKey
from bgo.policy.ios.requests import Fault, Scene, standing_for, submit

_WHY = {
    Fault.UNAVAILABLE: "Background App Refresh is off",
    Fault.TOO_MANY_PENDING: "as many as may wait do so already",
    Fault.NOT_PERMITTED: "the app has declared neither the background mode nor the identifier that it needs",
    Fault.IMMEDIATE_RUN_INELIGIBLE: "it cannot start now, and would rather fail than wait",
}


def lint(key: ViewKey, due_ms: int, view: View) -> Iterator[Finding]:
    """Yield a finding where iOS takes none of the requests; work in the foreground needs none."""
    profile = view.profile
    if profile.os != "ios" or key.traits.foreground:
        return
    scene = Scene(refresh_on=view.device.refresh.value is not Tri.NO)
    ids = () if profile.app is None else profile.app.permitted_ids
    asked = standing_for([(key, due_ms)], "app")
    answers = [submit((), one._replace(identifier=ids[0]) if ids else one, profile, scene) for one in asked]
    faults = [answer for answer in answers if isinstance(answer, Fault)]
    if len(faults) == len(answers) and faults:
        code = faults[0]
        said = f"iOS takes no request for it: error {code.value} ({code.name.lower().replace('_', ' ')})"
        fix = "switch it on" if code is Fault.UNAVAILABLE else "bgo profiles check ios --plist Info.plist"
        yield Finding("request-refused", said, _WHY[code], fix)
