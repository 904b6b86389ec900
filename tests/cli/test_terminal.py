"""On a real terminal: live areas, questions, colours; and nothing a task says can steer it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Bgo, Done, Lived, environment

HOSTILE = "\x1b[2J\x1b]0;pwned\x07\x9b31m\u202e[red]markup[/red]"
OURS = re.compile(rb"\x1b\[(\d+(;\d+)*m|\?25[hl]|\d*[AK]|2K)")
"""What bgo itself sends: colours, cursor on and off, lines up, lines cleared."""


class Terminal:
    """A bgo with a terminal on all three streams."""

    def __init__(self, process: subprocess.Popen[bytes], fd: int) -> None:
        self.process = process
        self._fd = fd
        self.seen = b""

    def until(self, text: str) -> None:
        while text.encode() not in self.seen:
            assert self._more(), self.seen

    def _more(self) -> bool:
        if not select.select([self._fd], [], [], 30)[0]:
            raise AssertionError(f"30 s of silence after {self.seen!r}")
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError:  # how Linux says that the other side is gone
            return False
        self.seen += data
        return bool(data)

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def end(self) -> Done:
        while self._more():
            pass
        return Done(self.process.wait(), self.seen.decode("utf-8", "surrogateescape").replace("\r\n", "\n"), "")


@contextmanager
def terminal(*words: str, columns: int = 80, **env: str) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", CONTROLLING, *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env=environment(**{"TERM": "xterm-256color", **env}),
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


CONTROLLING = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from bgo.__main__ main
""".replace("from bgo.__main__ main", "from bgo.__main__ import main\nsys.exit(main())")


def on_terminal(*words: str, columns: int = 80, **env: str) -> Done:
    with terminal(*words, columns=columns, **env) as screen:
        return screen.end()


def visible(text: str) -> list[str]:
    return [OURS.sub(b"", line.encode("utf-8", "surrogateescape")).decode() for line in text.split("\n")]


@pytest.fixture
def hostile(bgo: Bgo, tmp_path: Path) -> str:
    """A task whose output, progress, result and error are hostile."""
    plugin = tmp_path / "evil.py"
    plugin.write_text(
        "import bgo\n"
        f"BAD = {HOSTILE!r}\n"
        "@bgo.hookimpl\n"
        "def bgo_register_handlers(register):\n"
        "    register('evil', evil)\n"
        "def evil(ctx):\n"
        "    print(BAD)\n"
        "    ctx.report_progress(0.5, BAD)\n"
        "    raise RuntimeError(BAD)\n"
    )
    os.environ["BGO_PLUGINS"] = str(plugin)
    done = bgo("enqueue", "evil", f"text={HOSTILE}", "--run", "--retry", "custom:1ms")
    assert done.code == 1
    return done.lines[0]


@pytest.mark.parametrize(
    "words",
    [
        ["logs", "@last"],
        ["logs", "-f", "@last"],
        ["status", "@last", "-v"],
        ["status", "@last", "--json"],
        ["tasks"],
        ["tasks", "--json"],
        ["history", "--all-events"],
        ["history", "--json"],
        ["wait", "@last"],
        ["enqueue", "--like", "@last", "--run"],
        ["enqueue", "--like", "@last", "--dry-run"],
        ["enqueue", "evil", "--queue", HOSTILE],
        ["handlers"],
    ],
    ids=lambda words: " ".join(words[:3]).replace(HOSTILE, "…"),
)
def test_nothing_a_task_says_steers_the_terminal(
    hostile: str, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    raw = on_terminal(*words, columns=200).out.encode("utf-8", "surrogateescape")
    rest = OURS.sub(b"", raw)
    assert b"\x1b" not in rest, rest
    assert b"\x07" not in rest
    assert "\u202e".encode() not in rest
    assert "\x9b".encode() not in rest
    if words[0] in {"logs", "status", "wait"}:
        assert b"[red]markup[/red]" in rest


def test_raw_is_raw(hostile: str) -> None:
    assert "\x1b]0;pwned\x07" in on_terminal("logs", "--raw", "@last").out


def test_run_shows_rows_and_scrolls_what_has_ended(bgo: Bgo) -> None:
    task_id = bgo("enqueue", "shell", "--as", "half", "--", "sh", "-c", "echo bgo:progress 0.5 halfway; sleep 1").out
    done = on_terminal("run")
    text = "\n".join(visible(done.out))
    assert re.search(rf"{task_id.strip()} +half +██████······ +50% +\d+ s +halfway", text), text
    assert re.search(rf"✓ {task_id.strip()} half succeeded in \d+(\.\d)? s", text)
    assert visible(done.out)[-2].strip() == "1 done"
    assert done.code == 0


def test_a_run_that_is_held_says_so_on_any_terminal(bgo: Bgo) -> None:
    bgo("enqueue", "echo", "--charging")
    for term in ("xterm", "dumb"):
        assert visible(on_terminal("run", "--charging", "no", TERM=term).out)[-2].endswith("1 held by charging")
    assert visible(on_terminal("run", "--charging", "no", "--quiet", TERM="dumb").out) == [""]
    assert bgo("run", "--charging", "no").text == "", "cron would send it by mail"


def test_an_idle_run_says_so_on_a_terminal(bgo: Bgo) -> None:
    assert visible(on_terminal("run").out)[-2].endswith("nothing to do")


def test_ctrl_c_ends_a_watching_run(bgo: Bgo) -> None:
    with terminal("run", "--watch") as screen:
        screen.until("waits for work; Ctrl-C ends")
        screen.type("\x03")
        done = screen.end()
    assert done.code == 130
    assert "stopped by SIGINT" in done.out


def test_ctrl_c_while_waiting_detaches(bgo: Bgo) -> None:
    with terminal("enqueue", "echo", "--wait") as screen:
        screen.until("no worker runs now")
        screen.type("\x03")
        done = screen.end()
    assert done.code == 130
    assert "detached; the work goes on" in done.out


def test_a_terminal_is_asked(lived: Lived) -> None:
    for answer, code, state in (("n", 1, "queued"), ("y", 0, "cancelled")):
        with terminal("cancel", "--all") as screen:
            screen.until("Cancel these? That is 3 of them. [y/N]")
            screen.type(f"{answer}\r")
            assert screen.end().code == code
        assert state in on_terminal("status", lived.ready).out


def test_a_newcomer_hears_that_nobody_works(bgo: Bgo) -> None:
    done = on_terminal("enqueue", "echo")
    assert len(done.lines[0]) == 12
    assert done.lines[1] == "no worker runs now: 'bgo run' executes it"
    assert len(on_terminal("enqueue", "echo", "-q").lines) == 1


@pytest.mark.parametrize("words", [["tasks"], ["history"], ["status"], ["queues"], ["handlers"], ["plugins"]])
@pytest.mark.parametrize("columns", [40, 80])
def test_lists_fit_the_window(lived: Lived, words: list[str], columns: int) -> None:
    done = on_terminal(*words, columns=columns)
    assert max(len(line) for line in visible(done.out)) <= columns


def test_no_color_and_dumb_terminals(lived: Lived) -> None:
    coloured = on_terminal("tasks").out
    assert "\x1b[31m" in coloured
    assert not re.search(r"\x1b\[[\d;]*3\dm", on_terminal("tasks", NO_COLOR="1").out)
    assert not re.search(r"\x1b\[[\d;]*3\dm", on_terminal("tasks", "--no-color").out)
    with terminal("run", TERM="dumb") as screen:
        dumb = screen.end()
    assert "\x1b" not in dumb.out
    assert "succeeded" in dumb.out


def test_a_hang_up_ends_a_run(bgo: Bgo) -> None:
    with terminal("run", "--watch", "--grace", "0s") as screen:
        screen.until("waits for work")
        screen.process.send_signal(signal.SIGHUP)
        assert screen.end().code == 129


@pytest.mark.parametrize(
    "words",
    [
        ["status", "@last"],
        ["chains"],
        ["chains", "show", "@last", "--mermaid"],
        ["chains", "show", "@last", "--dot"],
        ["chains", "show", "@last", "--json"],
        ["batches", "show", "@last"],
        ["logs", "@last"],
        ["wait", "@last"],
        ["explain", "@last"],
        ["monitor", "--once", "@last"],
        ["chain", "again", "evil", "--run"],
    ],
    ids=" ".join,
)
def test_nothing_a_member_says_steers_the_terminal(hostile: str, bgo: Bgo, words: list[str]) -> None:
    assert bgo("chain", "c", "evil", "-i", f"text={HOSTILE}", "--run").code == 1
    rest = OURS.sub(b"", on_terminal(*words, columns=200).out.encode("utf-8", "surrogateescape"))
    for bad in ("\x1b", "\x07", "\u202e", "\x9b"):
        assert bad.encode() not in rest, rest


def test_a_chain_shows_its_bar_and_what_runs(bgo: Bgo) -> None:
    done = on_terminal("chain", "c", "--commands", "true", "sh -c 'echo bgo:progress 0.5 halfway; sleep 1'", "--run")
    text = "\n".join(visible(done.out))
    chain = visible(done.out)[0].strip()
    assert re.search(
        rf"{chain} +c +██████······ +50% +\d+ s +1 of 2\s*\n\w+ +sh +██████······ +50% +\d+ s +halfway", text
    )
    assert re.search(r"✓ \w+ true succeeded in ", text)
    assert (done.code, "✓ succeeded in" in visible(done.out)[-2]) == (0, True)


def test_items_from_a_terminal_are_refused(bgo: Bgo) -> None:
    done = on_terminal("batch", "echo", "--items", "-")
    assert done.code == 2
    assert "--items -: standard input is a terminal" in done.out


def test_ctrl_c_takes_back_what_has_come_in(bgo: Bgo, tmp_path: Path) -> None:
    (tmp_path / "items").write_text("one\n" * 200_000, encoding="utf-8")
    with terminal("batch", "echo", "--items", str(tmp_path / "items")) as screen:
        screen.until(" items have come in")
        screen.type("\x03")
        done = screen.end()
    assert done.code == 130
    assert re.search(r"taking [\d,]+ items back", done.out)
    assert bgo("batches", "-q").lines == bgo("tasks", "-q").lines == []
