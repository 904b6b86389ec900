"""Commands as steps: split as a shell would, run without one, refused where only a shell would do."""

from __future__ import annotations

import pytest

from bgo.errors import UsageError
from bgo.flow.wording import argv_of, command_drafts, drafts_of


@pytest.mark.parametrize(
    ("command", "argv"),
    [
        ("make", ["make"]),
        ("make  'a b' c\\ d", ["make", "a b", "c d"]),
        ("sh -c 'a && b | c > d; e $F `g`'", ["sh", "-c", "a && b | c > d; e $F `g`"]),
        (r"find . -name '*.py' -exec ls {} \;", ["find", ".", "-name", "*.py", "-exec", "ls", "{}", ";"]),
        ("awk '{print $1}' f", ["awk", "{print $1}", "f"]),
        ('echo "a | b" "\\" c"', ["echo", "a | b", '" c']),
        ("grep a$ f", ["grep", "a$", "f"]),
        ("echo '&&' \"&&\"", ["echo", "&&", "&&"]),
    ],
)
def test_a_command_is_split(command: str, argv: list[str]) -> None:
    assert argv_of(command) == argv


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("a && b", "'&&'"),
        ("a || b", "'||'"),
        ("a | b", "'|'"),
        ("a; b", "';'"),
        ("a > f", "'>'"),
        ("a < f", "'<'"),
        ("a &", "'&'"),
        ("(a)", "'('"),
        ("a\nb", r"'\n'"),
        ("echo $HOME", "'$'"),
        ('echo "$HOME"', "'$'"),
        ('echo "\\$HOME"', r"'\\$'"),
        ("echo ${A}", "'$'"),
        ("echo $(a)", "'$'"),
        ("echo `a`", "'`'"),
        ('echo "`a`"', "'`'"),
    ],
)
def test_what_needs_a_shell_is_refused_with_the_way(command: str, what: str) -> None:
    with pytest.raises(UsageError, match="a shell would be needed") as refused:
        argv_of(command)
    assert refused.value.why.startswith(what)
    assert refused.value.hint.startswith("as one command: sh -c ")


def test_an_open_quote() -> None:
    with pytest.raises(UsageError, match="not a command"):
        argv_of("echo 'a")


def test_names_of_commands_are_told_apart() -> None:
    drafts = command_drafts(["make", "make test", "/usr/bin/make-2", ["make", "a b"], "7z x", "input"])
    assert [draft.name for draft in drafts] == ["make", "make-2", "make-2-2", "make-3", "z", "input-2"]
    assert [draft.options["argv"] for draft in drafts][3] == ("make", "a b")
    with pytest.raises(UsageError, match="an empty command"):
        command_drafts([""])


def test_step_words() -> None:
    (one, two) = drafts_of("thumb=resize+hash@scan.files")
    assert (one.handler, one.name, one.over) == ("resize", "thumb", None)
    assert (two.handler, two.name, two.over) == ("hash", None, "scan.files")
