"""Handlers and hooks of the user's own programs, remembered: so that `bgo run` from cron knows what a program brings.

One file per TaskFlow, replaced whole each time the program registers, so that two programs never wait for each other.
A program whose file is gone is forgotten.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bgo.hooks.codec import info_from, info_json, source_from, source_json
from bgo.hooks.snapshot import write_file
from bgo.hooks.stamp import stamp
from bgo.model.handler import HandlerInfo, Source

if TYPE_CHECKING:
    from bgo.model.hooks import Observer

FOLDER = "flows"


@dataclass(frozen=True, slots=True)
class Beside:
    """What a flow has beside handlers: how much middleware, how many functions for each hook, of which store."""

    source: Source
    layers: int
    hooks: Mapping[str, int]
    store: str
    file: str
    """The program: while it is unchanged, what it had must be found again when it is imported."""

    def __bool__(self) -> bool:
        return bool(self.layers or self.hooks)


def remember(infos: Iterable[HandlerInfo], cache_dir: Path, beside: Beside | None = None) -> None:
    """Keep the handlers of TaskFlows; what an earlier version of the same flow had and this one lacks is dropped, but
    for those that a program brings only when it makes a batch: their tasks may still wait."""
    by_place: dict[tuple[str, str], list[HandlerInfo]] = {}
    if beside:
        by_place[beside.source.target, beside.source.path] = []
    for info in infos:
        if info.source.kind == "flow":
            by_place.setdefault((info.source.target, info.source.path), []).append(info)
    for place, group in by_place.items():
        file = _file(place, cache_dir)
        group.extend(_late(_read(file), {info.name for info in group}))
        data: object = [info_json(info) for info in sorted(group, key=lambda i: i.name)]
        if beside and place == (beside.source.target, beside.source.path):
            data = {"handlers": data, **_beside_json(beside)}
        if _read(file) != data:
            write_file(file, data, durable=True)


def _late(data: object, known: Collection[str]) -> list[HandlerInfo]:
    items = data.get("handlers") if isinstance(data, dict) else data
    try:
        found = [info_from(item) for item in items] if isinstance(items, list) else []
    except (KeyError, TypeError, ValueError):
        return []
    return [info for info in found if info.source.function and info.name not in known]


def _beside_json(beside: Beside) -> dict[str, Any]:
    return {
        "source": source_json(beside.source),
        "layers": beside.layers,
        "hooks": dict(beside.hooks),
        "store": beside.store,
        "as_of": [beside.file, *stamp(beside.file)],
    }


def recall(cache_dir: Path) -> Iterator[HandlerInfo]:
    """Yield the remembered handlers whose programs are still there."""
    for data in _files(cache_dir):
        beside = data if isinstance(data, dict) else {}
        items = beside.get("handlers", data)
        try:
            layers = beside.get("layers", 0)
            infos = [info_from(item) for item in items]
            if layers and is_as_of(beside["as_of"]):
                infos = [replace(info, layers=layers) for info in infos]
        except (AttributeError, KeyError, TypeError, ValueError):
            continue  # another version's file, or a damaged one: the program writes it anew
        yield from (info for info in infos if is_there(info.source))


def observers(cache_dir: Path) -> Iterator[Observer]:
    """Yield the remembered flows that listen to something, and whose programs are still there."""
    from bgo.model.hooks import Observer

    for data in _files(cache_dir):
        if not isinstance(data, dict) or not data.get("hooks"):
            continue
        try:
            source = source_from(data["source"])
            file, mtime, size = data["as_of"]
            found = Observer(source.target, source, dict(data["hooks"]), data["store"], (file, mtime, size))
        except (KeyError, TypeError, ValueError):
            continue
        if is_there(source):
            yield found


def is_as_of(as_of: Iterable[Any]) -> bool:
    """Say whether a program's file is as it was then."""
    file, mtime, size = as_of
    return stamp(file) == (mtime, size)


def _files(cache_dir: Path) -> Iterator[Any]:
    try:
        files = sorted(entry.path for entry in os.scandir(os.path.join(cache_dir, FOLDER)))
    except OSError:
        return
    for file in files:
        data = _read(file) if file.endswith(".json") else None
        if isinstance(data, (list, dict)):
            yield data


def is_there(source: Source) -> bool:
    """Say whether a flow's program still exists: its script, or the directory its module is imported from."""
    if source.target.startswith("__main__:"):
        return os.path.isfile(source.path)
    return not source.path or os.path.isdir(source.path)


def _file(place: tuple[str, str], cache_dir: Path) -> str:
    text = "\0".join(place).encode("utf-8", "surrogateescape")
    return os.path.join(cache_dir, FOLDER, f"{zlib.crc32(text):08x}-{zlib.adler32(text):08x}.json")


def _read(file: str) -> object:
    try:
        with open(file, encoding="utf-8") as stream:
            return json.load(stream)
    except (OSError, ValueError):
        return None
