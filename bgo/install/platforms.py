"""The four platforms by name, and which of them run a store already."""

from __future__ import annotations

import os
from collections.abc import Mapping

from bgo.install.cron import Cron
from bgo.install.launchd import Launchd
from bgo.install.program import Program
from bgo.install.report import Platform
from bgo.install.systemd import Systemd
from bgo.install.termux import Termux


def platform(name: str, program: Program, env: Mapping[str, str] = os.environ, *, timed: bool = False) -> Platform:
    """Return cron, systemd, launchd or termux for this program; `timed` is systemd's timer in place of its service."""
    match name:
        case "cron":
            return Cron(program, env)
        case "systemd":
            return Systemd(program, env, timed=timed)
        case "launchd":
            return Launchd(program, env)
        case "termux":
            return Termux(program, env)
    raise ValueError(name)


def installed(program: Program, env: Mapping[str, str] = os.environ) -> list[str]:
    """Return where this store is run from, in words: '' for none of them is left out."""
    platforms: list[Platform] = [Cron(program, env), Systemd(program, env), Launchd(program, env), Termux(program, env)]
    return [where for one in platforms if (where := one.is_installed())]
