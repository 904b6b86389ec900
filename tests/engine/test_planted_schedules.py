"""Planted bugs of schedules: one changed line each, and the test that must notice it.

Without a bug these tests and walks find nothing, so what is noticed here is the bug.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from bgo.store.sqlite import SqliteStore
from tests.engine import test_fire as firing
from tests.engine import test_fire_clock as clocks
from tests.engine import test_fire_torn as torn
from tests.engine import test_overlap as overlap
from tests.engine import test_schedule_verbs as verbs
from tests.engine.test_fire_walk import walk
from tests.engine.test_planted import plant
from tests.engine.timed import cron
from tests.store import test_contract_schedules as contract

FIRE, POLICY, SQL = "bgo.engine.fire:", "bgo.policy.missed:", "bgo.store.sql.schedules:"
WALKS = 40


class Bug(NamedTuple):
    """Where, what the line says, what it says instead, and who notices: a test, or None for some walk."""

    where: str
    says: str
    instead: str
    noticed_by: Callable[[pytest.MonkeyPatch], object] | None = None


def plain(test: Callable[..., object], *words: object) -> Callable[[pytest.MonkeyPatch], object]:
    return lambda _: test(*words)


BUGS = {
    "no compare-and-set": Bug(
        SQL + "ADVANCE", "AND next_at IS ? AND", "AND (? IS NULL OR 1) AND",
        lambda _: contract.test_one_of_two_moves_it_on(SqliteStore(None)),
    ),
    "the next counts from now": Bug(
        FIRE + "_make", "how._replace(last=firing[-1] if firing else how.last)", "how._replace(last=now)"
    ),
    "an id that chance has drawn": Bug(
        "bgo.engine.templates:_own", "id=occasions.task_id(schedule.id, at)",
        "id=__import__('tests.build').build.an_id()"
    ),
    "no savepoint": Bug(
        FIRE + "_guarded", "with session.savepoint():", "if True:",
        firing.test_what_cannot_be_made_stops_its_own_schedule_alone,
    ),
    "what was missed is not counted": Bug(POLICY + "share", "Share(due - on_time, 0,", "Share(0, 0,"),
    "what was coalesced is not counted": Bug(POLICY + "share", "Share(0, due - 1, 1)", "Share(0, 0, 1)"),
    "the oldest fire, not the newest": Bug(
        FIRE + "_first_to_fire", "return at\n", "return schedule.next_at\n"
    ),
    "overlap looks at what is ready alone": Bug(
        SQL + "UNFINISHED", "AND finished_at IS NULL", "AND finished_at IS NULL AND state <> 'blocked'",
        plain(overlap.test_a_line_of_occurrences_goes_one_after_another_whatever_their_ends, "queued", None),
    ),
    "replace leaves what runs": Bug(
        "bgo.engine.overlap:make_way", "cancel(session, unfinished, Reason.REPLACED, now)", "pass",
        plain(overlap.test_overlap, "replace", "running"),
    ),
    "a start of the computer is forgotten": Bug(
        FIRE + "_move_on", "(how.last, how.boot)", "(how.last, schedule.boot)",
        plain(verbs.test_it_fires_once_each_time_the_computer_has_started),
    ),
    "what is in its jitter is lost when it is paused": Bug(
        "bgo.engine.occasions:forgo", "first > now", "(schedule.fire_at or 0) > now",
        plain(verbs.test_an_occurrence_whose_jitter_is_not_over_is_missed_when_it_is_paused, "one"),
    ),
    "jitter goes back": Bug("bgo.engine.occasions:fires_at", "return at + int(", "return at - int("),
    "jitter overtakes": Bug(
        "bgo.engine.occasions:fires_at", "min(wish.jitter_ms, reach)", "wish.jitter_ms",
        plain(clocks.test_none_overtakes_another_and_none_leaves_its_window, cron("0,1,59 * * * *"), None),
    ),
    "a far step back is not noticed": Bug("bgo.policy.clock_step:is_set_back", "now_ms + SET_BACK_MS", "now_ms * 9"),
    "a small step back is a far one": Bug("bgo.policy.clock_step:is_set_back", "now_ms + SET_BACK_MS", "now_ms"),
    "a far step back starts at the beginning": Bug(
        FIRE + "_set_back", "following(schedule.id, schedule.wish, now)",
        "following(schedule.id, schedule.wish, schedule.created_at)",
    ),
    "1970 counts": Bug(FIRE + "_set_back", "if now >= schedule.created_at:", "if True:"),
    "what has fired is known by its note alone": Bug(
        SQL + "HAS_FIRED", "OR EXISTS (SELECT 1 FROM task WHERE id = ?)", "OR ? = 0",
        plain(clocks.test_what_was_forgotten_one_by_one_makes_nothing_twice, "one"),
    ),
    "whatever is noted has fired": Bug(
        SQL + "HAS_FIRED", "AND outcome = 'fired'", "",
        plain(clocks.test_what_was_coalesced_ahead_fires_when_its_time_comes)
    ),
    "one run too many": Bug(FIRE + "_move_on", "+ counted.fired >= most", "+ counted.fired > most"),
    "runs are not counted while catching up": Bug(
        FIRE + "_make", "if left is not None and fired >= left:", "if False:"
    ),
    "it moves on in a transaction of its own": Bug(
        FIRE + "_move_on", "if not session.schedules.advance(",
        "session._db.execute('COMMIT')\n    session._db.execute('BEGIN')\n    if not session.schedules.advance(",
        plain(torn.test_whoever_dies_while_it_fires_leaves_no_trace, "a_task"),
    ),
    "a pause keeps the alarm": Bug(
        "bgo.engine.schedules:pause", "BY_USER, NEVER",
        "BY_USER, NEVER._replace(at=schedule.next_at, fire_at=schedule.fire_at)"
    ),
    "a resume makes up for the pause": Bug(
        "bgo.engine.schedules:_set_going",
        "after = now - 1 if last is None else max(now - 1, last)",
        "after = now - 1 if last is None else last",
    ),
    "a resume fires the last once more": Bug(
        "bgo.engine.schedules:_set_going", "else max(now - 1, last)", "else now - 1",
        plain(clocks.test_a_resume_while_the_clock_is_set_back_a_little_fires_nothing_again),
    ),
    "a resume makes up for a start": Bug(
        "bgo.engine.schedules:_set_going", "boot = moment.boot_id if", "boot = schedule.boot if",
        plain(verbs.test_a_start_while_it_was_paused_is_not_made_up_for),
    ),
    "any failure pauses it": Bug(
        "bgo.engine.failing:keeps_failing", "== schedule.wish.pause_after", "> 0",
        plain(firing.test_several_failures_in_a_row_pause_it_until_it_is_resumed),
    ),
    "any change is one of its times": Bug(
        "bgo.engine.schedules:change", "is_timed_anew = _times(draft.wish) != _times(there.wish)",
        "is_timed_anew = True"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bug = BUGS[name]
    plant(monkeypatch, bug.where, bug.says, bug.instead)
    if bug.noticed_by is not None:
        with pytest.raises(BaseException) as noticed:
            bug.noticed_by(monkeypatch)
        print(f"{name}: {type(noticed.value).__name__} {str(noticed.value)[:100]}")
        return
    for seed in range(WALKS):
        try:
            walk(seed, monkeypatch)
        except Exception as noticed:  # whatever it is, nobody could miss it
            print(f"{name}: seed {seed}: {type(noticed).__name__} {str(noticed)[:100]}")
            return
    pytest.fail(f"nobody noticed: {name}")
