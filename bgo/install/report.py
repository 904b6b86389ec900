"""What an installation is, what it did, and what is left for the user to do."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from bgo.install.program import Program
from bgo.model.views import SCHEMA

WROTE, CHANGED, UNCHANGED, REMOVED = "wrote", "changed", "unchanged", "removed"


class File(NamedTuple):
    """A file of an installation."""

    path: Path
    data: bytes
    mark: bytes
    """Stands in the file when it is bgo's; another file of that name is not overwritten."""
    mode: int = 0o644


class Step(NamedTuple):
    """One thing that was done, or was so already."""

    did: str
    """wrote, changed, unchanged or removed."""
    what: str
    """A path, or what else it was."""


@dataclass(slots=True)
class Report:
    """What an install or an uninstall did."""

    platform: str
    program: Program
    steps: list[Step] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    """Commands that were run and succeeded, as a shell would be told."""
    todo: list[str] = field(default_factory=list)
    """Commands that could not be run here."""
    why: str = ""
    """Why not."""
    hints: list[str] = field(default_factory=list)

    @property
    def has_changed(self) -> bool:
        """Say whether anything is other than before."""
        return bool(self.ran) or any(step.did != UNCHANGED for step in self.steps)

    def to_json(self) -> dict[str, Any]:
        """Return the object of `install --json`."""
        return {
            "schema": SCHEMA,
            "platform": self.platform,
            "user": user(),
            "store": str(self.program.store),
            "changed": self.has_changed,
            "steps": [step._asdict() for step in self.steps],
            "ran": self.ran,
            "todo": self.todo,
            "why": self.why,
            "hints": self.hints,
        }


class Platform(Protocol):
    """One of the four."""

    def files(self) -> Sequence[File]:
        """Return what is written, as it stands on the disk or, for cron, in the crontab."""

    def commands(self) -> Sequence[str]:
        """Return the commands that make the system take note, as a shell would be told."""

    def install(self) -> Report:
        """Write and activate it; what is there already stays as it is."""

    def uninstall(self) -> Report:
        """Take away what `install` has brought, and nothing else."""

    def is_installed(self) -> str:
        """Return where it is installed, in words, or '' when it is not."""


def user() -> str:
    """Return the name of the user for whom things are installed."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid {os.geteuid()}"
