"""`completions/` and `man/` are what the commands make of them, and programs that read them are content."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.conftest import Installed
from tests.docs.readme import ROOT
from tests.docs.regenerate import committed, generated
from tests.docs.tree import root

SCRIPTS = {"bash": "bgo.bash", "zsh": "_bgo", "fish": "bgo.fish"}
PAGES = sorted((ROOT / "man").glob("*.1"))
TREE = root()


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def test_what_is_committed_is_what_would_be_generated() -> None:
    wanted, there = generated(), committed()
    stale = sorted(path for path in wanted.keys() | there.keys() if wanted.get(path) != there.get(path))
    assert stale == [], "run: python -m tests.docs.regenerate"


@pytest.mark.parametrize("shell", SCRIPTS)
def test_a_shell_can_read_its_script(shell: str) -> None:
    needs(shell)
    done = subprocess.run([shell, "-n", ROOT / "completions" / SCRIPTS[shell]], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_command_and_option_is_in_its_page() -> None:
    for command in TREE.walk():
        page = "bgo.1" if len(command.path) == 1 else f"bgo-{command.path[1]}.1"
        text = re.sub(r"\\f[BIR]", "", (ROOT / "man" / page).read_text(encoding="utf-8")).replace("\\-", "-")
        words = set(re.findall(r"[^\s,\[\]]+", text))
        assert command.title in text
        for param in command.params:
            if "--help" not in param.flags:
                assert set(param.flags or [param.metavar]) <= words | {
                    param.metavar if param.metavar in text else ""
                }, param


def test_the_root_page_leads_to_every_other() -> None:
    text = (ROOT / "man" / "bgo.1").read_text(encoding="utf-8").replace("\\-", "-")
    assert {f"{name}.1" for name in re.findall(r"\\fB(bgo-[\w-]+)\\fR\(1\)", text)} | {"bgo.1"} == {
        p.name for p in PAGES
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_man_has_nothing_to_warn_of(page: Path) -> None:
    readers = {"mandoc": ["-Tlint", "-Wwarning"], "man": ["--warnings", "-l"]}
    found = [name for name in readers if shutil.which(name)]
    if not found:
        pytest.skip("neither mandoc nor man is installed")
    for name in found:
        done = subprocess.run([name, *readers[name], page], capture_output=True, text=True)
        assert done.stderr == ""
        if name == "mandoc":
            assert done.stdout == ""


class Shell:
    """Asks a real shell what it would offer."""

    def __init__(self, here: Path, env: dict[str, str]) -> None:
        self.here, self.env = here, env

    def bgo(self, *words: str) -> str:
        return self._run("bgo", *words)

    def bash(self, *words: str) -> list[str]:
        """Return the answers to TAB after the last word."""
        script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _bgo; printf "%s\\n" "${COMPREPLY[@]}"'
        return self._run("bash", "-c", script, "bash", str(ROOT / "completions" / "bgo.bash"), *words).split()

    def fish(self, line: str) -> list[str]:
        script = 'source $argv[1]; complete -C "$argv[2]"'
        out = self._run("fish", "--no-config", "-c", script, str(ROOT / "completions" / "bgo.fish"), line)
        return [answer.partition("\t")[0] for answer in out.splitlines()]

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.here, env=self.env, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        return done.stdout


@pytest.fixture
def shell(person: tuple[Path, dict[str, str]]) -> Shell:
    return Shell(*person)


def test_bash_completes(shell: Shell) -> None:
    task = shell.bgo("enqueue", "echo", "--tag", "nightly", "--quiet").strip()
    assert shell.bash("bgo", "st") == ["status", "store"]
    assert shell.bash("bgo", "status", task[:4]) == [task]
    assert shell.bash("bgo", "status", "") == [task, "echo"]
    assert shell.bash("bgo", "enqueue", "files.h") == ["files.hash"]
    assert shell.bash("bgo", "tasks", "--tag", "n") == ["nightly"]
    assert shell.bash("bgo", "tasks", "--qu") == ["--queue", "--quiet"]
    assert shell.bash("bgo", "tasks", "--queue", "h") == ["high"]
    assert shell.bash("bgo", "tasks", "--state", "fa") == ["failed"]
    assert shell.bash("bgo", "tasks", "--state", "=", "fa") == ["failed"]
    assert shell.bash("bgo", "handlers", "s") == ["show"]
    assert shell.bash("bgo", "handlers", "show", "sh") == ["shell"]
    assert shell.bash("bgo", "--no-color", "run", "--charging", "") == ["yes", "no"]
    assert shell.bash("bgo", "completion", "install", "f") == ["fish"]
    assert shell.bash("bgo", "man", "simu") == ["simulate"]
    assert shell.bash("bgo", "chain", "c", "files.h") == ["files.hash"]
    assert shell.bash("bgo", "batch", "files.h") == ["files.hash"]
    assert shell.bash("bgo", "batch", "b", "--then", "ec") == ["echo"]
    assert shell.bash("bgo", "batch", "b", "--format", "n") == ["ndjson", "null"]
    chain = shell.bgo("chain", "nightly", "echo", "--quiet").strip()
    assert shell.bash("bgo", "chains", "show", chain[:5]) == [chain]
    assert shell.bash("bgo", "tasks", "--chain", chain[:5]) == [chain]
    schedule = shell.bgo("schedule", "echo", "--every", "1h", "--key", "hourly", "--quiet").strip()
    assert shell.bash("bgo", "schedule", "files.h") == ["files.hash"]
    assert shell.bash("bgo", "schedules", "show", schedule[:5]) == [schedule]
    assert shell.bash("bgo", "reschedule", "ho") == ["hourly"]
    assert shell.bash("bgo", "unschedule", "ec") == ["echo"]
    assert shell.bash("bgo", "tasks", "--schedule", "ho") == ["hourly"]
    assert shell.bash("bgo", "explain", "ho") == ["hourly"]


def test_bash_runs_nothing_that_a_store_holds(shell: Shell) -> None:
    """Words that a shell would act upon are not offered, whoever wrote them into the store."""
    import sqlite3

    shell.bgo("enqueue", "echo", "--tag", "good", "--quiet")
    with sqlite3.connect(f"{shell.env['BGO_HOME']}/bgo.db") as db:
        db.execute("INSERT INTO task_tag (tag, task) SELECT '$(touch evil)', seq FROM task")
    db.close()
    assert shell.bash("bgo", "tasks", "--tag", "") == ["good"]
    assert not (shell.here / "evil").exists()


def test_fish_completes(shell: Shell) -> None:
    needs("fish")
    task = shell.bgo("enqueue", "echo", "--quiet").strip()
    assert shell.fish("bgo st") == ["status", "store"]
    assert shell.fish(f"bgo status {task[:4]}") == [task]
    assert shell.fish("bgo enqueue files.h") == ["files.hash"]
    assert shell.fish("bgo tasks --queue=h") == ["--queue=high"]


def test_the_installed_program_hands_them_out(shell: Shell, installed: Installed) -> None:
    for name, file in SCRIPTS.items():
        assert shell.bgo("completion", name) == (ROOT / "completions" / file).read_text(encoding="utf-8")
    path = Path(shell.bgo("man", "--path", "enqueue").strip())
    assert path.is_relative_to(installed.folder)
    assert path.read_bytes() == (ROOT / "man" / "bgo-enqueue.1").read_bytes()
    if shutil.which("man"):
        assert "QUEUE" in shell.bgo("man", "enqueue")
