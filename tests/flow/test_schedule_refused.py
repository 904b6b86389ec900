"""What a program may not ask of a schedule: an error of the user's, in three lines."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bgo.api import TaskFlow
from bgo.errors import UsageError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tz": 5}, "tz is not a zone's name: 5"),
        ({"tz": ["UTC"]}, "tz is not a zone's name: ['UTC']"),
        ({"tz": ""}, "not a time zone: ''"),
        ({"interval": "hourly"}, "interval: not a duration: 'hourly' (try 90s, 5m, 1h30m, 2d or PT5M)"),
        ({"interval": True}, "interval: not a duration: True"),
        ({"jitter": "5x"}, "jitter: not a duration: '5x' (try 90s, 5m, 1h30m, 2d or PT5M)"),
        ({"start": "soon"}, "start: not a time: 'soon'"),
        ({"nonsense": 1}, "there is no option 'nonsense'"),
    ],
    ids=str,
)
def test_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with TaskFlow(store=tmp_path / "bgo.db") as flow, pytest.raises(UsageError) as caught:
        flow.schedule("echo", **{"interval": timedelta(hours=1), **options})
    assert caught.value.message == message
    assert caught.value.why
    assert caught.value.hint


def test_durations_and_instants_may_be_texts_as_on_the_command_line(tmp_path: Path) -> None:
    with TaskFlow(store=tmp_path / "bgo.db") as flow:
        made = flow.schedule(
            "echo", interval="1h30m", jitter="5m", start="2031-01-01 09:00", end="2031-02-01", tz="Asia/Tokyo", key="k"
        )
        view = flow.get_schedule("k")
        assert (view.id, view.key, view.name, view.state) == (made, "k", "echo", "active")
        wish = view.schedule.wish
        assert wish.timing.rule == (90 * 60_000, wish.timing.start_ms)
        assert wish.jitter_ms == 300_000
        told = view.to_json()
        assert (told["start"], told["end"]) == ("2031-01-01T00:00:00.000Z", "2031-01-31T15:00:00.000Z")
        assert view.next_at == wish.timing.start_ms
        changed = flow.reschedule("k", interval="2h", start=None)
        assert (changed.schedule.wish.timing.start_ms, changed.schedule.wish.timing.rule[0]) == (None, 7_200_000)
