"""A store of each kind, checked against every invariant when its test is over."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bgo.model.limits import DedupPolicy
from bgo.model.outcome import Failed, TaskError
from bgo.model.task import Wish
from bgo.store.check import check
from bgo.store.port import Store
from bgo.store.sqlite import SqliteStore
from tests.build import START, a_spec, a_wish
from tests.store import drive
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


SOURCE = Path(__file__).with_name("faulty_disk.c")


@pytest.fixture(scope="session")
def disk(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build the failing disk and return the library to preload."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("needs Linux and a C compiler to preload a failing disk")
    library = tmp_path_factory.mktemp("disk") / "faulty_disk.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    return str(library)


@pytest.fixture
def busy(sqlite: SqliteStore) -> SqliteStore:
    """Return a sound store with work in many states."""
    roomy = a_wish(limit=drive.limit(5, "roomy"))
    drive.enqueue(
        sqlite,
        a_spec("a", input=b'{"n":1}', tags=("x", "y")),
        a_spec("b", wish=a_wish(limit=1)),
        a_spec("b", wish=a_wish(limit=1)),
        a_spec("c", due_at=START + 9_000),
    )
    drive.finish(sqlite, drive.claim(sqlite), Failed(TaskError("E", "e")))
    drive.claim(sqlite)
    drive.enqueue(sqlite, a_spec("d", wish=roomy), a_spec("e", wish=roomy), a_spec("f", tags=("z",)))
    (first,) = drive.enqueue(sqlite, a_spec("g", dedup_key="k", wish=Wish(dedup=DedupPolicy()), due_at=START + 9_000))
    drive.enqueue(sqlite, a_spec("h", after=(first,)))
    assert check(sqlite) == []
    return sqlite
