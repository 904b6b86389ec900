"""`bgo demo`: real work on real files, in a store that is thrown away afterwards."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

import bgo
from bgo.api import TaskFlow
from bgo.cli import render
from bgo.config import Flags, load
from bgo.errors import NotFoundError
from bgo.model.device import DeviceState, Reading, Tri
from bgo.model.options import TaskConstraints
from bgo.model.query import Selector
from bgo.model.state import State

if TYPE_CHECKING:
    from bgo.run.report import RunReport, WorkerEvent

LARGEST = 12
REDRAW_MS = 125
UNPLUGGED = DeviceState(charging=Reading(Tri.NO, "the demo says so"))
COUNT_LINES = """
import pathlib, sys
files = sys.argv[1:]
for n, name in enumerate(files, 1):
    lines = len(pathlib.Path(name).read_text().splitlines())
    print(f"{lines:6} {name}")
    print(f"bgo:progress {n / len(files)} {pathlib.Path(name).name}", flush=True)
"""
FLAKY = "test -e tried && exit 0; touch tried; echo 'the first try always fails'; exit 1"


def demo(ctx: typer.Context) -> None:
    """Queue work on bgo's own source files, run it here before your eyes, and say what happened.

    Everything happens in a temporary directory that is removed at the end; your own store is not touched.
    """
    color = ctx.obj.settings.color
    with tempfile.TemporaryDirectory(prefix="bgo-demo-") as folder:
        env = {k: v for k, v in os.environ.items() if k not in ("BGO_STORE", "BGO_CONFIG")} | {"BGO_HOME": folder}
        with TaskFlow(settings=load(Flags(), env)) as flow:
            ids = _queue(flow, Path(folder))
            began = flow.clock.awake_ms()
            report = _run(flow, color)
            _tell(flow, ids, report, flow.clock.awake_ms() - began)


def _queue(flow: TaskFlow, folder: Path) -> dict[str, str]:
    """Queue the demo's tasks and return the ids it will speak of."""
    sources = sorted(Path(bgo.__file__).parent.rglob("*.py"))
    work = folder / "work"
    work.mkdir()
    with suppress(NotFoundError):
        flow.handler("files.hash")
        flow.enqueue_many("files.hash", ({"path": str(p)} for p in sources), tags=["demo"])
        for path in (_something_big(), *sorted(sources, key=lambda p: -p.stat().st_size)[:LARGEST]):
            flow.enqueue("files.compress", {"path": str(path), "to": str(work / f"{path.name}.gz")}, tags=["demo"])
    count = [sys.executable, "-c", COUNT_LINES, *map(str, sources)]
    ids = {
        "count": flow.enqueue("shell", argv=count, as_="count-lines", queue="high"),
        "flaky": flow.enqueue("shell", argv=["sh", "-c", FLAKY], as_="flaky", cwd=str(work), retry="custom:1s"),
        "held": flow.enqueue("echo", {"message": "power at last"}, constraints=TaskConstraints(requires_charging=True)),
    }
    queued = flow.overview().counts[State.QUEUED]
    print(f"Queued {queued} tasks on {len(sources)} real files. Running them, two at a time:")
    return ids


def _something_big() -> Path:
    """Return the interpreter or its library: a file that takes long enough for its progress to be seen."""
    found = [Path(sys.executable).resolve(), *(Path(sys.base_prefix) / "lib").glob("libpython*")]
    return max((path for path in found if path.is_file()), key=lambda path: path.stat().st_size)


def _run(flow: TaskFlow, color: bool) -> RunReport:
    """Drain the demo's store with a live picture of it, or a few words where there is no terminal."""
    options = bgo.RunOptions(slots=2, until_empty=True)
    if not sys.stdout.isatty():
        return flow.run(options, device=UNPLUGGED)
    from rich.live import Live

    from bgo.cli.screen import draw

    out = render.console(color=color)
    with Live(console=out, auto_refresh=False) as live:
        drawn = [0]

        def show(_: WorkerEvent) -> None:
            now = flow.clock.awake_ms()
            if now - drawn[0] >= REDRAW_MS:
                drawn[0] = now
                live.update(draw(flow.snapshot(rows=8), out.width, 20), refresh=True)

        report = flow.run(options, device=UNPLUGGED, listener=show)
        live.update(draw(flow.snapshot(rows=5), out.width, 14), refresh=True)
    return report


def _tell(flow: TaskFlow, ids: dict[str, str], report: RunReport, took_ms: int) -> None:
    counts = flow.overview().counts
    print(
        f"\n{render.state_word('succeeded')}: {counts[State.SUCCEEDED]} tasks in {render.duration(took_ms)}, "
        f"{report.counts.get('retry', 0)} retried, {counts[State.FAILED]} failed."
    )
    _tell_files(flow)
    tail = flow.get(ids["count"]).output["tail"].strip().splitlines()
    lines, name = tail[-1].split()
    print(f"  count-lines  a shell command; it ended with {lines} lines in {Path(name).name}")
    runs = list(reversed(flow.get_history("flaky")))
    print("  flaky        " + ", then ".join(f"run {e.run}: {e.state}" for e in runs))
    print("  echo         still waits; bgo explain says why:")
    for line in flow.explain(ids["held"], UNPLUGGED).gates:
        mark, word = ("✓", "open") if line.is_open else ("✗", "held")
        print(f"    {mark} {word:5} {line.gate:10} now: {line.current}; needed: {line.needed}")
    print(
        "\nNow yours:\n"
        "  bgo enqueue shell --run -- ls -l       run something here and now\n"
        "  bgo enqueue sleep seconds=30           queue it, then: bgo run\n"
        "  bgo monitor                            watch it all"
    )


def _tell_files(flow: TaskFlow) -> None:
    hashed: list[Any] = [view.output for view in flow.tasks(Selector(names=("files.hash",)), limit=10_000)]
    if not hashed:
        print("  (pip install bgo-files adds files.hash, files.compress and files.copy to this demo)")
        return
    right = sum(hashlib.sha256(Path(o["path"]).read_bytes()).hexdigest() == o["sha256"] for o in hashed if o)
    print(f"  files.hash   {right} of {len(hashed)} digests are what hashlib says")
    packed = [view.output for view in flow.tasks(Selector(names=("files.compress",)), limit=LARGEST + 1) if view.output]
    print(f"  files.compress  {len(packed)} archives written and verified")
