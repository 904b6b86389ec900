"""Every word comes through the shell, cron and systemd as it went in."""

from __future__ import annotations

import re
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgo.errors import UsageError
from bgo.install.quoting import check, cron_word, unit_assignment, unit_word
from tests.install.people import HOSTILE, WORDS


def vixie(command: str, *, joins_backslashes: bool) -> str:
    r"""What cron hands to the shell: \% becomes %, a bare % would end it; some crons make \\ one backslash as well."""
    given, escaped = "", False
    for char in command:
        if escaped:
            if char == "%" or (char == "\\" and joins_backslashes):
                given = given[:-1]
            given, escaped = given + char, False
        else:
            assert char != "%", f"a bare % in {command}"
            given, escaped = given + char, char == "\\"
    return given


def shell(command: str) -> list[str]:
    done = subprocess.run(["/bin/sh", "-c", command], env={}, capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]


def systemd(line: str) -> list[str]:
    """The words of ExecStart=, by the rules of systemd.service(5) and systemd.syntax(7) that apply to what we write."""
    words = []
    for quoted, bare in re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', line):
        text = re.sub(r"\\(.)", lambda m: m[1] if m[1] in '\\"' else "?", quoted) if quoted or not bare else bare
        assert not re.sub(r"%%", "", text).count("%")
        words.append(text.replace("%%", "%"))
    return words


@pytest.mark.parametrize("joins", [True, False])
@settings(max_examples=30)
@given(st.lists(WORDS, min_size=1, max_size=40))
def test_a_crontab_line_keeps_its_words(joins: bool, words: list[str]) -> None:
    written = " ".join(map(cron_word, words))
    assert shell(vixie(f"printf '\\%s\\0' {written}", joins_backslashes=joins)) == words
    assert shell(f"printf '%s\\0' {written}") == words, "busybox leaves it as it is"


@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_words(word: str) -> None:
    for joins in (True, False):
        assert shell(vixie(f"printf '\\%s\\0' {cron_word(word)}", joins_backslashes=joins)) == [word]
    assert [part.replace("$$", "$") for part in systemd(unit_word(word))] == [word]
    assert systemd(unit_assignment("A", word)) == [f"A={word}"]


@given(st.lists(WORDS, min_size=1))
def test_a_unit_keeps_its_words(words: list[str]) -> None:
    found = systemd(" ".join(map(unit_word, words)))
    assert not any(re.sub(r"\$\$", "", word).count("$") for word in found)
    assert [word.replace("$$", "$") for word in found] == words


@pytest.mark.parametrize("word", ["a\nb", "a\rb", "\0", "tab\there", "\x1b[31m", "\x7f", "a\udcffb"])
def test_what_nothing_can_hold_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="cannot be written down"):
        check(word)
