"""Requests that iOS would not take, told by the linter."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bgo.devices.profiles import profile
from bgo.model.device import DeviceState, Reading, Tri, View
from bgo.model.lane import Traits, ViewKey
from bgo.model.options import NO_CONSTRAINTS, TaskConstraints
from bgo.model.profile import Profile
from bgo.policy.lint import requests

IOS = profile("ios")
PLAIN, AT_REST = (
    ViewKey("default", "work", NO_CONSTRAINTS),
    ViewKey("default", "work", TaskConstraints(device_idle=True)),
)
NO_REFRESH = DeviceState(refresh=Reading(Tri.NO, "test"))


def told(key: ViewKey, of: Profile = IOS, device: DeviceState = DeviceState()) -> list[str]:
    return [found.said for found in requests.lint(key, 0, View(of, device))]


def declaring(*modes: str, ids: tuple[str, ...] = ()) -> Profile:
    assert IOS.app is not None
    return replace(IOS, app=replace(IOS.app, background_modes=modes, permitted_ids=ids))


def test_nothing_is_said_of_what_it_takes() -> None:
    assert told(PLAIN) == told(AT_REST) == []
    assert told(PLAIN, profile("android")) == []
    assert told(PLAIN, declaring("processing", ids=("com.example.sync",))) == []


def test_work_at_rest_needs_its_mode() -> None:
    assert told(AT_REST, declaring("fetch")) == ["iOS takes no request for it: error 3 (not permitted)"]
    assert told(PLAIN, declaring("fetch")) == [], "it gets a refresh"


@pytest.mark.parametrize("key", [PLAIN, AT_REST])
def test_nothing_is_taken_while_the_refresh_is_off(key: ViewKey) -> None:
    assert told(key, device=NO_REFRESH) == ["iOS takes no request for it: error 1 (unavailable)"]


def test_work_in_the_foreground_asks_for_nothing() -> None:
    assert (
        told(PLAIN.__class__("default", "work", NO_CONSTRAINTS, traits=Traits(foreground="continued")), declaring("x"))
        == []
    )
