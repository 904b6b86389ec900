"""What is taken out of a command's output, and what is kept of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.errors import UsageError
from bgo.hooks.builtin.output import LINE_LIMIT, Sieve, Tail
from bgo.hooks.commandline import default_name, kept_environment
from bgo.model.options import check_name


def through(*chunks: bytes) -> tuple[bytes, list[tuple[float, str]]]:
    sieve = Sieve()
    passed = b"".join(sieve.feed(chunk) for chunk in chunks) + sieve.finish()
    return passed, sieve.progress


@pytest.mark.parametrize(
    ("data", "passed", "progress"),
    [
        (b"a\nbgo:progress 0.4 half way\nb\n", b"a\nb\n", [(0.4, "half way")]),
        (b"bgo:progress 1", b"", [(1.0, "")]),
        (b"bgo:progress .5\r\nx", b"x", [(0.5, "")]),
        (b"say bgo:progress 0.4\n", b"say bgo:progress 0.4\n", []),
        (b"bgo:progress half\n", b"bgo:progress half\n", []),
        (b"bgo:progress nan\nbgo:progress -1\n", b"bgo:progress nan\nbgo:progress -1\n", []),
        (b"bgo:progress\n", b"bgo:progress\n", []),
        (b"bgo:prog", b"bgo:prog", []),
        (b"bgo:progress 0.1 \xff\n", b"", [(0.1, "\ufffd")]),
        (b"bgo:progress 0.1 a\nbgo:progress 0.2 b\n", b"", [(0.1, "a"), (0.2, "b")]),
    ],
)
def test_progress_lines_are_taken_out(data: bytes, passed: bytes, progress: list[tuple[float, str]]) -> None:
    assert through(data) == (passed, progress)
    assert through(*(data[i : i + 1] for i in range(len(data)))) == (passed, progress), "byte by byte as well"


LINES = st.lists(
    st.sampled_from(
        [b"", b"x", b"bgo:", b"bgo:progress 0.5 t", b"bgo:progress x", b" bgo:progress 0.5", b"bgo:progress 0.1\r"]
    ),
    max_size=8,
)


@given(LINES, st.booleans(), st.lists(st.integers(1, 20), max_size=12))
def test_where_the_chunks_are_cut_never_matters(lines: list[bytes], ends: bool, cuts: list[int]) -> None:
    data = b"\n".join(lines) + (b"\n" if ends and lines else b"")
    chunks, rest = [], data
    for cut in cuts:
        chunks.append(rest[:cut])
        rest = rest[cut:]
    assert through(*chunks, rest) == through(data)


def test_a_prompt_without_a_newline_passes_at_once() -> None:
    sieve = Sieve()
    assert sieve.feed(b"Password: ") == b"Password: "
    assert sieve.feed(b"bgo:progress 0.5\n") == b"bgo:progress 0.5\n", "it does not start its line"


def test_a_line_without_an_end_is_not_kept() -> None:
    sieve = Sieve()
    endless = b"bgo:progress 0.5 " + b"x" * 10
    passed = sieve.feed(endless)
    for _ in range(100):
        passed += sieve.feed(b"y" * 1000)
        assert len(sieve._held) <= LINE_LIMIT
    assert passed.startswith(endless)
    assert sieve.progress == []


def test_the_tail_is_the_end_in_constant_memory() -> None:
    tail = Tail(10)
    for chunk in (b"a" * 100, b"", b"bcd"):
        tail.feed(chunk)
    assert tail.text() == "aaaaaaabcd"
    assert len(tail._kept) == 10


def test_half_a_character_in_front_is_dropped_and_bad_bytes_are_replaced() -> None:
    tail = Tail(4)
    tail.feed("xäöü".encode())
    assert tail.text() == "öü"
    tail = Tail(3)
    tail.feed("äöü".encode())
    assert tail.text() == "ü"
    tail.feed(b"\xff\xfe")
    assert "\ufffd" in tail.text()


def test_the_last_line_says_something() -> None:
    tail = Tail()
    assert tail.last_line() == ""
    tail.feed(b"one\n  error: no disk \n\n \n")
    assert tail.last_line() == "error: no disk"


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["/usr/bin/rsync", "-a"], "rsync"),
        (["./my script.sh"], "my-script.sh"),
        (["7z"], "z"),
        (["_x"], "x"),
        (["123"], "shell"),
        (["/usr/bin/"], "bin"),
        (["/"], "shell"),
        ([], "shell"),
        ([""], "shell"),
        (["größe"], "gr-e"),
        (["x" * 100], "x" * 64),
        (["a\nb"], "a-b"),
    ],
)
def test_default_names_are_legal(argv: list[str], name: str) -> None:
    assert default_name(argv) == name
    check_name(default_name(argv), "task")


@given(st.text(max_size=80))
def test_any_command_has_a_legal_default_name(word: str) -> None:
    check_name(default_name([word]), "task")


def test_the_kept_environment_is_path_lang_and_what_was_named() -> None:
    here = {"PATH": "/bin", "LANG": "C", "HOME": "/h", "TOKEN": "s3cret", "LC_ALL": "C"}
    assert kept_environment(here) == {"PATH": "/bin", "LANG": "C"}
    assert kept_environment(here, ["HOME", "LEVEL=3=4", "PATH=/x", "EMPTY="]) == {
        "PATH": "/x",
        "LANG": "C",
        "HOME": "/h",
        "LEVEL": "3=4",
        "EMPTY": "",
    }
    for word in ("GONE", "", "=x", "A\0=b"):
        with pytest.raises(UsageError):
            kept_environment(here, [word])
