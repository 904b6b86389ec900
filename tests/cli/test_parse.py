"""The input grammar: every word either means one thing or is refused with the accepted forms."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.cli import parse
from bgo.errors import UsageError
from bgo.model.handler import HandlerInfo, Param, Source

FILES = {"note.txt": b"hello\n", "list.json": b"[1, 2]", "bad.json": b"{", "latin": b"\xff", "-": b'{"from": "pipe"}'}


def read(name: str) -> bytes:
    if name not in FILES:
        raise UsageError(f"cannot read {name!r}")
    return FILES[name]


def given_words(*words: str, base: dict[str, Any] | None = None) -> dict[str, Any]:
    return parse.merge(base or {}, parse.pairs(words, read))


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["user=123"], {"user": "123"}),
        (["user:=123"], {"user": 123}),
        (["a:=[1,null]", "b:=true"], {"a": [1, None], "b": True}),
        (["note=@note.txt"], {"note": "hello\n"}),
        (["list:=@list.json"], {"list": [1, 2]}),
        (["at=@@home"], {"at": "@home"}),
        (["at:=@@x"], None),
        (["eq=a=b"], {"eq": "a=b"}),
        (["url=http://x?a:=1"], {"url": "http://x?a:=1"}),
        (["empty="], {"empty": ""}),
        (["user.id=7", "user.name=x"], {"user": {"id": "7", "name": "x"}}),
        (["a=1", "a=2"], {"a": "2"}),
        (["a=1", "a.b=2"], {"a": {"b": "2"}}),
        (["a.b=2", "a=1"], {"a": "1"}),
        (["ключ=значение"], {"ключ": "значение"}),
        (["multi=a\nb\x1b"], {"multi": "a\nb\x1b"}),
    ],
)
def test_words(words: list[str], found: dict[str, Any] | None) -> None:
    if found is None:
        with pytest.raises(UsageError):
            given_words(*words)
    else:
        assert given_words(*words) == found


@pytest.mark.parametrize(
    "word",
    [
        "",
        "plain",
        "=x",
        ":=1",
        ".a=1",
        "a..b=1",
        "a.=1",
        "a\x1b=1",
        "n:=",
        "n:={",
        "n:=NaN",
        "n:=1 2",
        "x=@gone",
        "l=@latin",
    ],
)
def test_what_is_no_word(word: str) -> None:
    with pytest.raises(UsageError):
        given_words(word)


def test_the_refusal_shows_the_forms() -> None:
    with pytest.raises(UsageError) as caught:
        parse.pair("plain")
    assert "key:=@file.json" in caught.value.hint


def test_merging_leaves_the_base_alone() -> None:
    base = {"user": {"id": 1, "tags": ["a"]}, "n": 1}
    merged = given_words("user.id:=2", "user.new=x", base=base)
    assert merged == {"user": {"id": 2, "tags": ["a"], "new": "x"}, "n": 1}
    assert base == {"user": {"id": 1, "tags": ["a"]}, "n": 1}


def test_a_duplicate_key_inside_json_is_refused() -> None:
    with pytest.raises(UsageError, match="not acceptable JSON"):
        given_words('a:={"b":1,"b":2}')


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(UsageError, match="not UTF-8"):
        given_words("a=" + os.fsdecode(b"\xff"))


def test_words_take_the_types_of_the_handler_and_json_keeps_its_own() -> None:
    info = HandlerInfo("x", Source("entry", "m:f"), params=(Param("n", "int", True), Param("s", "str", True)))
    words = ["n=1", "s=1", "free=1", "n.deep=1"]
    assert parse.input_of(info, words[:3], {"base": 1}, read) == {"base": 1, "n": 1, "s": "1", "free": "1"}
    assert parse.input_of(None, words[:1], read=read) == {"n": "1"}
    assert parse.input_of(info, ['n:="1"', "s:=2"], read=read) == {"n": "1", "s": 2}
    with pytest.raises(UsageError, match="n does not accept"):
        parse.input_of(info, ["n=many"], read=read)


@pytest.mark.parametrize(
    ("text", "found"), [('{"a": 1}', {"a": 1}), ("-", {"from": "pipe"}), ("@-", {"from": "pipe"}), ("{}", {})]
)
def test_whole_inputs(text: str, found: dict[str, Any]) -> None:
    assert parse.whole_input(text, read) == found


@pytest.mark.parametrize("text", ["", "[1]", "3", '"x"', "null", "{", "@list.json", "@bad.json", "@gone"])
def test_what_is_no_whole_input(text: str) -> None:
    with pytest.raises(UsageError):
        parse.whole_input(text, read)


def test_files_are_read_and_missing_ones_named(tmp_path: Path) -> None:
    path = tmp_path / "in.json"
    path.write_text('{"a": 1}')
    assert parse.whole_input(f"@{path}") == {"a": 1}
    for bad in (tmp_path / "gone", tmp_path, Path("a\0b")):
        with pytest.raises(UsageError, match="cannot read"):
            parse.read_source(str(bad))


def test_files_too_large_for_any_input_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "READ_LIMIT", 10)
    (tmp_path / "big").write_bytes(b"x" * 11)
    with pytest.raises(UsageError, match="larger than"):
        parse.read_source(str(tmp_path / "big"))


def test_a_terminal_is_refused_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    with pytest.raises(UsageError, match="is a terminal"):
        parse.whole_input("-")


def test_assignments() -> None:
    assert parse.assignment("K=V=W", "--env") == ("K", "V=W")
    assert parse.assignment("K", "--env") == ("K", None)
    with pytest.raises(UsageError):
        parse.assignment("=V", "--env")


@pytest.mark.parametrize("word", ["4abc", "0123456789ab", "@last", "files.hash", "a"])
def test_ids_and_names(word: str) -> None:
    assert parse.id_or_name(word) == word


@pytest.mark.parametrize(
    "word", ["", "4ab", "4abi", "4ABC", "0123456789abc", "a b", "-x", "@first", "x" * 65, "4ab\x1b"]
)
def test_what_is_neither_id_nor_name(word: str) -> None:
    with pytest.raises(UsageError):
        parse.id_or_name(word)


@given(st.text())
def test_any_text_parses_or_is_refused(text: str) -> None:
    for use in (
        given_words,
        lambda t: given_words(f"k={t}"),
        lambda t: given_words(f"k:={t}"),
        lambda t: given_words(f"{t}=1"),
        lambda t: parse.whole_input(t, read),
        parse.id_or_name,
    ):
        try:
            use(text)
        except UsageError as error:
            assert error.message


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(_json)
def test_every_json_value_passes_unchanged(value: Any) -> None:
    assert given_words(f"k:={json.dumps(value)}") == {"k": value}


def test_deep_json_is_refused_not_crashed_on() -> None:
    with pytest.raises(UsageError):
        given_words("k:=" + "[" * 100_000)
