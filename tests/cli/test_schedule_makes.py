"""`bgo schedule` of chains and batches, and what comes of it when it fires."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bgo.api import TaskFlow
from tests.cli.conftest import Bgo

EVERY = ["--every", "1h"]
CHAIN = """
name = "file's own"
input = { message = "from the file" }

[[step]]
run = "echo"

[[step]]
parallel = [{ run = "echo", name = "left" }, { run = "echo", name = "right" }]
"""


def made(bgo: Bgo, schedule: str) -> list[dict[str, Any]]:
    """Return what has come of a schedule after a run."""
    assert bgo("run", "-q").code == 0
    found: list[dict[str, Any]] = bgo("tasks", "--schedule", schedule, "--json").json
    return found


@pytest.fixture
def items(tmp_path: Path) -> str:
    path = tmp_path / "items.txt"
    path.write_text("a\nb\nc\n")
    return str(path)


def test_steps_make_a_chain(bgo: Bgo) -> None:
    words = ["--steps", "echo left=echo+right=echo", "message=hi", "--tag", "t", "--queue", "high"]
    found = bgo("schedule", "nightly", *words, *EVERY, "--json").json
    assert (found["kind"], found["name"], found["handler"], found["input"]) == (
        "chain", "nightly", None, {"message": "hi"},
    )  # fmt: skip
    (chain,) = made(bgo, found["id"])
    assert (chain["kind"], chain["name"], chain["state"]) == ("chain", "nightly", "succeeded")
    assert chain["output"] == {"message": "hi"}
    members = bgo("tasks", "--chain", chain["id"], "--json").json
    assert {each["name"] for each in members} == {"echo", "left", "right"}
    assert {(each["queue"], *each["tags"]) for each in members} == {("high", "t")}
    assert bgo("history", "--schedule", found["id"]).err.startswith(f"{found['id']} makes what itself runs nothing")
    assert len(bgo("history", chain["id"], "--json").json) == 3


def test_a_file_makes_a_chain_of_the_schedules_name(bgo: Bgo, tmp_path: Path) -> None:
    file = tmp_path / "chain.toml"
    file.write_text(CHAIN.replace("file's own", "own"))
    found = bgo("schedule", "mine", "--chain", str(file), *EVERY, "--json").json
    assert (found["kind"], found["name"], found["input"]) == ("chain", "mine", {"message": "from the file"})
    file.unlink()
    (chain,) = made(bgo, found["id"])
    assert (chain["name"], chain["output"]) == ("mine", {"message": "from the file"})


def test_items_of_a_file_make_a_batch(bgo: Bgo, items: str) -> None:
    words = ["--items", items, "--field", "message", "--then", "echo", "--finally", "echo"]
    found = bgo("schedule", "echo", *words, *EVERY, "--json").json
    assert (found["kind"], found["name"], found["handler"]) == ("batch", "echo", "echo")
    Path(items).unlink()
    (batch,) = made(bgo, found["id"])
    assert batch["counts"] == {"total": 3, "succeeded": 3, "failed": 0, "cancelled": 0}
    assert [each["output"] for each in bgo("batches", "results", batch["id"], "--json").events] == [
        {"message": word} for word in "abc"
    ]
    told = [each for each in bgo("tasks", "--name", "echo", "--json").json if "total" in each["input"]]
    assert [(each["input"]["total"], each["state"]) for each in told] == [(3, "succeeded")] * 2


def test_items_come_through_a_pipe(shell: Bgo) -> None:
    words = ["--items", "-", "--format", "null", "--field", "message", "--handler", "echo", "--catch", "echo", "-q"]
    done = shell("schedule", "letters", *words, *EVERY, input="x\0y\0")
    assert (done.code, done.err) == (0, "")
    shell("run", "-q")
    (batch,) = shell("tasks", "--schedule", done.out.strip(), "--json").json
    assert (batch["name"], batch["counts"]["succeeded"]) == ("letters", 2)


def test_a_chain_of_each_item(bgo: Bgo, items: str) -> None:
    words = ["--items", items, "--field", "message", "--steps", "echo second=echo"]
    found = bgo("schedule", "each", *words, *EVERY, "--json").json
    assert (found["kind"], found["name"]) == ("batch", "each")
    (batch,) = made(bgo, found["id"])
    assert (batch["state"], batch["counts"]["total"]) == ("succeeded", 3)
    assert len(bgo("tasks", "--batch", batch["id"], "--name", "second", "--json").json) == 3


def test_a_command_line_after_the_dashes(bgo: Bgo, tmp_path: Path) -> None:
    words = ["--cwd", str(tmp_path), "--key", "backup", "-q", "--", "sh", "-c", "echo $0 > said", "--every"]
    schedule = bgo("schedule", "shell", *EVERY, *words).lines[0]
    (task,) = made(bgo, schedule)
    assert (task["name"], task["state"], task["argv"]) == ("sh", "succeeded", ["sh", "-c", "echo $0 > said", "--every"])
    assert (tmp_path / "said").read_text() == "--every\n"
    assert (task["schedule_id"], task["scheduled_for"]) == (schedule, bgo("schedules", "--json").json[0]["last_at"])
    assert bgo("reschedule", "backup", "-q", "--", "true").lines == [schedule]
    assert bgo("schedules", "show", "backup", "--json").json["argv"] == ["true"]


def test_a_handler_under_another_name(bgo: Bgo) -> None:
    schedule = bgo("schedule", "hourly", "message=hi", "--handler", "echo", *EVERY, "-q").lines[0]
    (task,) = made(bgo, schedule)
    assert (task["name"], task["handler"], task["output"]) == ("hourly", "echo", {"message": "hi"})
    assert bgo("schedules", "list", "hourly", "-q").lines == bgo("schedules", "list", "echo", "-q").lines == [schedule]


def test_a_handler_that_nobody_brings_yet(bgo: Bgo) -> None:
    words = [*EVERY, "--allow-unknown", "-q"]
    schedule = bgo("schedule", "later.maybe", *words).lines[0]
    (task,) = made(bgo, schedule)
    held = [line["gate"] for line in bgo("explain", task["id"], "--json").json["gates"] if not line["open"]]
    assert (task["state"], held) == ("queued", ["handler"])


def test_the_catalogue_of_the_library_is_the_same(bgo: Bgo) -> None:
    """A schedule of the command line and one of the library, of the same words, are the same to a key."""
    bgo("schedule", "echo", "message=hi", "--daily-at", "9:30", "--tz", "Asia/Tokyo", "--tag", "t", "--key", "k")
    from bgo import CronSchedule

    with TaskFlow() as flow:
        before = flow.get_schedule("k").schedule
        flow.schedule(
            "echo", {"message": "hi"}, cron=CronSchedule.daily_at(9, 30), tz="Asia/Tokyo", tags=["t"], key="k"
        )
        assert flow.get_schedule("k").schedule == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--steps", "a=echo", "--as", "foo"], "--as: it is for a schedule of one task"),
        (["--steps", "a=echo", "--handler", "echo"], "handler and chain contradict each other"),
        (["--steps", "a=echo", "--env", "X=1"], "--env: nothing that it makes is a command"),
        (["--items", "FILE", "--handler", "echo", "--env", "X=1"], "--env: nothing that it makes is a command"),
        (["--items", "FILE", "--handler", "echo", "--as", "foo"], "--as: it is for a schedule of one task"),
    ],
)
def test_what_a_chain_or_batch_would_drop_is_refused(bgo: Bgo, tmp_path: Path, words: list[str], message: str) -> None:
    file = tmp_path / "items"
    file.write_text("a\n")
    done = bgo("schedule", "whole", *EVERY, *(str(file) if word == "FILE" else word for word in words))
    assert (done.code, done.error[0]) == (2, f"error: {message}")
    assert bgo("schedules", "--json").json == []


def test_an_interval_counts_from_when_its_window_opens(bgo: Bgo) -> None:
    bgo("schedule", "echo", *EVERY, "--window", "off-peak", "--tz", "UTC", "--key", "k")
    coming = [each["local"][11:19] for each in bgo("schedules", "preview", "k", "-n", "4", "--json").json]
    assert coming == ["02:00:00", "03:00:00", "04:00:00", "02:00:00"]
