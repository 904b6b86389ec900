"""Settings: flags win over BGO_* variables, these over the user's config.toml, that over the defaults.

Nothing is read from the working directory. With BGO_HOME set, everything bgo writes lies under it. What workers and
clients share (locks, FIFOs, logs, work directories) lies beside the store, so that all who name one store meet. Every
value remembers where it came from, for `bgo config show`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from bgo.errors import ConfigError
from bgo.model.options import QUEUE_WEIGHTS

if TYPE_CHECKING:
    from bgo.model.limits import NamedLimit
    from bgo.model.query import Retention
    from bgo.model.window import TimeWindow

Found = dict[str, tuple[Any, str]]
"""Key → raw value and origin; sections are dotted (`plugins.allow`)."""
SCALARS = (
    *("store", "profile", "slots", "lease_s", "kill_grace_s", "default_timeout", "synchronous", "poll_ms"),
    *("sensors", "idle_after_s"),
)
"""The plain keys of config.toml; each is also a variable, such as BGO_SLOTS."""
_DAY_MS = 86_400_000
_KEPT: dict[str, tuple[str, int]] = {
    "days": ("finished_ms", 30 * _DAY_MS),
    "failed_days": ("failed_ms", 90 * _DAY_MS),
    "rows": ("rows", 100_000),
    "bytes": ("bytes", 512_000_000),
}
"""Key of [retention] → field of Retention and default."""


class Flags(NamedTuple):
    """What the command line says for all commands."""

    store: str | None = None
    config: str | None = None
    profile: str | None = None
    plugins: tuple[str, ...] = ()
    no_plugins: bool = False
    no_color: bool = False


class Plugins(NamedTuple):
    """Which foreign code may be loaded: local files or modules, and installed distributions by name."""

    files: tuple[str, ...] = ()
    allow: tuple[str, ...] | None = None
    """None allows every installed plugin."""
    enabled: bool = True
    required: tuple[str, ...] = ()
    overrides: Mapping[str, str] = MappingProxyType({})
    """Handler name → the plugin that brings it, where two bring the same name."""


class Queue(NamedTuple):
    """What is said of a queue; what is left open (None) stays as it was set by hand."""

    weight: float | None
    """Its share of the starts."""
    reserve: int | None = None
    """Slots kept free for it."""
    slots: int | None = None
    """How many of its tasks may run at once."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is configured, resolved once; nothing below reads the environment again."""

    home: Path
    config_path: Path
    cache_dir: Path
    store_path: Path
    profile: str
    plugins: Plugins
    slots: int
    lease_s: float
    kill_grace_s: float
    default_timeout: str
    """As written: `moderate`, `60s`, `30s/60s`; read it with `bgo.model.specs.timeout`."""
    synchronous: Literal["full", "normal"]
    queues: Mapping[str, Queue]
    """All that are known; what `origins` has under `queues.NAME` was configured."""
    limits: Mapping[str, NamedLimit]
    """By key: these stand above what the tasks of that key ask for."""
    windows: Mapping[str, TimeWindow]
    """Names for hours of the day, as --window takes them."""
    kept: Mapping[str, int]
    """Fields of `retention`, which is made only when asked for: no hot command needs it."""
    hooks: Mapping[str, Sequence[tuple[str, ...]]]
    """Commands by what they hear of."""
    hook_timeout_ms: int
    poll_ms: int
    sensors: str
    """Whose sensors are asked: `host` (this computer), `termux`, `adb`, `adb:SERIAL`, `adb/APP` or `adb:SERIAL/APP`."""
    idle_after_s: float
    """How long nobody may have touched this computer to call it idle."""
    assumed: tuple[Any, str]
    """What `assume` is made of, as written, and where: a wrong word there stops only what asks the device."""
    color: bool
    """False when NO_COLOR or --no-color asks for plain text; a terminal is still needed for colour."""
    origins: Mapping[str, str]

    @property
    def retention(self) -> Retention:
        """Return how long ended tasks are kept."""
        from bgo.model.query import Retention

        return Retention(**self.kept)

    @property
    def assume(self) -> Mapping[str, str]:
        """Return what the device is taken to be where its sensors know nothing, such as `network` → `unmetered`."""
        if not self.assumed[0]:
            return {}
        from bgo.config_values import check

        found: Mapping[str, str] = check("assume", *self.assumed)
        return found

    @property
    def run_dir(self) -> Path:
        """Return the directory of worker locks and FIFOs, beside the store."""
        return self._beside(".run")

    @property
    def log_dir(self) -> Path:
        """Return the directory of captured output, beside the store."""
        return self._beside(".logs")

    @property
    def work_dir(self) -> Path:
        """Return the directory of the tasks' own work directories, beside the store."""
        return self._beside(".work")

    @property
    def profile_dir(self) -> Path:
        """Return the directory of the user's own device profiles, beside the config file."""
        return self.config_path.with_name("profiles")

    @property
    def crash_dir(self) -> Path:
        """Return where reports of bgo's own faults are written."""
        return self.home / "crashes"

    def rows(self) -> list[tuple[str, Any, str]]:
        """Return (key, value, origin) of every setting, keys as config.toml spells them."""
        found: list[tuple[str, Any]] = []
        for name in self.__slots__:
            value = getattr(self, name)
            if name == "plugins":
                found += [(f"plugins.{key.replace('files', 'paths')}", item) for key, item in value._asdict().items()]
            elif name == "kept":
                found += [(f"retention.{key}", _in_days(key, value[name])) for key, (name, _) in _KEPT.items()]
            elif name == "hooks":
                found += [(f"hooks.{key}", [list(argv) for argv in argvs]) for key, argvs in value.items()]
            elif name == "hook_timeout_ms":
                found.append(("hooks.timeout", value / 1000))
            elif name == "assumed":
                found.append(("assume", self.assume))
            elif name != "origins":
                found.append(("store" if name == "store_path" else name, value))
        found += [(name, getattr(self, name)) for name in ("run_dir", "log_dir", "work_dir")]
        return [(key, value, self.origins.get(key, "default")) for key, value in found]

    def _beside(self, ending: str) -> Path:
        return self.store_path.with_name(self.store_path.name + ending)


def _profile(word: str) -> str:
    """Return the name of a profile, or the file that is meant, wherever it is looked for later."""
    return _absolute(word) if "/" in word or word.endswith(".toml") else word


def _in_days(key: str, value: int) -> float:
    return value / _DAY_MS if key.endswith("days") else value


def default_slots() -> int:
    """Return how many tasks run at once when nobody says: min(4, cores this process may use)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(4, cores)


def load(flags: Flags | None = None, env: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings in force. Raises ConfigError with the file, the line and the nearest known key."""
    flags = flags or Flags()
    places = _places(flags, env)
    config_path, config_origin = places["config_path"]
    found: Found = {}
    if config_origin != "default" or os.path.exists(config_path):
        from bgo.config_file import read_file

        found |= read_file(config_path)
    found |= _from_env(env)
    found |= _from_flags(flags, env)
    return _settings(places, found)


def _from_env(env: Mapping[str, str]) -> Found:
    found: Found = {key: (env[name], name) for key in SCALARS if env.get(name := f"BGO_{key.upper()}")}
    if paths := [word for word in env.get("BGO_PLUGINS", "").split(os.pathsep) if word]:
        found["plugins.paths"] = (paths, "BGO_PLUGINS")
    if env.get("NO_COLOR"):
        found["color"] = (False, "NO_COLOR")
    return found


def _from_flags(flags: Flags, env: Mapping[str, str]) -> Found:
    found: Found = {
        key: (value, f"--{key}") for key, value in (("store", flags.store), ("profile", flags.profile)) if value
    }
    if flags.plugins:
        found["plugins.paths"] = (list(flags.plugins), "--plugin")
    if flags.no_plugins:
        found["plugins.enabled"] = (False, "--no-plugins")
    if flags.no_color:
        found["color"] = (False, "--no-color")
    return found


def _places(flags: Flags, env: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return where data, cache and the config file lie, each with its origin."""
    if home := env.get("BGO_HOME"):
        home = _absolute(home)
        places = {"home": (home, "BGO_HOME"), "cache_dir": (os.path.join(home, "cache"), "BGO_HOME")}
        config = (os.path.join(home, "config.toml"), "default")
    elif sys.platform == "darwin":
        home = _absolute("~/Library/Application Support/bgo")
        places = {"home": (home, "default"), "cache_dir": (_absolute("~/Library/Caches/bgo"), "default")}
        config = (os.path.join(home, "config.toml"), "default")
    else:
        places = {
            "home": _xdg(env, "XDG_DATA_HOME", "~/.local/share"),
            "cache_dir": _xdg(env, "XDG_CACHE_HOME", "~/.cache"),
        }
        config = (os.path.join(_xdg(env, "XDG_CONFIG_HOME", "~/.config")[0], "config.toml"), "default")
    if named := flags.config or env.get("BGO_CONFIG"):
        config = (_absolute(named), "--config" if flags.config else "BGO_CONFIG")
    return places | {"config_path": config}


def _xdg(env: Mapping[str, str], name: str, default: str) -> tuple[str, str]:
    folder = env.get(name, "")
    if os.path.isabs(folder):  # the XDG rules: a relative path is ignored
        return os.path.join(folder, "bgo"), name
    return os.path.join(_absolute(default), "bgo"), "default"


def _absolute(path: str) -> str:
    path = os.path.expanduser(path)
    if path.startswith("~"):
        raise ConfigError(
            "no home directory is known", why="neither HOME nor the user database names one", hint="set BGO_HOME"
        )
    return os.path.abspath(path)


def _settings(places: dict[str, tuple[str, str]], found: Found) -> Settings:
    def get(key: str, default: Any) -> Any:
        if key not in found:
            return default
        from bgo.config_values import check

        return check(key, *found[key])

    home, config_path = places["home"][0], places["config_path"][0]
    origins = {key: origin for key, (_, origin) in (places | found).items()}
    own = get("queues", {})
    for name, row in own.items():
        said = [f".{key}" for key, item in row.items() if item is not None]
        origins |= {f"queues.{name}{key}": origins["queues"] for key in ("", *said)}
    return Settings(
        home=Path(home),
        config_path=Path(config_path),
        cache_dir=Path(places["cache_dir"][0]),
        store_path=Path(_absolute(get("store", os.path.join(home, "bgo.db")))),
        profile=_profile(get("profile", "host")),
        plugins=Plugins(
            files=get("plugins.paths", ()),
            allow=get("plugins.allow", None),
            enabled=get("plugins.enabled", True),
            required=get("plugins.required", ()),
            overrides=get("plugins.overrides", {}),
        ),
        slots=get("slots", 0) or default_slots(),
        lease_s=get("lease_s", 30.0),
        kill_grace_s=get("kill_grace_s", 5.0),
        default_timeout=get("default_timeout", "moderate"),
        synchronous=get("synchronous", "full"),
        queues={n: Queue(w) for n, w in QUEUE_WEIGHTS.items()} | {name: Queue(**row) for name, row in own.items()},
        limits=get("limits", {}),
        windows=get("windows", {}),
        kept={name: get(f"retention.{key}", default) for key, (name, default) in _KEPT.items()},
        hooks={key[6:]: get(key, ()) for key in found if key.startswith("hooks.") and key != "hooks.timeout"},
        hook_timeout_ms=get("hooks.timeout", 10_000),
        poll_ms=get("poll_ms", 500),
        sensors=get("sensors", "host"),
        idle_after_s=get("idle_after_s", 300.0),
        assumed=found.get("assume", ({}, "default")),
        color=get("color", True),
        origins=origins,
    )
