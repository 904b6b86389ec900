"""A handler's description as JSON and back: what the catalogue file keeps. Defaults are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bgo.model.handler import HandlerDefaults, HandlerInfo, Param, Source
from bgo.model.wish import (
    concurrency_from,
    concurrency_json,
    constraints_from,
    constraints_json,
    rate_from,
    rate_json,
    retry_from,
    retry_json,
    timeout_from,
    timeout_json,
)

if TYPE_CHECKING:
    from bgo.model.hooks import Observer


def info_json(info: HandlerInfo) -> dict[str, Any]:
    """Return a handler's description as a JSON object."""
    found: dict[str, Any] = {"name": info.name, "source": source_json(info.source)}
    if info.params is not None:
        found["params"] = [_param_json(param) for param in info.params]
    for key in ("summary", "accepts_extra", "takes_argv", "origin"):
        if value := getattr(info, key):
            found[key] = value
    if defaults := defaults_json(info.defaults):
        found["defaults"] = defaults
    return found


def info_from(data: Mapping[str, Any]) -> HandlerInfo:
    """Return a handler's description from its JSON object."""
    params = data.get("params")
    return HandlerInfo(
        name=data["name"],
        source=source_from(data["source"]),
        summary=data.get("summary", ""),
        params=None if params is None else tuple(_param_from(param) for param in params),
        accepts_extra=data.get("accepts_extra", False),
        takes_argv=data.get("takes_argv", False),
        defaults=_defaults_from(data.get("defaults", {})),
        origin=data.get("origin", ""),
    )


def source_json(source: Source) -> list[str]:
    """Return where a handler lives as a JSON array."""
    parts = [source.kind, source.target, source.path, source.function]
    while not parts[-1]:
        parts.pop()
    return parts


def source_from(data: list[Any]) -> Source:
    """Return where a handler lives from its JSON array."""
    return Source(*data)


def observer_json(observer: Observer) -> list[Any]:
    """Return a plugin's observer as a JSON array."""
    return [observer.name, source_json(observer.source), dict(observer.hooks)]


def observer_from(data: list[Any]) -> Observer:
    """Return a plugin's observer from its JSON array."""
    from bgo.model.hooks import Observer

    name, source, hooks = data
    return Observer(name, source_from(source), hooks)


def _param_json(param: Param) -> dict[str, Any]:
    found: dict[str, Any] = {"name": param.name, "type": param.type, "required": param.required}
    if param.nullable:
        found["nullable"] = True
    if param.default is not None:
        found["default"] = param.default
    if param.choices:
        found["choices"] = list(param.choices)
    return found


def _param_from(data: Mapping[str, Any]) -> Param:
    return Param(**{**data, "choices": tuple(data.get("choices", ()))})


def defaults_json(defaults: HandlerDefaults) -> dict[str, Any]:
    """Return the declared options as a JSON object, without those left open."""
    found: dict[str, Any] = {}
    if defaults.timeout is not None:
        found["timeout"] = timeout_json(defaults.timeout)
    if defaults.retry is not None:
        found["retry"] = retry_json(defaults.retry)
    if defaults.queue is not None:
        found["queue"] = defaults.queue
    if defaults.priority is not None:
        found["priority"] = defaults.priority
    if defaults.tags:
        found["tags"] = list(defaults.tags)
    if defaults.constraints is not None:
        found["constraints"] = constraints_json(defaults.constraints)
    if defaults.concurrency is not None:
        found["concurrency"] = concurrency_json(defaults.concurrency)
    if defaults.rate is not None:
        found["rate"] = rate_json(defaults.rate)
    if defaults.at_most_once:
        found["at_most_once"] = True
    if defaults.window_strict:
        found["window_strict"] = True
    for name in ("window", "tz"):
        if (said := getattr(defaults, name)) is not None:
            found[name] = said
    return found


def _defaults_from(data: Mapping[str, Any]) -> HandlerDefaults:
    return HandlerDefaults(
        timeout=timeout_from(data["timeout"]) if "timeout" in data else None,
        retry=retry_from(data["retry"]) if "retry" in data else None,
        queue=data.get("queue"),
        priority=data.get("priority"),
        tags=tuple(data.get("tags", ())),
        constraints=constraints_from(data["constraints"]) if "constraints" in data else None,
        concurrency=concurrency_from(data.get("concurrency")),
        at_most_once=data.get("at_most_once", False),
        rate=rate_from(data.get("rate")),
        window=data.get("window"),
        tz=data.get("tz"),
        window_strict=data.get("window_strict", False),
    )
