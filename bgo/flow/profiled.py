"""The profiles of a flow: the one in force, and all there are."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from bgo.errors import ConfigError, NotFoundError, UsageError
from bgo.flow.listing import Listing

if TYPE_CHECKING:
    from bgo.flow.profiles import ProfileRow
    from bgo.model.profile import Profile


class Profiled(Listing):
    """A flow that judges by a profile."""

    @cached_property
    def profile(self) -> Profile:
        """Return the profile in force: the platform whose rules count. Raises ConfigError where the config names it and
        it cannot be had."""
        from bgo import compose

        try:
            return compose.profile(self.settings)
        except (NotFoundError, UsageError) as error:
            origin = self.settings.origins.get("profile", "")
            if not origin.startswith(str(self.settings.config_path)):
                raise
            raise ConfigError(f"{origin}: {error.message}", why=error.why, hint=error.hint) from None

    def profiles(self) -> list[ProfileRow]:
        """Return every profile that can be had by name, with its file: of bgo, the user's own, and those of plugins."""
        from bgo import compose
        from bgo.flow.profiles import listing

        return listing(compose.shelf(self.settings))
