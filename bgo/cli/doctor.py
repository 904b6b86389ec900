"""`bgo doctor`: one line per check of the store, the plugins and this computer; exit code 1 when one fails."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import typer

from bgo import compose
from bgo.cli import render
from bgo.cli.facts import unpadded
from bgo.cli.flow import flow_of
from bgo.cli.params import Json, settings_of
from bgo.errors import BgoError

if TYPE_CHECKING:
    from bgo.api import TaskFlow


class Check(NamedTuple):
    """One line of the report."""

    what: str
    state: str
    """ok, note or fault."""
    found: str
    hint: str = ""


def doctor(ctx: typer.Context, as_json: Json = False) -> None:
    """Check the store, the plugins, the workers and this computer, and say what to do about what is wrong."""
    from rich.table import Table

    checks = list(_all(flow_of(ctx)))
    if as_json:
        render.write_json([{"schema": 1, **check._asdict()} for check in checks])
    else:
        out = render.console(color=settings_of(ctx).color)
        marks = {"ok": ("✓ ok", "green"), "note": ("• note", "yellow"), "fault": ("✗ fault", "red")}
        grid = Table.grid(padding=(0, 1, 0, 0))
        for width in (8, 9):
            grid.add_column(width=width, no_wrap=True)
        grid.add_column(overflow="fold")
        for check in checks:
            word, style = marks[check.state]
            grid.add_row(render.safe(word, style), render.safe(check.what), render.safe(check.found))
            if check.hint:
                grid.add_row("", "", render.safe(f"hint: {check.hint}"))
        unpadded(out, grid)
    if any(check.state == "fault" for check in checks):
        raise typer.Exit(1)


def _all(flow: TaskFlow) -> Iterator[Check]:
    yield Check("python", "ok", f"{platform.python_version()} on {platform.system()}, {sys.executable}")
    for check in (_store, _plugins, _hooks, _workers, _unattended, _profile, sensors, _zone):
        yield from _guarded(check, flow)


def _guarded(check: Callable[[TaskFlow], Iterator[Check]], flow: TaskFlow) -> Iterator[Check]:
    """A check that cannot be made is a fault of its own; the others still are."""
    try:
        yield from check(flow)
    except BgoError as error:
        why = f" ({error.why})" if error.why else ""
        yield Check(check.__name__.strip("_"), "fault", error.message + why, error.hint)


def _store(flow: TaskFlow) -> Iterator[Check]:
    from bgo.store import admin

    facts = admin.info(flow.store)
    yield Check("store", "ok", f"{facts.path}, {render.size(facts.file_bytes)}, schema {facts.schema_version}")
    yield Check("store", "ok", f"SQLite {facts.sqlite_version}, synchronous={facts.synchronous}, {facts.file_system}")
    for finding in [*admin.warnings(flow.store), *admin.check(flow.store)]:
        yield Check("store", "fault" if finding.is_fault else "note", finding.message, finding.hint)


def _plugins(flow: TaskFlow) -> Iterator[Check]:
    reports = flow.plugins()
    for report in reports:
        words = f"{report.name} {report.version}".strip()
        if report.error:
            yield Check("plugin", "fault", f"{words}: {report.error}", "bgo plugins list")
        else:
            yield Check("plugin", "ok", f"{words}: {', '.join(report.brings) or 'no handlers'}")
        for warning in report.warnings:
            yield Check("plugin", "note", f"{words}: {warning}")
    for name, why in sorted(flow.missing().items()):
        hint = f'[plugins.overrides] {name} = "ORIGIN" in {flow.settings.config_path}'
        yield Check("handler", "fault", f"{name}: {why}", hint)
    for name, why in compose.unmet(flow.settings.plugins.required, reports).items():
        yield Check("plugin", "fault", f"{name} is required: {why}", "mend or install it, or change plugins.required")


def _hooks(flow: TaskFlow) -> Iterator[Check]:
    from bgo.run import hooklog

    record = hooklog.read(flow.settings.run_dir)
    log = flow.settings.log_dir / hooklog.LOG
    for name, fault in sorted(record.faults.items()):
        again = f", {fault.in_a_row} times in a row" if fault.in_a_row > 1 else ""
        off = "; its worker called it no more" if fault.is_off else ""
        when = render.ago(fault.at, flow.clock.now_ms())
        yield Check("hook", "note", f"{name} failed {when}{again}: {fault.error}{off}", f"what hooks print is in {log}")
    if record.dropped:
        when = render.ago(record.dropped_at, flow.clock.now_ms())
        yield Check("hook", "note", f"{record.dropped:,} calls of hooks were dropped, the last {when}")


def _workers(flow: TaskFlow) -> Iterator[Check]:
    from bgo.run.liveness import is_alive

    with flow.store.read() as session:
        rows, leases = session.leases.workers(), session.leases.list_all()
    alive = {row.id for row in rows if is_alive(flow.settings.run_dir, row.id)}
    yield Check("workers", "ok", f"{len(alive)} running, {len(leases)} live leases")
    orphans = [lease for lease in leases if lease.worker not in alive]
    if orphans:
        yield Check("workers", "note", f"{len(orphans)} runs lost their worker", "bgo run takes them up again")


def _unattended(flow: TaskFlow) -> Iterator[Check]:
    from bgo.config import Flags
    from bgo.install.platforms import installed
    from bgo.install.program import program

    found = installed(program(flow.settings, Flags()))
    if found:
        yield Check("runs by", "ok", "; ".join(found))
    else:
        yield Check("runs by", "ok", "nothing runs bgo here by itself", "bgo install has it run from now on")


def _profile(flow: TaskFlow) -> Iterator[Check]:
    """By it tasks are judged, unless --profile names another one."""
    origin = flow.settings.origins.get("profile", "default")
    summary = f": {flow.profile.summary}" if flow.profile.summary else ""
    yield Check("profile", "ok", f"{flow.profile.name} ({origin}){summary}")


def sensors(flow: TaskFlow) -> Iterator[Check]:
    """Yield what each sensor says, and what is assumed where it says nothing. What is unknown here is a note: each gate
    has its own rule for it."""
    from dataclasses import replace

    from bgo.devices.readings import spelled
    from bgo.devices.sources import assumed, assumption

    found = compose.survey(flow.settings).take()
    taken = replace(found, state=assumed(found.state, assumption(flow.settings.assume)))
    for row in taken.rows(flow.clock.awake_ms()):
        told = "no sensor" if row.latency_ms is None else f"took {row.latency_ms} ms, {row.age_ms} ms ago"
        state = "note" if row.value == "unknown" else "ok"
        yield Check("sensors", state, f"{row.name}: {spelled(row.name, row.value)} ({row.source}; {told})")


def _zone(flow: TaskFlow) -> Iterator[Check]:
    """By it times are read, and schedules fire that name no other."""
    from bgo import zones

    if doubt := zones.doubt():
        yield Check("zone", "note", doubt, "set TZ to a name such as Europe/Berlin, or give schedules a --tz")
    else:
        yield Check("zone", "ok", zones.local_name())
