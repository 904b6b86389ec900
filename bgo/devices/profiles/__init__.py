"""Profiles by name or from a file, with all that they extend: `profile("android")`, `profile("./my-phone.toml")`.

Everything in a file is checked: a key that there is not, a number without its unit, a rule that contradicts another
one is refused with FILE:LINE, the reason and what to write instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bgo.model.profile import HOST, Profile

if TYPE_CHECKING:
    from bgo.devices.profiles.library import Where


def profile(name_or_path: str, where: Where = None) -> Profile:
    """Return the profile of this name, or in this file (a word with a `/`, or that ends in `.toml`).

    `where` holds the user's own profiles: a folder, or a shelf that knows those of plugins too. Raises NotFoundError
    for one that there is not, and UsageError for the first fault in it.
    """
    if name_or_path == HOST.name:
        return HOST  # its file says the same
    from bgo.devices.profiles import checking

    return checking.checked(name_or_path, where)


def names(where: Where = None) -> tuple[str, ...]:
    """Return every name under which a profile can be had."""
    from bgo.devices.profiles import library

    return library.names(where)
