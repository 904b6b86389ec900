"""Random lives of schedules: time that passes, clocks that jump, computers that start, workers that come and go."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bgo.engine import fire
from bgo.engine.cancel import cancel
from bgo.errors import RefusedError, UsageError
from bgo.model.outcome import CancelledRun, Failed, Lost, Outcome, Succeeded, TaskError
from bgo.model.schedule import Reboot
from bgo.model.state import Reason, State
from bgo.model.window import TimeWindow
from bgo.store.invariants_schedule import SCHEDULE_RULES
from bgo.store.sqlite import SqliteStore
from tests.build import START
from tests.engine import fire_ledger as book
from tests.engine.checks import ensure
from tests.engine.fire_ledger import EXPRESSIONS, GRACE, OFFSETS, STEPS_OF_TIME, Line, Seen, judge
from tests.engine.timed import D, H, M, S, Timed, a_batch_template, a_chain_template, a_draft, cron, every

ERROR = Failed(TaskError("E", "no"))
WINDOWS = (TimeWindow(9, 17), TimeWindow(22, 4), TimeWindow(8, 12, (1, 3, 6)))
YEARS = 366 * D


def small_steps(seed: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Let a tick do as little as the seed says; return how little."""
    step = (1, 2, 3, 50)[seed % 4]
    monkeypatch.setattr(fire, "STEP", step)
    return step


class Walk:
    """One store, what chance does to it, and the ledger."""

    def __init__(self, seed: int, step: int = 50, path: Path | None = None) -> None:
        self.chance = random.Random(seed)
        self.stores = [SqliteStore(path)] + ([SqliteStore(path)] if path is not None else [])
        self.timed = Timed(self.stores[0], start=START - START % 1000 + self.chance.randrange(1000))
        self.step_size, self.lines, self.number = step, dict[str, Line](), 0
        self.seen_seq = 0
        self.told: Counter[str] = Counter()
        for _ in range(3):
            self.add()

    def close(self) -> None:
        for store in self.stores:
            store.close()

    # Asking for schedules.

    def wish(self) -> dict[str, Any]:
        """Draw what a schedule is asked for beside its times."""
        kind = self.chance.choice(("one", "skip", "all", "all"))
        most = self.chance.choice((1, 3, 60))
        missed = f"all:{most}" if kind == "all" else kind
        overlap = self.chance.choice(("allow", "allow", "skip", "queue", "replace"))
        runs = self.chance.choice((None, None, None, None, 1, 4, 30))
        return {"missed": missed, "overlap": overlap, "max_runs": runs}

    def times(self) -> tuple[Any, dict[str, Any], Any]:
        """Draw when it fires: the rule, the options, and how the ledger reckons it from an anchor."""
        now, said = self.timed.now, dict[str, Any]()
        window = self.chance.choice((None, None, None, *WINDOWS))
        if self.chance.random() < 0.3:
            said["end"] = now + self.chance.choice((H, 2 * D, YEARS))
        if self.chance.random() < 0.2:
            said["start"] = now + self.chance.choice((-D, -H, M, 3 * H))
        kind = self.chance.random()
        if kind < 0.1:
            return Reboot(), {}, None
        if kind < 0.5:
            ms = self.chance.choice((45 * M, 2 * H) if window else (S, 30 * S, 7 * M, H, D))
            said |= {"window": window} if window else {}
            return every(ms), said, lambda anchor: book.times_of_interval(ms, anchor, window, said.get("end"))
        one = self.chance.choice(EXPRESSIONS)
        zones = [*OFFSETS, *(["Europe/Berlin"] if one.hours == (4,) and window is None else [])]
        zone = self.chance.choice(zones)
        said |= {"window": window, "zone": zone} if window else {"zone": zone}
        found = book.times_of_cron(one, zone, window, said.get("start"), said.get("end"))
        return cron(one.text), said, lambda _: found

    def add(self) -> None:
        rule, said, times = self.times()
        wish, self.number = self.wish(), self.number + 1
        key, now = f"k{self.number}", self.timed.now
        jitter = self.chance.choice((0, 0, 0, 20 * M)) if "cron" in type(rule).__name__.lower() else 0
        pause_after = self.chance.choice((None, None, None, 2))
        template = self.chance.choice((None, None, a_chain_template("a", "b"), a_batch_template(1)))
        draft = a_draft(
            rule, key=key, name=key, template=template, jitter=jitter, pause_after=pause_after, **wish, **said
        )
        try:
            made = self.timed.put(draft)
        except (UsageError, IndexError):
            return
        anchor = self.begins(rule, said)
        line = Line(
            key, made, None if times is None else times(anchor), now, now - 1, ("one", 0), "allow", jitter,
            pause_after=pause_after, boot=self.timed.boot,
        )  # fmt: skip
        line.anchor, line.is_interval = anchor, type(rule).__name__ == "Every"
        if line.is_interval and now - 1000 < anchor <= now:
            line.dealt = anchor - 1
        self.write(line, wish)
        line.template, line.rule, line.said = template, rule, said
        self.lines[key] = line

    def begins(self, rule: Any, said: dict[str, Any]) -> int:
        """From where it counts: its start or this second; an interval from when its window is open."""
        at = said.get("start", self.timed.now - self.timed.now % 1000)
        return book.opened(at, said.get("window")) if type(rule).__name__ == "Every" else at

    def write(self, line: Line, wish: dict[str, Any]) -> None:
        kind, _, most = wish["missed"].partition(":")
        line.missed = (kind, int(most) if most else GRACE)
        line.overlap, line.max_runs = wish["overlap"], wish["max_runs"]

    def change(self) -> None:
        """Ask for another schedule under the same key: other times, or only another policy."""
        line = self.some()
        if line is None:
            return
        wish, now = self.wish(), self.timed.now
        if line.jitter or self.chance.random() < 0.5:
            rule, said, times = line.rule, line.said, None
        else:
            rule, said, times = self.times()
            if times is None:
                return
        try:
            same = {"key": line.key, "name": line.key, "template": line.template, **self.kept(line)}
            self.timed.put(a_draft(rule, **same, **wish, **said))
        except UsageError:
            return
        was_finished = line.state == "finished"
        is_anew = times is not None and (rule, said) != (line.rule, line.said)
        self.write(line, wish)
        if is_anew:
            line.forgo(now, self.missed(line))
            self.new_times(line, rule, said, times)
        over = line.max_runs is not None and line.counts[0] >= line.max_runs
        if line.state != "paused" and (is_anew or over or was_finished):
            line.go_on(now, self.timed.boot)
            line.since = self.newest()

    def kept(self, line: Line) -> dict[str, Any]:
        return {"jitter": line.jitter, "pause_after": line.pause_after}

    def new_times(self, line: Line, rule: Any, said: dict[str, Any], times: Any) -> None:
        now, is_interval = self.timed.now, type(rule).__name__ == "Every"
        old = line.anchor if line.is_interval and line.anchor <= now else self.begins(rule, said)
        last = line.last if line.last is not None and not line.is_ahead(now) else old
        line.anchor, line.is_interval = self.begins(rule, said) if "start" in said else last, is_interval
        line.times, line.rule, line.said = times(line.anchor), rule, said

    def some(self) -> Line | None:
        return self.chance.choice(list(self.lines.values())) if self.lines else None

    def newest(self) -> int:
        found = self.stores[0].connection.execute("SELECT coalesce(max(seq), 0) FROM task").fetchone()
        return int(found[0])

    def missed(self, line: Line) -> int:
        """Return what it has missed by the last deed, by its counters; no other has moved."""
        delta = [now - old for now, old in zip(self.timed.counts(line.id), line.counts, strict=True)]
        ensure([*delta[:2], delta[3]] == [0, 0, 0], "only a tick fires", (line, delta))
        return delta[2]

    def pause(self) -> None:
        line = self.some()
        if line is None:
            return
        try:
            assert self.timed.pause(line.id) is (line.state != "paused")
            line.forgo(self.timed.now, self.missed(line))
            line.state = "paused"
        except RefusedError:
            ensure(line.state == "finished", "only what is finished cannot be paused", line)

    def resume(self) -> None:
        line = self.some()
        if line is None:
            return
        try:
            if self.timed.resume(line.id):
                ensure(line.state == "paused", "only what is paused is resumed", line)
                line.go_on(self.timed.now, self.timed.boot)
                line.since = self.newest()
        except RefusedError:
            ensure(line.state == "finished", "only what is finished cannot be resumed", line)

    def remove(self) -> None:
        line = self.some()
        if line is not None and len(self.lines) > 2:
            self.timed.remove(line.id)
            del self.lines[line.key]

    # Time.

    def pass_time(self) -> None:
        ms = self.chance.choice(STEPS_OF_TIME) + self.chance.choice((0, 0, 1, 999))
        (self.timed.clock.suspend_ms if self.chance.random() < 0.3 else self.timed.clock.advance_ms)(ms)

    def go_far(self) -> None:
        if self.timed.now < book.LAST - 11 * YEARS:
            self.timed.clock.advance_ms(self.chance.choice((40 * D, YEARS, 10 * YEARS)))

    def step_clock(self) -> None:
        """Somebody, or something, sets the wall clock."""
        small, large = (S, 5 * M, 50 * M, 3 * H), (3 * H + 1, 7 * H, 2 * D, 200 * D, 3 * YEARS, 30 * YEARS)
        ms = self.chance.choice((small, large)[self.chance.random() < 0.5])
        ms = -ms if self.chance.random() < 0.7 else ms
        if book.FIRST < self.timed.now + ms < book.LAST:
            self.timed.clock.step_wall_ms(ms)
            self.told["back far" if ms < -3 * H else "back" if ms < 0 else "forward"] += 1

    def reboot(self) -> None:
        self.timed.reboot()

    # Work.

    def tick(self) -> None:
        """One tick of some worker, or ticks until nothing more is due."""
        rests = self.chance.random() < 0.6
        before = {line.key: len(self.open_of(line)) for line in self.lines.values()}
        self.expect_reboots(before)
        for number in range(2_000):
            self.timed.tick(worker=self.chance.choice("ab"), store=self.chance.choice(self.stores))
            if not rests or not self.timed.again:
                break
            assert number < 1_999, "it never comes to rest"
        self.judge(before, None if rests else self.step_size)

    def expect_reboots(self, before: dict[str, int]) -> None:
        self.starts = {
            line.key for line in self.lines.values()
            if line.times is None and line.state == "active" and line.boot != self.timed.boot
        }  # fmt: skip

    def open_of(self, line: Line) -> list[int]:
        rows = self.stores[0].connection.execute(
            "SELECT seq FROM task WHERE schedule = ? AND finished_at IS NULL", (line.id,)
        )
        return [seq for (seq,) in rows]

    def work(self) -> None:
        """Some tasks run, and end somehow. Their schedules are judged as for a tick."""
        before = {line.key: len(self.open_of(line)) for line in self.lines.values()}
        self.expect_reboots(before)
        claims = self.timed.tick(self.chance.randrange(1, 5))
        self.judge(before, self.step_size)
        for claim in claims:
            if self.chance.random() < 0.8:
                self.end(claim.task.seq)

    def end(self, seq: int) -> None:
        ends: tuple[Outcome, ...] = (Succeeded({}), Succeeded({}), ERROR, ERROR, Lost(started=True))
        with self.stores[0].read() as session:
            task = session.tasks.find_seq(seq)
        if task is not None and task.state is State.RUNNING and task.kind == "task":
            self.timed.finish(task, CancelledRun() if task.cancel_reason else self.chance.choice(ends))

    def end_running(self) -> None:
        rows = self.stores[0].connection.execute(
            "SELECT seq FROM task WHERE state = 'running' AND kind = 'task' LIMIT 20"
        )
        for (seq,) in rows.fetchall():
            self.end(seq)

    def call_off(self) -> None:
        with self.stores[0].write() as session:
            rows = (
                self.stores[0].connection.execute("SELECT id FROM task WHERE finished_at IS NULL LIMIT 60").fetchall()
            )
            found = [task for (i,) in rows if (task := session.tasks.find(i)) is not None and task.parent is None]
            cancel(session, found, Reason.USER, self.timed.now)

    # Judging.

    def judge(self, before: dict[str, int], most: int | None) -> None:
        """Compare every schedule with the ledger after a tick."""
        new: dict[str, list[int]] = {}
        rows = self.stores[0].connection.execute(
            "SELECT seq, schedule, occurrence FROM task WHERE seq > ? AND schedule IS NOT NULL ORDER BY seq",
            (self.seen_seq,),
        )
        for seq, schedule, occurrence in rows.fetchall():
            self.seen_seq = seq
            new.setdefault(schedule, []).append(occurrence)
        for line in self.lines.values():
            made = self.timed.schedule(line.id)
            seen = Seen(made.state, made.last_at, made.next_at, made.fire_at, list(made.counters), new.pop(line.id, []))
            if line.state == "active" and seen.state == "paused":
                self.judge_pause(line, seen)
                continue
            self.count(line, seen)
            if line.times is None:
                self.judge_start(line, seen, before[line.key], most)
            else:
                judge(line, seen, self.timed.now, most, before[line.key])
        ensure(not new, "only a schedule that is there fires", new)

    def count(self, line: Line, seen: Seen) -> None:
        for name, old, now in zip(("fired", "skipped", "missed", "coalesced"), line.counts, seen.counts, strict=True):
            self.told[name] += now - old
        if line.is_ahead(self.timed.now) and line.state == "active":
            self.told["lives"] += 1

    def judge_start(self, line: Line, seen: Seen, unfinished: int, most: int | None) -> None:
        """It fires once for this start of the computer, if that is news."""
        judge(line, seen, self.timed.now, most, unfinished)
        delta = [after - before for before, after in zip(line.counts, seen.counts, strict=True)]
        due = line.key in self.starts and (most is None or any(delta))
        ensure(sum(delta) == due, "it fires once at each start", (line, seen))
        near = all(0 <= at - self.timed.now < 5 for at in seen.new)
        ensure(len(seen.new) == delta[0] and near, "its occurrence is that instant", (line, seen))
        if due:
            line.boot = self.timed.boot
        line.counts, line.state, line.last = list(seen.counts), seen.state, seen.last
        line.fired |= set(seen.new)

    def judge_pause(self, line: Line, seen: Seen) -> None:
        """It has paused itself: only after so many failures in a row, and then nothing has fired."""
        rows = self.stores[0].connection.execute(
            """SELECT state FROM task WHERE schedule = ? AND seq > ? AND state IN ('succeeded', 'failed')
            ORDER BY seq DESC LIMIT ?""",
            (line.id, line.since, line.pause_after or 0),
        )
        ends = [state for (state,) in rows]
        wanted = line.pause_after is not None and ends == ["failed"] * line.pause_after
        ensure(wanted, "only failures in a row pause a schedule", (line, ends))
        line.forgo(self.timed.now, self.missed(line))
        ensure((seen.counts, seen.new) == (line.counts, []), "what pauses itself does not fire", (line, seen))
        line.state = "paused"
        self.told["paused itself"] += 1

    def judge_quiet(self) -> None:
        """Between ticks nothing fires."""
        rows = (
            self.stores[0]
            .connection.execute("SELECT key, state, fired, skipped, missed, coalesced FROM schedule")
            .fetchall()
        )
        ensure({key for key, *_ in rows} == set(self.lines), "there is what was set", rows)
        for key, state, *counts in rows:
            ensure(counts == self.lines[key].counts, "only a tick counts", (self.lines[key], counts))
            ensure(state == self.lines[key].state, "its state is as expected", (self.lines[key], state))

    def step(self) -> None:
        deeds = (
            self.tick, self.pass_time, self.go_far, self.step_clock, self.reboot, self.work, self.end_running,
            self.call_off, self.pause, self.resume, self.change, self.add, self.remove,
        )  # fmt: skip
        self.chance.choices(deeds, (20, 16, 1, 6, 2, 6, 4, 2, 2, 4, 4, 2, 2))[0]()
        self.judge_quiet()

    def finish(self) -> None:
        """Let everything that is due come about, and look over the store."""
        self.timed.clock.advance_ms(3 * H)
        before = {line.key: len(self.open_of(line)) for line in self.lines.values()}
        self.expect_reboots(before)
        self.timed.settle_down(5_000)
        self.judge(before, None)
        for rule in SCHEDULE_RULES:
            found = self.stores[0].connection.execute(rule.statement).fetchall()
            ensure(not found, rule.code, found)
        with suppress(KeyError):
            ensure(not self.timed.faults(), "the store is sound", self.timed.faults())
