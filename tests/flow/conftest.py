"""The program that is watched, on a store and a clock of the test's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import bgo
from tests.flow import watched


@pytest.fixture
def program(bgo_isolate: Callable[[bgo.TaskFlow], bgo.TaskFlow], monkeypatch: pytest.MonkeyPatch) -> bgo.TaskFlow:
    """Return the watched program's own flow."""
    monkeypatch.setattr(watched, "meanwhile", [])
    return bgo_isolate(watched.flow)
