"""Ending a run: find everything it has started, wherever that hides, and let nothing of it live.

What belongs to a run: the child (by pid and start time), its process group and session, whatever carries the run's
mark, and everything below any of these. A child is a subreaper, so while it lives its whole tree hangs below it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Collection

from bgo.clock import Clock
from bgo.model.task import Child
from bgo.run.proctable import (
    LINUX,
    Process,
    carriers,
    descendants,
    find_process,
    signal_process,
    snapshot,
    spared,
)

PATIENCE_MS = 5_000
"""How long SIGKILL is given: only a process in uninterruptible sleep, or one of another user, takes longer."""
_LONGEST_NAP_MS = 50
_QUIET_LOOKS = 2
"""One look can miss a process whose parent forked it and ended while the table was being read."""


def members(child: Child | None, mark: str) -> list[Process]:
    """Return the living processes of a run.

    The asker and its ancestors never count. A pid that was given to somebody else since is nobody's: when the child is
    gone, its session still counts if one of its processes proves by the mark that it is the run's.
    """
    table = snapshot()
    spare = spared(table)
    session, seeds = 0, set()
    if child is not None:
        leader = table.get(child.pid)
        if leader is not None and leader.start_time == child.start_time:
            session = child.pid
            seeds.add(child.pid)
    found = _tree(table, seeds, session)
    if not any(_counts(table[pid], spare) for pid in found):
        # Reading environments is the dear part: done when there is nothing else to go by, and so always at the end.
        marked = carriers(table, {mark}, spare)
        if child is not None and any(table[p].session == child.pid for p in marked):
            session = child.pid
        found = _tree(table, marked, session)
    return [table[pid] for pid in sorted(found) if _counts(table[pid], spare)]


def _tree(table: dict[int, Process], seeds: set[int], session: int) -> set[int]:
    if session:
        seeds = seeds | {p.pid for p in table.values() if session in (p.session, p.group)}
    return seeds | descendants(table, seeds)


def _counts(process: Process, spare: Collection[int]) -> bool:
    return not process.is_gone and process.pid not in spare


def is_running(child: Child | None, mark: str) -> bool:
    """Say whether anything of a run is alive."""
    return bool(members(child, mark))


def terminate_run(child: Child | None, mark: str) -> bool:
    """Ask everything of a run to end (SIGTERM, and SIGCONT for what is stopped); return False when nothing was there.

    Does not wait.
    """
    found = members(child, mark)
    for number in (signal.SIGTERM, signal.SIGCONT):
        for process in found:
            signal_process(process, number)
    return bool(found)


def kill_run(child: Child | None, mark: str, grace_ms: int, clock: Clock) -> bool:
    """End a run: SIGTERM, up to `grace_ms` to clean up, then SIGKILL until nothing of it lives.

    Returns True when no process of the run is left: none that carries `mark`, none of the child's session, none below
    them. False: something will not die, because it is another user's or stuck in the kernel. `child` must be of this
    boot; pass None when only the mark is known. Blocks; with `grace_ms=0` for some ten milliseconds.
    """
    if grace_ms > 0 and terminate_run(child, mark):
        _wait_gone(child, mark, grace_ms, clock)
    until = clock.awake_ms() + PATIENCE_MS
    nap, quiet = 1, 0
    hunted: set[Process] = set()
    while quiet < _QUIET_LOOKS:
        found = members(child, mark) or _dying(hunted)
        if not found:
            quiet += 1
            continue
        if clock.awake_ms() > until:
            return False
        quiet = 0
        _kill(found, None if child is None else child.pid)
        hunted.update(found)
        clock.sleep_ms(nap)
        nap = min(nap * 2, _LONGEST_NAP_MS)
    return True


def _dying(hunted: Collection[Process]) -> list[Process]:
    """A process that dies loses its environment, and so its mark, before it lets go of its files and locks."""
    return [p for p in hunted if (now := find_process(p.pid)) and now.start_time == p.start_time and not now.is_gone]


def _kill(found: list[Process], leader: int | None) -> None:
    """Kill what was found; the child goes last and is stopped before.

    Stopped, it starts nothing new; alive, it adopts what its dying descendants leave behind, so that nothing slips out
    of the tree between two looks.
    """
    others = [process for process in found if process.pid != leader]
    if others:
        for process in sorted(found, key=lambda p: p.pid != leader):
            signal_process(process, signal.SIGSTOP)
    for process in others or found:
        signal_process(process, signal.SIGKILL)


def _wait_gone(child: Child | None, mark: str, limit_ms: int, clock: Clock) -> None:
    until = clock.awake_ms() + limit_ms
    nap = 1
    while (left := until - clock.awake_ms()) > 0 and is_running(child, mark):
        clock.sleep_ms(min(nap, left))
        nap = min(nap * 2, _LONGEST_NAP_MS)


def reap_strangers(known: Collection[int]) -> list[int]:
    """Kill and reap children of this process whose pid is not in `known`; return the pids that were found.

    A subreaper inherits what its children leave behind when they die. `known` must name every process that was
    started on purpose. What was killed just now is reaped by a later call.
    """
    me = os.getpid()
    strangers = [pid for pid in _children(me) if pid not in known]
    for pid in strangers:
        process = find_process(pid)
        if process is not None and process.parent == me:
            signal_process(process, signal.SIGKILL)
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass
    return strangers


def _children(me: int) -> list[int]:
    """Return this process's own children; the kernel lists them by thread."""
    if not LINUX:
        return [p.pid for p in snapshot().values() if p.parent == me]
    found = []
    try:
        for thread in os.listdir(f"/proc/{me}/task"):
            with open(f"/proc/{me}/task/{thread}/children", "rb") as file:
                found += [int(pid) for pid in file.read().split()]
    except OSError:  # the kernel was built without these lists
        return [p.pid for p in snapshot().values() if p.parent == me]
    return found
