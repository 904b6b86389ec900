"""From a function to its input schema: the parameters after `ctx` are the fields a task's input may have.

`def f(ctx)` takes any input, `def f(ctx, path: str, force: bool = False)` is typed, `**kw` takes whatever is left.
A string annotation is resolved in the function's own module; one that cannot be (a name imported under
TYPE_CHECKING) leaves its field unchecked, a type that JSON cannot carry is refused.
"""

from __future__ import annotations

import enum
import inspect
import sys
import types
import typing
from collections import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bgo.errors import UsageError
from bgo.model.handler import Param, ParamType

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes. `convert` turns a JSON value into what the annotation promises (Path, an enum)."""

    params: tuple[Param, ...] | None = None
    accepts_extra: bool = False
    convert: Mapping[str, Convert] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Shape:
    type: ParamType = "any"
    nullable: bool = False
    choices: tuple[Any, ...] = ()
    convert: Convert | None = None


_PLAIN: dict[Any, _Shape] = {
    str: _Shape("str"),
    int: _Shape("int"),
    float: _Shape("float"),
    bool: _Shape("bool"),
    list: _Shape("list"),
    dict: _Shape("dict"),
    Any: _Shape(nullable=True),
    object: _Shape(nullable=True),
    type(None): _Shape(nullable=True),
    Path: _Shape("str", convert=Path),
    **dict.fromkeys((abc.Sequence, abc.Iterable, abc.Collection, abc.MutableSequence), _Shape("list")),
    **dict.fromkeys((abc.Mapping, abc.MutableMapping), _Shape("dict")),
}
_ACCEPTED = "str, int, float, bool, list, dict, Optional, Literal, Any, pathlib.Path and enums"


def read(fn: Callable[..., Any], name: str) -> Signature:
    """Return the input schema of `fn`, which is to be registered as handler `name`; raise UsageError if it has none."""
    kinds = inspect.Parameter
    found = list(_signature(fn, name).parameters.values())
    if not found or found[0].kind not in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD):
        raise UsageError(
            f"handler {name}: the first parameter must be the context",
            why="a handler is called with its task's context and then with the input's fields",
            hint=f"def {_word(fn)}(ctx): …",
        )
    _check_context(found[0], fn, name)
    if len(found) == 1:
        return Signature()
    params: list[Param] = []
    convert: dict[str, Convert] = {}
    for parameter in found[1:]:
        if parameter.kind in (kinds.POSITIONAL_ONLY, kinds.VAR_POSITIONAL):
            raise UsageError(
                f"handler {name}: parameter {parameter} has no name that an input field could have",
                why="the fields of the input are passed by name",
                hint="use plain or keyword-only parameters, or **kw for the rest",
            )
        if parameter.kind is kinds.VAR_KEYWORD:
            continue
        shape = _shape_of(parameter, fn, name)
        params.append(_param(parameter, shape))
        if shape.convert is not None:
            convert[parameter.name] = shape.convert
    return Signature(tuple(params), found[-1].kind is kinds.VAR_KEYWORD, convert)


def _signature(fn: Callable[..., Any], name: str) -> inspect.Signature:
    try:
        if sys.version_info >= (3, 14):
            import annotationlib

            return inspect.signature(fn, annotation_format=annotationlib.Format.FORWARDREF)
        return inspect.signature(fn)
    except (TypeError, ValueError) as error:
        raise UsageError(f"handler {name}: {fn!r} is not a Python function", why=str(error)) from None


def _word(fn: Callable[..., Any]) -> str:
    return getattr(fn, "__name__", "handler")


def _check_context(first: inspect.Parameter, fn: Callable[..., Any], name: str) -> None:
    """`def f(path: str)` lacks its context: say so now, not when the first task runs."""
    annotation = _resolve(first, fn)
    if first.name != "ctx" and annotation in (str, int, float, bool, list, dict, Path):
        raise UsageError(
            f"handler {name}: the first parameter must be the context, not {first.name}: {_say(annotation)}",
            why="a handler is called with its task's context and then with the input's fields",
            hint=f"def {_word(fn)}(ctx, {first.name}: {_say(annotation)}): …",
        )


def _param(parameter: inspect.Parameter, shape: _Shape) -> Param:
    required = parameter.default is inspect.Parameter.empty
    default = None if required else _plain_default(parameter.default)
    nullable = shape.nullable or (not required and parameter.default is None)
    return Param(parameter.name, shape.type, required, nullable, default, shape.choices)


def _plain_default(value: Any) -> Any:
    """Return a default as JSON, or None where it has no such form (the function's own default counts anyway)."""
    if isinstance(value, enum.Enum):
        return _plain_default(value.value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_plain_default(item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain_default(item) for key, item in value.items()}
    return value if isinstance(value, (str, int, float, bool)) else None


def _shape_of(parameter: inspect.Parameter, fn: Callable[..., Any], name: str) -> _Shape:
    annotation = _resolve(parameter, fn)
    shape = _shape(annotation)
    if shape is None:
        raise UsageError(
            f"handler {name}: {parameter.name}: {_say(annotation)} is not an input type",
            why=f"an input is JSON; annotate with {_ACCEPTED}",
            hint=f"take {parameter.name}: str and convert it inside the handler",
        )
    return shape


def _resolve(parameter: inspect.Parameter, fn: Callable[..., Any]) -> Any:
    """Return the annotation as an object, or Any where there is none or its names are not to be had at run time."""
    if parameter.annotation is inspect.Parameter.empty:
        return Any
    holder = types.SimpleNamespace(__annotations__={"it": parameter.annotation})
    scope = getattr(inspect.unwrap(fn), "__globals__", {})
    try:
        return typing.get_type_hints(holder, globalns=scope)["it"]
    except Exception:  # the text of an annotation may raise anything
        return Any


def _say(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def _shape(annotation: Any) -> _Shape | None:
    while hasattr(annotation, "__supertype__"):
        annotation = annotation.__supertype__
    if sys.version_info >= (3, 12) and isinstance(annotation, typing.TypeAliasType):
        return _shape(annotation.__value__)
    origin = typing.get_origin(annotation)
    if origin is typing.Union or origin is types.UnionType:
        return _union([_shape(arg) for arg in typing.get_args(annotation)])
    if origin is typing.Literal:
        return _choices(typing.get_args(annotation))
    plain = origin or annotation
    if isinstance(plain, abc.Hashable) and plain in _PLAIN:
        return _PLAIN[plain]
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        shape = _choices(tuple(member.value for member in annotation))
        return None if shape is None else replace(shape, convert=annotation)
    if typing.is_typeddict(annotation):
        return _PLAIN[dict]
    return None


def _choices(values: tuple[Any, ...]) -> _Shape | None:
    """Return a field that accepts these values and nothing else."""
    kept = tuple(value for value in values if value is not None)
    names: dict[type, ParamType] = {str: "str", int: "int", float: "float", bool: "bool"}
    kinds = {type(value) for value in kept}
    if not kinds or not kinds <= names.keys():
        return None
    kind: ParamType = names[kinds.pop()] if len(kinds) == 1 else "any"
    return _Shape(kind, nullable=len(kept) < len(values), choices=kept)


def _union(shapes: list[_Shape | None]) -> _Shape | None:
    parts = [shape for shape in shapes if shape is not None]
    if len(parts) < len(shapes):
        return None
    nullable = any(part.nullable for part in parts)
    kept = [part for part in parts if part != _PLAIN[type(None)]]
    if len(kept) == 1:
        return replace(kept[0], nullable=nullable)
    kinds = {part.type for part in kept}
    if kinds == {"int", "float"} and not any(part.choices for part in kept):
        return _Shape("float", nullable)
    same = len(kinds) == 1 and not any(part.choices or part.convert for part in kept)
    return _Shape(kept[0].type if same else "any", nullable)
