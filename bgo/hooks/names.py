"""One name, one handler: what happens when two plugins bring the same one. Neither counts until the user decides."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from bgo.model.handler import HandlerInfo, Source


def settle(infos: Iterable[HandlerInfo], overrides: Mapping[str, str]) -> tuple[dict[str, HandlerInfo], dict[str, str]]:
    """Return the handlers that count by name, and for each name that nobody may have the reason."""
    by_name: dict[str, list[HandlerInfo]] = {}
    for info in infos:
        claims = by_name.setdefault(info.name, [])
        if not any(_same_place(info.source, claim.source) for claim in claims):
            claims.append(info)
    chosen: dict[str, HandlerInfo] = {}
    refused: dict[str, str] = {}
    for name, claims in by_name.items():
        wanted = overrides.get(name)
        left = claims if len(claims) == 1 else [claim for claim in claims if wanted and comes_from(claim, wanted)]
        if len(left) == 1:
            chosen[name] = left[0]
        else:
            refused[name] = _why(claims, wanted)
    return chosen, refused


def comes_from(info: HandlerInfo, origin: str) -> bool:
    """Say whether `origin` names who brings the handler: a distribution (with or without version), file or module."""
    source = info.source
    return origin in (info.origin, info.origin.partition(" ")[0], source.target, source.target.partition(":")[0])


def _same_place(one: Source, other: Source) -> bool:
    """A program that is named by its file here and remembered as a TaskFlow there is one program, not two."""
    return one == other or (_file(one) is not None and _file(one) == _file(other))


def _file(source: Source) -> str | None:
    module = source.target.partition(":")[0]
    match source.kind:
        case "file":
            return os.path.realpath(source.target)
        case "flow" if module == "__main__":
            return os.path.realpath(source.path)
        case "flow":
            return os.path.realpath(os.path.join(source.path, *module.split("."))) + ".py"
        case _:
            return None


def _why(claims: list[HandlerInfo], wanted: str | None) -> str:
    who = " and ".join(sorted({claim.origin or claim.source.target for claim in claims}))
    if wanted:
        return f"brought by {who}; the override {wanted!r} does not pick one of them"
    return f"brought by {who}; none of them counts until plugins.overrides picks one"
