"""The verbs of schedules: set, change, pause, resume, fire, remove, list, foresee."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from bgo.errors import UsageError
from bgo.flow.enqueueing import Enqueueing
from bgo.flow.options import EnqueueOptions, TimingOptions

if TYPE_CHECKING:
    from os import PathLike

    from bgo.engine.lint_desk import Checked
    from bgo.engine.schedules import Draft, Placed
    from bgo.flow.chaining import ChainBuilder
    from bgo.flow.crontab_read import Owner
    from bgo.flow.schedule_files import Applied, Imported
    from bgo.model.device import DeviceState, Facts
    from bgo.model.schedule import ScheduleWish
    from bgo.model.schedule_view import Coming, ScheduleExplanation, ScheduleView
    from bgo.model.task import Enqueued


class ScheduleOptions(EnqueueOptions, TimingOptions, total=False):
    """What `flow.schedule` takes beside the name and the input."""


class Made(TypedDict, total=False):
    """What a schedule makes where that is more than one task."""

    chain: ChainBuilder | None
    items: Iterable[Any] | None
    handler: str | None
    field: str | None
    then: str | None
    catch: str | None
    finally_: str | None


class _Undone(Exception):
    """What was written is not to stay."""


class Scheduling(Enqueueing):
    """The verbs of schedules. A schedule fires in any worker's loop: `bgo run --watch`, or `bgo run` from cron."""

    def schedule(
        self,
        name: str,
        input: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        chain: ChainBuilder | None = None,
        items: Iterable[Any] | None = None,
        handler: str | None = None,
        field: str | None = None,
        then: str | None = None,
        catch: str | None = None,
        finally_: str | None = None,
        **options: Unpack[ScheduleOptions],
    ) -> str:
        """Enqueue a task of this name again and again, and return the schedule's id.

        With `chain` each occurrence makes that chain, with `items` a batch of these (a chain of each, with both);
        `handler` is what runs where the name is another one. With `key`, a schedule that has it is changed to this, and
        one that is the same already is left alone, counters and all. `start_before` and `finish_before` are durations
        that count from the time it fires.

        Raises what `enqueue` raises, and UsageError for a schedule that would never fire.
        """
        made: Made = {
            "chain": chain, "items": items, "handler": handler, "field": field,
            "then": then, "catch": catch, "finally_": finally_,
        }  # fmt: skip
        return self.place(self.draft(name, input or {}, made, options, key=key)).id

    def draft(
        self, name: str, input: Mapping[str, Any], made: Made, options: ScheduleOptions, *, key: str | None = None
    ) -> Draft:
        """Return a schedule as it would be set; nothing is written."""
        from bgo.engine import schedules as engine
        from bgo.flow.schedule_drafts import What, draft_of, split, wish_of

        timing, rest = split(options)
        callbacks = {"then": made.get("then"), "catch": made.get("catch"), "finally": made.get("finally_")}
        what = What(
            name, input, made.get("chain"), made.get("items"), made.get("handler"), made.get("field"), callbacks, rest
        )
        wish = wish_of(self, timing, rest)
        now = self.clock.now_ms()
        try:
            engine.check(engine.anchored(wish, engine.anchor_of(wish, now)), now)
        except UsageError:
            if key is None or not self._has(key, wish):
                raise
        return draft_of(self, what, wish, key)

    def _has(self, key: str, wish: ScheduleWish) -> bool:
        """Say whether a schedule of that key fires at these times already; it may be over by now."""
        from bgo.model import schedule_json

        with self.store.read() as session:
            there = session.schedules.find_key(key)
        return there is not None and schedule_json.dump(there.wish) == schedule_json.dump(wish)

    def place(self, draft: Draft) -> Placed:
        """Set a schedule, or what has its key; say what became of it."""
        return self.place_all([draft])[0]

    def place_all(
        self, drafts: Sequence[Draft], remove: Sequence[str] = (), *, dry_run: bool = False, is_plan: bool = False
    ) -> list[Placed]:
        """Set schedules and remove others, by id, all in one transaction; with `dry_run`, undo it in the end. In a plan
        what the profile refuses is no error, but told."""
        from bgo.engine import schedules as engine
        from bgo.flow.schedule_changes import ready, touch

        ready(self, drafts, is_plan=is_plan)
        found: list[Placed] = []
        with suppress(_Undone), self.store.write() as session:
            moment = self._moment()
            found += [engine.put(session, draft, moment) for draft in drafts]
            for schedule_id in remove:
                if (there := session.schedules.find(schedule_id)) is not None:
                    engine.remove(session, there)
            if dry_run:
                raise _Undone
        if not dry_run:
            touch(self)
        return found

    def apply_schedules(self, path: str | PathLike[str], *, dry_run: bool = False) -> list[Applied]:
        """Make the schedules that a TOML file describes: add new keys, change what differs, remove those that this file
        has brought before and has no more, leave the others alone; all of it, or nothing.

        Work runs in the file's folder where it says nothing else. With `dry_run`, tell what would be done, and write
        nothing. Raises UsageError, NotFoundError (handlers, queues) and RefusedError (another file has brought a key),
        each with FILE:LINE.
        """
        from bgo.flow.schedule_files import apply

        return apply(self, path, dry_run=dry_run)

    def import_crontab(
        self, text: str, *, owner: Owner | None = None, is_system: bool = False, dry_run: bool = False
    ) -> Imported:
        """Set a schedule for each entry of a crontab that can be carried over, and tell what became of every line.

        Commands run as cron would run them: by SHELL, in HOME, with the variables of the crontab and what stands behind
        `%` as stdin; overlap is allow and missed skip. Keys follow from time and command, so that an entry that is
        imported again is left alone. `owner` (default: this user) is whose crontab it is; with `is_system`, a user's
        name stands before each command, and those of others are left out. Entries that went from the crontab stay.
        """
        from bgo.flow.schedule_files import import_crontab, this_user

        return import_crontab(self, text, owner or this_user(), is_system=is_system, dry_run=dry_run)

    def reschedule(
        self, schedule: str, input: Mapping[str, Any] | None = None, **options: Unpack[ScheduleOptions]
    ) -> ScheduleView:
        """Change when a schedule (by id, key or name) fires, or options or input of the tasks that it makes; return it.

        What is not said stays; a window, a start or end, a deadline, `max_runs` and `pause_after` are taken away by
        None. An interval counts on from the last occurrence. Raises NotFoundError, AmbiguousError, and what `schedule`
        raises.
        """
        from bgo.flow.schedule_changes import reschedule

        return reschedule(self, schedule, input, options)

    def unschedule(self, schedule: str) -> list[ScheduleView]:
        """Remove a schedule by its id or key, or all that make tasks of a name; what they have made stays."""
        from bgo.flow.schedule_changes import unschedule

        return unschedule(self, schedule)

    def pause_schedule(self, schedule: str) -> list[ScheduleView]:
        """Let a schedule (or all of a name) fire no more until it is resumed."""
        from bgo.flow.schedule_changes import pause

        return pause(self, schedule)

    def resume_schedule(self, schedule: str) -> list[ScheduleView]:
        """Let a schedule (or all of a name) fire again, from now on; what it did not make meanwhile is not made."""
        from bgo.flow.schedule_changes import resume

        return resume(self, schedule)

    def fire_schedule(self, schedule: str) -> str:
        """Make at once what a schedule (by id, key or name) makes, and return the id of that task, chain or batch.

        It comes in beside whatever is unfinished, and is no occurrence: counters and the next occurrence stay as they
        are, and a schedule that is paused or finished stays so. Where other work stands in for it (dedup, unique), the
        id is of that. Raises NotFoundError, AmbiguousError, and RefusedError for what cannot be made any more.
        """
        return self.make_now(schedule).id

    def make_now(self, schedule: str) -> Enqueued:
        """Do as `fire_schedule`; return what it made, or what stands in for it."""
        from bgo.flow.schedule_changes import make_now

        return make_now(self, schedule)

    def schedules(self, name: str | None = None) -> list[ScheduleView]:
        """Return all schedules, or those that a word means (id, key, name), oldest first."""
        from bgo.engine import resolve
        from bgo.engine.schedule_views import view_of

        with self.store.read() as session:
            found = session.schedules.all() if name is None else resolve.schedules(session, name)
            return [view_of(session, each) for each in found]

    def get_schedule(self, schedule: str, *, recent: int = 10, coming: int = 5) -> ScheduleView:
        """Return one schedule with its last occurrences and those to come. Raises NotFoundError, AmbiguousError."""
        from bgo.engine import resolve
        from bgo.engine.schedule_views import view_of

        with self.store.read() as session:
            found = resolve.schedule(session, schedule)
            return view_of(session, found, recent=recent, coming=coming, now=self.clock.now_ms())

    def is_schedule(self, word: str) -> bool:
        """Say whether an id, or the beginning of one, is that of a schedule, and of no task."""
        from bgo.ids import MIN_PREFIX, looks_like_id

        if not looks_like_id(word) or len(word) < MIN_PREFIX:
            return False
        with self.store.read() as session:
            return not session.tasks.find_prefix(word, 1) and bool(session.schedules.find_prefix(word, 1))

    def explain_schedule(self, schedule: str, device: Facts | DeviceState | None = None) -> ScheduleExplanation:
        """Return whether a schedule will fire, and make something then: every gate, as it stands now, and what would
        hold what it makes."""
        from bgo.engine import resolve
        from bgo.engine.explain_schedule import asks_device, explain

        with self.store.read() as session:
            asks = self.profile.remembers or asks_device(session, resolve.schedule(session, schedule))
        ground = self._ground(device, asks=asks)
        with self.store.read() as session:
            return explain(session, resolve.schedule(session, schedule), ground)

    def check(self, *words: str, device: Facts | DeviceState | None = None) -> Checked:
        """Return what is wrong with all that waits and all schedules, or with these (by id or name): what could never
        run under the profile in force, what would be bent by it, and what nobody here can sense.

        Raises NotFoundError and AmbiguousError.
        """
        from bgo.flow.checking import check

        return check(self, words, device)

    def preview(self, schedule: str, count: int = 10, *, since: int | None = None) -> list[Coming]:
        """Return the next occurrences of a schedule, as if nothing held it, from `since` (UTC milliseconds) on."""
        from bgo.engine import resolve
        from bgo.engine.schedule_views import coming

        with self.store.read() as session:
            found = resolve.schedule(session, schedule)
        return coming(found.id, found.wish, self.clock.now_ms() if since is None else since, count)

    def foresee(self, draft: Draft, count: int = 10, *, since: int | None = None) -> list[Coming]:
        """Return the first occurrences that a schedule would have; nothing is written."""
        from bgo.engine import schedules as engine
        from bgo.engine.schedule_views import coming

        now = self.clock.now_ms()
        anchor = engine.anchor_of(draft.wish, now)
        after = min(now, anchor) - 1 if since is None else since
        return coming(draft.id, engine.anchored(draft.wish, anchor), after, count)

    def _moment(self) -> Any:
        from bgo.clock import moment
        from bgo.run.process import boot_id

        return moment(self.clock, boot_id())
