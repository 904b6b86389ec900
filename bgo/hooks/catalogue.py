"""The catalogue: what every handler is called, takes and wants, known without importing anybody's code.

`bgo enqueue` reads one JSON file. When that file is missing or out of date it is built anew in a child process, which
loads all plugins, once; a plugin that crashes or hangs there is left out and reported, the others count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bgo.errors import NotFoundError
from bgo.hooks import flows, names, snapshot
from bgo.hooks.settings import LoadReport, PluginSettings
from bgo.model.handler import Catalogue, HandlerInfo

TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Known:
    """A catalogue with its reasons: `missing` says why a name that somebody brings does not count."""

    handlers: Catalogue
    missing: Mapping[str, str]
    reports: tuple[LoadReport, ...]


def load(settings: PluginSettings, cache_dir: Path) -> Catalogue:
    """Return all handlers by name; builds the catalogue first where it is missing or out of date.

    Raises ConfigError when it must be built and cannot be.
    """
    return look(settings, cache_dir).handlers


def look(settings: PluginSettings, cache_dir: Path) -> Known:
    """Return the catalogue together with the load reports and the reasons for what is missing."""
    return _look(settings, cache_dir)[0]


def peek(settings: PluginSettings, cache_dir: Path) -> Catalogue | None:
    """Return all handlers by name as the file has them, in some milliseconds; None where it must be built first."""
    data = snapshot.read(snapshot.Key(settings), cache_dir)
    return None if data is None else _known(data, settings, cache_dir).handlers


def rebuild(settings: PluginSettings, cache_dir: Path) -> Catalogue:
    """Build the catalogue anew, whatever the file says, and return it.

    A directory that cannot be written costs the next process another build and nothing else.
    """
    return _rebuild(settings, cache_dir).handlers


def find(
    name: str, settings: PluginSettings, cache_dir: Path, extra: Mapping[str, HandlerInfo] | None = None
) -> HandlerInfo | None:
    """Return the handler called `name`, or None when nobody brings it.

    `extra` are the handlers of this very process (a TaskFlow) and come first. A miss is never judged from the file: it
    is built anew once and asked again.
    """
    if extra and name in extra:
        return extra[name]
    known, is_fresh = _look(settings, cache_dir)
    if name not in known.handlers and not is_fresh:
        known = _rebuild(settings, cache_dir)
    return known.handlers.get(name)


def not_found(
    name: str, settings: PluginSettings, cache_dir: Path, extra: Mapping[str, HandlerInfo] | None = None
) -> NotFoundError:
    """Return the error for a name that `find` did not find: the reason if there is one, else what is near."""
    known = look(settings, cache_dir)
    if name in known.missing:
        return NotFoundError(f"handler {name!r} is not available", why=known.missing[name], hint="bgo plugins list")
    near = suggest(name, {**known.handlers, **(extra or {})})
    broken = [report.name for report in known.reports if report.error]
    return NotFoundError(
        f"unknown handler: {name!r}",
        why="no plugin, file or program brings it"
        + (f"; {', '.join(broken[:3])} did not load (bgo plugins)" if broken else ""),
        hint=f"did you mean {' or '.join(near)}?" if near else "see 'bgo handlers list', or pass --plugin FILE",
    )


def suggest(name: str, catalogue: Catalogue) -> list[str]:
    """Return up to three known names that look like `name`, best first; the case of letters does not matter."""
    import difflib

    by_fold: dict[str, str] = {}
    for known in catalogue:
        by_fold.setdefault(known.casefold(), known)
        by_fold.setdefault(known.casefold().rpartition(".")[2], known)
    near = difflib.get_close_matches(name.casefold(), by_fold, 3, 0.7)
    return list(dict.fromkeys(by_fold[fold] for fold in near))


def remember_flow(infos: Iterable[HandlerInfo], cache_dir: Path, beside: flows.Beside | None = None) -> None:
    """Keep the handlers of a TaskFlow, and what it has beside them, in a file of its own, for workers that start
    without the program."""
    flows.remember(infos, cache_dir, beside)


def _look(settings: PluginSettings, cache_dir: Path) -> tuple[Known, bool]:
    """Return the catalogue, and whether it was built just now."""
    data = snapshot.read(snapshot.Key(settings), cache_dir)
    if data is None:
        return _rebuild(settings, cache_dir), True
    return _known(data, settings, cache_dir), False


def _rebuild(settings: PluginSettings, cache_dir: Path) -> Known:
    from bgo.hooks.builder import run_builder

    key = snapshot.Key(settings)  # looked at before the build: what changes meanwhile is noticed next time
    entries, built = key.entries(), run_builder(settings, TIMEOUT_S)
    # Of a plugin that does not load now nobody knows whether it brings middleware: what it brought is missed.
    brought = snapshot.read_stale(key, cache_dir).get("middleware", ())
    built["middleware"] += [s for s in brought if s in built["broken"] and s not in built["middleware"]]
    data = snapshot.pack(key, entries, built)
    snapshot.keep(key, data, cache_dir)
    return _known(data, settings, cache_dir)


def _known(data: Mapping[str, Any], settings: PluginSettings, cache_dir: Path) -> Known:
    """Merge the remembered flows in: a name that a flow and a plugin bring is settled as between two plugins."""
    plugins = snapshot.handlers_of(data, lambda: flows.observers(cache_dir) if settings.enabled else ())
    missing: dict[str, str] = data["missing"]
    remembered = list(flows.recall(cache_dir)) if settings.enabled else []
    if remembered:
        rivals = [plugins[info.name] for info in remembered if info.name in plugins]
        chosen, refused = names.settle([*rivals, *remembered], settings.overrides)
        missing = {name: why for name, why in {**missing, **refused}.items() if name not in chosen}
        plugins = plugins.merged(chosen, refused)
    return Known(plugins, missing, snapshot.reports_of(data))


if __name__ == "__main__":
    from bgo.hooks.builder import build_here

    build_here()
