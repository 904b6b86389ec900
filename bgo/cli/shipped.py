"""The files that come with bgo: completion scripts and man pages. They are made before, never at run time."""

from __future__ import annotations

from pathlib import Path

import bgo
from bgo.errors import NotFoundError


def shipped(folder: str) -> Path:
    """Return where `completions` or `man` lies: inside an installed package, or beside it in a checkout."""
    package = Path(bgo.__file__).parent
    for place in (package / "_share" / folder, package.parent / folder):
        if place.is_dir():
            return place
    raise NotFoundError(
        f"the {folder} folder of bgo is missing", why=f"this installation has no {place}", hint="install bgo again"
    )
