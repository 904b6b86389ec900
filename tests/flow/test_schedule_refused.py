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
        ({"interval": "1h"}, "interval: not a duration: '1h'"),
        ({"interval": True}, "interval: not a duration: True"),
        ({"jitter": "5m"}, "jitter: not a duration: '5m'"),
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
