"""Whether a profile is one: its faults, from what is no TOML to what is said of the battery and cannot be."""

from __future__ import annotations

from bgo.devices.profiles import lint
from bgo.devices.profiles.building import build, missing
from bgo.devices.profiles.library import Where
from bgo.devices.profiles.lint import Finding
from bgo.devices.profiles.merging import Resolved, resolve
from bgo.errors import UsageError
from bgo.model.profile import Profile


def checked(name: str, where: Where) -> Profile:
    """Return a profile without faults. Raises UsageError for the first fault, which says how many there are."""
    return sound(resolve(name, where), name)


def sound(resolved: Resolved, name: str) -> Profile:
    """Return the profile, which may have no faults; `name` is what it was asked for by."""
    found, findings = examined(resolved)
    if found is None:
        error, more = findings[0].as_error(), sum(each.is_error for each in findings) - 1
        hint = error.hint if not more else f"{error.hint}; {more} more: bgo profiles check {name}"
        raise UsageError(error.message, why=error.why, hint=hint)
    return found


def examined(resolved: Resolved) -> tuple[Profile | None, list[Finding]]:
    """Return the profile, None where it has faults, and all that is to be said of it."""
    if faults := resolved.faults or missing(resolved):
        return None, [Finding.of(fault) for fault in faults]
    found = build(resolved)
    findings = lint.findings(found, resolved.said)
    return (None if any(each.is_error for each in findings) else found), findings
