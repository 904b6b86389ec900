"""Building the catalogue: a child process loads every plugin and answers in JSON; this file is both of its ends.

The settings go in by stdin, never by argv. The child names each plugin before it touches its code, so that one that
crashes or never returns can be left out, said, and the rest built without it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from typing import IO, Any

import bgo.version
from bgo.errors import ConfigError
from bgo.hooks.settings import PluginSettings

MAX_CULPRITS = 5


def run_builder(settings: PluginSettings, timeout_s: float) -> dict[str, Any]:
    """Return what a child process found, as JSON: `handlers`, `middleware`, `observers`, `reports`, `missing`, `files`.

    Raises ConfigError when no child gets to its end.
    """
    skip: dict[str, str] = {}
    for _ in range(MAX_CULPRITS):
        lines, ending = _run({"settings": settings.to_json(), "skip": skip}, timeout_s)
        done = next((line["done"] for line in lines if "done" in line), None)
        if done is not None:
            built: dict[str, Any] = done
            return built
        culprit = next((line["loading"] for line in reversed(lines) if "loading" in line), None)
        if culprit is None or culprit in skip:
            break
        skip[culprit] = f"loading it {ending}"
    raise ConfigError(
        "the catalogue of handlers could not be built",
        why=f"the process that loads the plugins {ending}" + _blame(skip),
        hint="try --no-plugins; 'bgo doctor' checks each plugin",
    )


def _blame(skip: dict[str, str]) -> str:
    return f", and so it did without {', '.join(sorted(skip))}" if skip else ""


def _run(request: dict[str, Any], timeout_s: float) -> tuple[list[dict[str, Any]], str]:
    """Return the lines of one attempt and how it ended."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "bgo.hooks.catalogue"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=child_environment(),
        start_new_session=True,
    )
    ending = ""
    with process:
        try:
            answer, _ = process.communicate(json.dumps(request).encode(), timeout_s)
        except subprocess.TimeoutExpired:
            _kill(process)
            answer, _ = process.communicate()
            ending = f"took longer than {timeout_s:g} s"
        except BaseException:
            _kill(process)
            raise
    return _lines(answer), ending or _say_end(process.returncode)


def child_environment() -> dict[str, str]:
    """Return this process's environment, in which a Python started with `-P` finds this very bgo too."""
    environment = dict(os.environ)
    root = os.path.dirname(os.path.dirname(os.path.abspath(bgo.version.__file__)))
    if os.path.basename(root) not in ("site-packages", "dist-packages"):
        path = environment.get("PYTHONPATH", "")
        environment["PYTHONPATH"] = os.pathsep.join([root, path]) if path else root
    return environment


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _lines(answer: bytes) -> list[dict[str, Any]]:
    found = []
    for raw in answer.splitlines():
        with contextlib.suppress(ValueError):
            line = json.loads(raw)
            if isinstance(line, dict):
                found.append(line)
    return found


def _say_end(code: int) -> str:
    if code < 0:
        return f"killed the process ({signal.Signals(-code).name})"
    return f"ended the process (exit code {code})"


def build_here() -> None:
    """Load every plugin in this process and answer on what was its stdout; then leave without looking back.

    Whatever plugins print or ask for meanwhile goes nowhere: descriptors 0 and 1 are given away first.
    """
    request = json.load(sys.stdin)
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)

    from bgo.hooks.codec import info_json, observer_json, source_json
    from bgo.hooks.manager import load_plugins

    settings = PluginSettings.from_json(request["settings"])
    loaded = load_plugins(settings, skip=request["skip"], announce=lambda label: _say(answer, {"loading": label}))
    built = {
        "handlers": {name: info_json(handler.info) for name, handler in loaded.handlers.items()},
        "reports": [report.to_json() for report in loaded.reports],
        "missing": loaded.missing,
        "middleware": [source_json(source) for source in loaded.middleware],
        "observers": [observer_json(observer) for observer in loaded.observers],
        "broken": [source_json(source) for source in loaded.broken],
        "files": loaded.files,
    }
    _say(answer, {"done": built})
    os._exit(0)  # a plugin's threads and exit handlers have no say any more


def _say(stream: IO[str], line: dict[str, Any]) -> None:
    stream.write(json.dumps(line) + "\n")
    stream.flush()
