"""Changes: what a platform has in another way than was asked for."""

from __future__ import annotations

from typing import NamedTuple


class Change(NamedTuple):
    """Something that the platform has in another way."""

    what: str
    """The option, by its name on the command line."""
    asked: str
    given: str
    why: str

    @property
    def told(self) -> str:
        """Return it in words: `interval: 10m becomes 15m (android: the shortest there is)`."""
        return f"{self.what}: {self.asked} becomes {self.given} ({self.why})"
