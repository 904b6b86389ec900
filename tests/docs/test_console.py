"""The runner of console blocks sees what it should see."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.docs import console

ENV = {"PATH": os.environ["PATH"]}


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("", ""),
        ("...", ""),
        ("...\nb\n...", "b\n"),
        ("...\nb\n...", "a\nb\nc\nd\n"),
        ("a...c", "a b\n c\n"),
        ("task 0123456789ab in 1.2 s", "task 9zzzzzzzzzzz in 310 ms"),
        ("at 2026-01-01T18:00Z", "at 2031-12-31T23:59:59.123Z"),
        ("ran 3 min 2 s", "ran 1h 5m"),
        ("A    B", "A  B  "),
        ("starts 21:48:00", "starts Tue 24 Nov 01:48:00"),
        ("From Mon 23 Nov 2026 16:48:00 UTC", "From Sun 01 Feb 2032 01:02:03 UTC"),
    ],
)
def test_what_fits(expected: str, actual: str) -> None:
    assert console.fits(expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [("", "a"), ("a", ""), ("b\n...", "a\nb"), ("a.c", "abc"), ("2 done", "3 done"), ("a\n", "a\nb\n")],
)
def test_what_does_not_fit(expected: str, actual: str) -> None:
    assert not console.fits(expected, actual)


def test_a_block_is_one_session(tmp_path: Path) -> None:
    text = (
        "$ mkdir d; cd d; x=1\n$ pwd\n...d\n$ echo $x; printf two\n1\ntwo\n$ for i in a b; do\n> echo $i; done\na\nb\n"
    )
    console.check(text, tmp_path, ENV)


@pytest.mark.parametrize(
    "text", ["$ echo a\nb\n", "$ false\n", "$ exit 0\n", "$ ls /no/such/file\n...\n", "$ (\n...\n"]
)
def test_what_goes_wrong_is_seen(text: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        console.check(text, tmp_path, ENV)


def test_a_shown_failure_is_fine(tmp_path: Path) -> None:
    console.check("$ (exit 3)\n$ echo $?\n3\n", tmp_path, ENV)
