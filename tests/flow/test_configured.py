"""What config.toml says of limits and queues holds in the store, for all workers, from the next command on."""

from __future__ import annotations

from pathlib import Path

from bgo import compose
from bgo.api import TaskFlow
from bgo.config import Flags, Settings, load
from bgo.engine import settle as settling
from bgo.model.profile import HOST
from bgo.store.port import Store
from bgo.store.sqlite import SqliteStore
from tests.build import a_moment
from tests.store import drive


def settings(home: Path, text: str | None = None) -> Settings:
    """Return the settings of a home whose config file says this; None leaves it without a file."""
    file = home / "config.toml"
    file.unlink(missing_ok=True)
    if text is not None:
        file.write_text(text, encoding="utf-8")
    return load(Flags(), {"BGO_HOME": str(home)})


def opened(home: Path, text: str | None = None) -> SqliteStore:
    return compose.open_store(settings(home, text))


def running_of_two_workers(store: Store) -> int:
    """Let two workers claim what they may, begin and end it, and return how many it was."""
    first, second = drive.tick(store, 9, worker="one"), drive.tick(store, 9, worker="two")
    for worker, claims in (("one", first), ("two", second)):
        for claim in claims:
            with store.write() as session:
                settling.begun(session, drive.RunKey(claim.task.seq, claim.task.run, worker), a_moment())
            drive.finish(store, claim, worker=worker)
    return len(first) + len(second)


def enqueue(home: Path, count: int = 9) -> None:
    """Queue tasks that ask for five at once themselves."""
    with TaskFlow(settings=settings(home)) as flow:
        for _ in range(count):
            flow.enqueue("echo", concurrency=5)


def test_a_limit_of_the_config_stands_above_what_the_tasks_ask_for(home: Path) -> None:
    enqueue(home, 20)
    with_limit = opened(home, "[limits.echo]\nconcurrency = 2\n")
    assert running_of_two_workers(with_limit) == 2
    with_limit.close()
    raised = opened(home, "[limits.echo]\nconcurrency = 7\n")
    assert running_of_two_workers(raised) == 7
    raised.close()


def test_without_the_section_or_the_file_the_tasks_own_limits_hold_again(home: Path) -> None:
    for without in ("slots = 1\n", None):
        enqueue(home)
        limited = opened(home, "[limits.echo]\nconcurrency = 1\n")
        assert running_of_two_workers(limited) == 1
        limited.close()
        free = opened(home, without)
        assert running_of_two_workers(free) == 5
        assert running_of_two_workers(free) == 3
        free.close()


def test_a_rate_of_the_config_counts_the_starts_of_all_workers(home: Path) -> None:
    with TaskFlow(settings=settings(home, '[limits.net]\nrate = "3/1h"\n')) as flow:
        for _ in range(9):
            flow.enqueue("echo", rate_limit="8/1h", rate_key="net")
        assert running_of_two_workers(flow.store) == 3
        assert running_of_two_workers(flow.store) == 0
    free = opened(home, None)
    assert running_of_two_workers(free) == 5
    free.close()


def test_a_process_that_has_read_an_older_config_does_not_bring_it_back(home: Path) -> None:
    """A worker that stays opens the store again, for pruning too; its settings are those of its start."""
    old = settings(home, "[limits.echo]\nconcurrency = 1\n[queues.low]\nslots = 1\n")
    compose.open_store(old).close()
    opened(home, "[limits.echo]\nconcurrency = 4\n[queues.low]\nslots = 2\n").close()
    bench = compose.bench(old, lambda: None, dict, HOST)  # type: ignore[arg-type, return-value]
    bench.open_store().close()
    assert bench.prune is not None
    bench.prune(lambda: True)
    store = compose.reopen_store(old)
    with store.read() as session:
        assert session.limits.differ(str(old.config_path), old.limits)
        assert session.queues.settings()["low"][2] == 2
    store.close()


def test_two_config_files_lift_only_their_own_limits(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("[limits.echo]\nconcurrency = 1\n", encoding="utf-8")
    enqueue(home)
    compose.open_store(load(Flags(config=str(other)), {"BGO_HOME": str(home)})).close()
    here = opened(home)
    assert running_of_two_workers(here) == 1
    here.close()
    other.write_text("", encoding="utf-8")
    lifted = compose.open_store(load(Flags(config=str(other)), {"BGO_HOME": str(home)}))
    assert running_of_two_workers(lifted) == 5
    lifted.close()
