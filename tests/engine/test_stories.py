"""The stories, each in a world of its own."""

from __future__ import annotations

import pytest

from tests.engine.stories import STORIES
from tests.engine.world import World


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    world = World()
    STORIES[name](world)
    world.verify()
    world.store.close()
