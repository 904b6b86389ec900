"""Reading config.toml, and writing a key into it; loaded only where there is one."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from bgo.config_values import CHECKS
from bgo.errors import ConfigError
from bgo.model.words import did_you_mean

Found = dict[str, tuple[Any, str]]
_SECTIONS = frozenset({"hooks", "plugins", "retention"})


def read_file(path: str) -> Found:
    """Return the keys of a config file with their places; raise ConfigError for unreadable files and unknown keys."""
    import tomllib

    try:
        with open(path, "rb") as file:
            text = file.read().decode("utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(
            f"cannot read {path}",
            why=error.strerror or str(error),
            hint="name another file with --config or BGO_CONFIG",
        ) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} is not TOML", why=str(error), hint=f"mend it, or move it away: {path}") from None
    found: Found = {}
    for key, value in data.items():
        if key in _SECTIONS and isinstance(value, dict):
            found |= {f"{key}.{name}": (item, _place(path, text, f"{key}.{name}")) for name, item in value.items()}
        else:
            found[key] = (value, _place(path, text, key))
    for key, (value, place) in found.items():
        if key not in CHECKS:
            raise _unknown(key, place, CHECKS)
        if key in {"store", "plugins.paths", "plugins.required"} or (key == "profile" and _is_profile_file(value)):
            found[key] = (_beside(path, value), place)
    return found


def _beside(path: str, value: Any) -> Any:
    """Return file names of a config file as it means them: relative to itself, never to the working directory."""
    if isinstance(value, list):
        return [_beside(path, item) if isinstance(item, str) and _is_file(item) else item for item in value]
    if not isinstance(value, str) or "://" in value or not value:
        return value
    return os.path.join(os.path.dirname(path), os.path.expanduser(value))


def _is_file(word: str) -> bool:
    return word.endswith(".py") or os.sep in word


def _is_profile_file(value: Any) -> bool:
    return isinstance(value, str) and ("/" in value or value.endswith(".toml"))


def _unknown(key: str, place: str, known: Mapping[str, Any]) -> ConfigError:
    return ConfigError(
        f"{place}: unknown key {key!r:.80}",
        why=did_you_mean(key, known) or "bgo knows no such setting",
        hint="bgo config show lists all keys",
    )


_HEADER = re.compile(r"\s*\[+\s*([^\]]*?)\s*\]+")
_KEY = re.compile(r"\s*([\w\"'.\-]+(?:\s*\.\s*[\w\"'\-]+)*)\s*=")


def _place(path: str, text: str, dotted: str) -> str:
    """Return `file:line` of a key, or of its section's header; TOML parsers do not tell."""
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            section = re.sub(r"[\s\"']", "", header[1])
            if section == dotted or section.startswith(f"{dotted}."):
                return f"{path}:{number}"
        elif key := _KEY.match(line):
            name = re.sub(r"[\s\"']", "", key[1])
            if f"{section}.{name}".strip(".") == dotted:
                return f"{path}:{number}"
    return f"{path}:1"


def remember(path: str, section: str, key: str, value: str | None) -> None:
    """Write `key = "value"` into a section of a config file, which is made if need be; None takes the key away.

    Nothing else of the file changes, comments included. Raises ConfigError where it cannot be written, or the section
    is not one that starts with `[section]`.
    """
    import tomllib

    place = os.path.realpath(path)  # a link stays one
    try:
        with open(place, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        text = ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}", why=str(error), hint="bgo config path") from None
    made = _with_key(text.splitlines(), section, key, value)
    try:
        found = tomllib.loads(made).get(section, {}).get(key)
    except (tomllib.TOMLDecodeError, AttributeError):
        found = ...
    if found != value:
        line = f"{key} = {_quoted(value or '')}"
        raise ConfigError(f"{path} is written so that it cannot be changed", why="", hint=f"write [{section}] {line}")
    try:
        _replace(place, made)
    except OSError as error:
        raise ConfigError(f"cannot write {path}", why=error.strerror or str(error), hint="bgo config path") from None


def _with_key(lines: list[str], section: str, key: str, value: str | None) -> str:
    line = [] if value is None else [f"{key} = {_quoted(value)}"]
    headers = [(at, found[1]) for at, text in enumerate(lines) if (found := _HEADER.match(text))]
    start = next((at for at, name in headers if name.strip() == section), None)
    if start is None:
        gap = [""] if lines and lines[-1].strip() else []
        lines = [*lines, *gap, f"[{section}]", *line] if line else lines
    else:
        end = next((at for at, _ in headers if at > start), len(lines))
        said = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=")
        at = next((at for at in range(start + 1, end) if said.match(lines[at])), None)
        lines[slice(start + 1, start + 1) if at is None else slice(at, at + 1)] = line
    return "".join(f"{text}\n" for text in lines)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _replace(path: str, text: str) -> None:
    """Put a new file in the place of an old one, with its mode: at no time is there half of one."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    mode = os.stat(path).st_mode & 0o777 if os.path.exists(path) else 0o600
    new = f"{path}.{os.getpid()}"
    try:
        with open(new, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        if os.path.exists(new):
            os.unlink(new)
        raise
