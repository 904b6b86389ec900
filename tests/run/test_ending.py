"""When a run ends: what signals, --for and --grace make of each other. Instants are awake milliseconds."""

from __future__ import annotations

from bgo.run.bench import RunOptions
from bgo.run.ending import SIGNAL_GRACE_MS, Ending


def test_the_first_signal_gives_half_a_minute_the_second_none() -> None:
    ending = Ending(RunOptions(), 1_000)
    ending.signalled(0, 2_000)
    assert (ending.has_begun, ending.next_timer(2_000)) == (False, None)
    ending.signalled(1, 3_000)
    assert ending.has_begun
    assert ending.next_timer(3_000) == 3_000 + SIGNAL_GRACE_MS
    assert not ending.is_over(3_000 + SIGNAL_GRACE_MS - 1)
    ending.signalled(2, 4_000)
    assert ending.is_over(4_000)
    assert not ending.is_urgent
    ending.signalled(3, 5_000)
    assert ending.is_urgent


def test_a_signal_long_after_the_time_is_up_gives_its_whole_grace() -> None:
    ending = Ending(RunOptions(for_ms=1_000), 0)
    ending.signalled(0, 1_000)
    assert ending.has_begun
    assert not ending.is_over(3_600_000)
    ending.signalled(1, 3_600_000)
    assert not ending.is_over(3_600_000)
    assert ending.next_timer(3_600_000) == 3_600_000 + SIGNAL_GRACE_MS


def test_a_cap_counts_from_the_first_end() -> None:
    ending = Ending(RunOptions(for_ms=1_000, grace_ms=500), 0)
    assert ending.next_timer(0) == 1_000
    ending.signalled(0, 1_000)
    ending.signalled(1, 1_400)
    assert (ending.is_over(1_499), ending.is_over(1_500)) == (False, True)
