"""The linter: each finding where it belongs, none where all is well, and deadlines against a walk of the clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.model.cron import CronSchedule
from bgo.model.device import View
from bgo.model.finding import CODES, Finding
from bgo.model.lane import Rate, Traits
from bgo.model.options import NetworkConstraint, RetryPolicy, TaskConstraints, TaskTimeout
from bgo.model.profile import HOST, AppRules, BucketQuota, Processing, Profile, Quota, Refresh
from bgo.model.schedule import Cron, Every, Overlap, ScheduleWish, Timing
from bgo.model.task import Wish
from bgo.model.window import RelaxStep
from bgo.policy.gates import device_holds
from bgo.policy.lint import about, loads, schedules, tasks
from bgo.policy.lint.loads import Load
from tests.build import START, a_device
from tests.hours import hours, is_open
from tests.policy.test_fit import ANDROID, CONSTRAINTS, IOS

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
PHONE = replace(
    ANDROID,
    work=replace(ANDROID.work, data_warn_bytes=9_000, max_scheduled=20),
    quota=Quota({"rare": BucketQuota(10 * MINUTE, DAY, 48, 3)}, day_cap_ms=4 * HOUR),
)
IPHONE = replace(
    IOS,
    refresh=Refresh(30_000, 1, (1, 4)),
    processing=Processing(300_000, 10, (0, 2)),
    app=AppRules(),
)
CHARGED = TaskConstraints(requires_charging=True)
NIGHT = hours("02:00-05:00")


def codes(found: Iterable[Finding]) -> list[str]:
    return [finding.code for finding in found]


def work(*, profile: Profile | None = None, device: str = "charging=yes", **fields: Any) -> list[str]:
    """Return the codes of what is wrong with a task; fields that are a wish's go into its wish."""
    own = {name: fields.pop(name) for name in tuple(fields) if name in tasks.Work.__dataclass_fields__}
    values = {"due_at": START, "created_at": START, "zone": UTC, **own}
    view = View(profile or Profile(), a_device(device))
    return codes(tasks.lint(tasks.Work(wish=Wish(**fields), **values), view))


CASES: list[tuple[str, dict[str, Any]]] = [
    ("refused", {"profile": PHONE, "traits": Traits("run"), "constraints": CHARGED}),
    ("refused", {"profile": PHONE, "input_bytes": 10_241}),
    ("refused", {"profile": PHONE, "traits": Traits(payload=1)}),
    ("refused", {"profile": PHONE, "traits": Traits("run"), "delayed": True}),
    ("input-near-cap", {"profile": PHONE, "input_bytes": 9_000}),
    ("timeout-above-cap", {"profile": PHONE, "timeout": TaskTimeout.NONE}),
    ("timeout-above-cap", {"profile": PHONE, "timeout": TaskTimeout(hard=601)}),
    ("backoff-bent", {"profile": PHONE, "retry": RetryPolicy.exponential(3, 5)}),
    ("not-enforced", {"profile": IPHONE, "constraints": TaskConstraints(battery_not_low=True)}),
    ("not-expedited", {"profile": IPHONE, "traits": Traits("run")}),
    ("zone-unknown", {"zone": None, "window": hours("02:00-05:00 Mars/Olympus")}),
    ("deadline-impossible", {"due_at": START + HOUR, "start_before": START + HOUR, "expires_at": START + HOUR}),
    ("deadline-impossible", {"window": NIGHT, "expires_at": START + MINUTE, "due_at": START + DAY}),
    ("deadline-tight", {"finish_before": START + MINUTE, "expires_at": START + MINUTE, "usual_ms": MINUTE + 1}),
    ("retries-past-deadline", {
        "finish_before": START + HOUR, "expires_at": START + HOUR, "usual_ms": MINUTE,
        "retry": RetryPolicy.custom(delays=[1500, 1500, 1500]),
    }),
    ("runs-too-long", {"profile": PHONE, "usual_ms": 600_001}),
    ("runs-too-long", {"profile": IPHONE, "usual_ms": 300_001}),
    ("no-promise", {"profile": IPHONE, "start_before": START + HOUR, "expires_at": START + HOUR}),
    ("processing-only", {"profile": IPHONE, "usual_ms": 30_001}),
    ("timeout-tight", {"usual_ms": 241_000}),
    ("relax-too-late", {
        "constraints": CHARGED, "relax": (RelaxStep(HOUR, TaskConstraints()),),
        "start_before": START + HOUR, "expires_at": START + HOUR,
    }),
    ("window-too-short", {
        "window": NIGHT, "window_strict": True, "usual_ms": 3 * HOUR + 1, "timeout": TaskTimeout.NONE,
    }),
    ("not-sensed", {"constraints": CHARGED, "device": "network=none"}),
    ("not-sensed", {"constraints": TaskConstraints(NetworkConstraint.UNMETERED), "device": "network=connected"}),
    ("unknown-passes", {"constraints": TaskConstraints(device_idle=True)}),
]  # fmt: skip
WELL: list[dict[str, Any]] = [
    {},
    {"timeout": TaskTimeout.NONE, "retry": RetryPolicy.exponential(9, 0), "input_bytes": 1 << 20},
    {"constraints": CHARGED},
    {"profile": PHONE, "input_bytes": 8_999, "usual_ms": 200_000, "retry": RetryPolicy.exponential(3)},
    {"profile": PHONE, "traits": Traits(foreground="location"), "usual_ms": 8 * HOUR, "timeout": TaskTimeout.NONE},
    {"profile": IPHONE, "usual_ms": 30_000},
    {"window": NIGHT, "expires_at": START + DAY, "start_before": START + DAY},
    {"window": NIGHT, "window_strict": True, "usual_ms": 3 * HOUR, "timeout": TaskTimeout.NONE},
    {"window": hours("00:00-24:00"), "window_strict": True, "usual_ms": 9 * DAY, "timeout": TaskTimeout.NONE},
    {"window": NIGHT, "usual_ms": 4 * HOUR, "timeout": TaskTimeout.NONE},
    {"finish_before": START + HOUR, "expires_at": START + HOUR, "usual_ms": MINUTE, "retry": RetryPolicy.linear(3, 60)},
    {"constraints": CHARGED, "relax": (RelaxStep(HOUR, TaskConstraints()),), "expires_at": START + HOUR + 1},
    {"constraints": TaskConstraints(NetworkConstraint.CONNECTED), "device": "network=connected"},
]


@pytest.mark.parametrize(("code", "fields"), CASES)
def test_each_fault_of_a_task_is_found_alone(code: str, fields: dict[str, Any]) -> None:
    assert work(**fields) == [code]


def test_a_window_that_never_opens_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "opens_at", lambda *_: None)
    assert work(window=NIGHT, expires_at=START, start_before=START) == ["window-never-opens"]


@pytest.mark.parametrize("fields", WELL)
def test_of_a_task_that_is_well_nothing_is_said(fields: dict[str, Any]) -> None:
    assert work(**fields) == []


def _cron(text: str) -> Cron:
    found = CronSchedule(text)
    return Cron(found.text, found.fields)


def recurring(
    rule: str | int, *, profile: Profile | None = None, each_ms: int | None = None, **fields: Any
) -> list[str]:
    """Return the codes of what is wrong with a schedule: a cron expression, or an interval in milliseconds."""
    made = Wish(**{name: fields.pop(name) for name in ("window", "relax", "constraints") if name in fields})
    first = tasks.Work(made, START, START, zone=UTC)
    timing = Timing(Every(rule, START) if isinstance(rule, int) else _cron(rule), "UTC")
    wish = ScheduleWish(timing, **fields)
    found = schedules.Recurring(wish, UTC, START, (first,), each_ms)
    return codes(schedules.lint(found, View(profile or Profile())))


@pytest.mark.parametrize(
    ("found", "rule", "fields"),
    [
        (["interval-below-floor"], 5 * MINUTE, {"profile": PHONE}),
        ([], 15 * MINUTE, {"profile": PHONE}),
        (["cron-as-interval", "no-promise"], "0 3 * * *", {"profile": IPHONE}),
        (["no-promise"], HOUR, {"profile": IPHONE}),
        (["window-misses-schedule"], "0 12 * * *", {"window": NIGHT, "start_before_ms": HOUR}),
        (["window-misses-schedule"], "0 12 * * *", {"window": NIGHT, "finish_before_ms": 14 * HOUR}),
        (["window-delays"], "0 12 * * *", {"window": NIGHT, "start_before_ms": 14 * HOUR + 1}),
        (["window-misses-some"], "0 3,12 * * *", {"window": NIGHT, "start_before_ms": HOUR}),
        (["window-delays"], "0 12 * * *", {"window": NIGHT}),
        ([], "0 3,12 * * *", {"window": NIGHT}),
        (["occurrences-skipped"], HOUR, {"each_ms": HOUR + 1}),
        ([], HOUR, {"each_ms": HOUR}),
        (["overlap-never-ends"], HOUR, {"each_ms": 2 * HOUR, "overlap": Overlap.REPLACE}),
        (["overlap-never-ends"], HOUR, {"each_ms": 2 * HOUR, "overlap": Overlap.QUEUE}),
        ([], HOUR, {"each_ms": 2 * HOUR, "overlap": Overlap.ALLOW}),
        (["occurrences-skipped"], "*/10 * * * *", {"each_ms": 11 * MINUTE}),
        (["interval-below-floor"], MINUTE, {"profile": PHONE, "each_ms": 14 * MINUTE}),
        (["relax-too-late"], HOUR, {
            "constraints": CHARGED, "relax": (RelaxStep(HOUR, TaskConstraints()),), "start_before_ms": HOUR,
        }),
    ],
)  # fmt: skip
def test_schedules(found: list[str], rule: str | int, fields: dict[str, Any]) -> None:
    assert recurring(rule, **fields) == found


@pytest.mark.parametrize(
    ("found", "load"),
    [
        ([], Load(24 * 7, 0)),
        (["rate-slow"], Load(24 * 7 + 1, 0)),
        ([], Load(0, 24)),
        (["rate-slow"], Load(1, 24)),
        (["rate-never-drains"], Load(0, 24.1)),
    ],
)
def test_rates(found: list[str], load: Load) -> None:
    assert codes(loads.rate(Rate("api", 1, HOUR), load)) == found


def test_concurrency_quota_and_slots() -> None:
    assert codes(loads.concurrency("api", 2, Load(0, 1, 2 * DAY))) == []
    assert codes(loads.concurrency("api", 2, Load(0, 1, 2 * DAY + 1))) == ["concurrency-never-drains"]
    assert codes(loads.quota(PHONE, "rare", Load(0, 48, 10 * MINUTE))) == []
    assert codes(loads.quota(PHONE, "rare", Load(0, 49, 10 * MINUTE + 1))) == ["above-quota"] * 2
    assert codes(loads.quota(PHONE, "rare", Load(0, 1, 4 * HOUR + 1))) == ["above-quota"] * 2
    assert codes(loads.quota(PHONE, "active", Load(0, 1e9, 1e9))) == []
    assert codes(loads.slots(PHONE, 20)) == []
    assert codes(loads.slots(PHONE, 21)) == ["above-slots"]


def test_every_code_is_found_by_some_case_and_is_in_the_table() -> None:
    import inspect

    from bgo.engine import lint

    said = [code for code, _ in CASES]
    said += [
        "window-never-opens",
        "interval-below-floor",
        "cron-as-interval",
        "no-promise",
        "window-misses-schedule",
        "window-misses-some",
    ]
    said += ["window-delays", "occurrences-skipped", "overlap-never-ends", "rate-slow", "rate-never-drains"]
    said += ["concurrency-never-drains", "above-quota", "above-slots", "request-refused"]
    rest = set(CODES) - set(said)
    assert rest == {"no-handler", "beyond-horizon"}
    assert all(f'"{code}"' in inspect.getsource(lint) for code in rest)
    assert set(said) <= set(CODES)


@given(st.integers(0, 2 * 24 * 60), st.integers(0, 2 * 24 * 60), st.sampled_from(["02:00-05:00", "22:30-01:15@6,7"]))
def test_a_deadline_is_impossible_where_no_minute_of_the_window_comes_before_it(due: int, left: int, text: str) -> None:
    window = hours(text)
    start = START - START % MINUTE
    due_at, expires = start + due * MINUTE, start + (due + left) * MINUTE
    found = work(window=window, due_at=due_at, created_at=start, expires_at=expires, start_before=expires)
    meets = any(is_open(window, at) for at in range(due_at, expires, MINUTE))
    assert found == ([] if meets else ["deadline-impossible"])


@given(st.integers(0, 10 * DAY))
def test_lengths_are_told_to_about_a_tenth(ms: int) -> None:
    from bgo.model.words import duration_ms

    assert abs(duration_ms(about(ms)) - ms) <= max(0, ms * 0.051)


def test_every_constraint_can_be_unknown() -> None:
    """A new constraint whose unknown reading the linter does not see would be missing here."""
    asks = TaskConstraints(
        NetworkConstraint.UNMETERED, True, True, True, True, cpu_below=50, unused_for=60, on_network="Home"
    )
    assert all(getattr(asks, f.name) != f.default for f in fields(TaskConstraints) if f.name != "on_loss")
    found = list(tasks.sensed(asks, View()))
    assert [finding.said.partition(":")[0] for finding in found] == [
        "network", "battery", "charging", "idle", "storage", "load", "unused", "named_network",
    ]  # fmt: skip
    assert codes(found).count("unknown-passes") == len(HOST.unknown_passes)
    none = View(Profile(unknown_passes=frozenset()))
    assert codes(tasks.sensed(asks, none)) == ["not-sensed"] * 8


@given(CONSTRAINTS, st.sampled_from(["charging=yes battery=80 network=unmetered idle=yes storage_low=no", ""]))
def test_a_constraint_is_doubted_where_and_only_where_unknown_readings_decide(
    asks: TaskConstraints, device: str
) -> None:
    """Against the gates themselves: under a profile that lets all pass nothing is held that is doubted here."""
    view = View(Profile(), a_device(device))
    doubted = list(tasks.sensed(asks, view))
    held = list(device_holds(asks, view))
    assert len([f for f in doubted if f.code == "not-sensed"]) == sum("unknown" in hold.current for hold in held)
    assert (doubted == []) == (device != "" or asks.is_empty)
