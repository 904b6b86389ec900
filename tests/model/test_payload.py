"""Canonical JSON: one text per value, strict at the door, and no Python object that crashes it."""

from __future__ import annotations

import json
from collections import OrderedDict, deque
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.errors import UsageError
from bgo.model import payload
from bgo.model.payload import MAX_DEPTH, MAX_DIGITS, dump, dump_object, load, parse

text = st.text(st.characters(exclude_categories=["Cs"]))
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(text, inner), max_leaves=25)


def nested(depth: int, *, kind: str = "list") -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value] if kind == "list" else {"k": value}
    return value


@given(values)
def test_values_come_back(value: Any) -> None:
    data = dump(value)
    assert load(data) == value
    assert parse(data, "it") == value
    assert dump(load(data)) == data


@given(st.dictionaries(text, scalars, min_size=2))
def test_the_order_of_keys_does_not_matter(value: dict[str, Any]) -> None:
    assert dump(dict(reversed(value.items()))) == dump(value)


@given(values)
def test_canonical_text_is_stable_under_any_spelling(value: Any) -> None:
    assert dump(parse(json.dumps(value, indent=2, ensure_ascii=True), "it")) == dump(value)


def test_the_form() -> None:
    assert dump({"b": [1, 2.5, None, True], "a": "é\x00\n"}) == '{"a":"é\\u0000\\n","b":[1,2.5,null,true]}'.encode()
    assert dump({}) == payload.EMPTY == b"{}"
    assert dump(("a", ("b",))) == b'["a",["b"]]'
    assert dump(OrderedDict(z=1, a=2)) == b'{"a":2,"z":1}'


def test_nul_is_kept() -> None:
    assert load(dump({"k\x00": "a\x00b"})) == {"k\x00": "a\x00b"}
    assert parse('{"k": "a\\u0000b"}', "it") == {"k": "a\x00b"}


@pytest.mark.parametrize("kind", ["list", "dict"])
def test_depth(kind: str) -> None:
    deep = nested(MAX_DEPTH, kind=kind)
    assert load(dump(deep)) == deep
    with pytest.raises(UsageError, match="not acceptable JSON") as caught:
        dump(nested(MAX_DEPTH + 1, kind=kind))
    assert "deeper than 100" in caught.value.why


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 990, 5_000, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"k":', "}")])
def test_deep_text_is_refused(depth: int, opening: str, closing: str) -> None:
    with pytest.raises(UsageError):
        dump(parse(opening * depth + "1" + closing * depth, "it"))


def test_deep_objects_are_refused_and_not_followed_to_the_end() -> None:
    with pytest.raises(UsageError):
        dump(nested(200_000))


def test_cycles_are_refused() -> None:
    ring: list[Any] = []
    ring += [ring, ring]
    knot: dict[str, Any] = {}
    knot["self"] = [knot]
    for value in (ring, knot, {"a": ring}):
        with pytest.raises(UsageError):
            dump(value)
        with pytest.raises(UsageError):
            dump_object({"v": value}, "it", 1000)


class _Colour(StrEnum):
    RED = "red"


def test_text_and_number_subclasses_are_their_values() -> None:
    assert dump({"c": _Colour.RED, "t": True}) == b'{"c":"red","t":true}'


@pytest.mark.parametrize(
    "value",
    [
        float("nan"), float("inf"), -float("inf"), {"a": [float("nan")]}, "\ud800", {"\udfff": 1}, ["a", "\ud83d"],
        {1: "a"}, {None: 1}, {"a": {2.5: 1}}, {("a", "b"): 1}, b"bytes", {1, 2}, object(), deque([1]), 1j, Ellipsis,
        (n for n in range(3)), {"f": print}, 10**MAX_DIGITS, -(10**MAX_DIGITS), 10**4300, 10**100_000,
        {"a": [1, {"b": range(3)}]},
    ],
    ids=lambda v: type(v).__name__,
)  # fmt: skip
def test_what_is_not_json(value: Any) -> None:
    with pytest.raises(UsageError) as caught:
        dump(value, "the input")
    error = caught.value
    assert error.message == "the input is not acceptable JSON"
    assert error.why
    assert error.hint
    assert len(error.why) < 300


@pytest.mark.parametrize("sign", ["", "-"])
def test_the_longest_number(sign: str) -> None:
    digits = sign + "9" * MAX_DIGITS
    assert parse(digits, "it") == int(digits)
    assert load(dump(int(digits))) == int(digits)
    for longer in (sign + "1" + "0" * MAX_DIGITS, sign + "9" * 4301, sign + "9" * 100_000):
        with pytest.raises(UsageError) as caught:
            parse(longer, "it")
        assert "4000 digits" in caught.value.why.replace(",", "")


@pytest.mark.parametrize(
    ("foreign", "why"),
    [
        ("NaN", "NaN"),
        ('{"a": Infinity}', "Infinity"),
        ("[-Infinity]", "-Infinity"),
        ("1e400", "too large"),
        ("[-1e400]", "too large"),
        ('{"a": 1, "a": 2}', "'a' appears twice"),
        ('{"o": {"b": 1, "b": 1}}', "'b' appears twice"),
        ("", "Expecting value"),
        ("{", ""),
        ("{'a': 1}", ""),
        ('{"a": 1,}', ""),
        ('{"a": 1} x', "Extra data"),
        ('"a\nb"', "control character"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "not UTF-8"),
        (b"\xef\xbb\xbf{}", ""),
        ("01", ""),
        ("+1", ""),
        (".5", ""),
        ("tru", ""),
    ],
)
def test_foreign_text_is_read_strictly(foreign: str | bytes, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(foreign, "--input")
    assert caught.value.message == "--input is not acceptable JSON"
    assert why in caught.value.why


def test_an_escaped_surrogate_pair_is_a_character_and_half_of_one_is_refused() -> None:
    assert dump(parse('"\\ud83d\\ude00"', "it")) == '"😀"'.encode()
    with pytest.raises(UsageError, match="JSON"):
        dump(parse('"\\ud83d"', "it"))


def test_objects_only_and_their_size() -> None:
    data = dump_object({"a": "x" * 10}, "the input", 18)
    assert len(data) == 18
    with pytest.raises(UsageError, match="the input is too large: 19 bytes") as caught:
        dump_object({"a": "x" * 11}, "the input", 18)
    assert "18 bytes" in caught.value.why


@pytest.mark.parametrize(
    ("value", "what"),
    [([1], "an array"), ((1,), "an array"), ("a", "a string"), (1, "a number"), (1.5, "a number"),
     (True, "a boolean"), (None, "null"), (b"", "bytes")],
)  # fmt: skip
def test_inputs_that_are_no_object(value: Any, what: str) -> None:
    with pytest.raises(UsageError, match="not a JSON object") as caught:
        dump_object(value, "the input", 1000)
    assert what in caught.value.why


@given(st.text(st.characters(exclude_characters="\r")) | st.binary())
def test_any_foreign_text_is_read_or_refused(foreign: str | bytes) -> None:
    try:
        value = parse(foreign, "it")
        dump(value)
    except UsageError:
        return
