"""What the profiles of Android and of its makers say, and where they differ."""

from __future__ import annotations

from dataclasses import fields

import pytest

from bgo.devices.profiles import names, profile
from bgo.model.device import Tri
from bgo.model.profile import BUCKETS, BucketQuota, ForegroundLimit, Profile, Quota

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
VERSIONS = ("android-12", "android-13", "android-14", "android-15", "android-16")
MAKERS = {"samsung", "xiaomi", "huawei", "oneplus", "nokia-historic"}
RULES = [each.name for each in fields(Profile) if each.name not in ("name", "summary", "lineage")]


def quota(name: str) -> Quota:
    found = profile(name).quota
    assert found is not None
    return found


def differing(one: str, other: str) -> set[str]:
    """Return the tables in which two profiles differ."""
    return {rule for rule in RULES if getattr(profile(one), rule) != getattr(profile(other), rule)}


def test_they_are_all_there() -> None:
    assert {"android", *VERSIONS, *MAKERS} <= set(names())


def test_android_is_its_newest_version() -> None:
    assert differing("android", "android-16") == set()


def test_what_each_version_brought() -> None:
    assert differing("android-16", "android-15") == {"quota", "expedited"}
    assert differing("android-15", "android-14") == {"foreground"}
    assert differing("android-14", "android-13") == {"foreground"}
    assert differing("android-13", "android-12") == set()


def test_makers_add_but_one_table() -> None:
    for name in MAKERS - {"nokia-historic"}:
        assert differing("android", name) == {"maker"}, name
    assert differing("android-12", "nokia-historic") == {"maker"}


@pytest.mark.parametrize(
    ("bucket", "old", "new"),
    [("exempted", (10, 10, 75, 75), (20, 40, 75, 75)), ("active", (10, 10, 75, 75), (20, 60, 75, 75)),
     ("working", (10, 120, 120, 10), (10, 240, 120, 10)), ("frequent", (10, 480, 200, 8), (10, 720, 200, 8)),
     ("rare", (10, 1440, 48, 3), (10, 1440, 48, 3)), ("restricted", (10, 1440, 10, 1), (10, 1440, 10, 1))],
)  # fmt: skip
def test_quota_by_bucket(bucket: str, old: tuple[int, int, int, int], new: tuple[int, int, int, int]) -> None:
    for name in VERSIONS:
        time, window, jobs, sessions = new if name == "android-16" else old
        assert quota(name).buckets[bucket] == BucketQuota(time * MINUTE, window * MINUTE, jobs, sessions), name
        assert set(quota(name).buckets) == set(BUCKETS) - {"never"}


def test_quota_of_all_buckets() -> None:
    for name in VERSIONS:
        found, is_new = quota(name), name == "android-16"
        assert (found.day_cap_ms, found.burst, found.burst_window_ms) == (4 * HOUR, 20, MINUTE)
        assert (found.buffer_ms, found.merge_ms, found.free_when_charging) == (30_000, 5_000, True)
        assert (found.top_started_free, found.service_free) == (not is_new, not is_new), name
        quick = profile(name).expedited
        assert quick is not None
        budgets = {bucket: ms // MINUTE for bucket, ms in quick.budgets_ms.items()}
        working = 15 if is_new else 30
        assert budgets == {
            "exempted": 60, "active": 30, "working": working, "frequent": 10, "rare": 10, "restricted": 5,
        }  # fmt: skip
        assert (quick.window_ms, quick.run_max_ms) == (DAY, 3 * MINUTE)


def test_services_by_version() -> None:
    types = {}
    for name in VERSIONS:
        rule = profile(name).foreground
        assert rule is not None
        assert not rule.start_from_background
        types[name] = rule.types
    six = ForegroundLimit(None, 6 * HOUR, DAY)
    assert types["android-16"]["dataSync"] == types["android-15"]["mediaProcessing"] == six
    assert types["android-14"]["dataSync"] == ForegroundLimit()
    assert "mediaProcessing" not in types["android-14"]
    assert types["android-14"]["shortService"] == ForegroundLimit(3 * MINUTE)
    assert "shortService" not in types["android-13"]
    assert set(types["android-12"]) == {
        "camera", "connectedDevice", "dataSync", "location", "mediaPlayback", "mediaProjection", "microphone",
        "phoneCall",
    }  # fmt: skip


def test_what_workmanager_and_the_device_say() -> None:
    found = profile("android")
    work = found.work
    assert (work.data_max_bytes, work.data_warn_bytes, work.run_max_ms) == (10_240, 9_000, 10 * MINUTE)
    assert (work.min_interval_ms, work.min_flex_ms, work.interval_from) == (15 * MINUTE, 5 * MINUTE, "completion")
    assert (work.backoff_min_ms, work.backoff_max_ms, work.max_scheduled) == (10_000, 5 * HOUR, 20)
    assert work.stop_consumes_attempt
    assert work.idle_refuses_retry
    assert not work.cron_as_interval
    assert work.expedited_refuses == {"charging", "battery_not_low", "device_idle", "delay", "periodic"}
    assert (found.battery.low, found.battery.okay, found.battery.stable_charge_after_ms) == (15, 20, 0)
    assert (found.storage.low_percent, found.storage.low_cap_bytes) == (5, 500 << 20)
    assert found.unknown_passes == frozenset()
    assert found.idle is not None
    assert found.idle.after_ms == 31 * MINUTE
    assert found.standby is not None
    assert found.standby.elapsed_ms == (0, 12 * HOUR, 24 * HOUR, 48 * HOUR, 8 * DAY)
    assert found.standby.screen_ms == (0, 0, HOUR, 2 * HOUR, 6 * HOUR)
    assert found.batching is not None
    assert (found.batching.ready, found.batching.max_delay_ms, found.batching.cellular_ready) == (5, 31 * MINUTE, None)


def test_a_phone_of_which_nothing_is_said_is_awake_and_its_idleness_follows_from_its_screen() -> None:
    said = profile("android").device
    assert (said["screen"], said["idle"], said["charging"]) == ("on", Tri.UNKNOWN.value, "no")
    assert "app" not in said
    assert "bucket" not in said


def test_makers() -> None:
    makers = {name: profile(name).maker for name in MAKERS}
    assert all(maker is not None for maker in makers.values())
    named = {name: maker for name, maker in makers.items() if maker is not None}
    assert named["samsung"].sleep_after_unused_ms == 3 * DAY
    assert not named["xiaomi"].autostart
    assert not named["oneplus"].autostart
    assert named["huawei"].kill_after_run_ms == HOUR
    assert named["nokia-historic"].kill_after_screen_off_ms == 20 * MINUTE
