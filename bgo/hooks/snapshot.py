"""The catalogue file: what is written, and how a later process knows that it still holds.

It holds while bgo, Python, the plugin settings and the import path are the same, no distribution that announces
handlers was installed or removed, and no local plugin file has changed. A folder on the import path whose time of
change is the same has no new distribution; where it differs, the announcements are read again and compared, in 2 ms.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bgo.hooks.codec import info_from, observer_from, source_from
from bgo.hooks.scan import import_path, scan
from bgo.hooks.settings import LoadReport, PluginSettings
from bgo.hooks.stamp import stamp
from bgo.model.handler import Catalogue, HandlerInfo
from bgo.version import VERSION

if TYPE_CHECKING:
    from bgo.model.hooks import Extras, Observer

FORMAT = 3


class Handlers(Mapping[str, HandlerInfo]):
    """Handlers by name over their JSON form, each built when it is first looked at: `enqueue` needs one of them."""

    def __init__(
        self,
        data: Mapping[str, Any],
        built: Mapping[str, HandlerInfo] | None = None,
        extras: Callable[[], Extras] | None = None,
    ) -> None:
        self._data = data
        self._built = dict(built or {})
        self._extras = extras

    @property
    def extras(self) -> Extras:
        """Return the middleware and the observers that plugins and flows bring; read when asked for."""
        return _no_extras() if self._extras is None else self._extras()

    def __getitem__(self, name: str) -> HandlerInfo:
        held = self._built.get(name)
        if held is None:
            held = self._built[name] = info_from(self._data[name])
        return held

    def __iter__(self) -> Iterator[str]:
        yield from self._data
        yield from (name for name in self._built if name not in self._data)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return name in self._data or name in self._built

    def merged(self, more: Mapping[str, HandlerInfo], without: Collection[str]) -> Handlers:
        """Return these handlers, less some names, with others over them."""
        kept = {name: item for name, item in self._data.items() if name not in without}
        return Handlers(kept, more, self._extras)


def handlers_of(data: Mapping[str, Any], flows: Callable[[], Iterable[Observer]]) -> Handlers:
    """Return the handlers of a catalogue's data; `flows` yields the observers that are remembered elsewhere."""

    def extras() -> Extras:
        from bgo.model.hooks import Extras

        plugins = [observer_from(item) for item in data["observers"]]
        files = {os.path.realpath(who.source.target) for who in plugins if who.source.kind == "file"}
        # A program that is named as a plugin too is heard as that, and not twice.
        programs = [who for who in flows() if who.as_of is None or os.path.realpath(who.as_of[0]) not in files]
        return Extras(tuple(source_from(item) for item in data["middleware"]), (*plugins, *programs))

    return Handlers(data["handlers"], None, extras)


def extras_of(catalogue: Catalogue) -> Extras:
    """Return what is beside the handlers of a catalogue."""
    return catalogue.extras if isinstance(catalogue, Handlers) else _no_extras()


def _no_extras() -> Extras:
    from bgo.model.hooks import NO_EXTRAS

    return NO_EXTRAS


class Key:
    """What a catalogue is made for, and the state of the import path at this moment."""

    def __init__(self, settings: PluginSettings) -> None:
        self.path = import_path()
        self.made_for = [FORMAT, VERSION, sys.executable, sys.version, settings.to_json(), self.path]
        self.stamps = [stamp(entry)[0] for entry in self.path]

    def file(self, cache_dir: Path) -> str:
        """Return the file for this key; programs with other import paths or settings have their own."""
        text = json.dumps(self.made_for, sort_keys=True)
        return os.path.join(cache_dir, f"catalogue-{zlib.crc32(text.encode('utf-8', 'surrogateescape')):08x}.json")

    def entries(self) -> list[list[Any]]:
        """Return what the distributions on the path announce, with the time each was installed."""
        return [[p.group, p.name, p.value, p.dist, p.version, stamp(p.folder)[0]] for p in scan(self.path)]

    def holds(self, data: Mapping[str, Any]) -> bool:
        """Say whether a catalogue that was read is for this key and nothing has changed since it was made."""
        return (
            data["made_for"] == self.made_for
            and all(stamp(file) == (mtime, size) for file, mtime, size in data["files"])
            and (data["stamps"] == self.stamps or data["entries"] == self.entries())
        )


def read(key: Key, cache_dir: Path) -> dict[str, Any] | None:
    """Return the catalogue's data, or None when there is none, it is not readable, or it no longer holds."""
    try:
        with open(key.file(cache_dir), encoding="utf-8") as stream:
            data: dict[str, Any] = json.load(stream)
        if not key.holds(data):
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if data["stamps"] != key.stamps:
        keep(key, {**data, "stamps": key.stamps}, cache_dir)
    return data


def read_stale(key: Key, cache_dir: Path) -> dict[str, Any]:
    """Return what the file held last, whether that still counts or not; nothing where it cannot be read."""
    try:
        with open(key.file(cache_dir), encoding="utf-8") as stream:
            data = json.load(stream)
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) and data.get("made_for") == key.made_for else {}


def keep(key: Key, data: Mapping[str, Any], cache_dir: Path) -> None:
    """Write the catalogue's data. It is only a cache: where it cannot be written, the next process builds it again."""
    try:
        write_file(key.file(cache_dir), data, durable=False)
    except OSError:
        pass


def pack(key: Key, entries: list[list[Any]], built: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data to write: what was built, and what was there before it was built."""
    return {
        "made_for": key.made_for,
        "stamps": key.stamps,
        "entries": entries,
        "files": [[file, *stamp(file)] for file in built["files"]],
        "handlers": built["handlers"],
        "reports": built["reports"],
        "missing": built["missing"],
        "middleware": built["middleware"],
        "observers": built["observers"],
    }


def reports_of(data: Mapping[str, Any]) -> tuple[LoadReport, ...]:
    """Return the load reports of a catalogue's data."""
    return tuple(LoadReport.from_json(report) for report in data["reports"])


def write_file(file: str, data: Any, *, durable: bool) -> None:
    """Write JSON whole or not at all, readable by its owner alone; `durable` also survives a power cut."""
    os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
    temp = f"{file}.{os.getpid()}.tmp"
    try:
        fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(fd, "w", encoding="utf-8") as stream:
            json.dump(data, stream, separators=(",", ":"))
            stream.flush()
            if durable:
                os.fsync(fd)
        Path(temp).replace(file)
    except BaseException:
        Path(temp).unlink(missing_ok=True)
        raise
