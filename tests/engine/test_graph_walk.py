"""Whatever happens to chains and batches, in whatever order and however small the steps: the ledger finds no fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from bgo.engine import upstream, wave
from tests.engine.graph_walk import Walk

STEPS = 120


@pytest.mark.parametrize("seed", range(24))
def test_whatever_happens(seed: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small = (1, 2, 3, 500)[seed % 4]
    monkeypatch.setattr(wave, "STEP", small)
    monkeypatch.setattr(upstream, "STEP", small)
    walk = Walk(seed, tmp_path / "bgo.db" if seed % 8 == 0 else None)
    for _ in range(STEPS):
        walk.step()
    walk.finish()
    walk.store.close()
