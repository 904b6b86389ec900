"""What files bring: schedules applied from TOML, and crontabs imported, each all in one transaction or not at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from bgo.errors import BgoError, RefusedError, UsageError
from bgo.flow import crontab, schedule_file
from bgo.flow.crontab_read import Became, Crontab, Line, Owner
from bgo.flow.schedule_changes import ready
from bgo.hooks.commandline import kept_environment
from bgo.model.views import SCHEMA
from bgo.toml_text import at

if TYPE_CHECKING:
    from bgo.engine.schedules import Draft, Placed
    from bgo.flow.chaining import ChainBuilder
    from bgo.flow.schedule_written import WrittenSchedule
    from bgo.flow.scheduling import Scheduling
    from bgo.model.schedule import Schedule

CRONTAB = "crontab"
"""The source of what is imported: the same line is the same schedule, whichever file it was read from."""
MAKES = ("items", "handler", "field", "then", "catch", "finally_")


class Applied(NamedTuple):
    """What became of one schedule."""

    outcome: Literal["added", "changed", "unchanged", "removed"]
    id: str | None
    """None of one that would be added."""
    key: str
    name: str

    def to_json(self) -> dict[str, Any]:
        """Return the documented object."""
        return {"schema": SCHEMA, **self._asdict()}


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of each line of a crontab, and of the schedules among them."""

    crontab: Crontab
    applied: tuple[Applied | None, ...]
    """One for each line, None where it is no schedule."""

    def to_json(self) -> list[dict[str, Any]]:
        """Return one documented object for each line."""
        return [_line_json(line, done) for line, done in zip(self.crontab.lines, self.applied, strict=True)]


def _line_json(line: Line, done: Applied | None) -> dict[str, Any]:
    schedule = None if done is None else {name: value for name, value in done.to_json().items() if name != "schema"}
    return {
        "schema": SCHEMA,
        "line": line.number,
        "text": line.text,
        "became": str(line.became),
        "notes": list(line.notes),
        "schedule": schedule,
    }


def apply(flow: Scheduling, path: str | os.PathLike[str], *, dry_run: bool) -> list[Applied]:
    """Let the schedules that a file has brought be those that are in it now; say what became of each, in its order."""
    written, shown = schedule_file.load(path, flow.clock, flow.settings.windows), os.fspath(path)
    source = os.path.realpath(path)
    with flow.store.read() as session:
        there = session.schedules.all()
    by_key = {each.key: each for each in there}
    drafts = []
    for each in written:
        with at(f"{shown}:{each.line}"):
            _check_free(by_key.get(each.key), source)
            drafts.append(draft_of(flow, each, source))
            ready(flow, drafts[-1:])
    keys = {each.key for each in written}
    gone = [each for each in there if each.source == source and each.key not in keys]
    placed = flow.place_all(drafts, [each.id for each in gone], dry_run=dry_run)
    return [*_told(drafts, placed, dry_run), *(Applied("removed", each.id, each.key or "", each.name) for each in gone)]


def _told(drafts: Sequence[Draft], placed: Sequence[Placed], dry_run: bool) -> list[Applied]:
    told = []
    for draft, done in zip(drafts, placed, strict=True):
        has_id = done.outcome != "added" or not dry_run
        told.append(Applied(done.outcome, done.id if has_id else None, draft.key or "", draft.name))
    return told


def _check_free(there: Schedule | None, source: str) -> None:
    """Refuse a key that another file has brought, and still may have."""
    if there is None or there.source in ("", CRONTAB, source) or not os.path.exists(there.source):
        return
    raise RefusedError(
        f"{there.key} is taken", why=f"it was brought by {there.source}",
        hint=f"choose another key, or bgo unschedule {there.key}",
    )  # fmt: skip


def draft_of(flow: Scheduling, written: WrittenSchedule, source: str) -> Draft:
    """Return a schedule that was read from a file as it would be set; nothing is written."""
    options: Any = dict(written.keywords)
    data = options.pop("input", {})
    makes: Any = {name: options.pop(name) for name in MAKES if name in options}
    said = options
    if (chain := _chain_of(flow, written)) is not None:
        makes["chain"] = chain
        said = {**chain.options, **options}
    if written.folder is not None and "cwd" not in said:
        options["cwd"] = written.folder
    if "argv" in options and "env" not in options:
        options["env"] = kept_environment(os.environ)
    draft = flow.draft(written.name, data, makes, options, key=written.key)
    return replace(draft, source=source, paused=written.is_paused)


def _chain_of(flow: Scheduling, written: WrittenSchedule) -> ChainBuilder | None:
    if written.chain_file is not None:
        return flow.chain_file(written.chain_file, written.name)
    return flow.chain(written.name).then_words(*written.steps) if written.steps else None


def import_crontab(flow: Scheduling, text: str, owner: Owner, *, is_system: bool, dry_run: bool) -> Imported:
    """Set a schedule for each line of a crontab that can be carried over; say what became of every line."""
    read = [_drafted(flow, line) for line in crontab.read(text, owner, is_system=is_system).lines]
    drafts = [draft for _, draft in read if draft is not None]
    told = iter(_told(drafts, flow.place_all(drafts, dry_run=dry_run), dry_run))
    applied = tuple(None if draft is None else next(told) for _, draft in read)
    return Imported(Crontab(tuple(line for line, _ in read)), applied)


def _drafted(flow: Scheduling, line: Line) -> tuple[Line, Draft | None]:
    """Return a line with its schedule; one that bgo refuses after all is left out."""
    if line.schedule is None:
        return line, None
    try:
        return line, draft_of(flow, line.schedule, CRONTAB)
    except UsageError as error:
        if "jitter" in line.schedule.keywords:
            return _drafted(flow, _without_delay(line, line.schedule, error))
        return replace(line, became=Became.LEFT, notes=(_in_a_line(error),), schedule=None), None


def _without_delay(line: Line, written: WrittenSchedule, error: BgoError) -> Line:
    """Return a line as it would be without its RANDOM_DELAY."""
    keywords = {name: value for name, value in written.keywords.items() if name != "jitter"}
    notes = (*line.notes, f"without RANDOM_DELAY: {_in_a_line(error)}")
    return replace(line, became=Became.DIFFERS, notes=notes, schedule=replace(written, keywords=keywords))


def _in_a_line(error: BgoError) -> str:
    """Return an error in one line."""
    return f"{error.message} ({error.why})" if error.why else error.message


def this_user() -> Owner:
    """Return this process's user; its home is that of the passwd file, as for cron."""
    import pwd

    try:
        entry = pwd.getpwuid(os.geteuid())
    except KeyError:
        return Owner(os.environ.get("LOGNAME", str(os.geteuid())), os.path.expanduser("~"))
    return Owner(entry.pw_name, entry.pw_dir)
