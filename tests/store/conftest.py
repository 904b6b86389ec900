"""A store of each kind, checked against every invariant when its test is over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bgo.store.port import Store
from bgo.store.sqlite import SqliteStore
from tests.store.backends import BACKENDS, Backend


@pytest.fixture(params=BACKENDS, ids=lambda b: b.name)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """Return one kind of store after the other."""
    made: Backend = request.param(tmp_path)
    return made


@pytest.fixture
def store(backend: Backend) -> Iterator[Store]:
    """Return an empty store; no test may leave it with a broken invariant."""
    opened = backend.open()
    yield opened
    faults = backend.faults(opened)
    opened.close()
    assert not faults


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a store file may be made."""
    return tmp_path / "store" / "bgo.db"


@pytest.fixture
def sqlite(path: Path) -> Iterator[SqliteStore]:
    """Return a store in a file."""
    opened = SqliteStore(path, busy_ms=2_000)
    yield opened
    opened.close()
