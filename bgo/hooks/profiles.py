"""Device profiles that plugins bring: asked for as the catalogue is built, kept in it by name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from bgo.errors import UsageError
from bgo.hooks.registry import implementations
from bgo.hooks.settings import LoadReport
from bgo.model.options import check_name

HOOK, ENDING = "bgo_profiles", ".toml"


def brought_by(plugin: object) -> dict[str, str]:
    """Return the profiles of a plugin: file by name. Raises UsageError for what is no such file."""
    found: dict[str, str] = {}
    for hook in implementations(plugin, HOOK):
        for path in hook():
            file = os.path.abspath(os.fspath(path))
            name, ending = os.path.splitext(os.path.basename(file))
            if ending != ENDING or not os.path.isfile(file):
                raise UsageError(f"{file:.200} is no profile", why=f"there is no such {ENDING} file")
            found[check_name(name, "profile")] = file
    return found


def by_name(reports: Iterable[LoadReport]) -> Mapping[str, tuple[str, ...]]:
    """Return the files of each name; more than one where several plugins bring it."""
    found: dict[str, tuple[str, ...]] = {}
    for report in reports:
        for name, file in report.profiles.items():
            found[name] = tuple(dict.fromkeys((*found.get(name, ()), file)))
    return found
