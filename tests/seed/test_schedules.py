"""The seed's chapter on scheduling: each of its examples as a command line and in Python, with its first times."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from bgo import CronSchedule, NetworkConstraint, TaskConstraints, TaskFlow, TimeWindow
from bgo.errors import NotFoundError
from tests.seed.conftest import Sh

FROM = datetime(2027, 1, 1, tzinfo=UTC)
"""A Friday. Intervals are counted from it, and occurrences are looked at from it on."""
SINCE = "--start 2027-01-01T00:00Z"

HOURLY = ["01-01T00:00", "01-01T01:00", "01-01T02:00"]
QUARTERS = ["01-01T00:00", "01-01T00:15", "01-01T00:30", "01-01T00:45", "01-01T01:00"]
SIX_HOURS = ["01-01T00:00", "01-01T06:00", "01-01T12:00", "01-01T18:00", "01-02T00:00"]
DAILY = ["01-01T09:30", "01-02T09:30", "01-03T09:30"]
MON_WED_FRI = ["01-01T14:00", "01-04T14:00", "01-06T14:00", "01-08T14:00"]
WEEKDAYS = ["01-01T09:00", "01-04T09:00", "01-05T09:00"]
WEEKENDS = ["01-02T10:00", "01-03T10:00", "01-09T10:00"]
MONTHLY = ["01-01T00:00", "02-01T00:00", "03-01T00:00"]
OFFICE_HOURS = [*(f"01-01T{hour:02}:00" for hour in range(9, 18)), "01-04T09:00"]
OFF_PEAK = ["01-01T02:00", "01-01T03:00", "01-01T04:00", "01-02T02:00"]
HALF_HOURS = [*(f"01-01T{9 + n // 2:02}:{n % 2 * 30:02}" for n in range(16)), "01-04T09:00"]


def made(sh: Sh, line: str) -> str:
    """Return the id of the schedule that a command line makes; nothing has fired."""
    (schedule,) = sh(f"bgo schedule {line} --quiet")
    return schedule


def told(sh: Sh, schedule: str, count: int) -> list[str]:
    """Return the first occurrences as the command line foresees them."""
    (found,) = sh(f"bgo schedules preview {schedule} --from 2027-01-01 --count {count} --json")
    return [each["at"][5:16] for each in json.loads(found)]


def coming(flow: TaskFlow, schedule: str, count: int) -> list[str]:
    """Return the first occurrences as the library foresees them."""
    since = int(FROM.timestamp() * 1000) - 1
    return [
        f"{datetime.fromtimestamp(c.at / 1000, UTC):%m-%dT%H:%M}" for c in flow.preview(schedule, count, since=since)
    ]


def asks(flow: TaskFlow, schedule: str) -> object:
    """Return what each task of a schedule asks of the device."""
    return json.loads(flow.get_schedule(schedule).makes["task"]["wish"])["constraints"]


def test_4_periodic_in_a_shell(sh: Sh, flow: TaskFlow) -> None:
    schedule = made(sh, f"syncData --every 1h --network unmetered {SINCE}")
    assert told(sh, schedule, 3) == HOURLY
    assert asks(flow, schedule) == {"network": "unmetered"}


def test_4_periodic_in_python(flow: TaskFlow) -> None:
    schedule = flow.schedule(
        "syncData",
        interval=timedelta(hours=1),
        constraints=TaskConstraints(network=NetworkConstraint.UNMETERED),
        start=FROM,
        tz="UTC",
    )
    assert coming(flow, schedule, 3) == HOURLY
    assert asks(flow, schedule) == {"network": "unmetered"}


def test_4_every_15_minutes_in_a_shell(sh: Sh) -> None:
    assert told(sh, made(sh, "sync --every-minutes 15"), 5) == QUARTERS


def test_4_every_15_minutes_in_python(flow: TaskFlow) -> None:
    assert coming(flow, flow.schedule("sync", cron=CronSchedule.every_n_minutes(15), tz="UTC"), 5) == QUARTERS


def test_4_every_6_hours_in_a_shell(sh: Sh) -> None:
    assert told(sh, made(sh, "checkStatus --every-hours 6"), 5) == SIX_HOURS


def test_4_every_6_hours_in_python(flow: TaskFlow) -> None:
    assert coming(flow, flow.schedule("checkStatus", cron=CronSchedule.every_n_hours(6), tz="UTC"), 5) == SIX_HOURS


def test_4_daily_at_9_30_in_a_shell(sh: Sh) -> None:
    assert told(sh, made(sh, "dailyReport --daily-at 09:30"), 3) == DAILY


def test_4_daily_at_9_30_in_python(flow: TaskFlow) -> None:
    cron = CronSchedule.daily_at(hour=9, minute=30)
    assert coming(flow, flow.schedule("dailyReport", cron=cron, tz="UTC"), 3) == DAILY


def test_4_on_monday_wednesday_friday_in_a_shell(sh: Sh) -> None:
    assert told(sh, made(sh, "weeklyMeeting --on MON,WED,FRI --at 14:00"), 4) == MON_WED_FRI


def test_4_on_monday_wednesday_friday_in_python(flow: TaskFlow) -> None:
    cron = CronSchedule.on_days_at(days=["MON", "WED", "FRI"], hour=14, minute=0)
    assert coming(flow, flow.schedule("weeklyMeeting", cron=cron, tz="UTC"), 4) == MON_WED_FRI


def test_4_weekdays_at_9_in_a_shell(sh: Sh) -> None:
    assert told(sh, made(sh, "businessSync --weekdays-at 09:00"), 3) == WEEKDAYS


def test_4_weekdays_at_9_in_python(flow: TaskFlow) -> None:
    assert coming(flow, flow.schedule("businessSync", cron=CronSchedule.weekdays_at(hour=9), tz="UTC"), 3) == WEEKDAYS


def test_4_weekends_at_10_in_a_shell(sh: Sh) -> None:
    assert told(sh, made(sh, "weekendReport --weekends-at 10:00"), 3) == WEEKENDS


def test_4_weekends_at_10_in_python(flow: TaskFlow) -> None:
    assert coming(flow, flow.schedule("weekendReport", cron=CronSchedule.weekend_at(hour=10), tz="UTC"), 3) == WEEKENDS


def test_4_monthly_on_the_first_in_a_shell(sh: Sh) -> None:
    assert told(sh, made(sh, "monthlyBilling --monthly-on 1 --at 00:00"), 3) == MONTHLY


def test_4_monthly_on_the_first_in_python(flow: TaskFlow) -> None:
    cron = CronSchedule.monthly_at(day=1, hour=0)
    assert coming(flow, flow.schedule("monthlyBilling", cron=cron, tz="UTC"), 3) == MONTHLY


def test_4_raw_cron_in_a_shell(sh: Sh) -> None:
    assert told(sh, made(sh, "customSchedule --cron '0 9-17 * * 1-5'"), 10) == OFFICE_HOURS


def test_4_raw_cron_in_python(flow: TaskFlow) -> None:
    schedule = flow.schedule("customSchedule", cron=CronSchedule("0 9-17 * * 1-5"), tz="UTC")
    assert coming(flow, schedule, 10) == OFFICE_HOURS


def test_4_off_peak_in_a_shell(sh: Sh) -> None:
    assert told(sh, made(sh, f"sync --every 1h --window off-peak {SINCE}"), 4) == OFF_PEAK


def test_4_off_peak_in_python(flow: TaskFlow) -> None:
    schedule = flow.schedule("sync", interval=timedelta(hours=1), window=TimeWindow.OFF_PEAK, start=FROM, tz="UTC")
    assert coming(flow, schedule, 4) == OFF_PEAK


def test_4_weekdays_from_9_to_17_in_a_shell(sh: Sh) -> None:
    assert told(sh, made(sh, f"upload --every 30m --window 9-17@mon-fri {SINCE}"), 17) == HALF_HOURS


def test_4_weekdays_from_9_to_17_in_python(flow: TaskFlow) -> None:
    window = TimeWindow(start_hour=9, end_hour=17, days_of_week=[1, 2, 3, 4, 5])
    schedule = flow.schedule("upload", interval=timedelta(minutes=30), window=window, start=FROM, tz="UTC")
    assert coming(flow, schedule, 17) == HALF_HOURS


def test_schedule_fires_in_a_run_in_a_shell(sh: Sh, flow: TaskFlow) -> None:
    schedule = made(sh, "syncData userId=123 --every 1h")
    sh("bgo run --quiet; bgo run --quiet")
    (task,) = (json.loads(line)[0] for line in sh(f"bgo tasks --schedule {schedule} --json"))
    assert (task["state"], task["input"], task["output"]) == ("succeeded", {"userId": "123"}, {"synced": True})


def test_schedule_fires_in_a_run_in_python(flow: TaskFlow) -> None:
    schedule = flow.schedule("syncData", {"userId": "123"}, interval=timedelta(hours=1))
    flow.run()
    flow.run()
    (task,) = flow.get_all_tasks()
    assert (task.state, task.output, task.task.schedule) == ("succeeded", {"synced": True}, schedule)


def test_reschedule_updates_the_interval_in_a_shell(sh: Sh) -> None:
    schedule = made(sh, f"syncData userId=123 --every 1h --key sync {SINCE}")
    sh("bgo reschedule syncData --every 2h --quiet")
    (line,) = sh("bgo schedules --json")
    (found,) = json.loads(line)
    assert (found["id"], found["rule"], found["input"]) == (schedule, {"every_ms": 7_200_000}, {"userId": "123"})
    assert told(sh, "sync", 3) == ["01-01T00:00", "01-01T02:00", "01-01T04:00"]


def test_reschedule_updates_the_interval_in_python(flow: TaskFlow) -> None:
    schedule = flow.schedule("syncData", {"userId": "123"}, interval=timedelta(hours=1), start=FROM)
    view = flow.reschedule("syncData", interval=timedelta(hours=2))
    assert (view.id, view.input) == (schedule, {"userId": "123"})
    assert coming(flow, schedule, 3) == ["01-01T00:00", "01-01T02:00", "01-01T04:00"]


def test_unschedule_stops_the_periodic_task_in_a_shell(sh: Sh, flow: TaskFlow) -> None:
    made(sh, "syncData --every 1s --overlap allow")
    sh("bgo run --quiet")
    before = len(flow.get_all_tasks())
    assert sh("bgo unschedule syncData; bgo schedules -q; bgo run --quiet")[0].endswith("(syncData) is removed")
    assert (len(flow.get_all_tasks()), flow.schedules()) == (before, [])
    assert sh("bgo unschedule syncData || echo $?") == ["3"]


def test_unschedule_stops_the_periodic_task_in_python(flow: TaskFlow) -> None:
    schedule = flow.schedule("syncData", interval=timedelta(seconds=1), overlap="allow")
    flow.run()
    before = len(flow.get_all_tasks())
    assert before > 0
    assert [view.id for view in flow.unschedule("syncData")] == [schedule]
    flow.run()
    assert len(flow.get_all_tasks()) == before
    with pytest.raises(NotFoundError):
        flow.unschedule("syncData")
