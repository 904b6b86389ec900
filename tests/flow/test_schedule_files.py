"""Schedule files applied and crontabs imported: what is there afterwards, that a second time changes nothing, and that
it is all or nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bgo
from bgo.errors import BgoError, NotFoundError, RefusedError, UsageError
from bgo.flow.crontab import Owner
from bgo.flow.crontab_read import Became
from bgo.flow.listing import select
from bgo.flow.schedule_files import this_user
from bgo.model.state import State
from bgo.testing import drain
from tests.flow import kitchen

HOUR = 3_600_000
OWNER = Owner("ann", "/tmp")
TWO = '[a]\nhandler = "tell"\nevery = "1h"\n[b]\nhandler = "tell"\ncron = "@daily"\n'


@pytest.fixture
def flow(bgo_isolate: Callable[[bgo.TaskFlow], bgo.TaskFlow]) -> bgo.TaskFlow:
    """Return the kitchen's flow on a store of its own."""
    return bgo_isolate(kitchen.flow)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "s.toml"


def put(flow: bgo.TaskFlow, file: Path, text: str, **more: Any) -> list[tuple[str, str]]:
    file.write_text(text)
    return [(each.outcome, each.key) for each in flow.apply_schedules(file, **more)]


def state(flow: bgo.TaskFlow) -> list[Any]:
    return [view.to_json() for view in flow.schedules()]


def pass_time(flow: bgo.TaskFlow, ms: int) -> None:
    flow.clock.advance_ms(ms)  # type: ignore[attr-defined]


def test_apply_adds_changes_removes_and_leaves_alone(flow: bgo.TaskFlow, file: Path) -> None:
    flow.schedule("tell", key="mine", interval=60)
    assert put(flow, file, TWO) == [("added", "a"), ("added", "b")]
    ids = {view.schedule.key: view.id for view in flow.schedules()}
    before = state(flow)
    assert put(flow, file, "# the same\n" + TWO) == [("unchanged", "a"), ("unchanged", "b")]
    assert state(flow) == before
    new = TWO.replace("@daily", "@hourly").replace("[a]", "[c]")
    assert put(flow, file, new) == [("added", "c"), ("changed", "b"), ("removed", "a")]
    now = {view.schedule.key: view for view in flow.schedules()}
    assert sorted(now, key=str) == ["b", "c", "mine"]
    assert now["b"].id == ids["b"]
    assert now["b"].schedule.source == str(file)


def test_what_is_unchanged_keeps_its_counters_and_its_next_time(flow: bgo.TaskFlow, file: Path) -> None:
    put(flow, file, TWO)
    for _ in range(2):
        drain(flow)
        pass_time(flow, HOUR)
    fired = flow.get_schedule("a").schedule
    assert fired.counters.fired == 2
    pass_time(flow, HOUR // 2)
    assert put(flow, file, TWO + "[c]\nhandler='tell'\nreboot=true")[0] == ("unchanged", "a")
    assert flow.get_schedule("a").schedule == fired


def test_a_dry_run_tells_the_same_and_writes_nothing(flow: bgo.TaskFlow, file: Path) -> None:
    put(flow, file, TWO)
    before = state(flow)
    new = TWO.replace("@daily", "@hourly").replace("[a]", "[c]")
    told = put(flow, file, new, dry_run=True)
    assert told == [("added", "c"), ("changed", "b"), ("removed", "a")]
    assert state(flow) == before
    assert [each.id is None for each in flow.apply_schedules(file, dry_run=True)] == [True, False, False]
    assert put(flow, file, new) == told


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ('[z]\nhandler = "nobody"\nevery = "1h"', NotFoundError, "unknown handler: 'nobody'"),
        ('[z]\nhandler = "tell"\nevery = "1h"\nqueue = "nowhere"', NotFoundError, "nowhere"),
        ('[z]\nhandler = "shout"\nevery = "1h"', UsageError, "path"),
        ('[z]\nhandler = "tell"\nevery = "1ms"', UsageError, "too short an interval"),
        ('[z]\nhandler = "tell"\ncron = "0 12 * * *"\nwindow = "1:00-2:00"', UsageError, ""),
        ('[z]\nhandler = "tell"\nevery = "1h"\nend = 2001-01-01', UsageError, "never fires"),
        ('[z]\nhandler = "tell"\nevery = "1h"\nmissed = "all"\noverlap = "skip"', UsageError, "contradict"),
        ('[z]\nhandler = "tell"\nevery = "1h"\njitter = "2h"', UsageError, "jitter"),
        ('[z]\nchain = "none.toml"\nevery = "1h"', UsageError, "cannot read"),
        ('[z]\nsteps = ["nobody"]\nevery = "1h"', NotFoundError, "unknown handler: 'nobody'"),
        (
            '[z]\nitems = ["a"]\nhandler = "shout"\nthen = "nobody"\nevery = "1h"',
            NotFoundError,
            "unknown handler: 'nobody'",
        ),
    ],
)
def test_a_file_is_applied_whole_or_not_at_all(
    flow: bgo.TaskFlow, file: Path, text: str, kind: type[BgoError], message: str
) -> None:
    put(flow, file, TWO)
    before = state(flow)
    with pytest.raises(kind) as caught:
        put(flow, file, f'[new]\nhandler = "tell"\nevery = "5m"\n{text}\n')
    line = 6 if "1ms" in text else 4  # what the reader refuses it can place within the table
    assert caught.value.message.startswith(f"{file}:{line}: ")
    assert message in caught.value.message
    assert state(flow) == before


def test_a_key_of_another_file_is_refused_while_that_is_there(flow: bgo.TaskFlow, file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    put(flow, other, TWO)
    with pytest.raises(RefusedError, match=r"s\.toml:1: a is taken") as caught:
        put(flow, file, TWO)
    assert str(other) in caught.value.why
    other.rename(file)
    assert put(flow, file, TWO) == [("changed", "a"), ("changed", "b")], "it has another source now"
    flow.schedule("tell", key="mine", interval=60)
    assert put(flow, file, '[mine]\nhandler = "tell"\nevery = "60s"') == [
        ("changed", "mine"), ("removed", "a"), ("removed", "b"),
    ]  # fmt: skip


def test_a_file_is_known_by_where_it_really_is(flow: bgo.TaskFlow, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(flow, file, TWO)
    monkeypatch.chdir(file.parent)
    Path("link.toml").symlink_to(file)
    assert {outcome for outcome, _ in put(flow, Path("link.toml"), TWO)} == {"unchanged"}
    assert flow.get_schedule("a").makes["task"]["cwd"] == str(file.parent)


def test_a_pause_is_the_users_unless_the_file_says_so(flow: bgo.TaskFlow, file: Path) -> None:
    put(flow, file, TWO + "paused = true\n")
    assert [view.schedule.state for view in flow.schedules()] == ["active", "paused"]
    flow.resume_schedule("b")
    flow.pause_schedule("a")
    assert put(flow, file, TWO) == [("unchanged", "a"), ("unchanged", "b")]
    assert [view.schedule.state for view in flow.schedules()] == ["paused", "active"]
    assert put(flow, file, TWO + "paused = true\n") == [("unchanged", "a"), ("changed", "b")]
    assert put(flow, file, TWO + "paused = false\n") == [("unchanged", "a"), ("changed", "b")]


def test_a_schedule_that_is_over_can_stay_in_its_file(flow: bgo.TaskFlow, file: Path) -> None:
    text = '[a]\nhandler = "tell"\nevery = "1h"\nend = '
    later = flow.clock.now_ms() + 2 * HOUR
    text += bgo.clock.to_iso(later) or ""
    put(flow, file, text)
    pass_time(flow, 3 * HOUR)
    drain(flow)
    assert put(flow, file, text) == [("unchanged", "a")]
    with pytest.raises(UsageError, match="never fires"):
        put(flow, file, text.replace("1h", "2h"))


def test_chains_batches_and_commands_from_a_file(flow: bgo.TaskFlow, file: Path, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text('name = "own"\n[[step]]\nrun = "scan"\n[[step]]\nrun = "tell"\n')
    put(
        flow,
        file,
        """
[whole]
chain = "c.toml"
every = "1h"
tags = ["x"]
[steps]
steps = "scan tell+look"
input = { path = "p" }
every = "1h"
[photos]
handler = "shout"
items = ["a", "b"]
every = "1h"
finally = "count"
[make]
command = "make 'all of it'"
every = "1h"
cwd = "/srv"
env = { LEVEL = "3" }
""",
    )
    kinds = {view.schedule.key: (view.schedule.kind, view.schedule.name) for view in flow.schedules()}
    assert kinds == {
        "whole": ("chain", "whole"), "steps": ("chain", "steps"), "photos": ("batch", "photos"),
        "make": ("task", "make"),
    }  # fmt: skip
    make = flow.get_schedule("make")
    assert (make.argv, make.makes["task"]["cwd"]) == (["make", "all of it"], "/srv")
    assert make.makes["task"]["setup"]["env"]["LEVEL"] == "3"
    assert json.dumps(flow.get_schedule("whole").makes).count(f'"{tmp_path}"') == 2, "both of its steps run there"
    flow.pause_schedule("make")
    drain(flow, until_empty=True, max_runs=30)
    done = Counter(view.task.name for view in flow.tasks(select(states=(State.SUCCEEDED,))))
    assert done == {"scan": 2, "tell": 2, "look": 1, "photos": 2, "count": 1}


def test_where_a_chains_file_says_it_runs_it_runs(flow: bgo.TaskFlow, file: Path, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text('name = "own"\n[options]\ncwd = "/srv"\n[[step]]\nrun = "scan"\n')
    put(flow, file, '[whole]\nchain = "c.toml"\nevery = "1h"\n[own]\nchain = "c.toml"\nevery = "1h"\ncwd = "/tmp"\n')
    assert '"cwd": "/srv"' in json.dumps(flow.get_schedule("whole").makes)
    assert '"cwd": "/tmp"' in json.dumps(flow.get_schedule("own").makes)


def test_a_command_keeps_the_path_of_who_applies_it(
    flow: bgo.TaskFlow, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/own/bin")
    monkeypatch.setenv("SECRET", "x")
    put(flow, file, '[make]\ncommand = "make"\nevery = "1h"\n')
    env = flow.get_schedule("make").makes["task"]["setup"]["env"]
    assert (env["PATH"], "SECRET" in env) == ("/own/bin", False)


# Crontabs.


def test_an_import_is_idempotent_and_tells_of_each_line(flow: bgo.TaskFlow) -> None:
    text = "MAILTO=x\n*/10 * * * * a\n@reboot b\n61 * * * * c\n0 3 * * * d%e\n# BEGIN bgo\n* * * * * f\n# END bgo\n"
    first = flow.import_crontab(text, owner=OWNER)
    outcomes = [None if each is None else each.outcome for each in first.applied]
    assert outcomes == [None, "added", "added", None, "added", None, None, None]
    assert [line.became for line in first.crontab.left_out] == [Became.LEFT]
    before = state(flow)
    again = flow.import_crontab("\n" + text, owner=OWNER)
    assert [each.outcome for each in again.applied if each is not None] == ["unchanged"] * 3
    assert state(flow) == before
    assert [json["line"] for json in again.to_json()] == list(range(1, 10))
    changed = flow.import_crontab("X=1\n" + text, owner=OWNER, dry_run=True)
    assert [each.outcome for each in changed.applied if each is not None] == ["changed"] * 3
    assert state(flow) == before


def test_what_bgo_refuses_after_all_is_left_out_and_the_others_come(flow: bgo.TaskFlow) -> None:
    text = "0 1 * * * a\n0 1 * * * " + "x" * 2_000_000 + "\n0 2 * * * c\n"
    found = flow.import_crontab(text, owner=OWNER)
    assert [line.became for line in found.crontab.lines] == [Became.CARRIED, Became.LEFT, Became.CARRIED]
    assert found.crontab.lines[1].notes
    assert len(flow.schedules()) == 2


def test_an_import_and_an_apply_do_not_take_each_others_schedules(flow: bgo.TaskFlow, file: Path) -> None:
    flow.import_crontab("0 1 * * * a\n", owner=OWNER)
    put(flow, file, TWO)
    put(flow, file, TWO.split("[b]", maxsplit=1)[0])
    flow.import_crontab("0 2 * * * b\n", owner=OWNER)
    assert len(flow.schedules()) == 3


def test_the_owner_is_this_user_as_the_passwd_file_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import pwd

    monkeypatch.setenv("HOME", "/elsewhere")
    entry = pwd.getpwuid(os.geteuid())
    assert this_user() == (entry.pw_name, entry.pw_dir)


def test_a_random_delay_that_is_too_long_is_left_out_and_told(flow: bgo.TaskFlow) -> None:
    found = flow.import_crontab("RANDOM_DELAY=90\n0 * * * * true\n0 9 * * * true\n")
    assert [line.became for line in found.crontab.lines[1:]] == [Became.DIFFERS, Became.CARRIED]
    assert found.crontab.lines[1].notes[-1].startswith("without RANDOM_DELAY: the jitter is as long as the interval")
    assert sorted(view.schedule.wish.jitter_ms for view in flow.schedules()) == [0, 90 * 60_000]
