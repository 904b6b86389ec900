"""From a request to a spec: what nothing would keep, or nobody could show, is refused before it is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bgo.clock import from_datetime, to_iso
from bgo.engine.spec import LATEST_MS, Draw, Request, build
from bgo.errors import UsageError
from bgo.model.handler import HandlerDefaults, HandlerInfo, Source
from bgo.model.options import NO_CONSTRAINTS, ConstraintLoss, TaskConstraints, TaskTimeout
from bgo.model.task import TaskSpec
from bgo.policy.order import _BEYOND_ANY_DUE


def built(**said: Any) -> TaskSpec:
    return build(Request("work", **said), None, TaskTimeout.MODERATE, Draw("0" * 12, 0.5))


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"constraints": TaskConstraints(on_loss=ConstraintLoss.CANCEL)}, "no constraint to lose"),
        ({"on_loss": ConstraintLoss.STOP}, "no constraint to lose"),
        ({"constraints": TaskConstraints(requires_charging=True, on_loss="halt")}, "cannot be 'halt'"),
        ({"due_at": 10**18}, "not a due time"),
        ({"due_at": -1}, "not a due time"),
        ({"due_at": "tomorrow"}, "not a due time"),
        ({"due_at": True}, "not a due time"),
    ],
)
def test_what_would_not_be_kept_is_refused(said: dict[str, Any], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        built(**said)


def test_what_becomes_of_a_lost_constraint_is_laid_over_the_constraints() -> None:
    charged = TaskConstraints(requires_charging=True)
    info = HandlerInfo("work", Source("builtin", "x"), defaults=HandlerDefaults(constraints=charged))
    draw = Draw("0" * 12, 0.5)
    for request in (Request("work", on_loss=ConstraintLoss.FINISH), Request("work", constraints=charged)):
        said = replace(request, on_loss=ConstraintLoss.FINISH)
        assert build(said, info, TaskTimeout.MODERATE, draw).wish.constraints == replace(charged, on_loss="finish")
    finish = replace(charged, on_loss=ConstraintLoss.FINISH)
    assert built(constraints=finish).wish.constraints == finish
    assert built(constraints=finish, on_loss=ConstraintLoss.STOP).wish.constraints == charged
    assert built(on_loss=ConstraintLoss.CANCEL, is_part=True).wish.constraints is NO_CONSTRAINTS


def test_due_times_end_where_the_order_does() -> None:
    assert LATEST_MS == from_datetime(datetime(2500, 1, 1, tzinfo=UTC)) < _BEYOND_ANY_DUE
    assert built(due_at=LATEST_MS).due_at == LATEST_MS
    assert to_iso(LATEST_MS) == "2500-01-01T00:00:00.000Z"
