"""What is to be run regularly: an interpreter, a store and what else is in force here, all of it absolute.

cron and launchd start programs with next to no environment, systemd's user manager with another one than the shell has.
So everything that leads this call to its store and its settings is written down: flags as flags, variables as such.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bgo.config import Flags, Settings, load
from bgo.errors import BgoError, ConfigError
from bgo.hooks.builder import child_environment
from bgo.hooks.settings import is_path
from bgo.install.quoting import check
from bgo.run.ending import SIGNAL_GRACE_MS
from bgo.run.hearing import END_MS

STOP_MARGIN_S = 20
"""For a store that is busy when the last results are written."""


@dataclass(frozen=True, slots=True)
class Program:
    """One installation: what it runs, and the name that tells it from those of other stores."""

    words: tuple[str, ...]
    """The command up to `run`, which is followed by how."""
    env: Mapping[str, str]
    store: Path
    id: str
    """Eight hexadecimal digits made of the store's path."""
    is_usual: bool
    """It is the store of a `bgo` that is told nothing, and so the one that gets the plain names."""
    stop_s: int
    """How long a worker may take from SIGTERM to its end."""

    def named(self, name: str, joint: str = "-") -> str:
        """Return the name, with the id behind it unless the store is the usual one."""
        return name if self.is_usual else f"{name}{joint}{self.id}"

    def command(self, *how: str) -> tuple[str, ...]:
        """Return the words of `bgo run` with these options."""
        return (*self.words, "run", *how)


def program(settings: Settings, flags: Flags, env: Mapping[str, str] = os.environ) -> Program:
    """Return what runs the store in force as this call would. Raises UsageError for what cannot be written down."""
    if not sys.executable:
        raise ConfigError(
            "this Python does not know its own path", why="sys.executable is empty", hint="start bgo by a full path"
        )
    store = str(settings.store_path)
    words = (os.path.abspath(sys.executable), "-P", "-m", "bgo", "--store", store, *_flags(settings, flags))
    kept = _environment(settings, env)
    for word in (*words, *kept.values()):
        check(word)
    stop_ms = SIGNAL_GRACE_MS + END_MS + int(settings.kill_grace_s * 1000)
    name = hashlib.sha256(os.fsencode(store)).hexdigest()[:8]
    return Program(words, kept, settings.store_path, name, _is_usual(settings, env), stop_ms // 1000 + STOP_MARGIN_S)


def _flags(settings: Settings, flags: Flags) -> list[str]:
    found: list[str] = []
    if flags.config:
        found += ["--config", str(settings.config_path)]
    if flags.profile:
        found += ["--profile", flags.profile]
    for name in flags.plugins:
        found += ["--plugin", _absolute(name)]
    return [*found, "--no-plugins"] if flags.no_plugins else found


def _environment(settings: Settings, env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that have a say in the settings, and those that Python needs to find what it found here."""
    known = {"BGO_HOME": str(settings.home), "BGO_CONFIG": str(settings.config_path)}
    if "BGO_PLUGINS" in settings.origins.values():
        known["BGO_PLUGINS"] = os.pathsep.join(map(_absolute, settings.plugins.files))
    origins = {word for word in settings.origins.values() if word.startswith(("BGO_", "XDG_"))} - {"BGO_STORE"}
    if (
        "BGO_HOME" not in origins
        and settings.origins["config_path"] == "default"
        and os.path.isabs(env.get("XDG_CONFIG_HOME", ""))
    ):
        origins.add("XDG_CONFIG_HOME")
    found = {name: known.get(name, env.get(name, "")) for name in sorted(origins)}
    if paths := child_environment().get("PYTHONPATH"):
        found["PYTHONPATH"] = os.pathsep.join(
            dict.fromkeys(os.path.abspath(path) for path in paths.split(os.pathsep) if path)
        )
    return found


def _absolute(name: str) -> str:
    """Return a plugin's path as it is found from anywhere; a module's name stays."""
    return os.path.abspath(os.path.expanduser(name)) if is_path(name) else name


def _is_usual(settings: Settings, env: Mapping[str, str]) -> bool:
    try:
        usual = load(Flags(), {name: value for name, value in env.items() if name.startswith("XDG_")})
    except BgoError:
        return False
    return usual.store_path == settings.store_path
