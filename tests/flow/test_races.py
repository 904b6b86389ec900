"""Sixteen processes enqueue the same work at once: one row comes of it, and each of them learns its id."""

from __future__ import annotations

import os
import signal
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from bgo import TaskFlow
from bgo.config import Flags, load
from bgo.store.check import check
from bgo.store.sqlite import SqliteStore

CALLERS, KEYS = 16, 25
CALLER = """
import json, sys
from dataclasses import replace
from bgo import TaskFlow
from bgo.config import Flags, load
from bgo.engine.spec import Request
from bgo.model.limits import DedupPolicy, Unique
from bgo.policy.dedup import key_of
home, kind, keys = sys.argv[1], sys.argv[2], int(sys.argv[3])
with TaskFlow(settings=load(Flags(no_plugins=True), env={"BGO_HOME": home})) as flow:
    flow.store
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(keys):
        spec = flow.spec_of(Request("echo", {"message": str(n)}))
        if kind == "dedup":
            policy = DedupPolicy()
            key = key_of("echo", {"message": str(n)}, policy)
            spec = replace(spec, wish=replace(spec.wish, dedup=policy), dedup_key=key)
        else:
            spec = replace(spec, wish=replace(spec.wish, unique=Unique(str(n))))
        made = flow.submit(spec)
        print(n, made.id, made.outcome, made.state, flush=True)
    print("done", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def flow(tmp_path: Path) -> Iterator[TaskFlow]:
    with TaskFlow(settings=load(Flags(no_plugins=True), env={"BGO_HOME": str(tmp_path)})) as found:
        assert found.overview().workers == 0
        yield found


def start(home: Path, kind: str, keys: int) -> Popen[str]:
    words = [sys.executable, "-c", CALLER, str(home), kind, str(keys)]
    return Popen(words, stdin=PIPE, stdout=PIPE, text=True)


def say(caller: Popen[str]) -> None:
    assert caller.stdin is not None
    caller.stdin.write("\n")
    caller.stdin.flush()


def until(caller: Popen[str], word: str) -> list[list[str]]:
    """Read what a caller says until it says that word."""
    assert caller.stdout is not None
    lines: list[list[str]] = []
    for line in caller.stdout:
        if line.strip() == word:
            return lines
        lines.append(line.split())
    raise AssertionError(f"a caller ended before it said {word}")


def close(callers: list[Popen[str]]) -> None:
    for caller in callers:
        if caller.poll() is None:
            caller.kill()
        caller.communicate()


@pytest.mark.parametrize(("kind", "word"), [("dedup", "deduplicated"), ("unique", "kept")])
def test_equal_work_of_many_processes_is_one_row(flow: TaskFlow, tmp_path: Path, kind: str, word: str) -> None:
    callers = [start(tmp_path, kind, KEYS) for _ in range(CALLERS)]
    try:
        for caller in callers:
            until(caller, "ready")
        for caller in callers:
            say(caller)
        answers: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for caller in callers:
            for number, task_id, outcome, state in until(caller, "done"):
                assert state == "queued"
                answers[number].append((task_id, outcome))
    finally:
        close(callers)
    assert len(answers) == KEYS
    for told in answers.values():
        assert len({task_id for task_id, _ in told}) == 1
        assert sorted(outcome for _, outcome in told) == sorted(["new", *[word] * (CALLERS - 1)])
    assert {view.id for view in flow.get_all_tasks()} == {told[0][0] for told in answers.values()}
    assert isinstance(flow.store, SqliteStore)
    assert check(flow.store) == []


def test_a_killed_caller_leaves_no_key_behind(flow: TaskFlow, tmp_path: Path) -> None:
    """The key is in the store or it is not, with its task: there is nothing beside it that a death could leave."""
    caller = start(tmp_path, "dedup", 100_000)
    try:
        until(caller, "ready")
        say(caller)
        assert caller.stdout is not None
        seen = [caller.stdout.readline().split() for _ in range(20)]
        os.kill(caller.pid, signal.SIGKILL)
    finally:
        close([caller])
    assert isinstance(flow.store, SqliteStore)
    assert check(flow.store) == []
    ids = {view.id for view in flow.get_all_tasks()}
    assert {task_id for _, task_id, _, _ in seen} <= ids
    flow.cancel("echo")
    again = start(tmp_path, "dedup", 20)
    try:
        until(again, "ready")
        say(again)
        assert {line[2] for line in until(again, "done")} == {"new"}
    finally:
        close([again])
