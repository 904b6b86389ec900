"""Under a phone's profile: what is refused at the door, what is told as changed, what plans and explanations say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bgo.api import TaskFlow
from bgo.config import Flags, load
from bgo.errors import UsageError
from bgo.model.options import RetryPolicy, TaskConstraints, TaskTimeout
from tests.cli.conftest import Bgo

IDLE = TaskConstraints(device_idle=True)
NO_PAIR = "the profile android refuses an idle device and a retry policy"
UNFIT = ["--device-idle", "--retry", "linear"]
LARGE = "x" * 10_300


@pytest.fixture
def flow(known: None) -> Iterator[TaskFlow]:
    with TaskFlow(settings=load(Flags(profile="android"))) as found:
        yield found


def is_empty(bgo: Bgo) -> bool:
    return bgo("tasks", "--json").json == [] and bgo("schedules", "--json").json == []


@pytest.mark.parametrize(
    "words",
    [
        ["enqueue", "echo", *UNFIT],
        ["chain", "both", "a=echo", "b=echo", *UNFIT],
        ["batch", "many", "--handler", "echo", "--items", "items", *UNFIT],
        ["schedule", "echo", "--every", "1h", *UNFIT],
    ],
)
def test_what_the_profile_refuses_is_not_let_in(
    bgo: Bgo, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("items").write_text("one\ntwo\n")
    done = bgo(*words, "--profile", "android")
    assert (done.code, done.error[0]) == (2, f"error: {NO_PAIR}")
    assert "--profile host" in done.error[2]
    assert is_empty(bgo)
    assert bgo(*words).code == 0


def test_expedited_work_comes_from_no_schedule(bgo: Bgo) -> None:
    words = ["schedule", "echo", "--every", "1h", "--expedited"]
    refused = bgo(*words, "--profile", "android")
    assert refused.error[0] == "error: the profile android refuses expedited work that a schedule makes"
    (found, *_) = bgo(*words, "--profile", "android", "--dry-run", "--json").json["findings"]
    assert (found["code"], bgo(*words).code) == ("refused", 0)
    assert [one["code"] for one in bgo("check", "--profile", "android", "--json").json] == ["refused"]
    keyed = bgo(*words, "--key", "mine", "--profile", "android", "--dry-run", "--json").json
    assert (keyed["outcome"], keyed["findings"][0]["code"]) == ("added", "refused")


def test_inputs_are_weighed_one_by_one(flow: TaskFlow) -> None:
    ids = flow.enqueue_many("echo", [{"message": "x" * n} for n in (1, 9_000, 10_000)])
    with pytest.raises(UsageError, match="refuses 10,314 bytes of input"):
        flow.enqueue_many("echo", [{"message": "x"}, {"message": LARGE}])
    assert len(flow.tasks()) == len(ids) == 3


def test_items_of_batches_are_weighed_each(bgo: Bgo, flow: TaskFlow) -> None:
    with pytest.raises(UsageError, match=r"item 2: the profile android refuses 10,314 bytes of input"):
        flow.batch("many", [{"message": "x"}, {"message": LARGE}], handler="echo")
    batch = flow.batch("many", [{"message": "x"}], handler="echo", open=True)
    with pytest.raises(UsageError, match="item 1: the profile android refuses"):
        batch.add([{"message": LARGE}])
    assert batch.status.counts is not None
    assert batch.status.counts["total"] == 1
    with pytest.raises(UsageError, match="bytes of input"):
        flow.chain("whole").then("echo").enqueue({"message": LARGE})


def test_objects_tell_the_profile_and_what_it_changes(bgo: Bgo) -> None:
    words = ["--timeout", "none", "--profile", "android", "--json"]
    for made in (
        bgo("enqueue", "echo", *words).json,
        bgo("chain", "both", "a=echo", "b=echo", *words).json,
        bgo("schedule", "echo", "--every", "1h", *words).json,
    ):
        assert (made["profile"], [change["what"] for change in made["changes"]]) == ("android", ["timeout"])
    assert "profile" not in bgo("enqueue", "echo", "--timeout", "none", "--json").json


def test_a_schedule_that_is_changed_is_refused_as_a_new_one_is(bgo: Bgo) -> None:
    made = bgo("schedule", "echo", "--every", "1h", "--device-idle", "-q").out.strip()
    assert bgo("reschedule", made, "--retry", "linear", "--profile", "android").error[0] == f"error: {NO_PAIR}"
    assert bgo("reschedule", made, "--retry", "linear").code == 0


def test_programs_are_refused_too_and_files_of_schedules(flow: TaskFlow, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=NO_PAIR):
        flow.enqueue("echo", constraints=IDLE, retry=RetryPolicy.linear())
    with pytest.raises(UsageError, match=NO_PAIR):
        flow.chain("whole").then("echo").then("echo", as_="last", constraints=IDLE, retry="linear").enqueue()
    file = tmp_path / "s.toml"
    file.write_text('[often]\nhandler = "echo"\nevery = "1h"\ndevice_idle = true\nretry = "linear"\n')
    with pytest.raises(UsageError, match=NO_PAIR):
        flow.apply_schedules(file)
    assert flow.tasks() == [] == flow.schedules()


def test_what_the_profile_changes_is_told_and_kept_as_it_was_asked_for(bgo: Bgo) -> None:
    done = bgo("enqueue", "echo", "--timeout", "20m", "--profile", "android")
    assert done.err == "under android, timeout: 20m becomes 10m (android: no run of plain work goes on for longer)\n"
    kept = bgo("status", done.out.strip(), "--json").json
    assert kept["options"]["timeout"]["hard_ms"] == 1_200_000
    assert bgo("enqueue", "echo", "--timeout", "20m", "--profile", "android", "-q").err == ""
    assert "becomes" not in bgo("enqueue", "echo", "--timeout", "20m").err
    often = bgo("schedule", "echo", "--every", "1m", "--profile", "android")
    assert often.err.splitlines()[1] == "under android, every: 1m becomes 15m (android: the shortest there is)"
    chain = bgo("chain", "both", "a=echo", "b=echo", "--timeout", "none", "--profile", "android")
    assert chain.err.count("timeout: none becomes 10m") == 1


def test_plans_tell_profile_changes_and_findings(bgo: Bgo) -> None:
    plan = bgo("enqueue", "echo", "--timeout", "20m", "--profile", "android", "--dry-run", "--json").json
    (change,) = plan["changes"]
    assert (plan["profile"], change["what"], change["given"]) == ("android", "timeout", "10m")
    assert [finding["code"] for finding in plan["findings"]] == ["timeout-above-cap"]
    refused = bgo("enqueue", "echo", *UNFIT, "--profile", "android", "--dry-run", "--json").json
    assert [finding["code"] for finding in refused["findings"]] == ["refused"]
    assert "profile" in [gate["gate"] for gate in refused["gates"] if not gate["open"]]
    often = bgo("schedule", "echo", "--every", "1m", "--profile", "android", "--dry-run", "--json").json
    assert [finding["code"] for finding in often["findings"]] == ["interval-below-floor"]
    assert [change["given"] for change in often["changes"]] == ["15m"]
    text = bgo("enqueue", "echo", "--timeout", "20m", "--profile", "android", "--dry-run").text
    assert text.count("20m becomes 10m") == 1
    assert is_empty(bgo)


def test_here_a_plan_says_nothing_of_profiles(bgo: Bgo) -> None:
    plan = bgo("enqueue", "echo", "--dry-run", "--json").json
    assert (plan["profile"], plan["changes"], plan["findings"]) == ("host", [], [])
    assert "profile" not in bgo("enqueue", "echo", "--dry-run").text


def test_what_was_let_in_here_is_held_there_with_the_way_out(bgo: Bgo, flow: TaskFlow) -> None:
    made = bgo("enqueue", "echo", *UNFIT, "-q").out.strip()
    found = bgo("explain", made, "--profile", "android", "--json").json
    (held,) = [gate for gate in found["gates"] if gate["gate"] == "profile"]
    assert (found["profile"], held["open"], held["holder"]) == ("android", False, "the profile android")
    assert held["lift"].endswith("bgo run --profile host")
    assert bgo("check", "--profile", "android", "--json").json[0]["code"] == "refused"
    assert bgo("check", "--profile", "android").code == 1
    assert bgo("check", "--network", "none").code == 0
    assert flow.explain(made).profile == "android"


def test_explain_tells_by_which_profile_and_what_it_changes(bgo: Bgo) -> None:
    made = bgo("enqueue", "echo", "--timeout", "none", "--charging", "-q").out.strip()
    text = " ".join(bgo("explain", made, "--profile", "android", "--charging", "no").text.split())
    assert "profile judged under profile android" in text
    assert "changed timeout: none becomes 10m (android: no run of plain work goes on for longer)" in text
    whole = bgo("explain", "--all", "--profile", "android")
    assert whole.err == "judged under profile android\n"
    assert "profile" not in bgo("explain", made, "--charging", "no").text
    schedule = bgo("schedule", "echo", "--every", "1m", "-q").out.strip()
    found = bgo("explain", "--schedule", schedule, "--profile", "android", "--json").json
    assert (found["profile"], [change["what"] for change in found["changes"]]) == ("android", ["every"])


def test_timeouts_are_those_of_the_profile_only_where_they_are_longer(flow: TaskFlow) -> None:
    from bgo.flow import fitting

    assert fitting.changes(flow, flow.enqueue("echo", timeout=TaskTimeout.QUICK)) == ()
    assert [change.what for change in fitting.changes(flow, flow.enqueue("echo", timeout=TaskTimeout.EXTENDED))] == [
        "timeout"
    ]
