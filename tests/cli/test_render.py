"""What reaches a terminal is harmless, fits, and reads well."""

from __future__ import annotations

import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.cli import render
from bgo.cli.errors import report
from bgo.cli.render import Column
from bgo.errors import UsageError

NOW = 1_795_424_400_000


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\x1b[31mred", "␛[31mred"),
        ("a\x07b\x08c\rd\x7f", "a�b�c�d�"),
        ("\x9b31m", "�31m"),
        ("\u202egnp.exe", "�gnp.exe"),
        ("\u2066x\u2069", "�x�"),
        ("zero\u200bwidth\ufeff", "zero�width�"),
        ("bad\udc80", "bad�"),
        ("é 日本 🙂", "é 日本 🙂"),
        ("[bold]not markup[/bold]", "[bold]not markup[/bold]"),
    ],
)
def test_cleaning(text: str, cleaned: str) -> None:
    assert render.clean(text) == cleaned


@given(st.text())
def test_nothing_that_a_terminal_obeys_survives(text: str) -> None:
    cleaned = render.clean(text)
    assert all(c in "\n\t" or (c >= " " and c != "\x7f" and not "\x80" <= c <= "\x9f") for c in cleaned)
    assert len(cleaned) == len(text)
    assert "\n" not in render.line(text)


@given(st.text(), st.integers(1, 60))
def test_lines_are_cut(text: str, width: int) -> None:
    assert len(render.line(text, width)) <= width


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (None, ""),
        (0, "0 ms"),
        (999, "999 ms"),
        (2500, "2.5 s"),
        (59_999, "59.9 s"),
        (60_000, "1 min"),
        (250_000, "4 min 10 s"),
        (11_100_000, "3 h 5 min"),
        (86_400_000 * 12 + 5, "12 d"),
        (-2000, "-2 s"),
    ],
)
def test_durations(ms: int | None, words: str) -> None:
    assert render.duration(ms) == words


@pytest.mark.parametrize(
    ("offset", "words"),
    [
        (0, "now"),
        (240_000, "in 4 min"),
        (239_990, "in 4 min"),
        (238_000, "in 3 min"),
        (-190_000, "3 min ago"),
        (5000, "in 5 s"),
        (-86_400_000 * 40, "40 d ago"),
    ],
)
def test_relative_times(offset: int, words: str) -> None:
    assert render.ago(NOW + offset, NOW) == words


def test_no_instant_is_no_words() -> None:
    assert render.ago(None, NOW) == ""


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_960, "1.0 MB"), (1 << 40, "1.1 TB")]
)
def test_sizes(count: int, words: str) -> None:
    assert render.size(count) == words


def test_states_have_a_word_beside_the_glyph() -> None:
    from bgo.model.state import State

    for state in State:
        assert str(state) in render.GLYPHS
        assert render.state_word(state).endswith(f" {state}")


COLUMNS = [
    Column("ID"),
    Column("STATE"),
    Column("NAME", least=8),
    Column("ERROR", least=10, drop=2),
    Column("WHEN", least=6, drop=1),
]
NATURAL = [12, 11, 30, 80, 10]


@given(st.integers(1, 200), st.lists(st.integers(4, 90), min_size=5, max_size=5))
def test_rows_fit(width: int, natural: list[int]) -> None:
    widths = render.fit(COLUMNS, natural, width)
    shown = [w for w in widths if w is not None]
    least = natural[0] + natural[1] + min(natural[2], 8) + 4
    assert sum(shown) + 2 * (len(shown) - 1) <= max(width, least)
    assert (widths[0], widths[1]) == (natural[0], natural[1])


def test_what_gives_way_first() -> None:
    assert render.fit(COLUMNS, NATURAL, 200) == NATURAL
    assert render.fit(COLUMNS, NATURAL, 80) == [12, 11, 20, 19, 10]
    assert render.fit(COLUMNS, NATURAL, 40) == [12, 11, 13, None, None]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_tables_at_common_widths(width: int) -> None:
    from rich.console import Console

    rows = [
        ["4k2m8n0p1q3r", render.state_text("failed"), "[red]files.hash\x1b[2J", "no such file\n" * 9, "3 min ago"]
    ] * 3
    out = io.StringIO()
    Console(file=out, width=width).print(render.table(COLUMNS, rows, width))
    lines = out.getvalue().splitlines()
    assert len(lines) == 4
    assert all(len(text.rstrip()) <= width for text in lines)
    assert "\x1b" not in out.getvalue()
    assert "4k2m8n0p1q3r" in lines[1]
    assert "✗ failed" in lines[1]
    assert "[red]" in lines[1]


def test_an_empty_table_has_its_headings() -> None:
    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=80).print(render.table(COLUMNS, [], 80))
    assert out.getvalue().split() == ["ID", "STATE", "NAME", "ERROR", "WHEN"]


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_json_is_ascii_on_a_terminal_and_utf8_in_a_pipe() -> None:
    pipe = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    assert render.dumps({"a": "é\u202e"}, Terminal()) == '{"a": "\\u00e9\\u202e"}'
    assert render.dumps({"a": "é"}, pipe) == '{"a": "é"}'
    assert json.loads(render.dumps({"a": "é"}, io.TextIOWrapper(io.BytesIO(), encoding="latin-1"))) == {"a": "é"}


def test_events_are_flushed_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="utf-8", write_through=False))
    render.write_event({"type": "x"})
    assert raw.getvalue() == b'{"type": "x"}\n'


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert render.wants_color(Terminal())
    assert not render.wants_color(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not render.wants_color(Terminal())


def test_carets_under_a_word_stand_under_it(capsys: pytest.CaptureFixture[str]) -> None:
    error = UsageError("not a word: 'b\x1b'", why="because", hint="c")
    error.add_note("a b\x1b c\n  ^^")
    assert report(error) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["error: not a word: 'b␛'", "       a b␛ c", "         ^^", "  why: because", " hint: c"]
    report(error, as_json=True)
    assert set(json.loads(capsys.readouterr().err)["error"]) == {"code", "message", "why", "hint", "exit_code"}
