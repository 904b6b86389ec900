"""The crash harness: what must hold after `chaos.py` has done its harm.

The driver and an enqueuer, itself killed at times, keep lists of acknowledged ids. `findings` compares those lists, the
handlers' ledger, the store and the host; each check has a name, and planted bugs must turn them red.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from bgo.ids import LENGTH, looks_like_id
from bgo.model.query import Selector
from bgo.model.state import FINAL, State
from bgo.model.task import HistoryEntry, Task
from tests.run.chaos import Chaos, Deeds
from tests.run.yard import Line, Yard

CHARGED = {"succeed", "retry", "exhaust"}
UNCHARGED = {"lose", "release"}
OUTCOMES = CHARGED | UNCHARGED | {"cancel"}


@dataclass
class Facts:
    """What there is to compare, read once."""

    tasks: dict[str, Task]
    rows: dict[str, list[HistoryEntry]]
    starts: dict[tuple[str, int], list[Line]]
    lines: list[Line]

    @classmethod
    def of(cls, yard: Yard) -> Facts:
        with yard.flow.store.read() as session:
            tasks = {t.id: t for t in session.tasks.select(Selector(match_all=True), limit=1 << 30)}
            rows = {task_id: session.records.of_task(task_id) for task_id in tasks}
        lines = yard.lines()
        starts = defaultdict(list)
        for line in lines:
            if line.kind == "S":
                starts[line.id, line.run].append(line)
        return cls(tasks, rows, starts, lines)

    def outcomes(self, task_id: str) -> list[HistoryEntry]:
        return [row for row in self.rows[task_id] if row.event in OUTCOMES and row.run > 0]


def findings(yard: Yard, acknowledged: set[str], deeds: Deeds | None = None) -> dict[str, list[str]]:
    """Return what is wrong, by the name of the check; nothing is wrong when every list is empty."""
    from bgo.store.admin import check

    facts = Facts.of(yard)
    found = {
        "lost": [i for i in sorted(acknowledged) if i not in facts.tasks],
        "unfinished": [f"{t.id} {t.state}" for t in facts.tasks.values() if t.state not in FINAL],
        "two_outcomes": _two_outcomes(facts),
        "overlap": _overlaps(facts),
        "unexplained_rerun": _unexplained(facts),
        "uncounted_run": _uncounted(facts),
        "charged": _charged(facts),
        "left_over": yard.left_over(),
        "store": [f"{f.code}: {f.message} {f.examples}" for f in check(yard.flow.store) if f.is_fault],
    }
    if deeds is not None:
        found["false_crash"] = _false_crashes(facts, deeds)
        found["false_loss"] = _false_losses(facts, deeds)
    return found


def _two_outcomes(facts: Facts) -> list[str]:
    """One run has at most one outcome, and a final state absorbs."""
    found = []
    for task_id in facts.tasks:
        rows = facts.outcomes(task_id)
        found += [f"{task_id} run {run}: {n} outcomes" for run, n in Counter(r.run for r in rows).items() if n > 1]
        final = [row.event for row in rows if State(row.state) in FINAL]
        if len(final) > 1 or (final and State(rows[-1].state) not in FINAL):
            found.append(f"{task_id} ended more than once: {final}")
    return found


def _overlaps(facts: Facts) -> list[str]:
    """No two copies of a task at once: locks, marks, and no word of an older run after a newer one began."""
    found = [f"{line.id} run {line.run} was not alone: {line.words}" for line in facts.lines if line.kind == "X"]
    newest: dict[str, int] = defaultdict(int)
    for line in facts.lines:
        if line.run < newest[line.id]:
            found.append(f"{line.id} run {line.run} says {line.kind} after run {newest[line.id]} began")
        newest[line.id] = max(newest[line.id], line.run)
    return found


def _unexplained(facts: Facts) -> list[str]:
    """Every run that began, and every run before the last, has its line in the history."""
    found = []
    for (task_id, run), lines in facts.starts.items():
        if task_id not in facts.tasks or run not in {row.run for row in facts.outcomes(task_id)}:
            found.append(f"{task_id} run {run} began and nothing is recorded")
        if len(lines) > 1:
            found.append(f"{task_id} run {run} began {len(lines)} times")
    for task in facts.tasks.values():
        missing = set(range(1, task.run + 1)) - {row.run for row in facts.outcomes(task.id)}
        found += [f"{task.id} run {run} has no outcome" for run in sorted(missing)]
    return found


def _uncounted(facts: Facts) -> list[str]:
    """A run is counted before user code sees it."""
    tasks = facts.tasks
    return [f"{i} run {run} of {tasks[i].run}" for i, run in facts.starts if i in tasks and run > tasks[i].run]


def _charged(facts: Facts) -> list[str]:
    """Attempts are the charged runs, and no others: losses and hand-backs cost nothing."""
    found = []
    for task in facts.tasks.values():
        charged = sum(row.event in CHARGED for row in facts.outcomes(task.id))
        if task.state in FINAL and task.attempt != charged:
            found.append(f"{task.id}: {task.attempt} attempts, {charged} charged runs")
    return found


def _false_crashes(facts: Facts, deeds: Deeds) -> list[str]:
    """A run is recorded as a crash only if its child was killed; and nothing else makes a task fail here."""
    found = []
    for task in facts.tasks.values():
        for row in facts.outcomes(task.id):
            if row.reason == "crash" and (task.id, row.run) not in deeds.killed_children:
                found.append(f"{task.id} run {row.run}: {row.error}")
            if row.event == "exhaust" and row.reason != "crash":
                found.append(f"{task.id} run {row.run} failed: {row.reason} {row.error}")
    return found


def _false_losses(facts: Facts, deeds: Deeds) -> list[str]:
    """No more runs are lost than workers were hit, two slots each."""
    lost = sum(row.event == "lose" for task in facts.tasks for row in facts.outcomes(task))
    hit = deeds.counts["kill worker"] + deeds.counts["kill all"] + deeds.counts["stop worker"]
    return [f"{lost} runs lost by {hit} blows"] if lost > 2 * hit else []


def story(yard: Yard, found: dict[str, list[str]]) -> str:
    """Return all that is known of the tasks that the findings name first."""
    ids = dict.fromkeys(text.split()[0].rstrip(":") for texts in found.values() for text in texts[:3])
    told = []
    for task_id in [word for word in ids if len(word) == LENGTH and looks_like_id(word)][:5]:
        told += [f"{task_id}:", *(f"  {row}" for row in yard.history(task_id) if row.task_id == task_id)]
        told += [f"  {line}" for line in yard.lines() if line.id == task_id]
    return "\n".join(told)


def rescue_latencies(yard: Yard, deeds: Deeds) -> list[float]:
    """Return the seconds from the kill of a worker to the next start of what it ran, where no back-off lay between."""
    facts = Facts.of(yard)
    found = []
    for (task_id, run), struck in deeds.struck.items():
        rows = facts.outcomes(task_id)
        losses = [row.run for row in rows if row.event == "lose"]
        if run in losses and losses[0] == run and (again := facts.starts.get((task_id, run + 1))):
            found.append(again[0].at - struck)
    return sorted(found)


def summary(yard: Yard, chaos: Chaos) -> str:
    """Return the figures of a crash run, in a few lines."""
    facts, deeds = Facts.of(yard), chaos.deeds
    events = Counter(row.event for rows in facts.rows.values() for row in rows)
    reruns = sum(run > 1 for _, run in facts.starts)
    times = rescue_latencies(yard, deeds)
    p99 = times[min(len(times) - 1, int(len(times) * 0.99))] if times else 0.0
    return (
        f"crash harness, seed {chaos.seed}: {deeds.blows} blows {dict(deeds.counts)}; {len(facts.tasks)} tasks, "
        f"{len(chaos.acknowledged())} acknowledged, {len(facts.starts)} runs, {reruns} re-runs\n"
        f"  lost and rescued {events['lose']}, handed back {events['release']}, crashed and retried {events['retry']}, "
        f"failed {events['exhaust']}, succeeded {events['succeed']}, late finishes refused {events['late_finish']}\n"
        f"  kill -9 of a worker to re-start: n={len(times)} median {times[len(times) // 2] if times else 0:.3f} s, "
        f"p99 {p99:.3f} s, max {times[-1] if times else 0:.3f} s"
    )
