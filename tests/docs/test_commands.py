"""Every command, option and error is told: in its help, in the README or the manual, and within 80 columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from bgo import errors
from bgo.cli import app
from bgo.config import SCALARS
from bgo.errors import BgoError
from tests.docs.manual import VARIABLES
from tests.docs.readme import README, ROOT, commands, exit_codes
from tests.docs.tree import Command, root

TREE = root()
ALL = list(TREE.walk())
EVERY = pytest.mark.parametrize("command", [pytest.param(c, id=c.title) for c in ALL])


@EVERY
def test_everything_has_help(command: Command) -> None:
    assert command.summary
    assert [p.name for p in command.params if not p.help] == []


@EVERY
def test_help_says_the_same_kind_of_thing_in_the_same_way(command: Command) -> None:
    """Sentences, or an example at the end; names for values in capitals or as they are typed; no type names."""
    assert re.match(r"[A-Z]", command.summary)
    assert command.summary.endswith(".")
    assert not [p.metavar for p in command.params if re.search(r"<|TEXT|INTEGER|FLOAT|BOOLEAN", p.metavar)]
    assert [p.name for p in command.params if re.fullmatch(r"\d{4,}", p.default)] == [], "a default as nobody types it"
    assert [p.help for p in command.params if not re.search(r"[.…]$|: .*\w=\w+$", p.help)] == []


@EVERY
def test_help_fits_80_columns(
    command: Command, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert app.main([*command.path[1:], "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > 80] == []
    text = _words("\n".join(lines))
    assert _words(command.text.partition("\n")[0])[:40] in text
    prose = [line.strip() for line in lines if not line.startswith(("╭", "│", "╰"))]
    short = [a for a, b in pairwise(prose) if a and b and len(f"{a} {b.split()[0]}") < 60]
    assert short == [], "a line of help that ends early"
    missing = [
        flag for p in command.params for flag in p.flags if not re.search(rf"(?<!\S){re.escape(flag)}(?![\w-])", text)
    ]
    assert missing == []


def _words(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


def test_every_command_is_named_in_the_readme_or_the_manual() -> None:
    told = README.read_text(encoding="utf-8") + "".join(page.read_text(encoding="utf-8") for page in _pages())
    assert [c.title for c in ALL if c.title not in told.replace("\\-", "-")] == []


def _pages() -> Iterator[Path]:
    yield from (ROOT / "man").glob("*.1")


def test_the_readme_speaks_of_commands_and_options_that_exist() -> None:
    text = README.read_text(encoding="utf-8")
    known = {c.name: c for c in TREE.verbs}
    known |= {alias: known[name] for alias, name in app.ALIASES.items()}
    flags = {flag for p in TREE.params for flag in p.flags} | {"--help"}
    for line in [*commands(), *re.findall(r"`(bgo [^`]+)`", text)]:
        for name, rest in re.findall(r"\bbgo ([a-z]+)([^;|&`)]*)", line):
            assert name in known, line
            own = flags | {flag for c in known[name].walk() for p in c.params for flag in p.flags}
            said = re.findall(r"(?<!\S)--?[a-z][\w-]*", rest.partition(" -- ")[0])
            assert set(said) <= own, line


def test_every_error_has_its_exit_code_in_the_readme() -> None:
    told = {int(number) for codes, _ in exit_codes() for number in re.findall(r"\d+", codes)}
    found = {
        cls.__name__: cls.exit_code
        for cls in vars(errors).values()
        if isinstance(cls, type) and issubclass(cls, BgoError)
    }
    assert {name: code for name, code in found.items() if code not in told} == {}
    assert told <= {*found.values(), 0, 130, 143}, "a code that nothing ends with"


def test_every_variable_is_in_the_manual() -> None:
    sources = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "bgo").rglob("*.py"))
    read = set(re.findall(r"(?:env|environ)(?:\.get)?[\[(]\"((?:BGO_\w+|NO_COLOR|COLUMNS))\"", sources))
    read |= {f"BGO_{key.upper()}" for key in SCALARS}
    assert read
    assert read - VARIABLES.keys() == set()
