"""Whatever happens to schedules, clocks, computers and workers: every occurrence is dealt with by the law, once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.engine.fire_walk import Walk, small_steps

STEPS = 45
SEEDS, AT_ONCE = 200, 20
OFTEN = {"fired", "skipped", "missed", "coalesced", "lives", "back", "back far", "forward"}


def walk(seed: int, monkeypatch: pytest.MonkeyPatch, place: Path | None = None) -> Counter[str]:
    """Live one life; return what happened in it. In a file, two workers have a store each."""
    one = Walk(seed, small_steps(seed, monkeypatch), place)
    try:
        for _ in range(STEPS):
            one.step()
        one.finish()
    finally:
        one.close()
    return one.told


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_whatever_happens(first: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told: Counter[str] = Counter()
    for seed in range(first, first + AT_ONCE):
        try:
            told += walk(seed, monkeypatch, tmp_path / str(seed) / "bgo.db" if seed % 8 == 0 else None)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
    assert told.keys() >= OFTEN, told
