"""From a function to its input schema."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NewType, Optional, TypedDict

import pytest

from bgo.errors import UsageError
from bgo.hooks.handler import Handler, build
from bgo.hooks.signature import read
from bgo.model.handler import Param, Source

if TYPE_CHECKING:
    from decimal import Decimal

SOURCE = Source("entry", "m:f")
UserId = NewType("UserId", str)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Box(TypedDict):
    width: int


def plain(ctx) -> None: ...  # type: ignore[no-untyped-def]
def typed(ctx: Any, user_id: str, force: bool = False, *, size: int | None = None) -> None: ...
def rest(ctx: Any, path: str, **kw: Any) -> None: ...
def only_rest(ctx: Any, **kw: Any) -> None: ...
def bare(ctx, one, two=2) -> None: ...  # type: ignore[no-untyped-def]
def hidden(ctx: Decimal, when: Decimal, n: int = 1) -> None: ...
async def later(ctx: Any, n: int) -> None: ...


def rich(
    ctx: Any,
    where: Path,
    colour: Colour,
    level: Level = Level.LOW,
    mode: Literal["a", "b"] = "a",
    number: Literal[1, 2, None] = None,
    mixed: Literal["x", 1] = "x",
    names: Sequence[str] = (),
    counts: dict[str, int] | None = None,
    table: Mapping[str, int] | None = None,
    user: UserId = UserId("u"),
    noted: Annotated[int, "with a note"] = 3,
    ratio: int | float = 1,
    either: int | str = 1,
    maybe: Optional[bool] = None,  # noqa: UP045 - the old spelling must work as well
    anything: object = None,
    box: Box | None = None,
    implied: int = None,  # type: ignore[assignment]  # noqa: RUF013 - people write it
) -> None: ...


def params(fn: Any) -> dict[str, Param]:
    return {p.name: p for p in read(fn, "h").params or ()}


def test_ctx_alone_takes_any_input() -> None:
    assert read(plain, "h").params is None
    assert read(only_rest, "h").params == ()
    assert read(only_rest, "h").accepts_extra


def test_annotated_parameters_are_the_schema() -> None:
    assert read(typed, "h").params == (
        Param("user_id", "str", required=True),
        Param("force", "bool", required=False, default=False),
        Param("size", "int", required=False, nullable=True),
    )
    assert not read(typed, "h").accepts_extra
    assert read(rest, "h").accepts_extra
    assert read(later, "h").params == (Param("n", "int", required=True),)


def test_unannotated_and_unresolvable_parameters_take_anything() -> None:
    assert [p.type for p in params(bare).values()] == ["any", "any"]
    assert params(bare)["two"].default == 2
    assert params(hidden)["when"].type == "any"
    assert params(hidden)["n"].type == "int", "one name that is missing at run time must not cost the others"


@pytest.mark.parametrize(
    ("name", "kind", "nullable", "default", "choices"),
    [
        ("where", "str", False, None, ()),
        ("colour", "str", False, None, ("red", "blue")),
        ("level", "int", False, 1, (1, 2)),
        ("mode", "str", False, "a", ("a", "b")),
        ("number", "int", True, None, (1, 2)),
        ("mixed", "any", False, "x", ("x", 1)),
        ("names", "list", False, [], ()),
        ("counts", "dict", True, None, ()),
        ("table", "dict", True, None, ()),
        ("user", "str", False, "u", ()),
        ("noted", "int", False, 3, ()),
        ("ratio", "float", False, 1, ()),
        ("either", "any", False, 1, ()),
        ("maybe", "bool", True, None, ()),
        ("anything", "any", True, None, ()),
        ("box", "dict", True, None, ()),
        ("implied", "int", True, None, ()),
    ],
)
def test_annotations(name: str, kind: str, nullable: bool, default: object, choices: tuple[object, ...]) -> None:
    param = params(rich)[name]
    assert (param.type, param.nullable, param.default, param.choices) == (kind, nullable, default, choices)


def no_context() -> None: ...
def forgot_ctx(path: str) -> None: ...
def starred(ctx: Any, *paths: str) -> None: ...
def positional(ctx: Any, path: str, /) -> None: ...
def dated(ctx: Any, when: datetime) -> None: ...


@pytest.mark.parametrize("fn", [no_context, forgot_ctx, starred, positional, dated])
def test_what_an_input_cannot_fill_is_refused_at_registration(fn: Any) -> None:
    with pytest.raises(UsageError) as caught:
        read(fn, "sync")
    assert caught.value.message.startswith("handler sync: ")
    assert caught.value.hint


def test_the_refusal_shows_the_signature_to_write() -> None:
    with pytest.raises(UsageError) as caught:
        read(forgot_ctx, "sync")
    assert caught.value.hint == "def forgot_ctx(ctx, path: str): …"


def collect(ctx: Any, where: Path, colour: Colour = Colour.RED, level: Level = Level.LOW, **kw: Any) -> Any:
    return where, colour, level, kw


def test_bind_gives_the_function_what_its_annotations_promise() -> None:
    handler = build("collect", collect, {}, SOURCE)
    assert handler.bind({"where": "/a", "colour": "blue", "level": 2, "n": 1}) == {
        "where": Path("/a"),
        "colour": Colour.BLUE,
        "level": Level.HIGH,
        "n": 1,
    }


def test_bind_checks_again_and_drops_what_a_chain_brings_along() -> None:
    handler: Handler = build("typed", typed, {}, SOURCE)
    assert handler.bind({"user_id": "u", "from_step_one": 1}) == {"user_id": "u"}
    assert build("plain", plain, {}, SOURCE).bind({"a": 1}) == {}
    with pytest.raises(UsageError, match="user_id"):
        handler.bind({})


def test_async_is_seen() -> None:
    assert build("later", later, {}, SOURCE).is_async
    assert not build("plain", plain, {}, SOURCE).is_async
