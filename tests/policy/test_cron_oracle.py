"""Cron compared with cronsim: no difference that is not cronsim's, and none of these bugs would go unseen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bgo.model import cron
from bgo.model.cron_text import Item
from bgo.policy import cron as stepping
from tests.policy.oracle import SKIPS_HOURS, ZONES, compared

EACH, SEED = 170, 4


def test_cronsim_reads_the_same() -> None:
    found = list(compared(seed=SEED, each=EACH))
    assert len(found) >= 2_000
    assert len(ZONES) >= 12
    assert [(what, how) for what, how in found if how.startswith("UNEXPLAINED")] == []
    explained = [how for _, how in found if how != "same"]
    assert set(explained) <= set(SKIPS_HOURS.values())
    assert len(explained) < len(found) / 50


def _with_fields(change: Callable[[cron.CronFields], dict[str, Any]]) -> Callable[[pytest.MonkeyPatch], None]:
    def plant(patch: pytest.MonkeyPatch) -> None:
        real = cron._fields.__wrapped__
        patch.setattr(cron, "_fields", lambda text: (fields := real(text))._replace(**change(fields)))

    return plant


def _unwritten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Item, "__str__", lambda item: f"{item.low}-{item.high}/{item.step}")
    patch.setattr(cron, "_fields", cron._fields.__wrapped__)


def _put(name: str, instead: Any) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setattr(stepping, name, instead)


def _always_fixed(found: Any, zone: Any, on: Any) -> tuple[int, ...]:
    return tuple(sorted(stepping._fixed(found, zone, on)))


def _without_the_day_after(fields: Any, first: int, last: int) -> Any:
    return ((number, True) for number in stepping.fitting_days(fields, first, last))


BUGS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "N-N goes to croniter as it is, and is read as every": _unwritten,
    "a day has to fit either field, also with a star": _with_fields(lambda _: {"any_day": False, "any_weekday": False}),
    "a day has to fit both fields, also without a star": _with_fields(lambda _: {"any_day": True}),
    "7 is no Sunday": _with_fields(lambda fields: {"weekdays": tuple(set(fields.weekdays) - {0}) or (1,)}),
    "what lies in a gap is dropped, what is shown twice fires twice": _put(
        "_fixed", lambda f, _, on: stepping._real(f, on)
    ),
    "what follows real time is held to the wall": _put("_irregular", _always_fixed),
    "what a gap over midnight moves is lost": _put("_touched", _without_the_day_after),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_seen(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    BUGS[bug](monkeypatch)
    zones = {"Europe/Berlin": 2020, "America/Nuuk": 2024}  # Nuuk's gap begins an hour before midnight
    assert any(how.startswith("UNEXPLAINED") for _, how in compared(seed=SEED, each=EACH, zones=zones))
