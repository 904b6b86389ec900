"""Items of a batch from files and pipes: lines, JSON lines, NUL-separated; read one at a time."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bgo.errors import UsageError
from bgo.flow.item_files import read, read_file
from bgo.flow.items import as_items
from bgo.model.handler import HandlerInfo, Param, Source
from bgo.model.task import INPUT_LIMIT


def items(data: bytes, name: str = "-", format: str | None = None) -> list[Any]:
    return list(read(io.BytesIO(data), name, format))


@pytest.mark.parametrize(
    ("data", "name", "format", "found"),
    [
        (b"a\nb c \n\n  \n d", "-", None, ["a", "b c ", " d"]),
        (b"1\n[2]\n", "-", None, ["1", "[2]"]),
        (b'\n{"a": 1}\n\n[2]\n"x"\n4\n', "-", None, [{"a": 1}, [2], "x", 4]),
        (b'1\n"x"\n', "i.jsonl", None, [1, "x"]),
        (b"1\n", "i.ndjson", None, [1]),
        (b'{"a": 1}\n', "-", "lines", ['{"a": 1}']),
        (b"3\nnull\n", "-", "ndjson", [3, None]),
        (b"a\nb\0\0c d\0", "-", "null", ["a\nb", "", "c d"]),
        (b"a\0b", "-", "null", ["a", "b"]),
        ("ä\n".encode(), "-", None, ["ä"]),
        (b"", "-", None, []),
        (b"", "-", "null", []),
        (b"a\r\nb", "-", None, ["a\r", "b"]),
    ],
)
def test_what_is_an_item(data: bytes, name: str, format: str | None, found: list[Any]) -> None:
    assert items(data, name, format) == found


@pytest.mark.parametrize(
    ("data", "name", "format", "said"),
    [
        (b'{"a": 1}\n\n{"b"}\n', "in", None, "in:3: not JSON"),
        (b'{"a": NaN}\n', "in", None, "in:1: not JSON"),
        (b'1\n{"a": 1, "a": 2}\n', "in.jsonl", None, "in.jsonl:2: not JSON"),
        (b"a\n\xff\n", "in", None, "in:2: not UTF-8 text"),
        (b"a\0\xff\0", "in", "null", "in: item 2: not UTF-8 text"),
        (b"a\n" + b"x" * (INPUT_LIMIT + 2), "in", None, "in:2: the item is too long"),
        (b"a\0" + b"x" * (INPUT_LIMIT * 2), "in", "null", "in: item 2: the item is too long"),
        (b"a\n", "in", "csv", "no format 'csv'"),
    ],
)
def test_what_is_none_is_refused_with_its_line(data: bytes, name: str, format: str | None, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        items(data, name, format)
    assert refused.value.message == said
    assert refused.value.why
    assert refused.value.hint


def test_a_stream_is_read_as_it_is_asked_for() -> None:
    class Endless(io.RawIOBase):
        lines = 0

        def readline(self, size: int | None = -1, /) -> bytes:
            self.lines += 1
            return b"item\n"

    stream: Any = Endless()
    found: Iterator[Any] = read(stream, "-")
    assert [next(found) for _ in range(3)] == ["item"] * 3
    assert stream.lines == 3


def test_files(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"1\n")
    assert list(read_file(tmp_path / "a.jsonl")) == [1]
    with pytest.raises(UsageError, match="cannot read"):
        list(read_file(tmp_path / "none"))


def test_a_line_is_read_as_a_word_of_the_command_line_and_a_value_as_it_is() -> None:
    number = HandlerInfo("h", Source("entry", "m:h"), params=(Param("seconds", "float", required=True),))
    assert list(as_items(read(io.BytesIO(b"0.5\n"), "f"), "seconds", number)) == [b'{"seconds":0.5}']
    assert list(as_items(read(io.BytesIO(b"0.5\n"), "f"), "item", None)) == [b'{"item":"0.5"}']
    for data, name in ((b"x\n", "f"), (b'"0.5"\n', "f.jsonl")):
        with pytest.raises(UsageError, match="item 1: h: seconds does not accept"):
            list(as_items(read(io.BytesIO(data), name), "seconds", number))
