"""The pytest plugin, found by its entry point. Nothing of bgo is loaded before a fixture is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from bgo.api import TaskFlow
    from bgo.testing.clock import ManualClock
    from bgo.testing.device import ScriptedDevice


@pytest.fixture
def bgo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return this test's own BGO_HOME: the store is `bgo.db` in it."""
    return tmp_path_factory.mktemp("bgo")


@pytest.fixture
def bgo_config() -> str | Path | None:
    """Return the config.toml that the flows of a test read, None for none; override it for queues of your own."""
    return None


@pytest.fixture
def bgo_clock() -> ManualClock:
    """Return this test's clock: `advance(seconds)`, `travel_to(datetime)`, `now`. Override it for a fixed start."""
    from bgo.testing.clock import ManualClock

    return ManualClock()


@pytest.fixture
def bgo_device(bgo_clock: ManualClock) -> ScriptedDevice:
    """Return the device of this test: `set(charging=True)`, or `play("at +2h charging=yes")`. It begins as unknown."""
    from bgo.testing.device import ScriptedDevice

    return ScriptedDevice(bgo_clock)


@pytest.fixture
def bgo_isolate(
    bgo_home: Path, bgo_clock: ManualClock, bgo_device: ScriptedDevice, bgo_config: str | Path | None
) -> Iterator[Callable[[TaskFlow], TaskFlow]]:
    """Return a function that gives a flow, such as the one of your module, an empty store for the rest of the test."""
    from bgo.testing.isolation import isolated

    with ExitStack() as stack:

        def isolate(flow: TaskFlow) -> TaskFlow:
            wanted = isolated(flow, home=bgo_home, clock=bgo_clock, device=bgo_device, config=bgo_config)
            return stack.enter_context(wanted).flow

        yield isolate


@pytest.fixture
def bgo_flow(bgo_home: Path, bgo_isolate: Callable[[TaskFlow], TaskFlow]) -> TaskFlow:
    """Return an isolated flow without handlers. Override it to isolate your own: `return bgo_isolate(my_flow)`."""
    from bgo.api import TaskFlow
    from bgo.testing.isolation import settings

    return bgo_isolate(TaskFlow(settings=settings(bgo_home)))
