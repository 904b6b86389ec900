"""The crontab: our block comes and goes, everything else stays byte for byte, and the line runs under cron."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.api import TaskFlow
from bgo.config import Flags, load
from bgo.errors import RefusedError
from bgo.install import cron
from bgo.install.program import Program
from tests.cli.conftest import Done
from tests.install.conftest import Fakes
from tests.install.people import HOSTILE
from tests.install.test_quoting import vixie

LINES = st.lists(
    st.sampled_from(
        [b"0 5 * * * backup", b"", b"MAILTO=me", b"# BEGIN other", b"# END bgo", b"\xff\xfe", b"# BEGIN bgo", b"x\r"]
    ),
    max_size=6,
)
CRONTABS = st.builds(lambda lines, end: b"\n".join(lines) + end, LINES, st.sampled_from([b"", b"\n", b"\r\n"]))


def program(store: str = "/data/store.db", number: int = 1) -> Program:
    words = ("/usr/bin/python3", "-P", "-m", "bgo", "--store", store)
    return Program(words, {}, Path(store), f"{number:08x}", is_usual=False, stop_s=60)


@given(CRONTABS)
def test_in_and_out_again(crontab: bytes) -> None:
    ours = program()
    with_it = cron.with_block(crontab, ours)
    assert with_it.startswith(crontab)
    assert with_it.endswith(b"# END bgo 00000001\n")
    assert cron.with_block(with_it, ours) == with_it
    assert cron.without_block(with_it, ours) == crontab
    assert cron.without_block(crontab, ours) == crontab


@given(CRONTABS, st.lists(st.sampled_from(["add 1", "add 2", "add 3", "take 1", "take 2", "take 3"])))
def test_stores_do_not_touch_each_other(crontab: bytes, deeds: list[str]) -> None:
    there: set[int] = set()
    now = crontab
    for deed in deeds:
        word, number = deed.split()
        ours = program(f"/store {number}", int(number))
        now = cron.with_block(now, ours) if word == "add" else cron.without_block(now, ours)
        there = there | {int(number)} if word == "add" else there - {int(number)}
        assert {n for n in (1, 2, 3) if cron.find(now, f"{n:08x}")} == there
    for number in sorted(there):
        now = cron.without_block(now, program(f"/store {number}", number))
    assert now.rstrip(b"\n") == crontab.rstrip(b"\n")
    assert not there or len(there) > 1 or deeds.count("add 1") != len(deeds) or now == crontab


@given(CRONTABS, CRONTABS)
def test_a_block_is_replaced_where_it_stands(before: bytes, after: bytes) -> None:
    old, new = program("/old"), program("/new")
    mixed = cron.with_block(before, old) + after
    changed = cron.with_block(mixed, new)
    assert changed.endswith(after)
    assert changed == cron.with_block(before, new) + after
    taken = cron.without_block(changed, new)
    assert taken in (before + after, before + b"\n" + after)


def test_an_editor_may_have_changed_the_line_ends() -> None:
    ours = program()
    crontab = cron.with_block(b"a\n", ours).replace(b"\n", b"\r\n")
    assert cron.without_block(crontab, ours) == b"a\r\n"


def test_a_block_without_an_end_is_not_guessed_at() -> None:
    broken = b"# BEGIN bgo 00000001\n* * * * * x\n5 5 * * * precious\n"
    for change in (cron.with_block, cron.without_block):
        with pytest.raises(RefusedError, match="has no end"):
            change(broken, program())


@pytest.mark.parametrize("old", [None, b"", b"1 2 * * * x\n", b"1 2 * * * x", b"1 2 * * * x\r\n"])
def test_the_command(install: Callable[..., Done], fakes: Fakes, old: bytes | None) -> None:
    if old is not None:
        fakes.crontab = old
    done = install("--cron")
    assert (done.code, done.err) == (0, "")
    assert re.match(r"Wrote block [0-9a-f]{8} in the crontab of \S+\nIt runs /.*/bgo\.db for \S+\n\Z", done.out)
    made = fakes.crontab
    assert made is not None
    assert made.startswith(old or b"")
    assert fakes.take_calls() == ["crontab -l", "crontab -"]
    again = install("--cron", "--json")
    assert (again.code, again.json["changed"], again.json["steps"][0]["did"]) == (0, False, "unchanged")
    assert "Unchanged: block" in install("--cron").out
    assert fakes.take_calls() == ["crontab -l"] * 2
    assert fakes.crontab == made
    gone = install("--cron", "--uninstall", "--json")
    assert (gone.json["changed"], gone.json["steps"][0]["did"], fakes.crontab) == (True, "removed", old or b"")
    nothing = install("--cron", "--uninstall")
    assert (nothing.code, nothing.err) == (0, "")
    assert nothing.out.startswith("Nothing of bgo was there to take away for ")


def test_another_store_has_a_block_of_its_own(install: Callable[..., Done], fakes: Fakes, tmp_path: Path) -> None:
    install("--cron")
    install("--cron", "--store", str(tmp_path / "other.db"))
    assert fakes.crontab is not None
    assert fakes.crontab.count(b"# BEGIN bgo ") == 2
    install("--cron", "--uninstall")
    assert b"other.db" in fakes.crontab
    assert fakes.crontab.count(b"# BEGIN bgo ") == 1


def test_changed_settings_change_the_block(install: Callable[..., Done], fakes: Fakes) -> None:
    install("--cron")
    assert "Changed block" in install("--cron", "--no-plugins").out
    assert fakes.crontab is not None
    assert fakes.crontab.count(b"# BEGIN bgo ") == 1
    assert b" --no-plugins run --quiet\n" in fakes.crontab


def test_a_crontab_that_cannot_be_read_is_left_alone(
    install: Callable[..., Done], fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes.set("broken")
    done = install("--cron")
    assert (done.code, done.error[:2]) == (1, ["error: crontab -l failed", "  why: crontab: no go"])
    assert fakes.calls == ["crontab -l"]
    monkeypatch.setenv("BGO_CRONTAB", "/nonexistent/crontab")
    done = install("--cron")
    assert (done.code, done.error[2]) == (1, " hint: install a cron, or try --systemd")


@pytest.mark.parametrize("name", [name for name in HOSTILE if name.strip() == name])
def test_the_line_runs_a_task_in_cron_s_empty_environment(tmp_path: Path, name: str) -> None:
    """As cron does it: its own rule for %, then the shell, with HOME, SHELL and a short PATH and nothing else."""
    folder = tmp_path / name.replace("/", "_")
    env = {"BGO_HOME": str(folder)}
    settings = load(Flags(), env)
    with TaskFlow(settings=settings) as flow:
        task_id = flow.enqueue("shell", argv=["sh", "-c", f"touch {tmp_path}/ran"], env={"PATH": "/usr/bin:/bin"})
        made = _program(settings, env)
        schedule, command = cron.line(made)[:10], cron.line(made)[10:]
        assert schedule == "* * * * * "
        clean = ["env", "-i", f"HOME={tmp_path}", "SHELL=/bin/sh", "PATH=/usr/bin:/bin", "LOGNAME=you"]
        for joins in (True, False):
            done = subprocess.run(
                [*clean, "/bin/sh", "-c", vixie(command, joins_backslashes=joins)],
                capture_output=True,
                cwd=tmp_path,
                timeout=60,
            )
            assert (done.returncode, done.stdout, done.stderr) == (0, b"", b""), command
        assert flow.get(task_id).state == "succeeded"
    assert (tmp_path / "ran").exists()


def _program(settings: object, env: dict[str, str]) -> Program:
    from bgo.install.program import program

    return program(settings, Flags(), env)  # type: ignore[arg-type]
