"""Kill -9 and SIGSTOP at random, of workers and children: nothing acknowledged is lost, nothing runs twice at once."""

from __future__ import annotations

import os
import random

import pytest

from tests.run.harness import Chaos, findings, story, summary
from tests.run.yard import a_yard

pytestmark = pytest.mark.slow

BLOWS = int(os.environ.get("BGO_TEST_BLOWS", "110"))


def test_random_kills_and_stops_lose_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    seed = int(os.environ.get("BGO_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
    with a_yard(lease_s=1, poll_ms=50) as yard:
        chaos = Chaos(yard, seed)
        print(f"seed {seed}")
        chaos.run(BLOWS)
        chaos.settle()
        with capsys.disabled():
            print("\n" + summary(yard, chaos))
        assert chaos.bad_ends == []
        wrong = {name: found for name, found in findings(yard, chaos.acknowledged(), chaos.deeds).items() if found}
        assert not wrong, f"{wrong}\n{story(yard, wrong)}"
        assert chaos.deeds.blows >= BLOWS
