"""Planted bugs of chains and batches: one changed line each; some walk must stumble over it.

Without a bug the same walks find nothing, so what is noticed here is the bug.
"""

from __future__ import annotations

import pytest

from bgo.store.sqlite import SqliteStore
from tests.engine import test_graph_cases as cases
from tests.engine.graph_walk import Walk, small_steps
from tests.engine.test_planted import plant

STEPS = 100
WALKS = 14
BUGS: dict[str, tuple[str, str, str]] = {
    "an end is not counted": ("bgo.engine.flows:follow", "wave.session.flows.count(parent, end.state, 1)", "pass"),
    "a chain goes on whatever a step came to": (
        "bgo.engine.flows:_go_on",
        "if verdict is not policy.After.NEXT:",
        "if False:",
    ),
    "a step's end is not waited for": (
        "bgo.engine.flows:_go_on",
        "and not session.flows.is_open(node.seq, at):",
        "and True:",
    ),
    "no compensation": ("bgo.engine.flows:_break_off", "if name is not None:", "if False:"),
    "what comes after a failed step is not skipped": (
        "bgo.engine.flows:_wind_up",
        "(0, LAST_STEP)",
        "(flow.at, flow.at)",
    ),
    "callbacks are forgotten": (
        "bgo.engine.flows:_end",
        "followups.call_back(session, node, state, now)",
        "pass",
    ),
    "what is released is not looked for again": (
        "bgo.engine.flows:_release",
        "if held and wave.room <= 0:\n        wave.put_off(node.seq)",
        "if held and wave.room <= 0:",
    ),
    "a revival does not take its end back": (
        "bgo.engine.restart:_put",
        "session.flows.count(task.parent, task.state, -1)",
        "pass",
    ),
    "a retried chain leaves its skipped steps behind": (
        "bgo.engine.restart:_bring_back",
        "(flow.at, FOLLOW_UP - 1)",
        "(flow.at, flow.at)",
    ),
    "a retried batch keeps its lanes closed": (
        "bgo.engine.restart:_put",
        "session.stages.release(task.seq, now)",
        "pass",
    ),
    "a retried batch brings nobody back": (
        "bgo.engine.restart:put_back",
        'session.flows.set(task.seq, "at", REVIVING)',
        "pass",
    ),
    "catch is called for a success": (
        "bgo.engine.followups:call_back",
        '"catch": state is not State.SUCCEEDED',
        '"catch": True',
    ),
    "finally waits for nobody": ("bgo.engine.followups:call_back", 'before if kind == "finally" else []', "[]"),
    "every step may start at once": (
        "bgo.engine.members:add_members",
        "State.QUEUED if starts else State.BLOCKED",
        "State.QUEUED",
    ),
    "each page of a fan-out begins anew": (
        "bgo.engine.fanout:expand",
        "items[cursor : cursor + ",
        "items[0 : ",
    ),
    "a sealed batch stays closed": (
        "bgo.store.sql.stages:SqlStages.seal",
        "self._pauses.set_bits(",
        "(lambda *_: None)(",
    ),
    "what is dropped leaves its lane's head": (
        "bgo.store.sql.stages:SqlStages.drop",
        "self._lanes.refresh({row[0] for row in rows}, now)",
        "pass",
    ),
    "what is still coming in is begun": (
        "bgo.store.sql.flows:HELD",
        "lane NOT IN (SELECT lane.id FROM lane WHERE stage IN (SELECT stage.id FROM stage WHERE hidden = 1))",
        "1",
    ),
    "a cancel lets start what it has not reached": (
        "bgo.store.sql.tasks:CLAIM",
        "SELECT 1 FROM above WHERE is_over",
        "SELECT 1 FROM above WHERE 0",
    ),
    "a later output loses": (
        "bgo.policy.chain:merged",
        "{key: value for each in objects for",
        "{key: value for each in objects[::-1] for",
    ),
    "a tick forgets half a batch": ("bgo.engine.upstream:work_off", "wave.concern(seq)", "pass"),
    "a prune takes members first and forgets to say so": (
        "bgo.engine.prune:_with_members",
        'session.flows.set(seq, "ending", GOING)',
        "pass",
    ),
}


CASES = {
    "a retried batch keeps its lanes closed": cases.test_a_batch_that_was_called_off_half_and_is_retried_starts_all,
    "a cancel lets start what it has not reached": cases.test_what_is_cancelled_starts_nothing_meanwhile,
    "a prune takes members first and forgets to say so": cases.test_what_a_prune_has_begun_to_remove_cannot_be_retried,
}
"""Bugs that few walks meet, and the case that does."""


def walk(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    small_steps(seed, monkeypatch)
    one = Walk(seed)
    try:
        for _ in range(STEPS):
            one.step()
        one.finish()
    finally:
        one.store.close()


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, *BUGS[name])
    if name in CASES:
        with pytest.raises(BaseException):  # noqa: B017 - whatever it is, nobody could miss it
            CASES[name](SqliteStore(None), monkeypatch)
        return
    if name == "what is still coming in is begun":
        with pytest.raises(AssertionError):
            cases.test_more_items_that_are_coming_in_are_not_begun(SqliteStore(None))
        return
    for seed in range(WALKS):
        try:
            walk(seed, monkeypatch)
        except Exception as noticed:  # whatever it is, nobody could miss it
            print(f"{name}: seed {seed}: {type(noticed).__name__} {str(noticed)[:100]}")
            return
    pytest.fail(f"nobody noticed: {name}")
