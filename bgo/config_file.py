"""Reading config.toml; loaded only where there is one."""

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
