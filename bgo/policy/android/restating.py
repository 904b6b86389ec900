"""Restating: somebody says since when a fact is so that is remembered as having been so all along."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from typing import Any

from bgo.model.android_state import AndroidState, Said
from bgo.model.profile import Profile
from bgo.policy.android import doze, facts, folding

_FIELDS = {"charging": "charging", "screen": "screen", "motion": "moving", "app": "app"}
"""The signals whose beginning counts for something, by their fields."""


def unlearnt(profile: Profile, state: AndroidState, said: Said, firm: Set[str], at: int) -> AndroidState:
    """Return the state at `at` as if, until then, the opposite had been so of each firm fact that is no news.

    What is folded next makes news of it.
    """
    state = folding.passed(profile, state, at)
    opposite = _opposite(said)
    same = {name: field for name, field in _FIELDS.items() if name in firm and field in opposite}
    same = {name: field for name, field in same.items() if getattr(said, field) == getattr(state.said, field)}
    if not same:
        return state
    usage, rest = state.usage, state.rest
    if "app" in same:
        usage = replace(usage, is_used=True)
    if "screen" in same and not facts.is_dark(said):
        usage = replace(usage, screen_at=None)
    if same.keys() & {"charging", "screen"} and rest.phase != "awake":
        rest = doze.woken(rest, "awake", at)
    if "motion" in same and not said.moving:
        rest = doze.moved(rest, at)
    before = replace(state.said, **{field: opposite[field] for field in same.values()})
    return replace(state, said=before, usage=usage, rest=rest)


def _opposite(said: Said) -> dict[str, Any]:
    """Return the opposite of each fact that has one."""
    found: dict[str, Any] = {"charging": not said.charging, "moving": not said.moving}
    if said.screen in ("yes", "no"):
        found["screen"] = "no" if said.screen == "yes" else "yes"
    if said.app != "unknown":
        found["app"] = "background" if said.app == facts.FOREGROUND else facts.FOREGROUND
    return found
