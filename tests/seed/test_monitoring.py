"""The seed's chapter on monitoring, as Python: one `match` over all six statuses, with a real worker beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import assert_never

from bgo import (
    RunOptions,
    TaskCancelled,
    TaskFailed,
    TaskFlow,
    TaskQueued,
    TaskRetrying,
    TaskRunning,
    TaskSucceeded,
)
from bgo.model.statuses import Status
from tests.seed.conftest import Sh


def line(status: Status) -> str:
    """Say a status as the seed's example does; a type checker sees that none is left out."""
    match status:
        case TaskQueued():
            return "Waiting to run"
        case TaskRunning(progress):
            return f"{progress:.0%} complete"
        case TaskSucceeded(output):
            return f"Done! {output}"
        case TaskFailed(error):
            return f"Failed: {error}"
        case TaskRetrying(attempt=attempt):
            return f"Retrying attempt {attempt}..."
        case TaskCancelled():
            return "Cancelled"
        case _:
            assert_never(status)


@contextmanager
def a_worker(flow: TaskFlow) -> Iterator[None]:
    """Run what is queued in a thread, until nothing is left."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(flow.run, RunOptions(until_empty=True))
        yield
        running.result()


def percents(lines: Iterable[str]) -> list[int]:
    return [int(said.partition("%")[0]) for said in lines if said.endswith("% complete")]


def test_5_monitor_by_execution_id(flow: TaskFlow, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    monitor = flow.monitor_execution(flow.enqueue("uploadVideo", {"seen": str(seen)}))
    lines = []
    with a_worker(flow):
        for status in monitor:
            lines.append(line(status))
            if lines[-1] == "50% complete":
                seen.touch()
    assert (lines[0], lines[-1]) == ("Waiting to run", "Done! {'parts': 4}")
    assert percents(lines) == sorted(set(percents(lines)))
    assert len(percents(lines)) == len(lines) - 2
    assert 50 in percents(lines)


def test_5_all_six_statuses_by_name(flow: TaskFlow) -> None:
    good, bad, gone = (flow.enqueue(name, as_="sync") for name in ("uploadVideo", "fetchRates", "syncData"))
    told: dict[str, list[str]] = {good: [], bad: [], gone: []}
    monitor, left = flow.monitor("sync"), len(told)
    flow.cancel_execution(gone)
    with a_worker(flow):
        for status in monitor:
            told[status.task_id].append(line(status))
            left -= status.is_final
            if not left:
                monitor.close()
    assert told[gone] == ["Waiting to run", "Cancelled"]
    assert [said for said in told[bad] if "%" not in said] == [
        "Waiting to run",
        "Retrying attempt 2...",
        "Failed: ConnectionError: no answer to attempt 2",
    ]
    assert told[bad].count("0% complete") == 2
    assert told[good][-1] == "Done! {'parts': 4}"


def test_5_on_an_event_loop(flow: TaskFlow) -> None:
    async def watch(task_id: str) -> list[str]:
        return [line(status) async for status in flow.monitor_execution(task_id)]

    async def program() -> None:
        task_id = flow.enqueue("uploadVideo")
        lines, output, _ = await asyncio.gather(
            watch(task_id), flow.wait_async(task_id), asyncio.to_thread(flow.run, RunOptions(until_empty=True))
        )
        assert (lines[0], lines[-1]) == ("Waiting to run", f"Done! {output}")

    asyncio.run(program())


def test_5_of_what_a_shell_queued_and_ran(sh: Sh, flow: TaskFlow) -> None:
    (task_id,) = sh("bgo enqueue syncData userId=123")
    monitor = flow.monitor_execution(task_id)
    sh("bgo run --quiet")
    assert [line(status) for status in monitor] == ["Waiting to run", "0% complete", "Done! {'synced': True}"]


def test_8_history_answers_to_the_seeds_names(sh: Sh, flow: TaskFlow) -> None:
    sh("bgo enqueue syncData userId=123; bgo enqueue fetchRates --retry none; bgo run --quiet || true")
    (entry,) = flow.get_history("syncData", limit=20)
    assert f"{entry.task_name}: {entry.status} in {entry.duration_ms}ms".startswith("syncData: succeeded in ")
    assert entry.error is None
    (failed,) = flow.get_history("fetchRates", status="failed")
    assert f" Error: {failed.error}" == " Error: ConnectionError: no answer to attempt 1"
