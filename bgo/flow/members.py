"""What members of chains and batches may ask for: the keywords of `enqueue` that go to each, and to the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bgo.errors import NotFoundError, UsageError
from bgo.flow.options import EnqueueOptions, overlaid, to_request

if TYPE_CHECKING:
    from bgo.engine.spec import Request
    from bgo.flow.enqueueing import Enqueueing
    from bgo.model.handler import HandlerInfo
    from bgo.model.task import TaskSpec

OF_EACH = frozenset(
    {
        "queue", "priority", "tags", "timeout", "retry", "constraints", "on_constraint_loss", "relax",
        "expedited", "foreground",
        "concurrency", "rate_limit", "rate_key", "at_most_once", "cwd", "env", "argv", "finish_before", "window", "tz",
        "window_strict", "allow_unknown",
    }
)  # fmt: skip
"""Keywords that go to each member."""
OF_ALL = frozenset(
    {"delay", "at", "start_before", "dedup", "dedup_ttl", "unique_id", "unique_policy", "after", "tags", "queue"}
)
"""Keywords that go to the whole. The start time and its deadline are those of the first step, or of every item."""


def check_member_options(options: Mapping[str, Any], what: str) -> None:
    """Raise UsageError for a keyword that a member alone cannot have."""
    for name in options:
        if name in EnqueueOptions.__annotations__ and name not in OF_EACH and name != "as_":
            raise UsageError(
                f"{what}: {name} is not for one of its members",
                why="it is said of the whole",
                hint=f"give {name} where the chain or batch is enqueued",
            )


def check_idle_hours(options: Mapping[str, Any]) -> None:
    """Refuse what is said of a window where there is none."""
    if "tz" in options:
        raise UsageError("tz needs window", why="it says by whose clocks a window is read", hint="give window as well")
    if options.get("window_strict"):
        why = "it says that running work is stopped when its window closes"
        raise UsageError("window-strict needs window", why=why, hint="give window as well")


def split(options: Mapping[str, Any]) -> tuple[EnqueueOptions, EnqueueOptions]:
    """Return the options of each member and those of the whole."""
    each: Any = {name: value for name, value in options.items() if name in OF_EACH or name not in OF_ALL}
    whole: Any = {name: value for name, value in options.items() if name in OF_ALL}
    return each, whole


def template(
    flow: Enqueueing, handler: str, input: Mapping[str, Any], own: Mapping[str, Any], common: Mapping[str, Any]
) -> tuple[TaskSpec, HandlerInfo | None]:
    """Return a member as a spec without an id, and what is known of its handler; what it says itself stands over what
    is said for all. Its input may be a part: the rest comes from what it is in."""
    said: Any = {**common, **own}
    info = _info(flow, handler, said)
    mine: Any = {name: value for name, value in own.items() if name != "allow_unknown"}
    if "argv" in mine and "env" in common:  # of all members, only commands keep an environment
        mine = {"env": common["env"], **mine}
    theirs: Any = {name: value for name, value in common.items() if name not in ("allow_unknown", "argv", "env")}
    hours = {key: said[key] for key in ("window", "tz") if key in said}
    if "window" not in hours and "tz" not in own:
        hours.pop("tz", None)  # it is for those members that have a window
    if "window" not in hours and (info is None or info.defaults.window is None):
        check_idle_hours({key: value for key, value in own.items() if key == "window_strict"})
    mine = {key: value for key, value in mine.items() if key not in ("window", "tz")} | hours
    theirs = {key: value for key, value in theirs.items() if key not in ("window", "tz")}
    under = to_request(handler, input, theirs, flow.clock)
    request = overlaid(under, to_request(handler, input, mine, flow.clock, flow.settings.windows))
    tags = (*under.tags, *request.tags)
    request = replace(request, tags=tuple(dict.fromkeys(tags)), is_part=True)
    return replace(flow.spec_of(request, info, allow_unknown=info is None), id=""), info


def whole_request(flow: Enqueueing, name: str, input: Mapping[str, Any], options: Mapping[str, Any]) -> Request:
    """Return the request of a chain or batch itself."""
    said: Any = {key: value for key, value in options.items() if key in OF_ALL}
    return replace(to_request("", input, said, flow.clock), name=name)


def _info(flow: Enqueueing, handler: str, options: Mapping[str, Any]) -> HandlerInfo | None:
    try:
        return flow.handler(handler)
    except NotFoundError:
        if options.get("allow_unknown"):
            return None
        raise
