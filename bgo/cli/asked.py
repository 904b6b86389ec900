"""What the words of `bgo enqueue` ask for: the handler, its input, its command line, or a copy of an old task."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from bgo.cli import parse
from bgo.errors import UsageError

if TYPE_CHECKING:
    from bgo.api import TaskFlow
    from bgo.engine.spec import Request
    from bgo.flow.options import EnqueueOptions
    from bgo.model.handler import HandlerInfo
    from bgo.model.task import TaskSpec


class Asked(NamedTuple):
    """What the words say: the handler and its input, before anything is looked up."""

    name: str | None
    pairs: list[str]
    whole: str | None
    like: str | None
    argv: list[str] | None
    env: list[str] | None
    allow_unknown: bool


def spec_of(flow: TaskFlow, asked: Asked, options: EnqueueOptions) -> TaskSpec:
    """Return the task these words mean; nothing is written."""
    from bgo.flow.options import overlaid, to_request

    base = None if asked.like is None else flow.request_like(asked.like)
    handler, pairs = _handler(asked, base)
    info = _info(flow, handler, allow_unknown=asked.allow_unknown)
    under = base.input if base is not None and asked.whole is None else {}
    data = parse.input_of(info, pairs, under if asked.whole is None else parse.whole_input(asked.whole))
    argv = asked.argv or (None if base is None else base.argv)
    if argv is not None:
        options["argv"] = argv
    if (env := _environment(asked, base, is_command=argv is not None)) is not None:
        options["env"] = env
    request = to_request(handler, data, options, flow.clock, flow.settings.windows)
    if base is not None:
        request = overlaid(base, request)
    return flow.spec_of(request, info, allow_unknown=asked.allow_unknown)


def _handler(asked: Asked, base: Request | None) -> tuple[str, list[str]]:
    """Return the handler's name and the pairs; with --like, NAME may be left out, and a pair may stand first."""
    if base is None:
        if asked.name is None or "=" in asked.name:
            why = "no NAME was given" if asked.name is None else f"{asked.name!r:.60} is an input: the NAME comes first"
            raise UsageError("enqueue what?", why=why, hint="bgo handlers lists what there is")
        return asked.name, asked.pairs
    if asked.name is None or asked.name == base.handler:
        return base.handler, asked.pairs
    if "=" in asked.name:
        return base.handler, [asked.name, *asked.pairs]
    raise UsageError(
        f"--like copies a {base.handler} task, not {asked.name!r:.80}",
        why="a copy keeps its handler",
        hint="leave NAME out, or leave --like out",
    )


def _info(flow: TaskFlow, handler: str, *, allow_unknown: bool) -> HandlerInfo | None:
    from bgo.errors import NotFoundError

    try:
        return flow.handler(handler)
    except NotFoundError as error:
        if allow_unknown:
            return None
        from shutil import which

        if "did you mean" not in error.hint and which(handler):
            error.hint = f"it is a command of this computer: bgo enqueue shell -- {handler} …"
        raise


def _environment(asked: Asked, base: Request | None, *, is_command: bool) -> dict[str, str] | None:
    """Return what a command keeps of this environment, None for nothing; a copy keeps its own and gets --env."""
    if asked.env is None and (base is not None or not is_command):
        return None
    from bgo.hooks.commandline import kept_environment

    kept = kept_environment(os.environ, asked.env or ())
    if base is None:
        return kept
    named = {word.partition("=")[0] for word in asked.env or ()}
    return {**(base.env or {}), **{key: value for key, value in kept.items() if key in named}}
