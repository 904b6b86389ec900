"""`bgo profiles`: what is listed, shown, found wrong and written."""

from __future__ import annotations

import json
import plistlib
from pathlib import Path

import pytest

from bgo.api import TaskFlow
from bgo.cli import candidates
from bgo.config import load
from bgo.devices.profiles import names, profile
from bgo.model.profile import HOST
from tests.cli.conftest import Bgo
from tests.devices.profiles.kit import ANDROID, write


@pytest.fixture
def own() -> Path:
    """The folder of the user's profiles."""
    folder = load().profile_dir
    folder.mkdir(parents=True)
    return folder


def test_the_list_has_all_of_bgo_and_ones_own(bgo: Bgo, own: Path) -> None:
    write(own, mine="extends = 'host'\nsummary = 'Mine.'", broken="os = 'host'\nx = 1", host="os = 'ios'")
    rows = {row["path"]: row for row in bgo("profiles", "--json").json}
    mine = rows[str(own / "mine.toml")]
    assert mine == {
        "schema": 1,
        "name": "mine",
        "os": "host",
        "extends": ["host"],
        "summary": "Mine.",
        "path": str(own / "mine.toml"),
        "state": "",
    }
    assert rows[str(own / "broken.toml")]["state"] == f"{own}/broken.toml:2: unknown key 'x'"
    assert rows[str(own / "host.toml")]["state"].startswith("not used: bgo has a profile host")
    told = bgo("profiles").text
    assert "host, Mine." not in told
    assert f"{own}/broken.toml:2: unknown key 'x'" in told
    assert bgo("profiles", "-q").lines == [*names(), "broken", "mine"]


def test_a_profile_is_shown_with_the_place_of_each_value(bgo: Bgo, own: Path) -> None:
    write(own, mine=ANDROID)
    told = [line.split() for line in bgo("profiles", "show", "mine").lines]
    assert ["work.data_max", "10", "KiB", f"{own}/mine.toml:5"] in told
    assert ["doze", "none", "default"] in told
    found = bgo("profiles", "show", "mine", "--json").json
    rules = {rule["key"]: rule for rule in found["rules"]}
    assert (found["name"], found["os"], found["path"]) == ("mine", "android", str(own / "mine.toml"))
    assert rules["work.data_max"] == {
        "key": "work.data_max",
        "value": 10_240,
        "written": "10 KiB",
        "from": f"{own}/mine.toml:5",
    }
    assert rules["quota.rare.sessions"]["value"] == 3
    assert rules["unknown_passes"]["value"] == sorted(HOST.unknown_passes)


def test_what_is_shown_as_a_file_is_one(bgo: Bgo, own: Path, tmp_path: Path) -> None:
    write(own, mine="extends = './base.toml'", base=ANDROID)
    (tmp_path / "mine.toml").write_text(bgo("profiles", "show", "mine", "--toml").out)
    found = profile(str(tmp_path / "mine.toml"))
    assert found.lineage == ()
    assert found.quota == profile("mine", own).quota


def test_what_cannot_be_used_is_not_shown(bgo: Bgo, own: Path) -> None:
    write(own, mine="os = 'host'\nx = 1\ny = 2")
    done = bgo("profiles", "show", "mine")
    assert done.code == 2
    assert done.error[0] == f"error: {own}/mine.toml:2: unknown key 'x'"
    assert "1 more: bgo profiles check mine" in done.error[2]
    assert bgo("profiles", "show", "nobody").code == 3


def test_a_check_tells_everything_and_fails_for_errors_alone(bgo: Bgo, own: Path) -> None:
    write(own, mine="os = 'android'\nx = 1\n[work]\nrun_max = 3", odd="os = 'android'")
    done = bgo("profiles", "check", "mine", "--json")
    assert done.code == 1
    assert [(row["level"], row["place"], row["what"]) for row in done.json] == [
        ("error", f"{own}/mine.toml:2", "unknown key 'x'"),
        ("error", f"{own}/mine.toml:4", "run_max = 3 is not usable"),
    ]
    assert "a duration needs a unit" in " ".join(bgo("profiles", "check", "mine").text.split())
    done = bgo("profiles", "check", "odd", "--json")
    assert done.code == 0
    assert [row["level"] for row in done.json] == ["warning", "ok"]
    assert done.json[0]["what"] == "[device] says nothing of charging, battery, network"


def test_a_check_warns_of_an_expedited_budget_that_is_hardly_anything(bgo: Bgo, own: Path) -> None:
    write(own, odd="extends = 'android'\n[expedited.budgets]\nrare = '30s'\nrestricted = '0s'\nfrequent = '31s'")
    (odd, _) = bgo("profiles", "check", "odd", "--json").json
    assert (odd["level"], odd["place"]) == ("warning", f"{own}/odd.toml:3")
    assert odd["what"] == "expedited.budgets.rare is hardly anything"


def test_a_check_of_host_tells_what_the_sensors_say(bgo: Bgo) -> None:
    done = bgo("profiles", "check", "--json")
    assert done.code == 0
    assert done.json[0]["place"] == "host"
    told = {row["what"].partition(":")[0] for row in done.json[1:]}
    assert {"charging", "battery", "network", "idle", "storage_low"} <= told
    assert {row["level"] for row in done.json} <= {"ok", "note"}


def test_a_check_of_a_file_by_its_path(bgo: Bgo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, some=ANDROID)
    assert bgo("profiles", "check", "some.toml").lines == ["✓ ok      some: can be used: rules of android"]


def test_a_broken_profile_in_force_can_still_be_checked(bgo: Bgo, own: Path) -> None:
    write(own, mine="os = 'host'\nx = 1")
    assert bgo("--profile", "mine", "profiles", "check").code == 1


def test_a_new_one_is_sound_and_never_overwrites(bgo: Bgo) -> None:
    folder = load().profile_dir
    done = bgo("profiles", "new", "my-phone", "--extends", "unrestricted")
    assert done.lines == [str(folder / "my-phone.toml")]
    assert bgo("profiles", "check", "my-phone").code == 0
    text = (folder / "my-phone.toml").read_text()
    assert 'extends = "unrestricted"' in text
    assert '# charging = "yes"  # unrestricted.toml:' in text
    done = bgo("profiles", "new", "my-phone", "--extends", "host")
    assert done.code == 4
    assert "is there already" in done.error[0]
    assert (folder / "my-phone.toml").read_text() == text
    found = bgo("profiles", "new", "other", "--extends", "my-phone", "--json").json
    assert found == {"schema": 1, "name": "other", "extends": "my-phone", "path": str(folder / "other.toml")}
    assert profile("other", folder).lineage == ("my-phone", "unrestricted")


def test_where_nothing_can_be_written_nothing_fails_badly(bgo: Bgo) -> None:
    load().profile_dir.parent.mkdir(parents=True, exist_ok=True)
    load().profile_dir.touch()
    done = bgo("profiles", "new", "mine")
    assert (done.code, done.error[0]) == (4, f"error: cannot write {load().profile_dir}/mine.toml")
    assert bgo("profiles", "-q").lines == list(names())


def test_what_is_no_toml_is_a_finding_and_no_name_is_none(bgo: Bgo, own: Path) -> None:
    write(own, mine="os = ")
    done = bgo("profiles", "check", "mine", "--json")
    assert done.code == 1
    assert [(row["level"], row["place"], row["what"]) for row in done.json] == [
        ("error", f"{own}/mine.toml:1", "not TOML")
    ]
    assert bgo("profiles", "check", "nobody").code == 3


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("host",), 4, "error: bgo has a profile 'host'"),
        (("../x",), 2, "error: not a profile name: '../x'"),
        (("x", "--extends", "nobody"), 3, "error: no profile 'nobody'"),
        (("x", "--extends", "./nobody.toml"), 2, "error: cannot read 'nobody.toml'"),
    ],
)
def test_a_new_one_that_cannot_be(bgo: Bgo, words: tuple[str, ...], code: int, message: str) -> None:
    done = bgo("profiles", "new", *words)
    assert (done.code, done.error[0]) == (code, message)
    assert not list(load().profile_dir.glob("*"))


def test_a_parent_by_its_path_is_found_from_everywhere(
    bgo: Bgo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, base=ANDROID)
    monkeypatch.chdir(tmp_path)
    assert bgo("profiles", "new", "mine", "--extends", "base.toml").code == 0
    monkeypatch.chdir("/")
    assert profile("mine", load().profile_dir).os == "android"


def test_names_complete(own: Path) -> None:
    write(own, under_test=ANDROID)
    assert candidates.candidates("profiles", "un", load()) == [("under-test", ""), ("unrestricted", "")]


def test_a_profile_of_the_config_is_a_file_beside_it(bgo: Bgo, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(own, mine=ANDROID)
    load().config_path.write_text('profile = "./profiles/mine.toml"\n')
    assert load().profile == str(own / "mine.toml")
    monkeypatch.setenv("BGO_PROFILE", "mine")
    assert load().profile == "mine"
    rows = {row["key"]: row["value"] for row in json.loads(bgo("config", "show", "--json").out)}
    assert rows["profile"] == "mine"


PLIST = {
    "CFBundleIdentifier": "org.example.app",
    "BGTaskSchedulerPermittedIdentifiers": ["org.example.app.refresh"],
    "UIBackgroundModes": ["fetch", "processing"],
}


def test_an_app_is_checked_against_ios(bgo: Bgo, tmp_path: Path) -> None:
    file = tmp_path / "Info.plist"
    file.write_bytes(plistlib.dumps(PLIST))
    done = bgo("profiles", "check", "ios", "--plist", str(file), "--json")
    assert done.code == 0, done.out
    assert done.json[-1]["place"] == str(file)
    assert done.json[-1]["level"] == "ok"
    file.write_bytes(plistlib.dumps({**PLIST, "UIBackgroundModes": ["fetch"]}))
    done = bgo("profiles", "check", "ios", "--plist", str(file))
    assert done.code == 1
    assert f"✗ error   {file}: UIBackgroundModes: 'processing' is not listed" in done.text
    assert "hint: add <string>processing</string>" in done.text
    assert "✓ ok" not in done.text, "nothing is fine where an error stands"


def test_summaries_are_folded_and_not_cut(bgo: Bgo, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (("profiles",), ("devices", "signals"), ("devices", "days")):
        monkeypatch.setenv("COLUMNS", "80")
        narrow = bgo(*words)
        assert "…" not in narrow.text
        assert max(map(len, narrow.lines)) <= 80
        monkeypatch.setenv("COLUMNS", "1000")
        assert sorted(narrow.text.split()) == sorted(bgo(*words).text.split())


def test_an_app_is_checked_against_ios_alone(bgo: Bgo, tmp_path: Path, own: Path) -> None:
    file = tmp_path / "Info.plist"
    file.write_bytes(plistlib.dumps(PLIST))
    for name, message in (("android", "android is no profile of ios"), ("ios", "cannot read")):
        where = str(file) if name == "android" else str(tmp_path / "missing")
        done = bgo("profiles", "check", name, "--plist", where)
        assert done.code == 2
        assert message in done.error[0]
    write(own, mine="os = 'ios'\nx = 1")
    done = bgo("profiles", "check", "mine", "--plist", str(file), "--json")
    assert (done.code, [row["level"] for row in done.json]) == (1, ["error"])


def test_what_limits_nothing_is_one_line(bgo: Bgo, own: Path) -> None:
    write(own, mine=f"{ANDROID}[foreground.camera]\n[foreground.dataSync]\ntotal = '6h'\nwindow = '24h'")
    told = {line.split()[0]: " ".join(line.split()[1:]) for line in bgo("profiles", "show", "mine").lines}
    assert told["foreground.camera"].startswith("without limits ")
    assert "foreground.camera.total" not in told
    assert told["foreground.dataSync.run_max"] == "none default"
    rules = {rule["key"] for rule in bgo("profiles", "show", "mine", "--json").json["rules"]}
    assert {"foreground.camera.total", "foreground.dataSync.total"} <= rules


def test_the_library_lists_them_as_well() -> None:
    with TaskFlow() as flow:
        assert {row.name for row in flow.profiles()} >= {"host", "android", "ios"}
        assert flow.profile is HOST
