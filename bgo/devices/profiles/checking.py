"""Whether a profile is one: its faults, from what is no TOML to what is said of the battery and cannot be."""

from __future__ import annotations

from pathlib import Path

from bgo.devices.profiles import lint
from bgo.devices.profiles.building import build, missing
from bgo.devices.profiles.lint import Finding
from bgo.devices.profiles.merging import Resolved, resolve
from bgo.errors import UsageError
from bgo.model.profile import Profile


def checked(name: str, folder: Path | None) -> Profile:
    """Return a profile without faults. Raises UsageError for the first fault, which says how many there are."""
    resolved = resolve(name, folder)
    found, faults = judged(resolved)
    if found is None:
        raise _first(faults, name)
    return found


def judged(resolved: Resolved) -> tuple[Profile | None, list[UsageError]]:
    """Return the profile, or None with its faults."""
    faults = resolved.faults or missing(resolved)
    if faults:
        return None, faults
    found = build(resolved)
    faults = [each.as_error() for each in lint.findings(found, resolved.said) if each.is_error]
    return (None, faults) if faults else (found, [])


def _first(faults: list[UsageError], name: str) -> UsageError:
    error = faults[0]
    if len(faults) == 1:
        return error
    more = f"{len(faults) - 1} more: bgo profiles check {name}"
    return UsageError(error.message, why=error.why, hint=f"{error.hint}; {more}")


__all__ = ["Finding", "checked", "judged"]
