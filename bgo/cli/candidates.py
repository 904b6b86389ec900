"""`bgo __complete KIND[,KIND] PREFIX`: what a shell asks at every TAB; answered before Typer is imported.

One word a line, with a note after a tab. Whatever goes wrong, the answer is fewer words and never a message.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bgo.config import Settings

LIMIT = 50
NOTE = 60
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Nothing else is printed: shells evaluate what they are given."""
BUILT_IN = {"echo": "", "shell": "", "sleep": ""}
"""Known even before the first catalogue is written."""


def main(words: Sequence[str]) -> int:
    """Print what completes the last word and return 0."""
    try:
        from bgo.config import load

        kinds, prefix = (*words, "", "")[:2]
        settings = load()
        found = [row for kind in kinds.split(",") for row in candidates(kind, prefix, settings)]
        lines = (f"{word}\t{_plain(note)}".rstrip() for word, note in found if WORD.fullmatch(word))
        os.write(1, "".join(f"{line}\n" for line in lines).encode())
    except Exception:  # noqa: S110 - a half-typed command line is no place for a message
        pass
    return 0


def candidates(kind: str, prefix: str, settings: Settings) -> list[tuple[str, str]]:
    """Return up to 50 (word, note) of a kind: `ids`, `names`, `tags`, `queues`, `handlers`, `profiles`, `devices`, or
    `schedules` (ids, keys and names)."""
    if kind == "devices":
        from bgo.devices.names import ADB, HERE, TERMUX
        from bgo.devices.traces import built_in

        return [(word, "") for word in (*built_in(), HERE, ADB, TERMUX) if word.startswith(prefix)]
    if kind == "profiles":
        from bgo.devices.profiles import names

        found = [(word, "") for word in {*names(settings.profile_dir), *_brought(settings)}]
        return sorted(row for row in found if row[0].startswith(prefix))[:LIMIT]
    if kind == "handlers":
        found = sorted(dict(_handlers(settings)).items())
        return [(word, note) for word, note in found if word.startswith(prefix)][:LIMIT]
    from bgo.store.sql.suggest import suggest

    rows = suggest(settings.store_path, kind, prefix)
    if kind == "queues" and not rows:
        return [(name, "") for name in settings.queues if name.startswith(prefix)]
    return rows


def _brought(settings: Settings) -> Iterator[str]:
    """Yield the profiles of plugins, as the catalogue file knows them."""
    for report in _catalogue(settings).get("reports", ()):
        yield from report.get("profiles", ())


def _handlers(settings: Settings) -> Iterator[tuple[str, str]]:
    from bgo.hooks.flows import recall

    yield from BUILT_IN.items()
    yield from ((name, info.get("summary", "")) for name, info in _catalogue(settings).get("handlers", {}).items())
    yield from ((info.name, info.summary) for info in recall(settings.cache_dir))


def _catalogue(settings: Settings) -> dict[str, Any]:
    """Return what the catalogue file says, even an old one: to build it anew could take seconds."""
    import json

    from bgo.compose import plugin_settings
    from bgo.hooks.snapshot import Key

    try:
        with open(Key(plugin_settings(settings)).file(settings.cache_dir), encoding="utf-8") as stream:
            found: dict[str, Any] = json.load(stream)
    except (OSError, ValueError):
        return {}
    return found


def _plain(note: str) -> str:
    """Return a note as one short line without anything that a terminal or a shell would act upon."""
    words = " ".join("".join(c if c.isprintable() else " " for c in note).split())
    return words if len(words) <= NOTE else words[:NOTE].rpartition(" ")[0] + " …"
