"""From a request to a spec: what nothing would keep, or nobody could show, is refused before it is written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bgo.clock import from_datetime, to_iso
from bgo.engine.spec import LATEST_MS, Draw, Request, build
from bgo.errors import UsageError
from bgo.model.options import ConstraintLoss, TaskConstraints, TaskTimeout
from bgo.model.task import TaskSpec
from bgo.policy.order import _BEYOND_ANY_DUE


def built(**said: Any) -> TaskSpec:
    return build(Request("work", **said), None, TaskTimeout.MODERATE, Draw("0" * 12, 0.5))


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"constraints": TaskConstraints(requires_charging=True, on_loss=ConstraintLoss.CANCEL)}, "on_loss is not"),
        ({"due_at": 10**18}, "not a due time"),
        ({"due_at": -1}, "not a due time"),
        ({"due_at": "tomorrow"}, "not a due time"),
        ({"due_at": True}, "not a due time"),
    ],
)
def test_what_would_not_be_kept_is_refused(said: dict[str, Any], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        built(**said)


def test_due_times_end_where_the_order_does() -> None:
    assert LATEST_MS == from_datetime(datetime(2500, 1, 1, tzinfo=UTC)) < _BEYOND_ANY_DUE
    assert built(due_at=LATEST_MS).due_at == LATEST_MS
    assert to_iso(LATEST_MS) == "2500-01-01T00:00:00.000Z"
