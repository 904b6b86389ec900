"""Which plugins count: the settings that reach the catalogue, the worker and its children, and what loading reports.

Kept apart from the manager so that `bgo enqueue` can hold settings without loading pluggy.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def is_path(word: str) -> bool:
    """Say whether a plugin is named by its file (`tasks.py`, `./tasks`) rather than by a module name."""
    return word.endswith(".py") or os.sep in word


def dist_key(name: str) -> str:
    """Return a distribution name in the one form in which names are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True, slots=True)
class PluginSettings:
    """Where handlers may come from.

    `files`: paths or module names from `--plugin`, `BGO_PLUGINS` and the config; paths are made absolute, because
    tasks run in other directories. `allow`: distributions whose entry points count (None: all). `enabled=False`:
    built-ins only. `overrides`: for a handler name that two plugins bring, the origin that wins.
    """

    files: tuple[str, ...] = ()
    allow: tuple[str, ...] | None = None
    enabled: bool = True
    overrides: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        files = (os.path.abspath(os.path.expanduser(f)) if is_path(f) else f for f in self.files if f)
        object.__setattr__(self, "files", tuple(dict.fromkeys(files)))
        if self.allow is not None:
            object.__setattr__(self, "allow", tuple(sorted({dist_key(name) for name in self.allow})))

    def allows(self, dist: str) -> bool:
        """Say whether the entry points of this distribution count."""
        return self.enabled and (self.allow is None or dist_key(dist) in self.allow)

    def to_json(self) -> dict[str, Any]:
        """Return the settings as a JSON object."""
        return {
            "files": list(self.files),
            "allow": None if self.allow is None else list(self.allow),
            "enabled": self.enabled,
            "overrides": dict(sorted(self.overrides.items())),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PluginSettings:
        """Return settings from their JSON object; absent keys mean the default."""
        allow = data.get("allow")
        return cls(
            files=tuple(data.get("files", ())),
            allow=None if allow is None else tuple(allow),
            enabled=bool(data.get("enabled", True)),
            overrides=dict(data.get("overrides", {})),
        )


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What became of one plugin: for `bgo plugins list` and `bgo doctor`."""

    name: str
    """A distribution, a file or a module."""
    source: str
    """How it was found: `builtin`, `entry-point bgo`, `entry-point bgo.handlers`, `file` or `module`."""
    version: str = ""
    handlers: tuple[str, ...] = ()
    """Names it brought and that are in force."""
    error: str = ""
    """Why it, or a part of it, did not load; empty when all is well."""
    ms: int = 0
    warnings: tuple[str, ...] = ()
    hooks: Mapping[str, int] = field(default_factory=dict)
    """What it brings beside handlers: `middleware`, and the hooks it listens to, each with how many there are."""
    profiles: Mapping[str, str] = field(default_factory=dict)
    """Device profiles by name, each with its file."""

    @property
    def brings(self) -> tuple[str, ...]:
        """Return all that it brings, for people: handlers by name, then middleware, hooks and profiles."""
        hooks = (name if name == "middleware" else f"on {name}" for name in self.hooks)
        return (*self.handlers, *hooks, *(f"profile {name}" for name in self.profiles))

    def to_json(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        return {
            "name": self.name,
            "source": self.source,
            "version": self.version,
            "handlers": list(self.handlers),
            "error": self.error,
            "ms": self.ms,
            "warnings": list(self.warnings),
            "hooks": dict(self.hooks),
            "profiles": dict(self.profiles),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LoadReport:
        """Return a report from its JSON object."""
        return cls(**{**data, "handlers": tuple(data["handlers"]), "warnings": tuple(data["warnings"])})
