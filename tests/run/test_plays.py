"""Plays side by side: ranges over seeds, figures of names, and the picture of them."""

from __future__ import annotations

import json
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.model.device import DeviceState, Level, Network, NetworkKind, Reading, Tri
from bgo.run.plays import Figures, Part, Play, Range, range_of
from bgo.run.simulator import WEEK_MS
from bgo.run.svg import Bar, merged
from bgo.run.timeline import NeverRan, Segment, SimRun, SimTask, StillWaits, Timeline
from tests.build import START

HOUR = 3_600_000
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def ran(task: str, start: int, name: str = "sync", *, planned: int = 0, state: str = "succeeded") -> SimTask:
    run = SimRun(1, 1, START + planned * HOUR, START + start * HOUR, {}, START + (start + 1) * HOUR, state)
    return SimTask(task, name, "default", (run,))


def never(task: str, name: str = "sync", planned: int = 0) -> NeverRan:
    return NeverRan(task, name, "default", START + planned * HOUR, {}, ())


def a_play(
    *tasks: SimTask | NeverRan, seed: int = 1, device: Sequence[DeviceState] = (DeviceState(),), until: int = 48
) -> Timeline:
    rows = tuple(task for task in tasks if isinstance(task, SimTask))
    missed = tuple(task for task in tasks if isinstance(task, NeverRan))
    length = until * HOUR // len(device)
    segments = tuple(Segment(START + n * length, START + (n + 1) * length, state) for n, state in enumerate(device))
    return Timeline(START, START + until * HOUR, seed, 2, rows, missed, segments)


def a_part(*plays: Timeline, profile: str = "ios") -> Part:
    return Part(profile, plays)


@pytest.mark.parametrize(
    ("values", "found"),
    [([], None), ([4], (4, 4, 4)), ([3, 1], (1, 1, 3)), ([5, 1, 3], (1, 3, 5)), ([4, 1, 2, 3], (1, 2, 4))],
)
def test_a_range(values: list[int], found: tuple[int, int, int] | None) -> None:
    assert range_of(values) == found


@given(st.lists(st.integers(), min_size=1))
def test_a_range_holds_every_value_and_a_middle_that_is_one_of_them(values: list[int]) -> None:
    found = range_of(values)
    assert found is not None
    assert found.least == min(values)
    assert found.most == max(values)
    assert found.median in values
    assert 2 * sum(value <= found.median for value in values) >= len(values)
    assert 2 * sum(value >= found.median for value in values) >= len(values)


def test_figures_over_three_plays() -> None:
    part = a_part(
        a_play(ran("a", 2), ran("b", 9, planned=3)),
        a_play(ran("a", 4), never("b", planned=3), seed=2),
        a_play(never("a"), never("b", planned=3), seed=3),
    )
    (row,) = part.figures()
    assert row == Figures(
        "sync",
        starts=Range(0, 1, 2),
        never=Range(0, 1, 2),
        first_at=Range(START + 2 * HOUR, START + 2 * HOUR, START + 4 * HOUR),
        delay=Range(2 * HOUR, 4 * HOUR, 6 * HOUR),
        without=1,
        done=Range(0, 1, 2),
    )


def stopped(task: str, *ends: tuple[str, str, str]) -> SimTask:
    """Return a task with a run of an hour for each (state, reason, gate that stopped it)."""
    runs = tuple(
        SimRun(
            n + 1,
            1,
            START + n * HOUR,
            START + n * HOUR,
            {"quota": n},
            START + (n + 1) * HOUR,
            state,
            reason,
            stopped_by=by,
        )
        for n, (state, reason, by) in enumerate(ends)
    )
    waits = None
    if ends[-1][0] in ("queued", "retrying"):
        since = START + len(ends) * HOUR
        waits = StillWaits(task, "sync", "default", since, {"quota": 50, "doze": 7}, (), 57)
    return SimTask(task, "sync", "default", runs, waits)


def test_figures_of_what_is_stopped_and_fails() -> None:
    cut, done, broken = ("queued", "device", "quota"), ("succeeded", "done", ""), ("retrying", "error", "")
    part = a_part(
        a_play(stopped("a", cut, ("queued", "device", "run_time")), stopped("b", cut, done)),
        a_play(stopped("a", broken, broken, ("failed", "hard_timeout", "")), stopped("b", broken, done), seed=2),
    )
    (row,) = part.figures()
    assert (row.done, row.failed, row.stopped) == (Range(1, 1, 1), Range(0, 0, 1), Range(0, 0, 3))
    assert (row.unended, row.attempts_failed) == (Range(0, 0, 1), Range(0, 0, 4))
    assert (row.stopped_by, row.failed_by) == (("quota", "run_time"), ("error", "hard_timeout"))
    assert row.stopped_after == Range(HOUR, HOUR, HOUR)
    told = row.to_json(START)
    assert (told["stopped"]["most"], told["stopped_by"]) == (3, ["quota", "run_time"])
    assert told["stopped_after_ms"] == {"least": HOUR, "median": HOUR, "most": HOUR}
    assert [told[key]["most"] for key in ("done", "failed", "attempts_failed", "unended")] == [1, 1, 4, 1]


def test_a_row_sums_what_held_all_its_runs_and_holds_it_at_the_end() -> None:
    row = stopped("a", ("queued", "device", "quota"), ("queued", "device", "quota"))
    assert (row.stops, dict(row.held), row.delay_ms) == (2, {"quota": 51, "doze": 7}, 57)
    assert row.started_at == START
    play = a_play(row)
    assert [task.task_id for task in play.waiting] == ["a"]
    assert play.last_change_at == play.until_at, "what waits is drawn until the end"
    assert (play.summary()["stops"], play.summary()["waiting_again"]) == (2, 1)


def test_tasks_over_three_plays_those_that_never_start_last() -> None:
    part = a_part(
        a_play(never("x"), ran("a", 5), ran("b", 3)),
        a_play(never("x"), ran("a", 1), never("b"), seed=2),
    )
    found = [(row.task_id, row.starts_at, row.never) for row in part.tasks()]
    assert found == [
        ("a", Range(START + HOUR, START + HOUR, START + 5 * HOUR), 0),
        ("b", Range(START + 3 * HOUR, START + 3 * HOUR, START + 3 * HOUR), 1),
        ("x", None, 2),
    ]


def test_a_task_that_only_some_plays_make_does_not_start_in_the_others() -> None:
    (row,) = a_part(a_play(ran("a", 1)), a_play(seed=2)).tasks()
    assert (row.never, row.starts_at) == (1, Range(START + HOUR, START + HOUR, START + HOUR))


def test_what_is_due_after_the_end_is_not_missed() -> None:
    part = a_part(a_play(never("a", planned=48), never("b", "other", planned=47)))
    assert [row.name for row in part.figures()] == ["other"]
    assert [row.task_id for row in part.tasks()] == ["b"]


def test_ranges_as_json() -> None:
    part = a_part(a_play(ran("a", 2)), a_play(ran("a", 4), seed=2), a_play(never("a"), seed=3))
    told = json.loads(json.dumps(part.to_json()))
    assert (told["profile"], told["seed"], told["ranges"]["plays"]) == ("ios", 1, 3)
    (name,), (task,) = told["ranges"]["names"], told["ranges"]["tasks"]
    assert name["starts"] == {"least": 0, "median": 1, "most": 1}
    assert name["first_start"]["median_after_ms"] == 2 * HOUR
    assert name["delay_ms"] == {"least": 2 * HOUR, "median": 2 * HOUR, "most": 4 * HOUR}
    assert name["plays_without_start"] == 1
    assert (task["task_id"], task["start"]["last_after_ms"], task["plays_without_start"]) == ("a", 4 * HOUR, 1)
    assert task["start"]["first_at"] == "2025-06-15T17:06:40.000Z"


def test_one_play_has_no_ranges() -> None:
    assert a_part(a_play(ran("a", 2))).to_json()["ranges"] is None


def test_two_profiles_as_json() -> None:
    android, ios = a_part(a_play(ran("a", 1), ran("c", 2, "up")), profile="android"), a_part(a_play(ran("a", 5)))
    told = Play((android, ios)).to_json()
    assert told["profiles"] == ["android", "ios"]
    assert [(row["name"], [bool(f) for f in row["figures"]]) for row in told["names"]] == [
        ("sync", [True, True]), ("up", [True, False]),
    ]  # fmt: skip
    assert [part["profile"] for part in told["parts"]] == ["android", "ios"]


# The picture.


def read(play: Play) -> ET.Element:
    return ET.fromstring(play.to_svg())


def texts(root: ET.Element) -> list[str]:
    return [found.text or "" for found in root.iter(f"{SVG}text")]


def titles(root: ET.Element) -> list[str]:
    return [found.text or "" for found in root.iter(f"{SVG}title")]


NOON = DeviceState(Reading(Tri.YES, "t"), Level(80, "t"), network=Network(NetworkKind.UNMETERED, "t", "Home"))
DUSK = DeviceState(
    Reading(Tri.NO, "t"), Level(9, "t"), Reading(Tri.YES, "t"), Network(NetworkKind.METERED, "t")
)  # fmt: skip


def test_the_picture_has_a_strip_for_each_signal_and_a_row_for_each_name() -> None:
    root = read(Play((a_part(a_play(ran("a", 2), never("b", "up"), device=(NOON, DUSK)), profile="android"),)))
    found = texts(root)
    assert found[0] == "Tasks of 2 names, under android"
    assert {"charging", "battery", "network", "wifi", "sync", "up"} <= set(found)
    assert {"runs", "due, but held", "starts a minute or more late", "an attempt fails"} <= set(found)
    assert "sync: 1 start, up to 2 h late" in titles(root)
    assert "up: 0 start, 1 never" in titles(root)
    assert "battery, low" in titles(root)


def test_it_needs_nothing_from_elsewhere() -> None:
    text = Play((a_part(a_play(ran("a", 2), device=(NOON, DUSK))),)).to_svg()
    assert set(re.findall(r"https?://[^\"' <]*", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(image|script|foreignObject|use|a)\b|url\(|@import|@font-face|href", text)


def test_it_is_told_to_those_who_cannot_see_it() -> None:
    root = read(Play((a_part(a_play(ran("a", 2))),)))
    assert root.get("role") == "img"
    named = (root.get("aria-labelledby") or "").split()
    told = {each.get("id"): each.text for each in root if each.get("id")}
    assert [told[name] for name in named] == [
        "Tasks of 1 name, under ios", "Under ios: sync: 1 start, up to 2 h late.",
    ]  # fmt: skip


def test_light_and_dark_have_the_same_colours_by_name() -> None:
    text = Play((a_part(a_play(ran("a", 2))),)).to_svg()
    light, dark = re.findall(r"svg\.bgo\{([^}]*)\}", text)
    names = [[pair.split(":")[0] for pair in each.split(";")] for each in (light, dark)]
    assert names[0] == names[1]
    assert "prefers-color-scheme:dark" in text
    used = set(re.findall(r"var\((--\w+)\)", text))
    assert used <= set(names[0])


def test_classes_that_are_used_have_a_style() -> None:
    play = Play((a_part(a_play(ran("a", 2, state="failed"), device=(NOON, DUSK)), a_play(ran("a", 9), seed=2)),))
    root = read(play)
    style = next(root.iter(f"{SVG}style")).text or ""
    used = {name for each in root.iter() for name in (each.get("class") or "").split()} - {"bgo"}
    assert {name for name in used if not re.search(rf"\.{name}\b", style)} == set()


def test_foreign_names_do_no_harm() -> None:
    name = "<script>&\"'\x1b[31m\u202e" + "x" * 90
    root = read(Play((a_part(a_play(ran("a", 2, name)), profile="<p>"),)))
    label = next(text for text in texts(root) if text.startswith("<scr"))
    assert len(label) <= 22
    assert "\x1b" not in label


def test_what_was_stopped_is_told_and_drawn_as_held_until_the_end() -> None:
    root = read(Play((a_part(a_play(stopped("a", ("queued", "device", "quota")))),)))
    (title,) = (found for found in titles(root) if found.startswith("sync"))
    assert title == "sync: 1 start, stopped once, 1 not ended"
    (held,) = (found for found in root.iter(f"{SVG}path") if found.get("class") == "yellow")
    assert held.get("d")


def test_several_plays_are_drawn_by_how_often() -> None:
    plays = [a_play(ran("a", 2 if n < 6 else 20), seed=n) for n in range(8)]
    root = read(Play((a_part(*plays),)))
    drawn = {each.get("class") for each in root.iter(f"{SVG}path")}
    assert {"p6", "p2", "spread", "median"} <= drawn
    assert any("8 plays, as nobody promises these times" in text for text in texts(root))


def test_the_device_stands_once_where_it_is_the_same() -> None:
    one, other = a_play(ran("a", 1), device=(NOON, DUSK)), a_play(ran("a", 1), device=(DUSK, NOON))
    same = read(Play((a_part(one, profile="x"), a_part(one, profile="y"))))
    apart = read(Play((a_part(one, profile="x"), a_part(other, profile="y"))))
    assert texts(same).count("charging") == 1
    assert texts(apart).count("charging") == 2


def test_ten_thousand_runs_stay_a_small_file() -> None:
    rows = [ran(f"t{n}", n % 167, f"name{n % 5}") for n in range(10_000)]
    assert len(Play((a_part(a_play(*rows, until=168)),)).to_svg()) < 100_000


def test_nothing_at_all_is_drawn_as_nothing() -> None:
    assert "Under ios: nothing runs." in Play((a_part(a_play()),)).to_svg()


@pytest.mark.parametrize("length", [60_000, HOUR, 5 * HOUR, 24 * HOUR, WEEK_MS, 52 * WEEK_MS])
def test_the_axis_has_some_marks_in_their_order(length: int) -> None:
    run = SimRun(1, 1, START, START, {}, START + length, "succeeded")
    task = SimTask("a", "t", "default", (run,))
    device = (Segment(START, START + length, DeviceState()),)
    play = Play((a_part(Timeline(START, START + length, 1, 2, (task,), (), device)),))
    marks = [float(each.get("x") or 0) for each in read(play).iter(f"{SVG}text") if each.get("text-anchor") == "middle"]
    assert 1 <= len(marks) <= 10
    assert marks == sorted(set(marks))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "Asia/Kolkata"])
def test_marks_of_days_are_midnights_where_it_is_read(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    from bgo.clock import to_local
    from bgo.run.picture import _axis
    from bgo.run.picture_rows import Plot

    start = 1_761_000_000_000  # a week in October 2025, in which clocks change
    plot = Plot(start, start + WEEK_MS, 0, WEEK_MS // 1000, 0)
    marks = re.findall(r'<text x="([0-9.]+)"', "".join(_axis(plot, 10)))
    days = [to_local(start + round(float(mark) * 1000)) for mark in marks]
    assert {day.strftime("%H:%M") for day in days} == {"00:00"}
    assert {(after.date() - day.date()).days for day, after in pairwise(days)} == {1}
    assert len(marks) >= 6


@given(st.lists(st.tuples(st.floats(0, 500), st.floats(0, 100)).map(lambda bar: (bar[0], bar[0] + bar[1]))))
def test_bars_that_are_merged_cover_the_same(bars: list[Bar]) -> None:
    found = merged(bars)
    assert all(any(left <= bar[0] and bar[1] <= right for left, right in found) for bar in bars)
    assert all(after[0] > before[1] for before, after in pairwise(found))
    assert sum(right - left for left, right in found) <= sum(max(1.5, b - a) + 0.4 for a, b in bars) + 1e-6
