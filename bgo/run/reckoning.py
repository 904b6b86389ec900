"""What became of the calls of hooks: who failed and how often, who is called no more, and how much nobody heard."""

from __future__ import annotations

from collections.abc import Callable

from bgo.clock import Clock
from bgo.run import hooklog
from bgo.run.bench import Bench
from bgo.run.ear import Answer
from bgo.run.hooklog import Fault
from bgo.run.report import HookCounts, HookEvent

FAILURES = 5
"""So many in a row, and an observer is not called any more."""
ALL = "all hooks"


class Reckoning:
    """Counts, keeps for `bgo doctor`, and says as it happens. Observers go by their labels."""

    def __init__(self, bench: Bench, counts: HookCounts, say: Callable[[HookEvent], None]) -> None:
        self._counts, self._say = counts, say
        self._run_dir = bench.run_dir
        self._clock: Clock = bench.clock
        self._in_a_row: dict[str, int] = {}
        self._off: set[str] = set()
        self._late: set[str] = set()
        self._faulty = set(hooklog.read(bench.run_dir).faults)
        """Of whom the file beside the store says that they failed last."""
        self._dropped = 0

    def is_off(self, label: str) -> bool:
        """Say whether an observer is called no more."""
        return label in self._off

    def was_late(self, label: str) -> bool:
        """Say whether its last call took too long."""
        return label in self._late

    def heard(self, label: str, hook: str, about: str, answer: Answer) -> None:
        """Take note of how a call went."""
        self._counts.told += 1
        if answer.error:
            self._failed(label, hook, about, answer)
            return
        self._in_a_row.pop(label, None)
        self._late.discard(label)
        if label in self._faulty:
            self._faulty.discard(label)
            hooklog.note(self._run_dir, label, None)

    def _failed(self, label: str, hook: str, about: str, answer: Answer) -> None:
        count = self._in_a_row[label] = self._in_a_row.get(label, 0) + 1
        self._counts.failed += 1
        if answer.is_late:
            self._late.add(label)
        now, is_off = self._clock.now_ms(), count >= FAILURES
        self._faulty.add(label)
        hooklog.note(self._run_dir, label, Fault(hook, answer.error, count, now, is_off))
        self._say(HookEvent("hook_failed", now, hook, label, about, answer.error))
        if is_off:
            self._off.add(label)
            self._counts.off.append(label)
            self._say(HookEvent("hook_off", now, hook, label, about, f"it failed {count} times in a row"))

    def gave_up(self, why: str) -> None:
        """Their process does not start: nobody is called any more."""
        now, words = self._clock.now_ms(), f"their process does not start: {why}"
        self._counts.off.append(ALL)
        hooklog.note(self._run_dir, ALL, Fault("", words, 1, now, True))
        self._say(HookEvent("hook_off", now, "", ALL, "", words))

    def started(self) -> None:
        """Their process is up."""
        if ALL in self._faulty:
            self._faulty.discard(ALL)
            hooklog.note(self._run_dir, ALL, None)

    def dropped(self, hook: str, count: int, why: str) -> None:
        """Count calls that are not made; the first time it is said."""
        if not self._dropped:
            self._say(HookEvent("hook_dropped", self._clock.now_ms(), hook, "", "", why))
        self._dropped += count
        self._counts.dropped += count

    def close(self) -> None:
        """Keep what was dropped."""
        if self._dropped:
            hooklog.note_dropped(self._run_dir, self._dropped, self._clock.now_ms())
