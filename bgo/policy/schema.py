"""Schema: does an input fit a handler, and what do the words of a command line mean for it?

JSON values are compared by kind, never by truth: `true` is not 1. A float accepts a whole number, an int no fraction.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from bgo.errors import BgoError, UsageError
from bgo.model import payload
from bgo.model.handler import HandlerInfo, Param

_FORMS = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a JSON array",
    "dict": "a JSON object",
    "any": "any JSON value",
}
_WHOLE = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_SHOWN = 60


def check_input(
    info: HandlerInfo, data: Mapping[str, Any], *, extras: Literal["refuse", "ignore"] = "refuse", is_part: bool = False
) -> None:
    """Raise UsageError unless `data` fits the handler's parameters, naming the field and the accepted form.

    Unknown keys are refused at enqueue and ignored at run, where a chain's merge brings extras. Of a part, whose rest
    comes from a chain or batch, nothing is missing.
    """
    if info.params is None:
        return
    if extras == "refuse" and not info.accepts_extra:
        known = [param.name for param in info.params]
        for key in data:  # first: a misspelt name is the likeliest reason for a missing one
            if key not in known:
                raise _unknown(info, key, known)
    for param in info.params:
        if param.name not in data:
            if param.required and not is_part:
                raise UsageError(
                    f"{info.name}: {param.name} is missing",
                    why=f"the handler needs {param.name}: {accepted(param)}",
                    hint=f"give {_example(param)}",
                )
        elif not _fits(param, data[param.name]):
            raise _misfit(info, param, data[param.name])


def from_words(info: HandlerInfo | None, pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return `key=value` words as an input: strings, converted where the handler's schema says otherwise.

    Later wins. Keys the schema does not know, dotted ones among them, keep their string; an unknown handler (None)
    converts nothing. Raises UsageError for a word that its field cannot take.
    """
    params = {} if info is None else {param.name: param for param in info.params or ()}
    found: dict[str, Any] = {}
    for key, word in pairs:
        param = params.get(key)
        found[key] = word if info is None or param is None else convert_word(info, param, word)
    return found


def convert_word(info: HandlerInfo, param: Param, word: str) -> Any:
    """Return one word as the value its field takes."""
    try:
        value = _convert(param, word)
    except (ValueError, BgoError):
        raise _misfit(info, param, word) from None
    if not _fits(param, value):
        raise _misfit(info, param, word)
    return value


def accepted(param: Param) -> str:
    """Return the form a field accepts, for people."""
    form = _FORMS[param.type]
    if param.choices:
        form = "one of " + ", ".join(_show(choice) for choice in param.choices)
    return f"{form}, or null" if param.nullable and param.type != "any" else form


def _convert(param: Param, word: str) -> Any:
    text = word.strip()
    match param.type:
        case "str":
            return word
        case _ if param.nullable and text == "null":
            return None
        case "any":
            return next((choice for choice in param.choices if str(choice) == word), word)
        case "int" if _WHOLE.fullmatch(text) and len(text) <= payload.MAX_DIGITS:
            return int(text)
        case "float" if _NUMBER.fullmatch(text):
            return float(text)
        case "bool" if text.lower() in _TRUTH:
            return _TRUTH[text.lower()]
        case "list" | "dict":
            return payload.parse(word, param.name)
        case _:
            raise ValueError(word)


def _fits(param: Param, value: Any) -> bool:
    if value is None and param.nullable:
        return True
    if param.choices:
        return any(_same(choice, value) for choice in param.choices)
    match param.type:
        case "any":
            return True
        case "bool":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "float":
            return _is_number(value)
        case "str":
            return isinstance(value, str)
        case "list":
            return isinstance(value, (list, tuple))
        case "dict":
            return isinstance(value, dict)


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _same(choice: Any, value: Any) -> bool:
    """1 and true are equal to Python and different in JSON; 1 and 1.0 are the same number in both."""
    return isinstance(choice, bool) == isinstance(value, bool) and bool(choice == value)


def _misfit(info: HandlerInfo, param: Param, value: Any) -> UsageError:
    kind = {bool: "a boolean", str: "a string", list: "an array", dict: "an object", type(None): "null"}.get(
        type(value), "a number"
    )
    return UsageError(
        f"{info.name}: {param.name} does not accept {_show(value)}",
        why=f"that is {kind}; {param.name} takes {accepted(param)}",
        hint=f"give {_example(param)}",
    )


def _unknown(info: HandlerInfo, key: str, known: list[str]) -> UsageError:
    import difflib

    near = difflib.get_close_matches(key, known, 1)
    return UsageError(
        f"{info.name}: unknown input {_show(key)}",
        why=f"the handler takes {', '.join(known)}" if known else "the handler takes no input",
        hint=f"did you mean {near[0]}?" if near else f"leave it out, or see 'bgo handlers show {info.name}'",
    )


def _example(param: Param) -> str:
    if param.choices:
        choice = param.choices[0]
        return f"{param.name}={choice}" if isinstance(choice, str) else f"{param.name}:={json.dumps(choice)}"
    forms = {"str": "=text", "int": "=1", "float": "=0.5", "bool": "=true", "list": ":='[1, 2]'", "any": "=text"}
    return param.name + forms.get(param.type, ":='{\"key\": 1}'")


def _show(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, default=repr)
    except (TypeError, ValueError, RecursionError):
        text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
