"""The handlers a worker knows while its plugins change: its loop never waits for them."""

from __future__ import annotations

import threading

from bgo.clock import VirtualClock
from bgo.errors import ConfigError
from bgo.model.handler import Catalogue, HandlerInfo, Source
from bgo.run.known import AGAIN_MS, Known
from tests.run.kit import LIMIT, wait_until


def brings(*names: str) -> Catalogue:
    return {name: HandlerInfo(name, Source("entry", "m:f")) for name in names}


class Plugins:
    """What is kept, and a build that takes as long as the test wants."""

    def __init__(self) -> None:
        self.kept: Catalogue | None = None
        self.built: Catalogue | None = brings("old")
        self.may_end = threading.Event()
        self.builds = 0
        self.clock = VirtualClock(0)
        self.known = Known(lambda: self.kept, self.build, self.clock)

    def build(self) -> Catalogue:
        self.builds += 1
        found = self.built
        assert self.may_end.wait(LIMIT)
        if found is None:
            raise ConfigError("it cannot be built")
        return found

    def ended(self) -> None:
        wait_until(lambda: "bgo-catalogue" not in [thread.name for thread in threading.enumerate()], "it is built")


def test_only_the_first_look_waits() -> None:
    plugins = Plugins()
    plugins.may_end.set()
    assert set(plugins.known()) == {"old"}
    plugins.may_end.clear()
    plugins.built = brings("new")
    assert set(plugins.known()) == set(plugins.known()) == {"old"}
    plugins.may_end.set()
    plugins.ended()
    plugins.kept = plugins.built
    assert set(plugins.known()) == {"new"}
    assert plugins.builds == 2


def test_what_cannot_be_built_or_kept_is_not_built_again_and_again() -> None:
    plugins = Plugins()
    plugins.may_end.set()
    plugins.known()
    plugins.built = None
    plugins.known()
    plugins.ended()
    assert set(plugins.known()) == {"old"}
    assert plugins.builds == 2
    plugins.built = brings("new")
    plugins.clock.advance_ms(AGAIN_MS)
    plugins.known()
    plugins.ended()
    assert set(plugins.known()) == {"new"}
    assert plugins.builds == 3
