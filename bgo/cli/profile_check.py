"""The report of `bgo profiles check`: one line for each finding, and for each sensor of this computer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from bgo.cli import render

if TYPE_CHECKING:
    from bgo.config import Settings
    from bgo.flow.profiles import Checked


class Row(NamedTuple):
    """One line of the report."""

    level: str
    """ok, note, warning or error."""
    place: str
    what: str
    why: str = ""
    fix: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the documented object."""
        return {"schema": 1, **self._asdict()}


def report(settings: Settings, name: str, plist: str | None, *, as_json: bool) -> bool:
    """Print what is to be said of a profile, and return whether nothing is wrong."""
    from bgo import compose
    from bgo.flow.profiles import checked

    found = checked(name, compose.shelf(settings))
    rows = list(_rows(found))
    if plist is not None:  # the verdict is that of the app: it comes last, and only where nothing is wrong
        rows = [row for row in rows if row.level != "ok"]
        rows += _app(found, plist)
    elif found.name == "host":
        rows += _sensors(settings)
    if as_json:
        render.write_json([row.to_json() for row in rows])
    else:
        _tell(rows, color=settings.color)
    return not any(row.level == "error" for row in rows)


def _rows(found: Checked) -> Iterator[Row]:
    for each in found.findings:
        yield Row("error" if each.is_error else "warning", *each[1:])
    if found.profile is not None:
        of = "".join(f", extends {name}" for name in found.profile.lineage[:1])
        yield Row("ok", found.name, f"can be used: rules of {found.profile.os}{of}")


def _app(found: Checked, plist: str) -> Iterator[Row]:
    """Yield what keeps an app's background work from running, by its Info.plist."""
    from bgo.devices.plist import findings, read

    if found.profile is None:
        return  # whatever it says of apps cannot be trusted
    told = findings(read(plist), found.profile)
    for each in told:
        yield Row(each.level, f"{plist}: {each.key}" if each.key else plist, each.what, each.why, each.fix)
    if not any(each.level == "error" for each in told):
        yield Row("ok", plist, f"declares what {found.name} asks of an app")


def _sensors(settings: Settings) -> Iterator[Row]:
    """Yield what each sensor of this computer says, as `bgo doctor` does."""
    from bgo.api import TaskFlow
    from bgo.cli.doctor import sensors

    with TaskFlow(settings=settings) as flow:
        for check in sensors(flow):
            yield Row(check.state, check.what, check.found, fix=check.hint)


def _tell(rows: list[Row], *, color: bool) -> None:
    from rich.table import Table

    from bgo.cli.facts import unpadded

    marks = {"ok": "✓ ok", "note": "• note", "warning": "! warning", "error": "✗ error"}
    styles = {"ok": "green", "note": "yellow", "warning": "yellow", "error": "red"}
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=9, no_wrap=True)
    grid.add_column(overflow="fold")
    for row in rows:
        grid.add_row(render.safe(marks[row.level], styles[row.level]), render.safe(f"{row.place}: {row.what}"))
        for label, text in (("why", row.why), ("hint", row.fix)):
            if text:
                grid.add_row("", render.safe(f"{label}: {text}"))
    unpadded(render.console(color=color), grid)
