"""Every block of every README is executed: what they promise is what happens."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.docs import console
from tests.docs.conftest import Installed
from tests.docs.readme import ROOT, Block, all_blocks, blocks, pages

LANGUAGES = {"console", "python", "sh", "text", "toml"}
Person = tuple[Path, dict[str, str]]


def each(language: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("block", [pytest.param(b, id=b.where) for b in all_blocks(language)])


def test_every_block_is_of_a_kind_that_is_executed() -> None:
    found = [block for file in pages() for block in blocks(file)]
    assert {block.where: block.language for block in found if block.language not in LANGUAGES} == {}
    assert {block.language for block in blocks(ROOT / "README.md")} >= {"console", "python", "sh", "text"}


@each("console")
def test_a_session(block: Block, person: Person) -> None:
    here, env = person
    _programs_of(block.file, here)
    console.check(block.text, here, env)


def _programs_of(file: Path, here: Path) -> None:
    """Write the Python blocks of a README that say how their file is called."""
    for program in blocks(file):
        name = re.match(r"# (\w+\.py)\n", program.text)
        if program.language == "python" and name:
            (here / name[1]).write_text(program.text, encoding="utf-8")


@each("python")
def test_a_program(block: Block, person: Person) -> None:
    here, env = person
    (here / "program.py").write_text(block.text, encoding="utf-8")
    command = [sys.executable, "program.py"]
    done = subprocess.run(command, cwd=here, env=env, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    if "__main__" in block.text:
        assert done.stdout.strip(), "it shows nothing"


@each("text")
def test_a_line_of_crontab(block: Block, person: Person, installed: Installed) -> None:
    here, env = person
    for line in block.text.splitlines():
        *fields, command = line.split(maxsplit=5)
        assert len(fields) == 5
        assert all(re.fullmatch(r"[\d*/,-]+", field) for field in fields)
        program, _, words = command.partition(" ")
        assert os.path.basename(program) == "bgo"
        bare = {"PATH": "/usr/bin:/bin", "HOME": env["HOME"], "PYTHONPATH": env["PYTHONPATH"]}
        queued = _bgo(installed, "enqueue shell --quiet -- touch ran", here, bare).stdout.strip()
        shell = ["env", "-i", *(f"{k}={v}" for k, v in bare.items()), "sh", "-c", f"{installed.program} {words}"]
        done = subprocess.run(shell, cwd="/", capture_output=True, text=True, timeout=120)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), "cron would send mail"
        assert (here / "ran").exists()
        assert '"succeeded"' in _bgo(installed, f"status {queued} --json", here, bare).stdout


def _bgo(installed: Installed, words: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [str(installed.program), *shlex.split(words)]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=True)


@pytest.mark.slow
def test_what_is_to_be_installed_installs_and_runs(tmp_path: Path) -> None:
    """The install commands, word by word, in a copy of this checkout; the demo they end with runs too."""
    copy = tmp_path / "bgo"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__", "build", "dist"))
    path = [str(copy / ".venv" / "bin"), str(_python3(tmp_path)), os.environ.get("PATH", os.defpath)]
    unset = {"PYTHONPATH", "VIRTUAL_ENV"}
    env = {k: v for k, v in os.environ.items() if k not in unset} | {"PATH": os.pathsep.join(path)}
    for block in all_blocks("sh"):
        if "-m tests" not in block.text:
            text = (
                block.text if block.file.parent == ROOT else block.text.replace("pip install", "pip install --no-deps")
            )
            command = ["bash", "-e", "-c", text]
            done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, timeout=300)
            if done.returncode and not _has_index(env, copy):
                pytest.skip("pip reaches no package index")
            assert done.returncode == 0, f"{block.where}\n{done.stdout}\n{done.stderr}"
    done = subprocess.run([copy / ".venv/bin/bgo", "handlers"], cwd=copy, env=env, capture_output=True, text=True)
    assert "files.hash" in done.stdout


def _python3(folder: Path) -> Path:
    """Return a directory where `python3` is the Python of this run."""
    found = folder / "python"
    found.mkdir()
    (found / "python3").symlink_to(sys.executable)
    return found


def _has_index(env: dict[str, str], cwd: Path) -> bool:
    probe = [".venv/bin/python", "-m", "pip", "download", "--quiet", "--no-deps", "--dest", "probe", "pluggy"]
    return subprocess.run(probe, cwd=cwd, env=env, capture_output=True).returncode == 0


@each("sh")
def test_shell_commands_can_be_read(block: Block) -> None:
    done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    for word in re.findall(r"(?:\./)?plugins/[\w-]+", block.text):
        assert (ROOT / word / "pyproject.toml").is_file()


def test_the_test_command_is_what_ci_runs() -> None:
    (block,) = (b for b in blocks(ROOT / "README.md") if b.language == "sh" and "-m tests" in b.text)
    install, run = block.text.strip().split(" && ")
    assert install.startswith(".venv/bin/pip install ")
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert f"-m pip install --quiet {_word(install, '[dev]')} " in ci
    assert run == ".venv/bin/python -m tests"
    assert '"$python" -m tests' in ci


def _word(line: str, part: str) -> str:
    (word,) = (w for w in line.split() if part in w)
    return word


def toml_with(key: str) -> pytest.MarkDecorator:
    found = [block for block in all_blocks("toml") if key in tomllib.loads(block.text)]
    return pytest.mark.parametrize("block", [pytest.param(b, id=b.where) for b in found])


def test_every_toml_block_is_of_a_kind_that_is_used() -> None:
    kinds = {"project", "step", "schedule", "change"}
    assert [b.where for b in all_blocks("toml") if not kinds & tomllib.loads(b.text).keys()] == []


@toml_with("step")
def test_a_chain_file_is_executed(block: Block, person: Person, installed: Installed) -> None:
    here, env = person
    (here / "chain.toml").write_text(block.text, encoding="utf-8")
    (here / "photos").mkdir()
    (here / "photos" / "a.raw").write_bytes(b"one")
    done = _bgo(installed, "chain --file chain.toml --run", here, env)
    assert "✓ succeeded" in done.stderr


@toml_with("schedule")
def test_a_scenario_is_played(block: Block, person: Person, installed: Installed) -> None:
    here, env = person
    (here / "week.toml").write_text(block.text, encoding="utf-8")
    done = _bgo(installed, "simulate --scenario week.toml --for 1d --plays 2", here, env)
    assert "Under ios." in done.stdout


@toml_with("change")
def test_a_script_of_a_device_is_read(block: Block, person: Person, installed: Installed) -> None:
    here, env = person
    (here / "day.toml").write_text(block.text, encoding="utf-8")
    done = _bgo(installed, "devices --device day.toml", here, env)
    assert "charging" in done.stdout


def test_the_picture_is_of_the_scenario_beside_it() -> None:
    """Its work and its device, that is: what is drawn moves with every rule, and is drawn anew by hand."""
    picture = (ROOT / ".github" / "week.svg").read_text(encoding="utf-8")
    scenario = tomllib.loads((ROOT / ".github" / "ten.toml").read_text(encoding="utf-8"))
    named = [each["name"] for kind in ("task", "schedule") for each in scenario[kind]]
    assert [name for name in named if f">{name}<" not in picture] == []
    assert "http://www.w3.org/2000/svg" in picture
    assert "<script" not in picture


@toml_with("project")
def test_an_announcement_is_found(block: Block, person: Person, installed: Installed) -> None:
    """A package with these lines, and the programs above them as its modules, brings the handlers."""
    here, env = person
    groups = tomllib.loads(block.text)["project"]["entry-points"]
    source = _last_program_before(block)
    text = ""
    for group, points in groups.items():
        text += f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for value in points.values():
            module = here / "site" / (value.partition(":")[0].replace(".", "/") + ".py")
            module.parent.mkdir(parents=True, exist_ok=True)
            module.write_text(source, encoding="utf-8")
    folder = here / "site" / "my_package-1.dist-info"
    folder.mkdir()
    (folder / "entry_points.txt").write_text(text, encoding="utf-8")
    (folder / "METADATA").write_text("Name: my-package\nVersion: 1\n", encoding="utf-8")
    env["PYTHONPATH"] = f"{here / 'site'}{os.pathsep}{env['PYTHONPATH']}"
    (handler,) = re.findall(r'(?:@bgo\.task|register)\("([\w.]+)"', source)
    assert "my-package" in _bgo(installed, f"handlers show {handler} --json", here, env).stdout
    (here / "words").write_text("one two\n", encoding="utf-8")
    _bgo(installed, f"enqueue {handler} --run path=words", here, env)


def _last_program_before(block: Block) -> str:
    return [b for b in blocks(block.file) if b.language == "python" and b.line < block.line][-1].text
