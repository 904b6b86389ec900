"""Kill -9 and SIGSTOP at random, of workers and children: nothing acknowledged is lost, nothing runs twice at once."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest

from tests.run.chaos import Chaos
from tests.run.harness import findings, story, summary
from tests.run.yard import a_yard

pytestmark = pytest.mark.slow

BLOWS = int(os.environ.get("BGO_TEST_BLOWS", "120"))
SEED = int(os.environ.get("BGO_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)


def test_random_kills_and_stops_lose_nothing(record_property: Callable[[str, object], None]) -> None:
    """Again with BGO_TEST_SEED (the same blows in the same order, if never at the same instant) and BGO_TEST_BLOWS."""
    with a_yard(lease_s=1) as yard:
        chaos = Chaos(yard, SEED)
        print(f"BGO_TEST_SEED={SEED}")
        chaos.run(BLOWS)
        chaos.settle()
        record_property("figures", summary(yard, chaos))
        assert chaos.bad_ends == []
        wrong = {name: found for name, found in findings(yard, chaos.acknowledged(), chaos.deeds).items() if found}
        assert not wrong, f"{wrong}\n{story(yard, wrong)}"
        assert chaos.deeds.blows >= BLOWS
        assert chaos.deeds.counts["kill child"] > 10
        assert chaos.deeds.counts["kill worker"] > 10
        assert chaos.deeds.counts["stop worker"] > 3
