"""The observers' side of the wire: one call of one hook, in the observer process. Whatever it does ends as a text."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from typing import Any, TextIO

from bgo.errors import ConfigError
from bgo.hooks import flows
from bgo.hooks.registry import Registry
from bgo.model.entry import Entry, entry_from
from bgo.model.handler import Source
from bgo.model.hooks import fill
from bgo.run.channel import Frame
from bgo.run.invoke import describe
from bgo.run.reload import pack
from bgo.run.text import clip

PRINT_LIMIT = 64 << 10
"""What one call may print through Python; the rest is left out."""
ERROR_LIMIT = 2_000
CUT = "\n[bgo: the rest of what this hook printed is left out]\n"


class Capped(io.TextIOBase):
    """Passes on the first 64 KiB and nothing more: a hook that floods must not hold up the others."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._left = stream, PRINT_LIMIT

    def write(self, text: str) -> int:
        """Write a text, as far as there is room."""
        if self._left > 0:
            self._stream.write(text[: self._left])
            self._left -= len(text)
            if self._left <= 0:
                self._stream.write(CUT)
        return len(text)

    def flush(self) -> None:
        """Flush the stream beneath."""
        self._stream.flush()

    def fileno(self) -> int:
        """Return the descriptor of the stream beneath."""
        return self._stream.fileno()


def call(registry: Registry, frame: Frame) -> str:
    """Make the call that a frame asks for; return '' or what went wrong."""
    try:
        with redirect_stdout(Capped(sys.stdout)), redirect_stderr(Capped(sys.stderr)):
            _command(frame) if frame["argv"] else _function(registry, frame)
    except HookCommandFailed as error:
        return clip(str(error), ERROR_LIMIT)
    except BaseException as error:  # SystemExit too: it is the hook that ends, not its process
        found = describe(error)
        print(found.trace, file=sys.stderr)  # into the hooks' log
        return clip(str(found), ERROR_LIMIT)
    return ""


def _function(registry: Registry, frame: Frame) -> None:
    source, hook, index = Source(*frame["source"]), frame["hook"], frame["index"]
    found = registry.observers(source, hook)
    if index >= len(found):
        if frame["as_of"] is not None and not flows.is_as_of(frame["as_of"]):
            return  # the program was changed, and has fewer of them now
        raise ConfigError(
            f"{source.target} has {len(found)} hooks for {hook} here, and its program had more",
            why="what is not registered at the top level of the module is not there when it is imported",
        )
    answer = found[index](_given(frame["given"]))
    if hasattr(type(answer), "__await__"):
        import asyncio

        asyncio.run(_awaited(answer))


async def _awaited(answer: Any) -> None:
    await answer


def _given(data: Mapping[str, Any]) -> dict[str, Any]:
    return {**data, "entry": entry_from(data["entry"])} if "entry" in data else dict(data)


class HookCommandFailed(Exception):
    """A command that did not end well."""


def _command(frame: Frame) -> None:
    """Run a shell hook: an argv list, the entry in its environment and, whole, as JSON on its standard input."""
    import subprocess

    given = _given(frame["given"])
    values = values_of(frame["hook"], given)
    env = {**os.environ, **{f"BGO_{name.upper()}": values[name] for name in ENVIRONMENT if name in values}}
    document_fd = pack(json.dumps(document(frame["hook"], given)).encode())
    try:
        done = subprocess.run(
            fill(frame["argv"], values),
            stdin=document_fd,
            env={name: value.replace("\0", "�") for name, value in env.items()},
            check=False,
        )
    except OSError as error:
        raise HookCommandFailed(f"{frame['argv'][0]}: {error.strerror}") from None
    finally:
        os.close(document_fd)
    if done.returncode:
        how = f"exit code {done.returncode}" if done.returncode > 0 else f"killed by signal {-done.returncode}"
        raise HookCommandFailed(f"{frame['argv'][0]}: {how}")


ENVIRONMENT = (
    "hook", "id", "name", "state", "reason", "error", "attempt", "duration_ms", "worker", "fraction", "message",
    "chain_id", "batch_id",
)  # fmt: skip
"""What a command finds as BGO_ID, BGO_NAME …; not `run`: BGO_RUN marks the processes of a task."""


def values_of(hook: str, given: Mapping[str, Any]) -> dict[str, str]:
    """Return the placeholders' values."""
    found: dict[str, Any] = {"hook": hook, **given}
    entry = found.pop("entry", None)
    if isinstance(entry, Entry):
        names = ("id", "name", "task_name", "state", "status", "reason", "run", "attempt", "duration_ms", "worker")
        found |= {name: getattr(entry, name) for name in names} | {"error": entry.error}
    else:
        group = found.get("chain_id") or found.get("batch_id")
        found |= {"id": group, "state": found.get("status")}
    return {name: "" if value is None else str(value) for name, value in found.items()}


def document(hook: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a command reads: the entry as `bgo history --json` shows it, with its hook."""
    from bgo.model.views import SCHEMA, history_json

    found: dict[str, Any] = {"schema": SCHEMA, "hook": hook, **given}
    entry = found.pop("entry", None)
    if isinstance(entry, Entry):
        names = {"id": entry.id, "handler": entry.handler, "queue": entry.queue, "tags": list(entry.tags)}
        found = {**history_json(entry), **names, **found}
    return found
