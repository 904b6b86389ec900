"""The seed's examples of cancelling, querying and history: in a shell and in Python, side by side on one store."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bgo import TaskFlow
from tests.seed.conftest import Sh, named, states


@pytest.fixture
def queued(flow: TaskFlow) -> dict[str, str]:
    """Queue three tasks and return their ids by name."""
    return {
        "syncData": flow.enqueue("syncData", tags=["sync"]),
        "syncUser": flow.enqueue("syncUser", {"userId": "123"}, tags=["sync"]),
        "uploadFile": flow.enqueue("uploadFile"),
    }


def cancelled(flow: TaskFlow) -> set[str]:
    return {name for name, state in ((v.task.name, v.state) for v in flow.get_all_tasks()) if state == "cancelled"}


def an_array(lines: list[str]) -> list[Any]:
    found: list[Any] = json.loads("".join(lines))
    return found


def test_cancel_by_name(sh: Sh, flow: TaskFlow, queued: dict[str, str]) -> None:
    sh("bgo cancel --name syncData")
    assert cancelled(flow) == {"syncData"}
    (reply,) = flow.cancel("uploadFile")
    assert (reply.id, cancelled(flow)) == (queued["uploadFile"], {"syncData", "uploadFile"})


def test_cancel_a_specific_execution(sh: Sh, flow: TaskFlow, queued: dict[str, str]) -> None:
    sh(f"bgo cancel {queued['syncData']}")
    assert cancelled(flow) == {"syncData"}
    assert flow.cancel_execution(queued["syncUser"]).effect == "prevented"
    assert cancelled(flow) == {"syncData", "syncUser"}


def test_cancel_by_tag_in_a_shell(sh: Sh, flow: TaskFlow, queued: dict[str, str]) -> None:
    sh("bgo cancel --tag sync --yes")
    assert cancelled(flow) == {"syncData", "syncUser"}


def test_cancel_by_tag_in_python(flow: TaskFlow, queued: dict[str, str]) -> None:
    assert len(flow.cancel_by_tag("sync")) == 2
    assert cancelled(flow) == {"syncData", "syncUser"}


def test_cancel_everything_in_a_shell(sh: Sh, flow: TaskFlow, queued: dict[str, str]) -> None:
    sh("bgo cancel --all --yes")
    assert cancelled(flow) == set(queued)


def test_cancel_everything_in_python(flow: TaskFlow, queued: dict[str, str]) -> None:
    flow.cancel_all()
    assert set(states(flow).values()) == {"cancelled"}


def test_get_current_status(sh: Sh, flow: TaskFlow, queued: dict[str, str]) -> None:
    (found,) = an_array(sh("bgo status syncData --json"))
    view = flow.get_status("syncData")
    assert view is not None
    assert (found["id"], found["state"]) == (view.id, view.state) == (queued["syncData"], "queued")


def test_get_all_tasks(sh: Sh, flow: TaskFlow, queued: dict[str, str]) -> None:
    assert {row["id"] for row in an_array(sh("bgo tasks --json"))} == set(queued.values())
    assert named(flow.get_all_tasks()) == set(queued)


def test_get_tasks_by_tag(sh: Sh, flow: TaskFlow, queued: dict[str, str]) -> None:
    assert {row["name"] for row in an_array(sh("bgo tasks --tag sync --json"))} == {"syncData", "syncUser"}
    assert named(flow.get_tasks_by_tag("sync")) == {"syncData", "syncUser"}


def test_8_history_by_name_status_and_date(sh: Sh, flow: TaskFlow, queued: dict[str, str]) -> None:
    flow.enqueue("syncUser", {"wrong": "input"})  # its handler raises a KeyError
    sh("bgo run --quiet")
    (entry,) = an_array(sh("bgo history syncData --limit 20 --json"))
    (same,) = flow.get_history("syncData", limit=20)
    assert (entry["state"], entry["duration_ms"]) == (same.state, same.duration_ms)
    assert len(an_array(sh("bgo history syncUser --state failed --json"))) == 1
    (failed,) = flow.get_history("syncUser", status="failed")
    assert failed.error is not None
    assert failed.error.type == "KeyError"
    assert len(an_array(sh("bgo history syncData --since 1d --json"))) == 1
    assert len(flow.get_history("syncData", since_date=datetime.now(UTC) - timedelta(days=1))) == 1
    assert flow.get_history("syncData", since_date=datetime.now(UTC) + timedelta(days=1)) == []
