"""Profiles by name or from a file, with all that they extend: `profile("android")`, `profile("./my-phone.toml")`.

Everything in a file is checked: a key that there is not, a number without its unit, a rule that contradicts another
one is refused with FILE:LINE, the reason and what to write instead.
"""

from __future__ import annotations

from pathlib import Path

from bgo.model.profile import HOST, Profile


def profile(name_or_path: str, folder: Path | None = None) -> Profile:
    """Return the profile of this name, or in this file (a word with a `/`, or that ends in `.toml`).

    `folder` holds the user's own profiles. Raises UsageError for one that there is not, and for the first fault in it.
    """
    if name_or_path == HOST.name:
        return HOST  # its file says the same
    from bgo.devices.profiles import checking

    return checking.checked(name_or_path, folder)


def names(folder: Path | None = None) -> tuple[str, ...]:
    """Return the names of the profiles that come with bgo, and of those in `folder`."""
    from bgo.devices.profiles import library

    return tuple(sorted({*library.built_in(), *library.own(folder)}))
