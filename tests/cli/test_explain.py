"""`bgo explain`: every gate with its word, what would lift a hold, and how long runs had waited."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bgo.api import TaskFlow
from bgo.cli import app
from bgo.clock import SystemClock, VirtualClock
from bgo.model.options import NetworkConstraint, RetryPolicy, TaskConstraints
from bgo.model.outcome import Failed, Succeeded, TaskError
from tests.build import START, a_device
from tests.store import drive

CHARGED = TaskConstraints(requires_charging=True)


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def flow() -> Iterator[TaskFlow]:
    with TaskFlow() as found:
        yield found


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert app.main(["explain", *words]) == 0
    return capsys.readouterr().out


def told(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    return json.loads(shown(capsys, *words, "--json"))


def test_a_held_task_is_explained_gate_by_gate(flow: TaskFlow, capsys: pytest.CaptureFixture[str]) -> None:
    flow.enqueue("echo", as_="first", constraints=CHARGED, concurrency=2)
    task_id = flow.enqueue("echo", as_="first", constraints=CHARGED, concurrency=2)
    lines = shown(capsys, task_id, "--charging", "no").splitlines()
    assert lines[0] == f"{task_id}  first  ○ queued"
    gates = [line.split()[:3] for line in lines if line[:1] in "✓✗"]
    assert gates == [
        ["✓", "open", "due"],
        ["✓", "open", "paused"],
        ["✓", "open", "handler"],
        ["✗", "held", "charging"],
        ["✓", "open", "concurrency"],
        ["✓", "open", "slots"],
    ]
    text = " ".join(" ".join(lines).split())
    assert "so held by charging" in text
    assert "no (--charging); needs yes" in text
    assert "held by: the device's power may lift: nobody can say to lift it: plug in, or bgo run --charging yes" in text
    assert "place 1 task goes first in its lane" in text


def test_what_may_lift_and_when(flow: TaskFlow, capsys: pytest.CaptureFixture[str]) -> None:
    task_id = flow.enqueue("echo", delay=8400)
    flow.pause(name="echo")
    text = " ".join(shown(capsys, task_id).split())
    assert "so held by due, paused" in text
    assert "(in 2 h)" in text
    assert "to lift it: bgo resume echo" in text


def test_every_pause_must_be_lifted(flow: TaskFlow, capsys: pytest.CaptureFixture[str]) -> None:
    task_id = flow.enqueue("echo")
    flow.pause(name="echo")
    flow.pause(queue="default")
    found = told(capsys, task_id)
    assert [g["lift"] for g in found["gates"] if not g["open"]] == ["bgo resume echo", "bgo resume --queue default"]
    assert found["verdict"] == "held by paused"


def test_json_of_one_id_is_an_object(flow: TaskFlow, capsys: pytest.CaptureFixture[str]) -> None:
    task_id = flow.enqueue("echo", constraints=CHARGED)
    found = told(capsys, task_id, "--charging", "no")
    assert (found["schema"], found["id"], found["verdict"], found["ahead"]) == (1, task_id, "held by charging", 0)
    (held,) = (gate for gate in found["gates"] if not gate["open"])
    assert held == {
        "gate": "charging",
        "open": False,
        "current": "no (--charging)",
        "needed": "yes",
        "holder": "the device's power",
        "until": None,
        "lift": "plug in, or bgo run --charging yes",
        "held_ms": 0,
    }
    assert (found["profile"], found["changes"], found["last_look"]) == ("host", [], None)
    assert found["runs"] == []


def test_json_of_several_or_of_a_name_is_an_array(flow: TaskFlow, capsys: pytest.CaptureFixture[str]) -> None:
    ids = [flow.enqueue("echo"), flow.enqueue("echo")]
    assert [found["id"] for found in told(capsys, *ids)] == ids
    assert [found["id"] for found in told(capsys, "echo")] == ids[::-1]
    assert [found["id"] for found in told(capsys, "echo", "--limit", "1")] == ids[1:]


def test_words_for_one_who_waits_for_nothing_but_a_worker(flow: TaskFlow, capsys: pytest.CaptureFixture[str]) -> None:
    task_id = flow.enqueue("echo")
    text = " ".join(shown(capsys, task_id[:6]).split())
    assert "would start now, but no worker runs: bgo run" in text
    assert "first of its lane" in text
    assert "✗" not in text


def ended(flow: TaskFlow) -> str:
    """Let a task wait for power, fail, and succeed at the second try; return its id."""
    flow.clock = VirtualClock(START)
    task_id = flow.enqueue("echo", as_="done", constraints=CHARGED, retry=RetryPolicy.custom(delays=[5]))
    drive.tick(flow.store, 1, now=START, charging=False)
    for at, outcome in ((30_000, Failed(TaskError("Boom", "no"))), (40_000, Succeeded())):
        (claim,) = drive.tick(flow.store, 1, now=START + at, charging=True)
        drive.finish(flow.store, claim, outcome, now=START + at + 2_000)
    return task_id


def test_an_ended_task_tells_what_each_run_had_waited_for(flow: TaskFlow, capsys: pytest.CaptureFixture[str]) -> None:
    task_id = ended(flow)
    text = " ".join(shown(capsys, task_id).split())
    assert "so succeeded (done)" in text
    assert "1 (attempt 1): ↻ retrying (error), took 2 s, waited 30 s: charging 30 s" in text
    assert "2 (attempt 2): ✓ succeeded (done), took 2 s, waited 3 s: slots 3 s" in text
    assert "waited 33 s: charging 30 s, slots 3 s" in text
    assert "✗ held" not in text
    found = told(capsys, task_id)
    assert [run["waited"] for run in found["runs"]] == [{"charging": 30_000}, {"slots": 3_000}]
    assert found["waited_ms"] == {"charging": 30_000, "slots": 3_000}
    gates = [(gate["gate"], gate["open"], gate["current"], gate["held_ms"]) for gate in found["gates"]]
    assert [gate[:2] for gate in gates] == [("due", True), ("charging", True), ("slots", True)]
    assert gates[1:] == [
        ("charging", True, "open when it started", 30_000),
        ("slots", True, "open when it started", 3_000),
    ]
    assert "charging open when it started; it has held it for 30 s" in text


def test_what_was_called_off_while_it_waited_tells_what_held_it_to_the_end(
    flow: TaskFlow, capsys: pytest.CaptureFixture[str]
) -> None:
    flow.clock = clock = VirtualClock(START)
    task_id = flow.enqueue("echo", constraints=CHARGED, rate_limit="1/1h")
    drive.tick(flow.store, 1, now=START, charging=False)
    clock.advance_ms(90_000)
    flow.cancel_execution(task_id)
    clock.advance_ms(90_000)
    found = told(capsys, task_id)
    assert (found["verdict"], found["waited_ms"]) == ("cancelled (user)", {"charging": 90_000})
    gates = {gate["gate"]: (gate["open"], gate["current"], gate["held_ms"]) for gate in found["gates"]}
    assert gates["charging"] == (False, "it held it to the end", 90_000)
    assert gates["rate"] == (True, "open when it ended", 0)
    text = " ".join(shown(capsys, task_id).split())
    assert "✗ held charging it held it to the end; it has held it for 1 min 30 s" in text


def test_what_expired_is_told_as_held_to_its_end_whether_or_not_a_worker_has_noted_that(
    flow: TaskFlow, capsys: pytest.CaptureFixture[str]
) -> None:
    flow.clock = clock = VirtualClock(START)
    task_id = flow.enqueue("echo", constraints=CHARGED, start_before=60, retry=RetryPolicy.custom(delays=[5]))
    drive.tick(flow.store, 1, now=START, charging=False)
    clock.advance_ms(90_000)
    for _ in range(2):
        found = flow.explain(task_id, a_device("charging=no"))
        gates = {line.gate: (line.is_open, line.held_ms) for line in found.gates}
        assert (found.verdict, gates["charging"]) == ("cancelled (expired)", (False, 60_000))
        assert found.waited == {"charging": 60_000}
        drive.tick(flow.store, 1, now=START + 90_000, charging=False)


def test_what_failed_in_the_end_had_waited_no_longer_than_its_runs(flow: TaskFlow) -> None:
    flow.clock = clock = VirtualClock(START)
    task_id = flow.enqueue("echo", constraints=CHARGED)
    drive.tick(flow.store, 1, now=START, charging=False)
    (claim,) = drive.tick(flow.store, 1, now=START + 30_000, charging=True)
    drive.finish(flow.store, claim, Failed(TaskError("Boom", "no")), now=START + 40_000)
    clock.advance_ms(90_000)
    found = flow.explain(task_id)
    assert (found.task.state, found.waited) == ("failed", {"charging": 30_000})
    assert all(line.is_open for line in found.gates)


def test_a_run_that_failed_under_a_clock_that_was_set_back_was_no_wait_to_the_end(flow: TaskFlow) -> None:
    flow.clock = clock = VirtualClock(START)
    task_id = flow.enqueue("echo", constraints=CHARGED)
    (claim,) = drive.tick(flow.store, 1, now=START - 50_000, charging=True)
    drive.finish(flow.store, claim, Failed(TaskError("Boom", "no")), now=START - 40_000)
    clock.advance_ms(90_000)
    found = flow.explain(task_id)
    assert all(line.is_open for line in found.gates if line.gate != "due")
    assert sum(found.waited.values()) == 0


def test_what_was_called_off_before_its_time_was_held_by_that(
    flow: TaskFlow, capsys: pytest.CaptureFixture[str]
) -> None:
    task_id = flow.enqueue("echo", delay=7200)
    flow.cancel_execution(task_id)
    (due, *others) = told(capsys, task_id)["gates"]
    assert (due["gate"], due["open"]) == ("due", False)
    assert due["current"].startswith("it would have been ")
    assert all(gate["open"] for gate in others)


def test_what_never_came_to_run_because_of_another_says_so(flow: TaskFlow, capsys: pytest.CaptureFixture[str]) -> None:
    flow.clock = clock = VirtualClock(START)
    first = flow.enqueue("echo", constraints=CHARGED)
    second = flow.enqueue("echo", after=[first])
    clock.advance_ms(60_000)
    flow.cancel_execution(first)
    drive.tick(flow.store, 1, now=START + 60_000)
    found = told(capsys, second)
    assert found["verdict"] == "cancelled (upstream_cancelled)"
    assert found["waited_ms"] == {"upstream": 60_000}
    assert [gate["gate"] for gate in found["gates"] if not gate["open"]] == ["upstream"]


def test_a_task_that_waits_for_its_retry_tells_gates_and_runs(
    flow: TaskFlow, capsys: pytest.CaptureFixture[str]
) -> None:
    flow.clock = clock = VirtualClock(START)
    task_id = flow.enqueue("echo", constraints=CHARGED, retry=RetryPolicy.custom(delays=[600]))
    drive.tick(flow.store, 1, now=START, charging=False)
    (claim,) = drive.tick(flow.store, 1, now=START + 30_000, charging=True)
    drive.finish(flow.store, claim, Failed(TaskError("Boom", "no")), now=START + 31_000)
    clock.advance_ms(31_000)
    gates = {line.gate: line for line in flow.explain(task_id, a_device("charging=no")).gates}
    assert not gates["due"].is_open
    assert gates["due"].hold is not None
    assert gates["due"].hold.holder == "retry delay"
    assert (gates["charging"].is_open, gates["charging"].held_ms) == (False, 30_000)
    found = told(capsys, task_id, "--charging", "no")
    assert [(run["run"], run["waited"]) for run in found["runs"]] == [(1, {"charging": 30_000})]


def test_the_last_look_is_told_where_a_worker_was_held_by_something_else(
    flow: TaskFlow, capsys: pytest.CaptureFixture[str]
) -> None:
    task_id = flow.enqueue("echo", constraints=CHARGED)
    drive.tick(flow.store, 1, now=flow.clock.now_ms(), charging=False)
    assert told(capsys, task_id, "--charging", "yes")["last_look"] == "charging"
    assert told(capsys, task_id, "--charging", "no")["last_look"] is None
    text = " ".join(shown(capsys, task_id, "--charging", "yes").split())
    assert "last look a worker was held by charging; judged here and now that is open" in text


def test_a_schedule_is_explained_by_id_and_by_key(flow: TaskFlow, capsys: pytest.CaptureFixture[str]) -> None:
    made = flow.schedule("echo", interval=3600, key="hourly", constraints=CHARGED, start="tomorrow 9:00")
    found = told(capsys, "--schedule", "hourly", "--charging", "no")
    (found,) = found if isinstance(found, list) else [found]
    assert (found["id"], found["key"], found["profile"], found["changes"]) == (made, "hourly", "host", [])
    assert [(line["gate"], line["lift"]) for line in found["held"]] == [
        ("charging", "plug in, or bgo run --charging yes")
    ]
    assert told(capsys, "--schedule", made, "--charging", "yes")["held"] == []
    text = " ".join(shown(capsys, "--schedule", "hourly", "--charging", "no").split())
    assert "it makes what would be held now: ✗ held charging no (--charging); needs yes" in text
    task_id = flow.enqueue("echo")
    assert [one["id"] for one in told(capsys, task_id, "--schedule", "hourly")] == [task_id, made]


def test_a_name_of_which_all_have_ended_means_its_newest(flow: TaskFlow, capsys: pytest.CaptureFixture[str]) -> None:
    task_id = ended(flow)
    assert [found["id"] for found in told(capsys, "done")] == [task_id]


def test_all_is_a_table_of_groups(
    flow: TaskFlow, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    ended(flow)
    flow.clock = SystemClock()
    flow.enqueue_many("echo", [{}] * 5, as_="held", constraints=CHARGED)
    free = flow.enqueue("echo", as_="free")
    flow.pause(queue="low")
    flow.enqueue("echo", as_="asleep", queue="low")
    flow.enqueue("echo", as_="later", delay=8400)
    lines = shown(capsys, "--all", "--charging", "no").splitlines()
    rows = [" ".join(line.split()) for line in lines]
    assert rows[0].startswith("TASKS NAME STATE WAITS FOR")
    assert len(rows) == 5
    assert rows[1].startswith("5 held ○ queued charging no (--charging)")
    assert rows[2] == f"1 free ○ queued a worker {free}"
    assert rows[3].startswith("1 asleep ○ queued paused")
    assert rows[4].startswith("1 later ○ queued due")
    assert "in 2 h" in rows[4]


def test_all_tells_below_a_narrow_table_what_would_lift_the_holds(
    flow: TaskFlow, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    flow.enqueue("echo", constraints=CHARGED)
    flow.enqueue("echo", as_="a" * 30, constraints=CHARGED)
    free = TaskConstraints(NetworkConstraint.UNMETERED)
    flow.enqueue("echo", as_="upload", constraints=free)
    monkeypatch.setenv("COLUMNS", "80")
    lines = shown(capsys, "--all", "--charging", "no", "--network", "metered").splitlines()
    assert "TO LIFT IT" not in lines[0]
    at = lines.index("to lift it:")
    told = [
        "charging plug in, or bgo run --charging yes",
        "network go to one that is free, or bgo run --network unmetered",
    ]
    assert [" ".join(line.split()) for line in lines[at + 1 :]] == told
    monkeypatch.setenv("COLUMNS", "200")
    wide = shown(capsys, "--all", "--charging", "no", "--network", "metered")
    assert "TO LIFT IT" in wide
    assert "to lift it:" not in wide


def test_all_as_json_is_an_array_of_explanations(flow: TaskFlow, capsys: pytest.CaptureFixture[str]) -> None:
    first = flow.enqueue_many("echo", [{}] * 3, constraints=CHARGED)[0]
    flow.enqueue("echo", as_="other")
    found = told(capsys, "--all", "--charging", "no")
    assert [one["tasks"] for one in found] == [3, 1]
    assert found[0]["id"] == first
    assert [one["verdict"] for one in found] == ["held by charging", "would start now, but no worker runs: bgo run"]
    assert len(told(capsys, "--all", "--limit", "1")) == 1


def test_a_cut_table_says_so(flow: TaskFlow, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        flow.enqueue("echo", as_=f"name{number}")
    assert app.main(["explain", "--all", "--limit", "2"]) == 0
    assert "2 of 3 groups; more with --limit N" in capsys.readouterr().err


def test_all_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["explain", "--all"]) == 0
    assert "nothing waits and nothing runs" in capsys.readouterr().err
    assert told(capsys, "--all") == []


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("every", [False, True], ids=["one", "all"])
def test_it_fits(
    width: int, every: bool, flow: TaskFlow, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    task_id = flow.enqueue("echo", as_="a" * 60, constraints=CHARGED, delay=60, concurrency=1)
    flow.pause(name="a" * 60)
    text = shown(capsys, "--all" if every else task_id, "--charging", "no")
    assert max(map(len, text.splitlines())) <= width
    assert "paused" in text if width > 40 else "aaa" in text


@pytest.mark.parametrize(
    ("words", "code"), [([], 2), (["--all", "0abc"], 2), (["0abcd"], 3), (["nobody"], 3), (["0"], 2)], ids=str
)
def test_what_is_wrong_has_its_exit_code(words: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["explain", *words]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error:")


@pytest.mark.parametrize(("words", "what"), [(["--schedule", "k"], "--schedule"), (["k"], "names and ids")])
def test_all_and_one_contradict_each_other(words: list[str], what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["explain", "--all", *words]) == 2
    assert capsys.readouterr().err.startswith(f"error: --all and {what} contradict each other\n")


def test_explaining_writes_nothing(flow: TaskFlow, capsys: pytest.CaptureFixture[str]) -> None:
    task_id = flow.enqueue("echo", constraints=CHARGED)
    before = list(flow.store.connection.iterdump())
    shown(capsys, task_id, "--charging", "no")
    shown(capsys, "--all")
    assert list(flow.store.connection.iterdump()) == before
