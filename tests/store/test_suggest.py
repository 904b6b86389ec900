"""What a shell is offered at TAB, read from a store: quickly, whatever it holds, and in silence when it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from bgo.store.sql import suggest as module
from bgo.store.sql.suggest import LIMIT, suggest
from bgo.store.sqlite import SqliteStore
from tests.build import a_spec
from tests.store import drive


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "bgo.db"


def fill(path: Path, *names: str, tags: tuple[str, ...] = ()) -> list[str]:
    store = SqliteStore(path)
    try:
        return drive.enqueue(store, *(a_spec(name=name, tags=tags) for name in names))
    finally:
        store.close()


def words(path: Path, kind: str, prefix: str = "") -> list[str]:
    return [word for word, _ in suggest(path, kind, prefix)]


def test_ids_come_newest_first_with_name_and_state(path: Path) -> None:
    ids = fill(path, "a", "b")
    assert suggest(path, "ids", "") == [(ids[1], "b, queued"), (ids[0], "a, queued")]
    assert words(path, "ids", ids[0]) == [ids[0]]
    assert words(path, "ids", "zzz") == []


def test_an_old_id_is_found_behind_many_new_ones(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = fill(path, *"abcdefgh")
    monkeypatch.setattr(module, "NEWEST", module.NEWEST.replace("LIMIT 1000", "LIMIT 2"))
    assert words(path, "ids", ids[0][:12]) == [ids[0]]
    assert sorted(words(path, "ids")) == sorted(ids)


def test_each_name_and_tag_once(path: Path) -> None:
    fill(path, "upload", "backup", "upload", "unpack", tags=("nightly", "weekly"))
    assert words(path, "names") == ["backup", "unpack", "upload"]
    assert words(path, "names", "up") == ["upload"]
    assert words(path, "tags", "n") == ["nightly"]
    assert words(path, "queues", "h") == ["high"]


def test_at_most_so_many(path: Path) -> None:
    fill(path, *(f"n{number}" for number in range(LIMIT + 10)))
    assert len(words(path, "names")) == len(words(path, "ids")) == LIMIT


@pytest.mark.parametrize("kind", ["ids", "names", "tags", "queues", "nonsense"])
def test_silence_where_there_is_nothing_to_read(path: Path, kind: str) -> None:
    assert suggest(path, kind, "") == []
    assert not path.parent.exists()
    path.parent.mkdir()
    path.write_bytes(b"not a database at all" * 100)
    assert suggest(path, kind, "") == []
    assert suggest(path.parent, kind, "") == []


@pytest.mark.parametrize("kind", ["names", "tags"])
def test_one_step_for_each_name_not_for_each_task(kind: str) -> None:
    steps = SqliteStore(None).connection.execute(f"EXPLAIN QUERY PLAN {module.ONE_COLUMN[kind]}", ("", "~")).fetchall()
    over_tasks = [text for *_, text in steps if "task" in text]
    assert len(over_tasks) == 2
    assert all(text.startswith("SEARCH") for text in over_tasks)
