"""Scenario files: what they put on the stage, that nothing else does, and what is refused, with its line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bgo.api import TaskFlow
from bgo.clock import VirtualClock
from bgo.errors import BgoError, UsageError
from bgo.flow.scenario_file import Scenario, load
from bgo.model.device import DeviceState
from bgo.run.plays import Play
from bgo.run.timeline import SimTask

START = 1_925_000_400_000
"""A full minute in January 2031."""
HOUR = 3_600_000
WHOLE = """
device = ["at +0h charging=no", "at +3h charging=yes"]
for = "1d"
seed = 7
slots = 2

[takes]
fetch = "20s"

[[task]]
name = "upload"
count = 4
spread = "8h"
charging = true
takes = "2m"

[[task]]
name = "flaky"
retry = "linear:attempts=3,delay=60s"
fails = 2

[[schedule]]
name = "sync"
every = "6h"
takes = "30s"

[[chain]]
name = "nightly"
delay = "1h"
steps = ["fetch", "resize+scan"]
"""


@pytest.fixture
def flow() -> Iterator[TaskFlow]:
    with TaskFlow(clock=VirtualClock(START + 17_000)) as found:
        yield found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "week.toml"


def played(flow: TaskFlow, file: Path, text: str = WHOLE, **options: Any) -> Play:
    file.write_text(text)
    return flow.play(scenario=file, **options)


def rows(play: Play, name: str) -> list[SimTask]:
    return [row for row in play.parts[0].timeline.rows if row.name == name]


def starts(play: Play, name: str) -> list[float]:
    """Return when tasks of a name start, in hours."""
    return [(row.started_at - START) / HOUR for row in rows(play, name)]


def test_everything_in_it_is_played(flow: TaskFlow, file: Path) -> None:
    play = played(flow, file)
    assert (play.parts[0].timeline.start_at, play.parts[0].timeline.until_at) == (START, START + 24 * HOUR)
    assert (play.parts[0].timeline.seed, play.parts[0].timeline.slots) == (7, 2)
    assert starts(play, "upload") == [3, 3, 4, 6]  # due at 0, 2, 4 and 6, and not before it charges
    assert starts(play, "sync") == [0, 6, 12, 18]
    assert starts(play, "fetch") == [1]
    assert {row.runs[-1].ended_at - row.runs[-1].started_at for row in rows(play, "upload")} == {120_000}
    assert [row.ended_at - row.started_at for row in rows(play, "fetch")] == [20_000]
    assert [run.state for run in rows(play, "flaky")[0].runs] == ["retrying", "retrying", "succeeded"]


def test_a_step_is_not_late_while_those_before_it_run(flow: TaskFlow, file: Path) -> None:
    (resize,) = rows(played(flow, file), "resize")
    assert resize.planned_at == START + HOUR + 20_000
    assert (resize.delay_ms, resize.is_late) == (0, False)


def test_what_is_said_wins_over_the_file(flow: TaskFlow, file: Path) -> None:
    play = played(
        flow, file, seed=9, slots=1, for_=timedelta(hours=5), start=START - HOUR, device=["at +0h charging=yes"]
    )
    timeline = play.parts[0].timeline
    assert (timeline.seed, timeline.slots, timeline.start_at, timeline.until_at - timeline.start_at) == (
        9, 1, START - HOUR, 5 * HOUR,
    )  # fmt: skip
    assert rows(play, "upload")[0].started_at == START - HOUR


REFUSED = '[[task]]\nname = "t"\nexpedited = true\ncharging = true\n'


@pytest.mark.parametrize("in_force", ["host", "android", "ios"])
def test_what_a_profile_refuses_is_held_under_it_and_runs_beside_it(
    in_force: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f'profile = "android"\ncompare = "host"\nfor = "1h"\ndevice = ["at +0h charging=yes"]\n{REFUSED}'
    file.write_text(text)
    monkeypatch.setenv("BGO_PROFILE", in_force)
    with TaskFlow(clock=VirtualClock(START)) as flow:
        under, beside = (part.timeline for part in flow.play(scenario=file, profile="android").parts)
    assert [[hold.gate for hold in never.holds] for never in under.never] == [["profile"]]
    assert [row.name for row in beside.rows] == ["t"]


def test_expedited_work_that_comes_over_time_was_not_put_off(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('[[task]]\nname = "t"\nexpedited = true\ncount = 3\nspread = "3h"\n')
    monkeypatch.setenv("BGO_PROFILE", "android")
    with TaskFlow(clock=VirtualClock(START)) as flow:
        (part,) = flow.play(scenario=file, facts=DeviceState(), for_=24 * 3600).parts
    assert [row.started_at - START for row in part.timeline.rows] == [0, HOUR, 2 * HOUR]


@pytest.mark.parametrize("seed", [-1, 1 << 63, True, "7"])
def test_a_seed_is_a_whole_number(seed: Any, flow: TaskFlow) -> None:
    with pytest.raises(UsageError, match="out of range"):
        flow.play(seed=seed)


def test_it_needs_no_store_and_makes_none(flow: TaskFlow, file: Path) -> None:
    play = played(flow, file)
    assert play.parts[0].timeline.rows
    assert not flow.settings.store_path.exists()
    assert not flow.settings.run_dir.exists()


def test_what_is_queued_here_is_not_in_it(flow: TaskFlow, file: Path) -> None:
    flow.enqueue("echo", as_="mine")
    assert rows(played(flow, file), "mine") == []
    assert [row.name for row in flow.play().parts[0].timeline.rows] == ["mine"]


def test_the_same_file_gives_the_same_bytes(flow: TaskFlow, file: Path) -> None:
    one, other = played(flow, file), played(flow, file)
    assert one.to_json() == other.to_json()
    assert one.to_svg() == other.to_svg()


def test_tasks_are_the_same_under_every_seed(flow: TaskFlow, file: Path) -> None:
    ids = [{row.task_id for row in played(flow, file, seed=seed).parts[0].timeline.rows} for seed in (1, 2)]
    assert ids[0] == ids[1]


def test_files_it_names_lie_beside_it(flow: TaskFlow, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (file.parent / "chain.toml").write_text('[[step]]\nrun = "fetch"\n')
    (file.parent / "day.txt").write_text("at +0h charging=no\nat +2h charging=yes\n")
    monkeypatch.chdir("/")
    text = 'device = "day.txt"\n[[chain]]\nname = "n"\nfile = "chain.toml"\ncharging = true\n'
    assert starts(played(flow, file, text), "fetch") == [2]


def test_chains_come_evenly_from_their_first_on(flow: TaskFlow, file: Path) -> None:
    text = '[[chain]]\nname = "n"\nsteps = "fetch"\ncount = 3\nspread = "6h"\ndelay = "1h"\n'
    assert starts(played(flow, file, text), "fetch") == [1, 3, 5]


def test_many_tasks_come_in_pages(flow: TaskFlow, file: Path) -> None:
    text = '[[task]]\nname = "t"\ncount = 2500\nspread = "1d"\ntakes = "1s"\n'
    found = starts(played(flow, file, text), "t")
    assert len(found) == 2500
    assert found == sorted(found)


def test_an_own_start_and_a_start_that_counts_from_now(flow: TaskFlow, file: Path) -> None:
    for written, at in ((' "+1h"', START + HOUR + 17_000), (" 2031-01-06T07:00:00Z", 1_925_449_200_000)):
        file.write_text(f'start ={written}\n[[task]]\nname = "t"\n')
        assert load(file, flow.clock, {}).start_ms == at


def test_what_it_says_of_the_play_is_read(flow: TaskFlow, file: Path) -> None:
    file.write_text('profile = "android"\ncompare = "mine.toml"\nplays = 3\n[[task]]\nname = "t"\n[fails]\nt = 2\n')
    found: Scenario = load(file, flow.clock, {})
    assert (found.profile, found.compare, found.plays, dict(found.fails)) == ("android", "mine.toml", 3, {"t": 2})


TASK = '[[task]]\nname = "t"\n'


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "nothing to play"),
        ("seed = 1\n", 1, "nothing to play"),
        ("[[task]\n", 1, "not TOML"),
        (f"sead = 1\n{TASK}", 1, "did you mean 'seed'?"),
        (f"{TASK}chargin = true\n", 3, "did you mean 'charging'?"),
        (f'{TASK}after = "0abc"\n', 3, "unknown key 'after'"),
        ('[task]\nname = "t"\n', 1, "[[task]]"),
        ('task = "t"\n', 1, "[[task]]"),
        ("[[task]]\ncount = 3\n", 1, "without a name"),
        ('[[task]]\nname = "1"\n', 2, "name"),
        (f"{TASK}count = 0\n", 3, "from 1 to 100,000"),
        (f"{TASK}count = true\n", 3, "from 1 to 100,000"),
        (f'{TASK}count = "3"\n', 3, "out of range"),
        (f'{TASK}spread = "1h"\n', 3, "spread without count"),
        (f'{TASK}takes = "soon"\n', 3, "not a duration"),
        (f"{TASK}takes = [1]\n", 3, "a duration"),
        (f"{TASK}fails = -1\n", 3, "from 0 to"),
        (f'{TASK}takes = "1s"\n[[task]]\nname = "t"\ntakes = "2s"\n', 6, "two values of takes"),
        (f'{TASK}takes = "1s"\n[takes]\nt = "2s"\n', 3, "two values of takes"),
        (f"{TASK}input = 3\n", 3, "a table"),
        (f'{TASK}queue = "nowhere"\n', 1, "nowhere"),
        (f"{TASK}[takes]\nt = 0\n", 4, "of which unit"),
        (f'{TASK}[takes]\nt = "0s"\n', 4, "not a duration"),
        (f"{TASK}takes = 5\n", 3, '"5s"'),
        (f"{TASK}count = 2\nspread = 600\n", 4, '"600s"'),
        (f'{TASK}[fails]\nt = "x"\n', 4, "a number of attempts"),
        (f"for = 0\n{TASK}", 1, "of which unit"),
        (f'start = "someday"\n{TASK}', 1, "not a time"),
        (f"seed = -1\n{TASK}", 1, "from 0"),
        (f"slots = 0\n{TASK}", 1, "from 1 to 1,000"),
        (f"plays = 0\n{TASK}", 1, "from 1 to 1,000"),
        (f"device = 3\n{TASK}", 1, "a day"),
        (f"profile = 3\n{TASK}", 1, "a profile"),
        (f"compare = 5\n{TASK}", 1, 'compare = "android"'),
        ('[[schedule]]\nname = "s"\n', 1, "nothing says when it fires"),
        ('[[schedule]]\nname = "s"\nevery = "1h"\nevry = 3\n', 4, "unknown key 'evry'"),
        ('[[schedule]]\nname = "a"\nevery = "1h"\n[[schedule]]\nname = "b"\nevery = "x"\n', 6, "not a duration"),
        ('[[chain]]\nname = "c"\n', 2, "which steps"),
        ('[[chain]]\nname = "c"\nsteps = []\n', 3, "no steps"),
        ('[[chain]]\nname = "c"\nsteps = "a"\nfile = "b.toml"\n', 4, "both say"),
        ('[[chain]]\nname = "c"\nsteps = "a"\ntakes = "1s"\n', 4, "unknown key 'takes'"),
        ('[[chain]]\nname = "c"\nfile = "b.toml"\n', 1, "cannot read"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_line(
    text: str, line: int, says: str, flow: TaskFlow, file: Path
) -> None:
    file.write_text(text)
    with pytest.raises(BgoError) as error:
        flow.play(scenario=file)
    assert error.value.message.startswith(f"{file}:{line}: "), error.value.message
    assert says in f"{error.value.message} {error.value.why} {error.value.hint}"


def test_a_file_that_is_not_there_is_told(flow: TaskFlow) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        flow.play(scenario="/no/such/file.toml")


def test_lines_of_its_script_are_refused_by_their_number(flow: TaskFlow, file: Path) -> None:
    file.write_text(f'device = ["at +0h charging=no", "at +1h charging=perhaps"]\n{TASK}')
    with pytest.raises(UsageError, match="perhaps"):
        flow.play(scenario=file)
