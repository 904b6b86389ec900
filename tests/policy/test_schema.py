"""The input schema: what fits a handler, what a refusal says, and what the words of a command line become."""

from __future__ import annotations

from typing import Any

import pytest

from bgo.errors import UsageError
from bgo.model.handler import HandlerInfo, Param, Source
from bgo.policy.schema import accepted, check_input, from_words

PARAMS = (
    Param("path", "str", required=True),
    Param("count", "int", required=False, default=1),
    Param("share", "float", required=False, default=0.5),
    Param("force", "bool", required=False, default=False),
    Param("items", "list", required=False),
    Param("extra", "dict", required=False),
    Param("limit", "int", required=False, nullable=True),
    Param("mode", "str", required=False, choices=("fast", "safe"), default="safe"),
    Param("level", "int", required=False, choices=(1, 2, 3), default=1),
    Param("free", "any", required=False, nullable=True),
)
TYPED = HandlerInfo("files.hash", Source("entry", "m:f"), params=PARAMS)
OPEN = HandlerInfo("open", Source("entry", "m:f"), params=PARAMS[:1], accepts_extra=True)
UNTYPED = HandlerInfo("any", Source("entry", "m:f"))


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"count": 3, "force": True, "items": [1], "extra": {"a": 1}},
        {"share": 1},
        {"share": 10**400},
        {"limit": None},
        {"limit": 4},
        {"mode": "fast", "level": 3},
        {"free": None},
        {"free": [1, {"a": "b"}]},
    ],
)
def test_input_that_fits(data: dict[str, Any]) -> None:
    check_input(TYPED, {"path": "a", **data})


@pytest.mark.parametrize(
    ("data", "field", "form"),
    [
        ({"path": 3}, "path", "a string"),
        ({"path": None}, "path", "a string"),
        ({"count": True}, "count", "a whole number"),
        ({"count": 1.0}, "count", "a whole number"),
        ({"count": "1"}, "count", "a whole number"),
        ({"count": None}, "count", "a whole number"),
        ({"share": True}, "share", "a number"),
        ({"share": float("nan")}, "share", "a number"),
        ({"force": 1}, "force", "true or false"),
        ({"items": {"a": 1}}, "items", "a JSON array"),
        ({"extra": [1]}, "extra", "a JSON object"),
        ({"limit": "x"}, "limit", "a whole number, or null"),
        ({"mode": "slow"}, "mode", 'one of "fast", "safe"'),
        ({"level": True}, "level", "one of 1, 2, 3"),
    ],
)
def test_a_misfit_names_field_value_and_form(data: dict[str, Any], field: str, form: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_input(TYPED, {"path": "a", **data})
    assert caught.value.message.startswith(f"files.hash: {field} does not accept ")
    assert caught.value.why.endswith(f"{field} takes {form}")
    assert field in caught.value.hint


def test_a_missing_field_is_named_with_its_form() -> None:
    with pytest.raises(UsageError) as caught:
        check_input(TYPED, {"count": 1})
    assert caught.value.message == "files.hash: path is missing"
    assert caught.value.hint == "give path=text"
    with pytest.raises(UsageError) as caught:
        check_input(TYPED, {"pth": "a"})
    assert caught.value.hint == "did you mean path?", "a misspelt name is the likeliest reason for a missing one"


def test_unknown_fields_are_refused_at_enqueue_with_the_nearest_name() -> None:
    with pytest.raises(UsageError) as caught:
        check_input(TYPED, {"path": "a", "forse": True})
    assert caught.value.hint == "did you mean force?"
    with pytest.raises(UsageError, match="unknown input"):
        check_input(TYPED, {"path": "a", "zzz": 1})


def test_unknown_fields_are_ignored_at_run_but_known_ones_are_checked() -> None:
    check_input(TYPED, {"path": "a", "zzz": 1}, extras="ignore")
    with pytest.raises(UsageError):
        check_input(TYPED, {"path": 1, "zzz": 1}, extras="ignore")


def test_a_handler_with_kw_takes_extras_and_an_untyped_one_takes_all() -> None:
    check_input(OPEN, {"path": "a", "zzz": 1})
    check_input(UNTYPED, {"what": ["ever"]})


def test_a_huge_value_is_shown_short() -> None:
    with pytest.raises(UsageError) as caught:
        check_input(TYPED, {"path": "a", "count": "x" * 10_000})
    assert len(caught.value.message) < 120


@pytest.mark.parametrize(
    ("key", "word", "value"),
    [
        ("path", "12", "12"),
        ("path", "null", "null"),
        ("path", " spaced ", " spaced "),
        ("count", "-12", -12),
        ("count", " 7 ", 7),
        ("share", "1e-3", 0.001),
        ("share", "2", 2.0),
        ("share", ".5", 0.5),
        ("force", "Yes", True),
        ("force", "off", False),
        ("force", "1", True),
        ("items", '[1, "a"]', [1, "a"]),
        ("extra", '{"a": {"b": 2}}', {"a": {"b": 2}}),
        ("limit", "null", None),
        ("limit", "3", 3),
        ("level", "2", 2),
        ("mode", "fast", "fast"),
        ("free", "5", "5"),
        ("user.id", "5", "5"),
        ("nobody", "5", "5"),
    ],
)
def test_words_become_what_the_schema_says(key: str, word: str, value: Any) -> None:
    found = from_words(TYPED, [(key, word)])[key]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("count", "1_000"),
        ("count", "1.0"),
        ("count", "٣"),
        ("count", "9" * 5000),
        ("share", "nan"),
        ("share", "inf"),
        ("share", "1e999"),
        ("force", "maybe"),
        ("items", "a,b"),
        ("items", '{"a": 1}'),
        ("extra", '{"a": 1, "a": 2}'),
        ("limit", ""),
        ("level", "4"),
        ("mode", "slow"),
    ],
)
def test_words_that_cannot_be_meant_are_refused(key: str, word: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_words(TYPED, [("path", "a"), (key, word)])
    assert f"{key} does not accept" in caught.value.message


def test_later_words_win_and_an_unknown_handler_converts_nothing() -> None:
    assert from_words(TYPED, [("count", "1"), ("count", "2")]) == {"count": 2}
    assert from_words(None, [("count", "1")]) == {"count": "1"}


def test_accepted_names_null_once() -> None:
    assert accepted(PARAMS[6]) == "a whole number, or null"
    assert accepted(PARAMS[9]) == "any JSON value"
