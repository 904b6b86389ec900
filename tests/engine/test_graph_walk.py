"""Whatever happens to chains and batches, in whatever order and however small the steps: the ledger finds no fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.graph_walk import Walk, small_steps

STEPS = 120


@pytest.mark.parametrize("seed", range(24))
def test_whatever_happens(seed: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small_steps(seed, monkeypatch)
    walk = Walk(seed, tmp_path / "bgo.db" if seed % 8 == 0 else None)
    for _ in range(STEPS):
        walk.step()
    walk.finish()
    walk.store.close()
