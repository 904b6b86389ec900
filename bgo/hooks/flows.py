"""Handlers of the user's own programs, remembered: so that `bgo run` from cron can execute what a program queued.

One file per TaskFlow, replaced whole each time the program registers, so that two programs never wait for each other.
A program whose file is gone is forgotten.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from bgo.hooks.codec import info_from, info_json
from bgo.hooks.snapshot import write_file
from bgo.model.handler import HandlerInfo, Source

FOLDER = "flows"


def remember(infos: Iterable[HandlerInfo], cache_dir: Path) -> None:
    """Keep the handlers of TaskFlows; what an earlier version of the same flow had and this one lacks is dropped."""
    by_place: dict[tuple[str, str], list[HandlerInfo]] = {}
    for info in infos:
        if info.source.kind == "flow":
            by_place.setdefault((info.source.target, info.source.path), []).append(info)
    for place, group in by_place.items():
        file = _file(place, cache_dir)
        data = [info_json(info) for info in sorted(group, key=lambda i: i.name)]
        if _read(file) != data:
            write_file(file, data, durable=True)


def recall(cache_dir: Path) -> Iterator[HandlerInfo]:
    """Yield the remembered handlers whose programs are still there."""
    try:
        files = sorted(entry.path for entry in os.scandir(os.path.join(cache_dir, FOLDER)))
    except OSError:
        return
    for file in files:
        data = _read(file) if file.endswith(".json") else None
        if isinstance(data, list):
            try:
                infos = [info_from(item) for item in data]
            except (KeyError, TypeError, ValueError):
                continue  # another version's file, or a damaged one: the program writes it anew
            yield from (info for info in infos if is_there(info.source))


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
