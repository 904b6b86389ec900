"""Dedup: what counts as the same work, and when its key is free again."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from bgo.errors import UsageError
from bgo.model.limits import DedupPolicy, KeyHolder
from bgo.model.state import ACTIVE, State
from bgo.policy.dedup import is_free, key_of

WHOLE, BY_ID = DedupPolicy(), DedupPolicy(("id",))


def key(name: str = "n", input: dict[str, Any] | None = None, policy: DedupPolicy = WHOLE, **rest: Any) -> str:
    return key_of(name, {"id": 1, "at": 2} if input is None else input, policy, **rest)


def test_a_key_is_a_hash_that_never_changes() -> None:
    assert key() == sha256(b'["n",null,{"at":2,"id":1}]').hexdigest()
    assert key(input={"at": 2, "id": 1}) == key()


def test_the_same_work_has_the_same_key() -> None:
    assert key(input={"id": 1, "at": 3}, policy=BY_ID) == key(policy=BY_ID)
    fields = DedupPolicy(("at", "id")), DedupPolicy(("id", "at", "id"))
    assert key(policy=fields[0]) == key(policy=fields[1])
    assert key(policy=DedupPolicy(None, 5)) == key(), "how long it lasts does not say what it is"


@pytest.mark.parametrize(
    "other",
    [
        {"name": "m"},
        {"input": {"id": 2, "at": 2}},
        {"input": {"id": "1", "at": 2}},
        {"input": {}},
        {"policy": BY_ID},
        {"policy": DedupPolicy(("at", "id"))},
        {"argv": ["ls"], "cwd": "/a"},
    ],
)
def test_other_work_has_another_key(other: dict[str, Any]) -> None:
    assert key(**other) != key()


def test_a_command_line_counts_with_its_directory() -> None:
    found = {key(argv=words, cwd=folder) for words in (["ls"], ["ls", "-l"]) for folder in ("/a", "/b")}
    assert len(found) == 4
    assert key(argv=("ls",), cwd="/a") in found
    assert key(argv=[], cwd="/a") == key(argv=None, cwd="/b") == key()


def test_a_field_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="the input has no user"):
        key(policy=DedupPolicy(("id", "user")))


def row(state: State | None, until: int | None = None) -> KeyHolder:
    return KeyHolder("0" * 12, until, 0, state)


@pytest.mark.parametrize("state", [*State, None])
def test_without_a_ttl_a_key_is_held_until_the_task_has_ended(state: State | None) -> None:
    assert is_free(row(state), 100) is (state not in ACTIVE)


@pytest.mark.parametrize("state", [*State, None])
def test_with_a_ttl_a_key_is_held_so_long_unless_the_work_was_not_done(state: State | None) -> None:
    undone = state in (State.FAILED, State.CANCELLED)
    assert is_free(row(state, 101), 100) is undone
    assert is_free(row(state, 100), 100)
