"""Chain files: what they may say, and that every refusal names FILE:LINE and writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bgo
from bgo.errors import NotFoundError, UsageError
from bgo.flow.chain_file import parse
from bgo.model import payload, wish
from bgo.model.flow import ChainSpec
from bgo.testing import drain
from tests.flow import kitchen

WHOLE = """
name = "nightly"
input = { dir = "/data" }
[options]
retry = "exponential:attempts=3"
start-before = "2h"
tags = ["night"]
[[step]]
run = "scan"
input = { n = 2 }
timeout = "2m"
queue = "high"
priority = "high"
concurrency = "2:lifo"
concurrency_key = "disk"
rate = "10/1m"
at_most_once = true
retry = "none"
on_failure = "rollback"
[[step]]
merge = "array"
parallel = [
  { run = "shout", name = "each", over = "scan.files" },
  { run = "tell", name = "zip", input = { level = 9 } },
  "once_more",
]
[[step]]
command = ["make", "test"]
env = { LEVEL = "3" }
[[step]]
command = "make 'all of it'"
on_failure = "continue"
[[step]]
run = "shout"
items = ["a", { path = "b" }]
[[step]]
name = "rollback"
run = "tell"
[step.input]
sorry = true
"""


@pytest.fixture
def flow(bgo_isolate: Callable[[bgo.TaskFlow], bgo.TaskFlow]) -> bgo.TaskFlow:
    """Return the kitchen's flow on a store of its own."""
    return bgo_isolate(kitchen.flow)


def read(flow: bgo.TaskFlow, text: str, **more: Any) -> ChainSpec:
    return parse(flow, text, "c.toml", **more).spec()


def test_a_file_says_all_that_a_chain_can_be(flow: bgo.TaskFlow) -> None:
    chain = read(flow, WHOLE)
    steps = {step.name: step for step in chain.plan.steps}
    assert [*steps] == ["scan", "each+zip+once_more", "make", "make-2", "shout"]
    assert [steps[name].on_failure for name in ("scan", "make", "make-2")] == ["rollback", "fail", "continue"]
    assert (steps["each+zip+once_more"].merge, [*chain.plan.asides]) == ("array", ["rollback"])
    assert payload.load(chain.plan.asides["rollback"].input) == {"sorry": True}
    members = {member.spec.name: member for member in chain.members}
    first = members["scan"].spec
    assert (first.queue, first.wish.timeout.hard_ms, first.wish.retry.max_attempts) == ("high", 120_000, 1)
    assert first.wish.concurrency is not None
    assert (first.wish.concurrency.key, first.wish.at_most_once, first.tags) == ("disk", True, ("night",))
    assert members["zip"].spec.wish.retry.max_attempts == 3
    each, shout = members["each"].batch, members["shout"]
    assert (str(each.over) if each else None, [payload.load(i) for i in shout.items]) == (
        "scan.files",
        [{"path": "a"}, {"path": "b"}],
    )
    assert payload.load(members["make"].spec.setup or b"")["argv"] == ["make", "test"]
    assert payload.load(members["make"].spec.setup or b"")["env"]["LEVEL"] == "3"
    assert payload.load(members["make-2"].spec.setup or b"")["argv"] == ["make", "all of it"]
    assert chain.spec.wish.start_before is not None
    assert (chain.spec.name, payload.load(chain.spec.input)) == ("nightly", {"dir": "/data"})


def test_paths_begin_at_the_file_and_the_call_goes_over_it(flow: bgo.TaskFlow, tmp_path: Path) -> None:
    (tmp_path / "items.txt").write_text("a\n\nb\n", encoding="utf-8")
    (tmp_path / "sub").mkdir()
    file = tmp_path / "c.toml"
    file.write_text("input = {n = 1, m = 2}\n[[step]]\nrun='shout'\nitems='items.txt'\ncwd='sub'\n", encoding="utf-8")
    chain = flow.chain_file(file, "called").spec({"n": 3})
    assert (chain.spec.name, payload.load(chain.spec.input)) == ("called", {"n": 3, "m": 2})
    (member,) = chain.members
    assert member.batch is not None
    assert member.batch.template is not None
    assert (len(member.items), member.batch.template.cwd) == (2, str(tmp_path / "sub"))


def test_a_chain_from_a_file_runs(flow: bgo.TaskFlow) -> None:
    text = "name='c'\n[[step]]\nrun='fail'\non_failure='tell'\n[[step]]\nrun='scan'\n[[step]]\nrun='tell'\n"
    chain_id = parse(flow, text).enqueue()
    drain(flow)
    node = flow.graph(chain_id)
    assert [str(step.members[0].task.state) for step in node.steps] == ["failed", "failed"]
    assert flow.get(node.follow_ups[0].task.id).output["input"]["failed_step"] == "fail"


SCAN = "name='c'\n[[step]]\nrun='scan'\n"
REFUSED = [
    ("", 1, "no steps"),
    ("name='c'\n", 1, "no steps"),
    ("[[step]]\nrun='scan'\n", 1, "the chain has no name"),
    ("name='a b'\n[[step]]\nrun='scan'\n", 1, "not a chain name"),
    ("name='c'\n[step]\nrun='scan'\n", 2, "a step is written [[step]]"),
    ("name='c'\nstep=3\n", 2, "a step is written [[step]]"),
    ("name='c'\n[[step]\nrun\n", 2, "not TOML"),
    ("nmae='c'\n[[step]]\nrun='scan'\n", 1, "unknown key 'nmae'"),
    (SCAN + "timeoot='2m'\n", 4, "unknown key 'timeoot'"),
    (SCAN + "timeout='2x'\n", 4, "timeout: not a timeout"),
    (SCAN + "queue=3\n", 4, "queue: a queue is wanted"),
    (SCAN + "tags=[3]\n", 4, "tags: a list of strings is wanted"),
    (SCAN + "charging='yes'\n", 4, "charging: true or false is wanted"),
    (SCAN + "charging=true\nnetwork='wifi'\n", 5, "network: not a network: 'wifi'"),
    (SCAN + "network='unmeterd'\ndevice-idle=true\n", 4, "network: not a network: 'unmeterd'"),
    (SCAN + "battery-not-low=1\n", 4, "battery_not_low: true or false is wanted"),
    (SCAN + "rate_key='k'\n", 4, "rate_key: it needs rate"),
    (SCAN + "input=3\n", 4, "a table is wanted"),
    (SCAN + "input={n='x'}\n", 4, 'scan: n does not accept "x"'),
    (SCAN + "input={at=2026-01-01}\n", 4, "the input is not acceptable JSON"),
    (SCAN + "merge='both'\n", 4, "merge is overwrite or array"),
    (SCAN + "command='ls'\n", 2, "a step with run and command"),
    (SCAN + "over='input'\nitems=['a']\n", 4, "over and items contradict each other"),
    (SCAN + "items='nowhere.txt'\n", 4, "cannot read"),
    (SCAN + "items=[]\n", 4, "no items"),
    (SCAN + "\n[[step]]\nrun='scan'\n", 6, "step scan appears twice"),
    (SCAN + "[[step]]\nname='x'\nrun='y=tell'\n", 6, "two names for one step"),
    (SCAN + "[[step]]\nrun='shout'\nover='scam.files'\n", 6, "step shout: no earlier step is called 'scam'"),
    (SCAN + "[[step]]\nrun='shout@tell.x'\n", 5, "step shout: no earlier step is called 'tell'"),
    (SCAN + "[options]\nlike='x'\n", 5, "unknown key 'like'"),
    (SCAN + "on_failure='contnue'\n", 4, "on_failure names no step: 'contnue'"),
    (SCAN + "on_failure='scan'\n", 4, "the chain never ends"),
    (SCAN + "on_failure='tell'\n[[step]]\nrun='tell'\non_failure='scan'\n", 7, "the chain never ends"),
    (
        SCAN + "on_failure='b'\n[[step]]\nname='b'\nrun='tell+shout'\n",
        5,
        "step b makes good for another, and is several",
    ),
    (
        SCAN + "on_failure='b'\n[[step]]\nname='b'\nrun='shout'\nitems=['a']\n",
        5,
        "makes good for another, and is a batch",
    ),
    (
        SCAN + "on_failure='b'\n[[step]]\nname='b'\nrun='tell'\nmerge='array'\n",
        5,
        "makes good for another, and has merge",
    ),
    ("name='c'\n[[step]]\nname='x'\n", 2, "a step with nothing to run"),
    ("name='c'\n[[step]]\nrun=3\n", 3, "a step word such as 'files.scan' is wanted"),
    ("name='c'\n[[step]]\nrun='a b'\n", 3, "not a step"),
    ("name='c'\n[[step]]\ncommand='a | b'\n", 3, "a shell would be needed"),
    ("name='c'\n[[step]]\ncommand=[]\n", 3, "an empty command"),
    ("name='c'\n[[step]]\nparallel=[]\n", 3, "a list of step words or tables is wanted"),
    ("name='c'\n[[step]]\nparallel=[\n'scan',\n{run='tell', vover='a'}]\n", 5, "unknown key 'vover'"),
    ("name='c'\n[[step]]\nparallel=['scan']\nover='input.x'\n", 4, "over beside several members"),
]


@pytest.mark.parametrize(("text", "line", "why"), REFUSED)
def test_what_does_not_fit_is_refused_with_its_line(flow: bgo.TaskFlow, text: str, line: int, why: str) -> None:
    with pytest.raises(UsageError) as refused:
        read(flow, text)
    error = refused.value
    assert error.message.startswith(f"c.toml:{line}: ")
    assert why in error.message
    assert error.why
    assert error.hint
    assert flow.tasks(bgo.Selector(match_all=True, kinds=())) == []


def test_an_unknown_handler_is_named_with_its_line(flow: bgo.TaskFlow) -> None:
    with pytest.raises(NotFoundError, match=r"c\.toml:5: unknown handler: 'shuot'") as refused:
        read(flow, SCAN + "[[step]]\nrun='scan+shuot'\n".replace("scan+", ""))
    assert "shout" in refused.value.hint


def test_files_that_cannot_be_read(flow: bgo.TaskFlow, tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"name = '\xe9'")
    for path in (tmp_path, tmp_path / "none", tmp_path / "latin"):
        with pytest.raises(UsageError, match="cannot read"):
            flow.chain_file(path)


@pytest.mark.parametrize(
    ("words", "asks"),
    [
        ('network = "unmetered"', {"network": "unmetered"}),
        ("charging = true\ndevice-idle = true", {"requires_charging": True, "device_idle": True}),
        (
            'storage-not-low = true\nbattery-not-low = true\nnetwork = "not-roaming"\ncharging = false',
            {"storage_not_low": True, "battery_not_low": True, "network": "not-roaming"},
        ),
        (
            'cpu_below = "50%"\nunused_for = "10m"\non_network = "Home"',
            {"cpu_below": 50, "unused_ms": 600_000, "on_network": ["Home"]},
        ),
        (
            'cpu-below = 30\nunused-for = 90\non-network = ["b", "a"]',
            {"cpu_below": 30, "unused_ms": 90_000, "on_network": ["a", "b"]},
        ),
        ("charging = false", {}),
        ('network = "none"', {}),
    ],
)
@pytest.mark.parametrize("place", ["[[step]]\nrun='scan'\n", "[options]\n"])
def test_a_step_and_the_whole_may_ask_for_all_that_a_device_offers(
    flow: bgo.TaskFlow, words: str, asks: dict[str, Any], place: str
) -> None:
    text = f"name='c'\n{place}{words}\n" + ("[[step]]\nrun='scan'\n" if "options" in place else "")
    (member,) = read(flow, text).members
    assert wish.constraints_json(member.spec.wish.constraints) == asks
