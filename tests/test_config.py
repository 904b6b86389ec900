"""Settings: who wins, where each value came from, and what a wrong file is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bgo import config
from bgo.config import Flags, load
from bgo.errors import ConfigError
from bgo.model.limits import NamedLimit, RateLimit
from bgo.model.query import Retention
from bgo.model.window import TimeWindow


def write(home: Path, text: str) -> Path:
    path = home / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def env(home: Path, **more: str) -> dict[str, str]:
    return {"BGO_HOME": str(home), **more}


def test_a_value_that_is_not_usable_comes_with_a_remedy(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("slots = 0\n")
    with pytest.raises(ConfigError) as caught:
        load(Flags(config=str(file)), {})
    assert caught.value.hint == "mend it, or leave slots out for its default"


def test_bgo_home_holds_everything(tmp_path: Path) -> None:
    found = load(env=env(tmp_path))
    for path in (found.store_path, found.config_path, found.cache_dir, found.run_dir, found.log_dir, found.work_dir):
        assert path.is_relative_to(tmp_path)
    assert found.crash_dir.is_relative_to(tmp_path)


def test_xdg_places_on_linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    found = load(
        env={"XDG_DATA_HOME": f"{tmp_path}/d", "XDG_CONFIG_HOME": f"{tmp_path}/c", "XDG_CACHE_HOME": f"{tmp_path}/k"}
    )
    assert found.store_path == tmp_path / "d/bgo/bgo.db"
    assert found.config_path == tmp_path / "c/bgo/config.toml"
    assert found.cache_dir == tmp_path / "k/bgo"
    assert found.origins["home"] == "XDG_DATA_HOME"


def test_relative_xdg_paths_are_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load(env={"XDG_DATA_HOME": "data"}).home == tmp_path / ".local/share/bgo"


def test_macos_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("HOME", str(tmp_path))
    found = load(env={})
    assert found.store_path == tmp_path / "Library/Application Support/bgo/bgo.db"
    assert found.config_path == tmp_path / "Library/Application Support/bgo/config.toml"


def test_flag_beats_variable_beats_file_beats_default(tmp_path: Path) -> None:
    path = write(tmp_path, 'profile = "a"\nslots = 7\nstore = "file.db"\n')
    found = load(Flags(store="flag.db"), env(tmp_path, BGO_STORE="/env.db", BGO_PROFILE="b"))
    assert found.store_path == Path.cwd() / "flag.db"
    assert (found.profile, found.slots, found.poll_ms) == ("b", 7, 500)
    origins = {key: origin for key, _, origin in found.rows()}
    assert origins["store"] == "--store"
    assert origins["profile"] == "BGO_PROFILE"
    assert origins["slots"] == f"{path}:2"
    assert origins["poll_ms"] == "default"


def test_shared_directories_follow_the_store(tmp_path: Path) -> None:
    found = load(env=env(tmp_path, BGO_STORE="/srv/team.db"))
    assert found.run_dir == Path("/srv/team.db.run")
    assert found.log_dir.parent == found.work_dir.parent == Path("/srv")


def test_files_named_in_the_file_are_relative_to_it(tmp_path: Path) -> None:
    write(tmp_path, 'store = "sub/x.db"\n[plugins]\npaths = ["own.py", "/abs/b.py", "module.name"]\n')
    found = load(env=env(tmp_path))
    assert found.store_path == tmp_path / "sub/x.db"
    assert found.plugins.files == (f"{tmp_path}/own.py", "/abs/b.py", "module.name")


def test_every_key_of_the_file(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
        profile = "android"
        slots = 2
        lease_s = 12.5
        kill_grace_s = 1
        default_timeout = "30s/60s"
        synchronous = "normal"
        poll_ms = 100
        sensors = "adb:192.0.2.7:5555"
        idle_after_s = 90
        color = false
        [plugins]
        paths = ["a.py"]
        allow = ["bgo-files"]
        enabled = true
        required = ["bgo-files"]
        overrides = { "files.hash" = "mine" }
        [queues.bulk]
        weight = 0.5
        reserve = 1
        [queues.high]
        slots = 2
        [limits.uploads]
        concurrency = 3
        rate = "10/1m"
        [limits."api.example"]
        rate = "hourly"
        [windows]
        quiet = "22:00-06:00@mon-fri"
        site.open = "9-17"
        [retention]
        days = 1
        failed_days = 0.5
        rows = 10
        bytes = "2MiB"
        """,
    )
    found = load(env=env(tmp_path))
    assert found.plugins == config.Plugins(
        (f"{tmp_path}/a.py",), ("bgo-files",), True, ("bgo-files",), {"files.hash": "mine"}
    )
    assert found.queues["bulk"] == config.Queue(0.5, 1)
    assert found.queues["high"] == config.Queue(None, None, 2)
    assert found.queues["critical"].weight == 100
    assert found.limits == {
        "uploads": NamedLimit("uploads", 3, RateLimit.MODERATE),
        "api.example": NamedLimit("api.example", None, RateLimit.HOURLY),
    }
    assert found.windows == {"quiet": TimeWindow(22, 6, (1, 2, 3, 4, 5)), "site.open": TimeWindow(9, 17)}
    assert found.retention == Retention(86_400_000, 43_200_000, 10, 2 << 20)
    assert (found.lease_s, found.kill_grace_s, found.poll_ms, found.color) == (12.5, 1.0, 100, False)
    assert (found.default_timeout, found.synchronous) == ("30s/60s", "normal")
    assert (found.sensors, found.idle_after_s) == ("adb:192.0.2.7:5555", 90.0)


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("\nslot = 2\n", 2, "did you mean 'slots'?"),
        ("[plugins]\nallowed = []\n", 2, "did you mean 'plugins.allow'?"),
        ("[retention]\nrows = 1\ndayz = 2\n", 3, "did you mean 'retention.days'?"),
        ("slots = 0\n", 1, "it must lie between 1 and 1,000"),
        ("slots = 2.5\n", 1, "it must be a whole number from 1 to 1,000"),
        ("slots = true\n", 1, "it must be a whole number from 1 to 1,000"),
        ("# c\nsynchronous = 'off'\n", 2, "off would lose acknowledged tasks in a power cut"),
        ("default_timeout = '5x'\n", 1, "'x' is no unit: use w, d, h, m, s or ms"),
        ("profile = 3\n", 1, "it must be a text"),
        ("sensors = 'phone'\n", 1, "it names no device"),
        ("sensors = 'adb:'\n", 1, "it names no device"),
        ("sensors = 'adb:-s'\n", 1, "it names no device"),
        ("sensors = 'adb:a b'\n", 1, "it names no device"),
        ("sensors = 'host:x'\n", 1, "it names no device"),
        ("idle_after_s = 0.5\n", 1, "it must lie between 1 and 86,400"),
        ("store = 'postgresql://x'\n", 1, "a store is a file of this computer"),
        ("[queues.bulk]\nwait = 1\n", 1, "bulk.wait is unknown; did you mean 'weight'?"),
        ("[queues.bulk]\n", 1, "queue bulk has no weight"),
        ("[queues.'9x']\nweight = 1\n", 1, "a name starts with a letter"),
        ("[queues.bulk]\nweight = 1\nslots = 0\n", 1, "bulk.slots = 0: it must lie between 1 and 1,000,000"),
        ("[limits]\nuploads = 2\n", 1, "uploads names no limit"),
        ("limits = 3\n", 1, "it must be a table"),
        ("[limits.uploads]\n", 1, "uploads names no limit"),
        ("\n[limits.uploads]\nconcurency = 2\n", 2, "uploads.concurency is unknown; did you mean 'concurrency'?"),
        ("[limits.uploads]\nconcurrency = 0\n", 1, "uploads.concurrency = 0: a limit of 0 or below would never let"),
        ("[limits.uploads]\nconcurrency = true\n", 1, "uploads.concurrency = True: a limit of 0 or below"),
        ("[limits.uploads]\nrate = 10\n", 1, "uploads.rate = 10: it must be a text"),
        ("[limits.uploads]\nrate = '0/1m'\n", 1, "uploads.rate = '0/1m': a limit of 0 or below would never let"),
        ("[limits.uploads]\nrate = '10/0s'\n", 1, "uploads.rate = '10/0s':"),
        ("[limits.api.example]\nrate = '10/1m'\n", 1, "api.example is a table"),
        ("windows = 3\n", 1, "it must be a table"),
        ("[windows]\nquiet = 3\n", 1, "quiet = 3: it must be a text"),
        ("[windows]\nquiet = '25-6'\n", 1, "quiet = '25-6': hours run from 00:00 to 24:00"),
        ("[windows]\nquiet = 'busines-hours'\n", 1, "quiet = 'busines-hours': did you mean 'business-hours'?"),
        ("[windows]\noff-peak = '1-2'\n", 1, "off-peak is 02:00-05:00, everywhere"),
        ("[windows]\n9x = '1-2'\n", 1, "a name starts with a letter"),
        ("plugins = 3\n", 1, "did you mean 'plugins.paths'?"),
        ("zzz = 3\n", 1, "bgo knows no such setting"),
        ("[plugins]\nallow = 'x'\n", 2, "it must be a list of texts"),
        ("color = 'no'\n", 1, "it must be true or false"),
        ("[retention]\nbytes = 'lots'\n", 2, "it is not a number of bytes"),
    ],
)
def test_wrong_values_are_named_with_file_and_line(tmp_path: Path, text: str, line: int, why: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(env=env(tmp_path))
    assert f"{path}:{line}" in caught.value.message
    assert why in caught.value.why
    assert caught.value.exit_code == 78


def test_text_that_is_not_toml(tmp_path: Path) -> None:
    write(tmp_path, "slots = \n")
    with pytest.raises(ConfigError, match="is not TOML") as caught:
        load(env=env(tmp_path))
    assert "line 1" in caught.value.why


def test_a_named_file_must_exist_and_the_default_need_not(tmp_path: Path) -> None:
    load(env=env(tmp_path))
    with pytest.raises(ConfigError, match="cannot read"):
        load(Flags(config=str(tmp_path / "none.toml")), env(tmp_path))


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="BGO_SLOTS: slots = 'many' is not usable"):
        load(env=env(tmp_path, BGO_SLOTS="many"))


def test_empty_variables_count_as_unset(tmp_path: Path) -> None:
    assert load(env=env(tmp_path, BGO_STORE="", BGO_CONFIG="", NO_COLOR="")) == load(env=env(tmp_path))


def test_plugins_from_the_environment_and_flags(tmp_path: Path) -> None:
    assert load(env=env(tmp_path, BGO_PLUGINS="a.py::b")).plugins.files == ("a.py", "b")
    found = load(Flags(plugins=("c.py",), no_plugins=True), env(tmp_path, BGO_PLUGINS="a.py"))
    assert (found.plugins.files, found.plugins.enabled) == (("c.py",), False)


def test_nothing_is_read_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "cwd"
    elsewhere.mkdir()
    (elsewhere / "bgo.toml").write_text("slots = 0\n")
    (elsewhere / "config.toml").write_text("slots = 0\n")
    (elsewhere / "pyproject.toml").write_text("[tool.bgo]\nslots = 0\n")
    monkeypatch.chdir(elsewhere)
    assert load(env=env(tmp_path)).slots == config.default_slots()


def test_toml_is_read_only_if_there_is_a_file() -> None:
    code = "import sys, bgo.config as c; c.load(env={'BGO_HOME': '/nowhere'}); print(*sorted(sys.modules))"
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"tomllib", "typer", "rich", "sqlite3", "sqlmodel", "pydantic", "asyncio", "difflib"} & set(names)
    assert "bgo.config_file" not in names
