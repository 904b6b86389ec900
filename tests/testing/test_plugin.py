"""The plugin in a user's own project: pytest, installed bgo, a flow at the top level of a module."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import bgo.testing
from tests.docs.readme import README, blocks

TASKS = """
import bgo

flow = bgo.TaskFlow()


@flow.task(retry=bgo.RetryPolicy.linear(max_attempts=2, delay=60))
def mail(ctx, to: str):
    if ctx.attempt == 1:
        raise ConnectionError("no route")
    return {"sent": to}


def sign_up(name):
    mail.enqueue(to=name)
"""
CONFTEST = """
import pytest
from shop.tasks import flow


@pytest.fixture
def bgo_flow(bgo_isolate):
    return bgo_isolate(flow)
"""
TESTS = """
import os
from bgo.testing import assert_enqueued, drain, perform, refute_enqueued
from shop import tasks


def test_it_is_queued(bgo_flow):
    tasks.sign_up("ann")
    assert_enqueued(bgo_flow, "mail", input={"to": "ann"}, count=1)


def test_every_test_begins_empty(bgo_flow, bgo_clock):
    refute_enqueued(bgo_flow)
    began = bgo_clock.now
    tasks.sign_up("bob")
    report = drain(bgo_flow, until_empty=True)
    assert [run.state for run in report] == ["retrying", "succeeded"]
    assert (bgo_clock.now - began).total_seconds() == 60


def test_children_too(bgo_flow):
    import bgo

    tasks.sign_up("cid")
    bgo_flow.run(bgo.RunOptions(slots=1))
    assert bgo_flow.get_status("mail").state == "retrying"


def test_one_handler():
    assert perform(tasks.flow, "mail", {"to": "ann"}, attempt=2).output == {"sent": "ann"}


def test_that_fails(bgo_flow, bgo_device):
    bgo_flow.enqueue("mail", {"to": "ann"}, constraints=__import__("bgo").TaskConstraints(requires_charging=True))
    report = drain(bgo_flow)
    assert not report.held
"""


def pytest_run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("BGO_", "PYTEST"))}
    env |= {"HOME": str(folder / "home"), "PYTHONPATH": str(folder)}
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp=tmp", *words]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120)


def project(folder: Path) -> Path:
    (folder / "home").mkdir()
    (folder / "shop").mkdir()
    (folder / "shop" / "tasks.py").write_text(TASKS)
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_shop.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    return folder


def test_a_users_project(tmp_path: Path) -> None:
    done = pytest_run(project(tmp_path))
    assert "1 failed, 4 passed" in done.stdout, done.stdout + done.stderr
    assert "held by charging: unknown (bgo_device); needs yes" in done.stdout
    assert list((tmp_path / "home").iterdir()) == [], "the user's own place was touched"


def test_the_readmes_example_passes(tmp_path: Path) -> None:
    (program,) = (block.text for block in blocks(README) if block.text.startswith("# test_sync.py"))
    (tmp_path / "test_sync.py").write_text(program)
    done = pytest_run(tmp_path)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_without_the_plugin_nothing_is_lost_but_the_fixtures(tmp_path: Path) -> None:
    (tmp_path / "test_plain.py").write_text("def test_plain():\n    pass\n")
    assert "1 passed" in pytest_run(tmp_path, "-p", "no:bgo").stdout


def test_pytest_loads_nothing_of_bgo_before_a_fixture_is_used(tmp_path: Path) -> None:
    (tmp_path / "test_plain.py").write_text(
        "import sys\n\ndef test_plain():\n"
        "    found = {name for name in sys.modules if name.split('.')[0] == 'bgo'}\n"
        "    assert found == {'bgo', 'bgo.version', 'bgo.testing', 'bgo.testing.plugin'}\n"
    )
    done = pytest_run(tmp_path)
    assert "1 passed" in done.stdout, done.stdout


def test_the_fixtures_are_told_by_pytest(tmp_path: Path) -> None:
    shown = pytest_run(tmp_path, "--fixtures").stdout
    for name in ("bgo_flow", "bgo_isolate", "bgo_clock", "bgo_device", "bgo_home", "bgo_config"):
        assert f"\n{name} -- " in shown
    assert "no docstring" not in shown


def test_every_public_name_is_there() -> None:
    assert [name for name in bgo.testing.__all__ if not getattr(bgo.testing, name).__doc__] == []
    assert sorted(bgo.testing.__all__) == bgo.testing.__all__
    assert set(bgo.testing.__all__) <= set(dir(bgo.testing))
