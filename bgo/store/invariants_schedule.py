"""What must hold of schedules in every store; see `invariants`.

A task whose schedule is gone is no fault: what a schedule has made stays when it is removed.
"""

from __future__ import annotations

from bgo.store.rule import Rule

_IS_REBOOT = "json_extract(CASE WHEN json_valid(wish) THEN wish ELSE '{}' END, '$.rule.reboot') IS NOT NULL"
_ASLEEP = f"state = 'active' AND fire_at IS NULL AND (boot IS NULL OR NOT {_IS_REBOOT})"
_OUTCOMES = ("fired", "skipped", "missed", "coalesced")
_NOTED = """coalesce((SELECT sum(number) FROM occurrence AS o
    WHERE o.schedule = schedule.seq AND o.outcome = '{0}'), 0)"""
_MISCOUNTED = " OR ".join(f"{each} < {_NOTED.format(each)}" for each in _OUTCOMES)
_RECOUNTED = ", ".join(f"{each} = max({each}, {_NOTED.format(each)})" for each in _OUTCOMES)
_NO_SCHEDULE = "schedule NOT IN (SELECT seq FROM schedule)"

SCHEDULE_RULES = (
    Rule(
        "schedule_asleep",
        "an active schedule that nothing will ever make fire",
        f"SELECT id, name FROM schedule WHERE {_ASLEEP}",
        can_repair=True,
    ),
    Rule(
        "schedule_early",
        "a schedule that would fire before its next occurrence",
        "SELECT id, fire_at FROM schedule WHERE fire_at < next_at",
        can_repair=True,
    ),
    Rule(
        "schedule_plan_missing",
        "a schedule of which nothing says what it makes",
        "SELECT id, 'payload ' || plan FROM schedule WHERE plan NOT IN (SELECT id FROM payload)",
    ),
    Rule(
        "schedule_counts",
        "a schedule that has counted less than what is noted of its occurrences",
        f"SELECT id, fired || ' fired' FROM schedule WHERE {_MISCOUNTED}",
        can_repair=True,
    ),
    Rule(
        "occurrence_of_nothing",
        "what became of an occurrence of a schedule that is gone",
        f"SELECT 'seq ' || schedule, at FROM occurrence WHERE {_NO_SCHEDULE}",
        can_repair=True,
    ),
    Rule(
        "occurrence_twice",
        "one occurrence of a schedule has made two tasks",
        """SELECT schedule, occurrence FROM task WHERE schedule IS NOT NULL
        GROUP BY schedule, occurrence HAVING count(*) > 1""",
    ),
)

SCHEDULE_REPAIRS = (
    f"""UPDATE schedule SET state = 'paused', next_at = NULL,
        reason = 'its next occurrence was lost: bgo schedules resume ' || id || ' works it out anew' WHERE {_ASLEEP}""",
    "UPDATE schedule SET fire_at = next_at WHERE fire_at < next_at",
    f"UPDATE schedule SET {_RECOUNTED} WHERE {_MISCOUNTED}",
    f"DELETE FROM occurrence WHERE {_NO_SCHEDULE}",
)
"""What mends them. A rule's times are not for SQL to reckon: a resume does that."""
