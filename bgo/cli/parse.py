"""What people type after a command, turned into values: inputs here, the rest from the house's own grammars.

Every function either returns or raises UsageError with the accepted form. Files and standard input are read through a
`read` argument, so that tests need neither.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from bgo.errors import UsageError
from bgo.ids import LENGTH, MIN_PREFIX, looks_like_id
from bgo.model.options import NAME, check_name
from bgo.model.payload import EMPTY as NO_INPUT
from bgo.model.payload import MAX_DEPTH
from bgo.model.payload import parse as parse_json
from bgo.model.specs import concurrency, cpu_below, dedup, priority, rate, retry, timeout
from bgo.model.words import did_you_mean, duration, duration_ms, instant_ms, size_bytes

if TYPE_CHECKING:
    from bgo.model.handler import HandlerInfo

__all__ = [
    "NO_INPUT",
    "Pair",
    "assignment",
    "concurrency",
    "cpu_below",
    "dedup",
    "did_you_mean",
    "duration",
    "duration_ms",
    "id_or_name",
    "input_of",
    "instant_ms",
    "merge",
    "pair",
    "pairs",
    "priority",
    "rate",
    "read_source",
    "retry",
    "size_bytes",
    "timeout",
    "whole_input",
]

Read = Callable[[str], bytes]
READ_LIMIT = 64 << 20
"""A file named by @ is refused above this size, long before its content could be an input."""

PAIR_FORMS = "key=value (text), key:=JSON, key=@file, key:=@file.json; @@ is a plain @"


class Pair(NamedTuple):
    """One `key=value` word: where it goes, what it holds, and whether its type was stated (`:=`)."""

    path: tuple[str, ...]
    value: Any
    typed: bool


def read_source(name: str) -> bytes:
    """Return a file's bytes, or standard input's for `-`; a terminal is refused rather than waited for."""
    if name == "-" and sys.stdin.isatty():
        raise UsageError(
            "standard input is a terminal",
            why="'-' reads the input from a pipe or a file",
            hint='echo \'{"path": "a"}\' | bgo enqueue … --input -',
        )
    try:
        with open(0 if name == "-" else os.path.expanduser(name), "rb", closefd=name != "-") as file:
            data = file.read(READ_LIMIT + 1)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot read {name!r:.200}",
            why=getattr(error, "strerror", None) or str(error),
            hint="@ names a file; write @@ for a value that starts with @",
        ) from None
    if len(data) > READ_LIMIT:
        raise UsageError(f"{name!r:.200} is larger than {READ_LIMIT:,} bytes", hint="pass its path as a plain value")
    return data


def pair(word: str, read: Read = read_source) -> Pair:
    """Return one word of the input grammar as a pair."""
    key, equals, value = word.partition("=")
    typed = key.endswith(":")
    path = tuple(key.removesuffix(":").split("."))
    if not equals or not all(path) or len(path) > MAX_DEPTH or not key.isprintable():
        why = "there is no '=' in it" if not equals else "the key is empty, too deep, or holds a control character"
        raise UsageError(f"not an input: {word!r:.100}", why=why, hint=f"write {PAIR_FORMS}")
    if value.startswith("@@"):
        value = value[1:]
    elif value.startswith("@"):
        data = read(value[1:])
        return Pair(path, parse_json(data, key) if typed else _text(data, value[1:]), typed)
    if not typed:
        return Pair(path, _sound(value, key), False)
    return Pair(path, parse_json(value, f"{key[:-1]} (after :=)"), True)


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{name!r:.200} is not UTF-8 text", why=str(error), hint="pass its path, and let the handler read it"
        ) from None


def _sound(value: str, key: str) -> str:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(
            f"{key}: the value is not UTF-8 text",
            why="the terminal handed over bytes that no character stands for",
            hint=f"put it in a file: {key}=@FILE",
        ) from None
    return value


def pairs(words: Iterable[str], read: Read = read_source) -> list[Pair]:
    """Return the words of an input as pairs, in order."""
    return [pair(word, read) for word in words]


def merge(base: Mapping[str, Any], found: Iterable[Pair]) -> dict[str, Any]:
    """Return `base` with the pairs laid over it: dotted keys nest, later wins, `base` itself stays as it was."""
    merged = dict(base)
    for path, value, _ in found:
        place = merged
        for step in path[:-1]:
            below = place.get(step)
            place[step] = dict(below) if isinstance(below, dict) else {}
            place = place[step]
        place[path[-1]] = value
    return merged


def input_of(
    info: HandlerInfo | None, words: Iterable[str], base: Mapping[str, Any] | None = None, read: Read = read_source
) -> dict[str, Any]:
    """Return the input that the words mean for a handler, laid over `base`.

    A plain `key=value` is a string unless the handler's schema says int, float or bool; `key:=JSON` is what it says.
    """
    from bgo.policy.schema import from_words

    found = [
        p if p.typed or len(p.path) > 1 else p._replace(value=from_words(info, [(p.path[0], p.value)])[p.path[0]])
        for p in pairs(words, read)
    ]
    return merge(base or {}, found)


def whole_input(text: str, read: Read = read_source) -> dict[str, Any]:
    """Return the object that `--input` means: JSON text, `@file`, or `-` for standard input."""
    source = "-" if text == "-" else text[1:] if text.startswith("@") else None
    what = "--input" if source is None else f"--input {text:.100}"
    value = parse_json(text if source is None else read(source), what)
    if not isinstance(value, dict):
        raise UsageError(
            f"{what} is not a JSON object",
            why="an input has named fields",
            hint='--input \'{"path": "a"}\', --input @file.json or --input -',
        )
    return value


def assignment(word: str, what: str) -> tuple[str, str | None]:
    """Return `K=V` as (K, V) and `K` alone as (K, None): for --env and the like."""
    key, equals, value = word.partition("=")
    if not key or not key.isprintable():
        raise UsageError(f"not {what}: {word!r:.100}", hint=f"{what} is K or K=V")
    return key, value if equals else None


def id_or_name(word: str) -> str:
    """Return a word that can be an id, a unique beginning of one, `@last`, or a name; refuse all others."""
    if word == "@last" or NAME.fullmatch(word):
        return word
    if looks_like_id(word):
        if len(word) >= MIN_PREFIX:
            return word
        raise UsageError(
            f"too short for an id: {word!r}",
            why="so few characters begin many ids",
            hint=f"give {MIN_PREFIX} to {LENGTH} of its characters",
        )
    if word[:1].isdigit():
        raise UsageError(
            f"not an id: {word!r:.60}",
            why="an id has digits and the letters a to z without i, l, o and u",
            hint="bgo tasks -q prints ids",
        )
    return check_name(word, "task")
