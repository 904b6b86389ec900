"""stub"""
from __future__ import annotations
from bgo.model.lane import ViewKey
from bgo.model.plan import Hold
from bgo.model.profile import Profile
def hold(key: ViewKey, profile: Profile) -> Hold | None:
    return None
