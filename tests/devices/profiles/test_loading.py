"""What a profile's file says, and where a wrong one is wrong."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bgo.devices import profiles
from bgo.devices.profiles import checking, library, lint
from bgo.devices.profiles.merging import resolve
from bgo.model.profile import HOST, BucketQuota, ForegroundLimit
from tests.devices.profiles.kit import ANDROID, made, refused, write


@pytest.mark.parametrize("name", library.built_in())
def test_every_profile_that_comes_with_bgo_is_without_fault_and_says_what_it_is(name: str) -> None:
    found = checking.checked(name, None)
    assert found.name == name
    assert found.summary
    assert lint.findings(found, resolve(name, None).said) == []


@pytest.mark.parametrize("name", library.built_in())
def test_every_number_of_a_profile_stands_below_its_source(name: str) -> None:
    """A comment in its paragraph, or above in the same table: `[quota]` tells of those in `[quota.rare]`."""
    text = (library.BUILT_IN / f"{name}.toml").read_text(encoding="utf-8")
    table, told, bare = "", set[str](), []
    for paragraph in text.split("\n\n"):
        for row in paragraph.splitlines():
            if header := re.match(r"\[(\w+)", row):
                table = header[1]
            elif re.match(r"\w+ = .*\d", row) and "#" not in paragraph and table not in {*told, "device"}:
                bare.append(row)
        if "#" in paragraph:
            told.add(table)
    assert bare == []
    for word in (" /work/", "shared", "devices.md", "helper"):
        assert word not in text.lower()


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


def test_the_nearest_says(tmp_path: Path) -> None:
    write(
        tmp_path,
        base=ANDROID,
        middle="extends = 'base'\nsummary = 'Middle.'\n[work]\nmin_interval = '20m'\nrun_max = '10m'",
        mine="extends = 'middle'\n[work]\nrun_max = '9m'\n[quota.rare]\njobs = 1",
    )
    found = profiles.profile("mine", tmp_path)
    assert found.lineage == ("middle", "base")
    assert found.summary == "", "that is of each its own"
    assert (found.work.data_max_bytes, found.work.min_interval_ms, found.work.run_max_ms) == (
        10_240,
        1_200_000,
        540_000,
    )
    assert found.quota is not None
    assert found.quota.buckets["rare"] == BucketQuota(600_000, 86_400_000, 1, 3)
    assert found.quota.buckets["active"].jobs == 75


def test_none_takes_a_rule_away_and_a_later_table_brings_another(tmp_path: Path) -> None:
    write(
        tmp_path,
        base=ANDROID + "[foreground.camera]\n[foreground.health]\n",
        mine="extends = 'base'\nbatching = 'none'\n[work]\nmin_interval = 'none'\n[foreground]\ncamera = 'none'",
        child="extends = 'mine'\n[batching]\nready = 9\nmax_delay = '1m'",
        broken="extends = 'mine'\n[batching]\nready = 9",
    )
    found = profiles.profile("mine", tmp_path)
    assert found.batching is None
    assert found.work.min_interval_ms is None
    assert found.foreground is not None
    assert list(found.foreground.types) == ["health"]
    child = profiles.profile("child", tmp_path)
    assert child.batching is not None
    assert child.batching.ready == 9
    assert refused(tmp_path, "broken").message == "broken.toml:2: [batching] lacks max_delay", "nothing comes back"


def test_of_two_parents_the_one_that_changed_it_counts(tmp_path: Path) -> None:
    """A maker's overlay of the newest Android, on an older one."""
    write(
        tmp_path,
        newest=ANDROID,
        older="extends = 'newest'\n[quota.active]\nwindow = '20m'",
        maker="extends = 'newest'\n[maker]\nsleep_after_unused = '3d'",
    )
    for order in ("['older', 'maker']", "['maker', 'older']"):
        found = made(tmp_path, f"extends = {order}")
        assert found.quota is not None
        assert found.quota.buckets["active"].window_ms == 1_200_000
        assert found.maker is not None
        assert set(found.lineage) == {"older", "maker", "newest"}
        assert found.lineage[-1] == "newest"


def test_the_child_decides_what_its_parents_differ_about(tmp_path: Path) -> None:
    write(
        tmp_path,
        b="os = 'android'\n[battery]\nlow = 10\n[batching]\nready = 5\nmax_delay = '1m'",
        c="os = 'android'\n[battery]\nlow = 12\n[batching]\nready = 6\nmax_delay = '1m'",
    )
    assert made(tmp_path, "extends = ['b', 'c']\nbatching = 'none'\n[battery]\nlow = 11").battery.low == 11


def test_two_parents_that_say_the_same_agree(tmp_path: Path) -> None:
    write(tmp_path, b="os = 'host'\nunknown_passes = ['network', 'charging']\n[battery]\nlow = 10")
    write(tmp_path, c="os = 'host'\nunknown_passes = ['charging', 'network']\n[battery]\nlow = 10")
    assert made(tmp_path, "extends = ['b', 'c']").unknown_passes == {"network", "charging"}


def test_a_file_by_its_path_extends_what_lies_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    write(tmp_path / "sub", base=ANDROID, android="extends = './base.toml'\n[battery]\nlow = 9")
    monkeypatch.chdir(tmp_path)
    found = profiles.profile("sub/android.toml")
    assert (found.name, found.lineage, found.battery.low) == ("android", ("base",), 9)
    assert profiles.profile(str(tmp_path / "sub" / "android.toml")) == found
    monkeypatch.setenv("HOME", str(tmp_path / "sub"))
    assert profiles.profile("~/android.toml") == found


def test_a_file_may_be_called_like_the_profile_it_extends(tmp_path: Path) -> None:
    write(tmp_path, host="extends = 'host'\n[battery]\nlow = 5")
    found = profiles.profile(str(tmp_path / "host.toml"))
    assert (found.name, found.lineage, found.battery.low) == ("host", ("host",), 5)
    assert profiles.profile("host", tmp_path) is HOST, "a name that bgo has is bgo's"


def test_names(tmp_path: Path) -> None:
    assert {"host", "unrestricted"} <= set(profiles.names())
    write(tmp_path, mine=ANDROID)
    (tmp_path / "README.md").touch()
    assert set(profiles.names(tmp_path)) == {*profiles.names(), "mine"}
    assert profiles.names(tmp_path / "missing") == profiles.names()


def test_what_one_of_two_parents_took_away_does_not_come_back_by_the_other(tmp_path: Path) -> None:
    write(
        tmp_path,
        base=ANDROID,
        without="extends = 'base'\nbatching = 'none'",
        other="extends = 'base'",
        both="extends = ['other', 'without']",
        again="extends = 'both'\n[batching]\nready = 9",
    )
    assert profiles.profile("both", tmp_path).batching is None
    assert refused(tmp_path, "again").message == "again.toml:2: [batching] lacks max_delay"


def test_a_phone_may_begin_with_what_a_computer_has(tmp_path: Path) -> None:
    found = made(tmp_path, "extends = 'host'\nos = 'android'\n[battery]\nlow = 14")
    assert (found.os, found.battery.low, found.battery.okay, found.lineage) == ("android", 14, 20, ("host",))


def test_a_battery_that_is_low_and_okay_at_once_is_none(tmp_path: Path) -> None:
    write(tmp_path, mine="os = 'host'\n[battery]\nlow = 20\nokay = 20")
    assert refused(tmp_path, "mine").message == "mine.toml:4: battery.okay is 20, battery.low 20"
