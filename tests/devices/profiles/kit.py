"""Profiles in files of a scratch folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from bgo.devices.profiles import profile
from bgo.errors import NotFoundError, UsageError
from bgo.model.profile import Profile

ANDROID = """
os = "android"

[work]
data_max = "10 KiB"
min_interval = "15m"

[quota]
day_cap = "4h"

[quota.active]
time = "20m"
window = "1h"
jobs = 75
sessions = 75

[quota.rare]
time = "10m"
window = "24h"
jobs = 48
sessions = 3

[batching]
ready = 5
max_delay = "31m"

[device]
charging = "no"
battery = 80
network = "unmetered"
idle = "no"
storage_low = "no"
"""


def write(folder: Path, **files: str) -> Path:
    """Write each profile as a file of that name; a name with `_` is called so with `-`."""
    for name, text in files.items():
        (folder / f"{name.replace('_', '-')}.toml").write_text(text, encoding="utf-8")
    return folder


def refused(folder: Path, name: str) -> UsageError:
    """Return how a profile is refused, its folder taken out of the words."""
    with pytest.raises((UsageError, NotFoundError)) as caught:
        profile(name, folder)
    error = caught.value
    here = f"{folder}/"
    words = [text.replace(here, "") for text in (error.message, error.why, error.hint)]
    return UsageError(words[0], why=words[1], hint=words[2])


def made(folder: Path, text: str, name: str = "mine") -> Profile:
    """Return the profile that a text says."""
    write(folder, **{name: text})
    return profile(name, folder)
