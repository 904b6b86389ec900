"""Profiles on real processes: several on one store, and what workers of cron remember from run to run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bgo.model.options import NetworkConstraint, TaskConstraints, TaskTimeout
from bgo.model.state import State
from tests.run.kit import wait_until
from tests.run.yard import Yard, a_yard, open_gate

SMALL = """
os = "android"
extends = "android"
[standby]
pinned = "active"
[quota.active]
time = "20m"
window = "1h"
jobs = 3
sessions = 75
"""
UNPLUGGED = "charging=no battery=80 network=unmetered screen=on"


@pytest.fixture
def yard() -> Iterator[Yard]:
    with a_yard() as found:
        yield found


def small(yard: Yard, text: str = SMALL) -> dict[str, str]:
    """Return the environment of a worker under a small phone's profile."""
    path = yard.place / "small.toml"
    path.write_text(text)
    return {"BGO_PROFILE": str(path), "BGO_DEVICE": UNPLUGGED}


class Shell:
    """The `bgo` of a user, one process for each call."""

    def __init__(self, home: Path) -> None:
        self._env = {**os.environ, "BGO_HOME": str(home), "HOME": str(home), "NO_COLOR": "1"}
        for name in ("BGO_STORE", "BGO_CONFIG", "BGO_PROFILE", "BGO_DEVICE"):
            self._env.pop(name, None)

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "bgo", *words], env=self._env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def gates(self, task_id: str, *words: str) -> dict[str, Any]:
        """Return the closed gates of a task, by name."""
        told = json.loads(self("explain", task_id, "--json", *words))
        return {gate["gate"]: gate for gate in told["gates"] if not gate["open"]}


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_a_run_of_cron_remembers_the_quota_of_those_before(yard: Yard) -> None:
    env = small(yard)
    first = [yard.flow.enqueue("work", {}) for _ in range(2)]
    yard.worker(env=env).end()
    later = [yard.flow.enqueue("work", {}) for _ in range(2)]
    yard.worker(env=env).end()
    states = [yard.state(task)[0] for task in (*first, *later)]
    assert states == [State.SUCCEEDED] * 3 + [State.QUEUED]


def test_another_profile_takes_what_the_phone_may_not(yard: Yard) -> None:
    env = small(yard)
    tasks = [yard.flow.enqueue("work", {}) for _ in range(5)]
    yard.worker(env=env).end()
    assert [yard.state(task)[0] for task in tasks].count(State.QUEUED) == 2
    yard.worker().end()
    assert {yard.state(task)[0] for task in tasks} == {State.SUCCEEDED}


def test_two_workers_of_different_profiles_share_one_store(yard: Yard) -> None:
    """The phone on a metered network leaves what asks for a free one to the computer, and both take the rest."""
    free = TaskConstraints(network=NetworkConstraint.UNMETERED)
    env = small(yard) | {"BGO_DEVICE": UNPLUGGED.replace("unmetered", "metered")}
    phone = yard.worker(watch=True, env=env)
    asks = yard.flow.enqueue("work", {}, constraints=free)
    plain = yard.flow.enqueue("work", {})
    yard.until(plain, State.SUCCEEDED)
    assert yard.state(asks)[0] is State.QUEUED
    computer = yard.worker(watch=True, env={"BGO_DEVICE": "network=unmetered"})
    yard.until(asks, State.SUCCEEDED)
    for worker in (phone, computer):
        worker.end(signal.SIGTERM)
    ran = {entry.worker for task in (asks, plain) for entry in yard.history(task)}
    assert len(ran) == 2


def test_a_run_of_a_dead_worker_is_over_for_its_profile_too(yard: Yard) -> None:
    """Whoever rescues it, under whatever profile: the phone does not count it as running for ever."""
    env = small(yard)
    gate = yard.fifo("gate")
    task = yard.flow.enqueue("gated", {"gate": gate}, timeout=TaskTimeout.NONE)
    phone = yard.worker(watch=True, env=env)
    yard.started(task)
    phone.kill()
    computer = yard.worker(watch=True)
    yard.started(task, run=2)
    open_gate(gate)
    yard.until(task, State.SUCCEEDED)
    computer.end(signal.SIGTERM)
    yard.worker(env=env).end()
    with yard.flow.store.read() as session:
        state = json.loads(session.notes.read("platform.small") or "{}")["android"]
        assert session.overs.pending("small") == []
    assert state.get("running", []) == []


def test_a_platform_stops_what_has_run_for_too_long(yard: Yard) -> None:
    env = small(yard, SMALL + '[work]\nrun_max = "1s"\n')
    task = yard.flow.enqueue("stays", {"how": "polite"}, timeout=TaskTimeout.NONE)
    worker = yard.worker(watch=True, env=env, grace_ms=0)
    yard.started(task)
    wait_until(lambda: any(e.reason == "device" for e in yard.history(task)), "the run is stopped")
    (entry,) = [e for e in yard.history(task) if e.reason == "device" and e.run == 1]
    assert entry.detail["gate"] == "run_time"
    assert entry.attempt == 1, "on Android a stop uses up its attempt"
    worker.end(signal.SIGTERM)


def test_a_run_of_cron_remembers_since_when_the_device_sleeps(shell: Shell) -> None:
    """Screen off just now is no Doze yet, and stays so for the next run; screen off for a day is Doze."""
    off = ("--profile", "android", "--charging", "no", "--network", "unmetered", "--screen", "off")
    shell("enqueue", "echo", "message=first")
    assert "1 done" in shell("run", *off, "--since", "0s")
    shell("enqueue", "echo", "message=second")
    assert "1 done" in shell("run", *off)
    shell("run", "--profile", "android", "--screen", "on", "--charging", "no", "--network", "unmetered")
    task = shell("enqueue", "echo", "message=third", "-q").strip()
    assert "doze" in shell.gates(task, *off)
    shell("run", *off)
    assert task in shell("tasks", "--state", "queued", "-q")


def test_since_when_it_is_so_counts_more_than_what_is_remembered(shell: Shell) -> None:
    """The phone is known to doze; who says that its screen went off a moment ago is believed, by explain and by run."""
    off = ("--profile", "android", "--charging", "no", "--network", "unmetered", "--screen", "off")
    task = shell("enqueue", "echo", "-q").strip()
    shell("run", *off)
    assert "doze" in shell.gates(task, *off), "for a day, where nothing is said of it"
    assert shell.gates(task, *off, "--since", "1m") == {}
    assert "doze" in shell.gates(task, *off), "explain has noted nothing down"
    assert "1 done" in shell("run", *off, "--since", "1m")
    later = shell("enqueue", "echo", "-q").strip()
    assert shell.gates(later, *off) == {}, "and run has"
    assert "doze" in shell.gates(later, *off, "--since", "70m")
    shell("run", *off, "--since", "70m")
    assert "doze" in shell.gates(later, *off)


def test_what_is_held_runs_when_the_flags_change(shell: Shell) -> None:
    low = ("--profile", "android", "--battery", "12", "--charging", "no", "--network", "metered")
    power = shell("enqueue", "echo", "message=power", "--battery-not-low", "-q").strip()
    free = shell("enqueue", "echo", "message=free", "--network", "unmetered", "-q").strip()
    any_one = shell("enqueue", "echo", "message=any", "-q").strip()
    told = shell("run", *low)
    assert f"{any_one} echo succeeded" in told
    assert "1 held by battery; 1 held by network" in told
    assert set(shell.gates(power, *low)) == {"battery"}
    assert set(shell.gates(free, *low)) == {"network"}
    assert "2 done" in shell("run", *low[:2], "--battery", "60", "--charging", "no", "--network", "unmetered")
    assert free in shell("tasks", "--state", "succeeded")
