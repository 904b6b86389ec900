"""What a profile's file says, and where a wrong one is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bgo.devices import profiles
from bgo.devices.profiles import checking, library, lint
from bgo.devices.profiles.merging import resolve
from bgo.model.profile import HOST, BucketQuota, ForegroundLimit
from tests.devices.profiles.kit import ANDROID, made


@pytest.mark.parametrize("name", library.built_in())
def test_every_profile_that_comes_with_bgo_is_without_fault_and_says_what_it_is(name: str) -> None:
    found = checking.checked(name, None)
    assert found.name == name
    assert found.summary
    assert lint.findings(found, resolve(name, None).said) == []


@pytest.mark.parametrize("name", library.built_in())
def test_every_number_of_a_profile_stands_below_its_source(name: str) -> None:
    text = (library.BUILT_IN / f"{name}.toml").read_text(encoding="utf-8")
    for word in ("/work", "shared", "devices.md", "helper", "issue"):
        assert word not in text.lower()
    if "[" in text.replace("[device]", ""):
        assert "#" in text


def test_host_is_what_its_file_says() -> None:
    assert replace(checking.checked("host", None), summary="") == HOST
    assert profiles.profile("host") is HOST


def test_keys_become_fields(tmp_path: Path) -> None:
    found = made(tmp_path, ANDROID)
    assert (found.name, found.os, found.lineage) == ("mine", "android", ())
    assert found.work.data_max_bytes == 10_240
    assert found.work.min_interval_ms == 900_000
    assert found.quota is not None
    assert found.quota.buckets["rare"] == BucketQuota(600_000, 86_400_000, 48, 3)
    assert found.quota.burst == 20
    assert dict(found.device)["battery"] == "80"
    assert found.doze is None


def test_members_may_be_empty_tables_and_keys_may_be_written_with_dashes(tmp_path: Path) -> None:
    more = "[foreground.camera]\n[foreground.dataSync]\ntotal = '6h'\nwindow = '24h'\n[work]\nrun-max = '10m'"
    found = made(tmp_path, ANDROID.replace("[work]", more))
    assert found.foreground is not None
    assert dict(found.foreground.types) == {
        "camera": ForegroundLimit(),
        "dataSync": ForegroundLimit(None, 21_600_000, 86_400_000),
    }
    assert found.work.run_max_ms == 600_000
