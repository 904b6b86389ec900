"""The program under test, isolated as its own tests would isolate it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import bgo
from tests.testing import shop


@pytest.fixture
def flow(bgo_isolate: Callable[[bgo.TaskFlow], bgo.TaskFlow]) -> bgo.TaskFlow:
    """Return the shop's own flow, on a store of its own."""
    return bgo_isolate(shop.flow)
