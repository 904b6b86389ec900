"""Verbs that take an id take chains and batches, and answer once for the whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from bgo.api import TaskFlow
from bgo.config import Flags, load
from bgo.engine.monitor import Follower
from bgo.model.query import Selector
from tests.cli.conftest import Bgo


@pytest.fixture
def chain(bgo: Bgo) -> str:
    """A chain that waits, with a compensation that is never called for."""
    return bgo("chain", "nightly", "echo", "a=echo+b=echo", "--tag", "t", "-i", "message=hi", "-q").lines[0]


@pytest.fixture
def batch(bgo: Bgo, tmp_path: Path) -> str:
    (tmp_path / "items").write_text("one\ntwo\n", encoding="utf-8")
    return bgo("batch", "files", "--handler", "echo", "--items", str(tmp_path / "items"), "--tag", "t", "-q").lines[0]


@pytest.fixture
def failed(bgo: Bgo) -> str:
    """A chain that has failed at its second step, and would not fail again."""
    words = ["--commands", "echo one", "sh -c 'test -e again || { touch again; exit 3; }'", "echo three"]
    chain: str = bgo("chain", "build", *words, "-q").lines[0]
    bgo("run", "-q")
    return chain


def test_status_shows_the_tree(bgo: Bgo, chain: str) -> None:
    shown = bgo("status", chain).out
    assert shown.startswith(f"{chain}  nightly  ○ queued  chain\n")
    assert "0 of 3 done" in shown
    assert "├─ ○ echo  queued" in shown
    assert "└─ a+b  2 in parallel\n   ├─ ◌ a  blocked" in shown
    assert bgo("status", chain, "--json").json["counts"]["total"] == 3


def test_status_of_a_name_and_of_everything(bgo: Bgo, chain: str, batch: str) -> None:
    assert [view["id"] for view in bgo("status", "nightly", "--json").json] == [chain]
    assert bgo("status", "nightly").lines[0].split()[:4] == ["ID", "STATE", "NAME", "PROGRESS"]
    overview = bgo("status").out
    assert "chains   1 unfinished" in overview
    assert "batches  1 unfinished" in overview
    assert bgo("status", "--json").json["unfinished"] == {"chain": 1, "batch": 1}
    member = bgo("tasks", "--chain", chain, "-q").lines[0]
    assert f"part of  chain {chain}" in bgo("status", member).out


def test_lists_are_of_their_kind(bgo: Bgo, chain: str, batch: str) -> None:
    assert bgo("chains", "-q").lines == [chain]
    assert bgo("batches", "-q").lines == [batch]
    assert bgo("chains", "--name", "other", "-q").lines == []
    assert bgo("batches", "--state", "failed").err == "no batch fits\n"
    assert bgo("chains", "--tag", "t", "--since", "1h", "-q").lines == [chain]
    assert len(bgo("tasks", "-q").lines) == 5
    assert len(bgo("tasks", "--batch", batch, "--state", "queued", "-q").lines) == 2
    assert chain in bgo("chains").out


def test_show_of_the_other_kind_just_works(bgo: Bgo, chain: str, batch: str) -> None:
    assert bgo("batches", "show", chain).out == bgo("chains", "show", chain).out
    task = bgo("tasks", "--batch", batch, "-q").lines[0]
    done = bgo("chains", "show", task)
    assert (done.code, done.error[2]) == (4, f" hint: bgo status {batch}")


def test_pictures(bgo: Bgo, chain: str, batch: str) -> None:
    assert bgo("chains", "show", chain, "--mermaid").out.startswith("flowchart LR\n")
    assert bgo("batches", "show", batch, "--dot").out.startswith('digraph "files" {\n')
    assert bgo("chains", "show", chain, "--dot", "--json").code == 2


def test_cancel_answers_once(bgo: Bgo, chain: str, batch: str) -> None:
    assert bgo("cancel", chain).lines == [f"{chain} prevented"]
    assert bgo("cancel", "--batch", batch, "--json").json == {
        "schema": 1, "id": batch, "effect": "prevented", "state": "cancelled",
    }  # fmt: skip
    late = bgo("cancel", "--chain", chain)
    assert (late.code, late.error[0]) == (4, f"error: chain {chain} cannot be cancelled")
    assert {view["state"] for view in bgo("tasks", "--json").json} == {"cancelled"}
    wrong = bgo("cancel", "--chain", batch)
    assert (wrong.code, wrong.error[0]) == (4, f"error: --chain: {batch} is no chain")


@pytest.mark.parametrize("words", [["--all"], ["--tag", "t"], ["--state", "queued", "--state", "blocked"]])
def test_a_whole_counts_as_one(bgo: Bgo, chain: str, batch: str, words: list[str]) -> None:
    done = bgo("cancel", *words)
    assert done.code == 2
    if "--state" not in words:
        assert "That is 2 of them." in done.error[0]
        assert bgo("cancel", *words, "--yes").lines == [f"{batch} prevented", f"{chain} prevented"]
        again = bgo("retry", *words, "--yes", "-q")
        assert again.lines == [batch, chain]


def test_a_member_alone_is_a_task(bgo: Bgo, batch: str) -> None:
    task = bgo("tasks", "--batch", batch, "-q").lines[0]
    assert bgo("cancel", task).lines == [f"{task} prevented"]
    assert bgo("status", batch, "--json").json["counts"]["cancelled"] == 1


def test_retry_goes_on_from_the_step_that_failed(
    bgo: Bgo, failed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = bgo("wait", failed)
    assert (waited.code, waited.out.endswith("build (3 of 3 ended, 2 failed)\n")) == (1, True)
    assert bgo("retry", "--chain", failed).lines == [f"{failed} goes on from sh"]
    bgo("run", "-q")
    assert bgo("wait", failed, "--json").json["state"] == "succeeded"
    assert len(bgo("history", failed, "-q").lines) == 3
    assert bgo("retry", failed).code == 4


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_history_logs_and_explain(bgo: Bgo, failed: str, chain: str) -> None:
    assert len(bgo("history", failed).lines) == 3
    assert bgo("history", "--chain", failed, "--state", "failed", "--json").json[0]["name"] == "sh"
    both = bgo("history", failed, chain)
    assert (both.code, both.error[0]) == (2, "error: one chain or batch at a time")
    assert bgo("logs", failed).lines[0].startswith("==> echo ")
    assert bgo("logs", "-f", failed).code == 2
    assert bgo("logs", chain).err == f"nothing in chain {chain} has printed anything\n"
    explained = bgo("explain", chain, "--json").json
    assert (explained["state"], explained["verdict"]) == ("queued", "at step echo (1 of 2); 0 of 3 done")
    assert "so" in bgo("explain", "nightly").out
    member = bgo("tasks", "--chain", chain, "--name", "a", "-q").lines[0]
    assert "step echo of the chain" in bgo("explain", member).out


def test_edit_and_bump_are_for_members(bgo: Bgo, chain: str) -> None:
    for words in (["edit", chain, "--priority", "3"], ["bump", chain]):
        done = bgo(*words)
        assert (done.code, done.error[1]) == (4, "  why: it stands in no queue itself: its members do")
        assert f"bgo tasks --chain {chain}" in done.error[2]


def test_monitor_tells_of_members_and_of_the_end(bgo: Bgo, chain: str, shell: Bgo, home: Path) -> None:
    picture = bgo("monitor", "--once", chain).out
    assert f"chain {chain} nightly  ○ queued  ············   0%  0 of 3 done" in picture
    with TaskFlow(settings=load(Flags(), {"BGO_HOME": str(home)})) as flow:
        with flow.store.read() as session:
            follower = Follower(session, Selector(under=(chain,)))
        other = flow.enqueue("echo", as_="other")
        flow.run()
        with flow.store.read() as session:
            told = [(change.name, change.type) for change in follower.changes(session, flow.clock.now_ms())]
        assert follower.watched == (chain,)
        assert [change.type for change in flow.changes(Selector(under=(chain,)))] == []
        assert flow.get(other).is_final
    assert ("nightly", "succeed") in told
    assert {name for name, _ in told} == {"echo", "a", "b", "nightly"}


def test_simulate_shows_members(bgo: Bgo, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(
        "name='c'\n[[step]]\nrun='echo'\n[[step]]\nrun='each=echo@echo.files.found'\n[[step]]\nname='end'\nrun='echo'\n",
        encoding="utf-8",
    )
    bgo("chain", "--file", str(path), "-q")
    timeline = bgo("simulate", "--json").json
    assert timeline["summary"]["tasks"] == timeline["summary"]["succeeded"] == 3, timeline


def test_a_callback_that_failed_is_retried_by_its_own_id(bgo: Bgo, tmp_path: Path) -> None:
    (tmp_path / "k.jsonl").write_text('{"a": 1}\n', encoding="utf-8")
    batch = bgo(
        "batch", "b", "--handler", "echo", "--items", str(tmp_path / "k.jsonl"), "--then", "files.hash", "-q"
    ).out
    bgo("run", "-q")
    callback = bgo("tasks", "--name", "files.hash", "-q").out.strip()
    assert f"bgo retry {callback} runs files.hash again" in bgo("batches", "show", batch.strip()).out
