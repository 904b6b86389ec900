"""The words for when a schedule fires: exactly one rule of them, whatever is said."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest

from bgo.errors import UsageError
from bgo.flow.rules import RULES, rule_of


@pytest.mark.parametrize(
    ("said", "cron"),
    [
        ({"cron": "0 9-17 * * 1-5"}, "0 9-17 * * 1-5"),
        ({"cron": "@daily"}, "@daily"),
        ({"word": "@hourly"}, "@hourly"),
        ({"every_minutes": 15}, "*/15 * * * *"),
        ({"every_minutes": "15"}, "*/15 * * * *"),
        ({"every_hours": "6"}, "0 */6 * * *"),
        ({"daily_at": "09:30"}, "30 9 * * *"),
        ({"daily_at": "9:30"}, "30 9 * * *"),
        ({"daily_at": "9am"}, "0 9 * * *"),
        ({"daily_at": "12am"}, "0 0 * * *"),
        ({"daily_at": "9:05 PM"}, "5 21 * * *"),
        ({"daily_at": "9"}, "0 9 * * *"),
        ({"daily_at": 9}, "0 9 * * *"),
        ({"daily_at": " 09 "}, "0 9 * * *"),
        ({"daily_at": time(3, 15)}, "15 3 * * *"),
        ({"on": ["MON,WED", "fri"], "at": "14:00"}, "0 14 * * 1,3,5"),
        ({"on": "sunday", "at": "6"}, "0 6 * * 0"),
        ({"on": ["mon-wed,FRI"], "at": "6"}, "0 6 * * 1,2,3,5"),
        ({"weekdays_at": "09:00"}, "0 9 * * 1-5"),
        ({"weekends_at": "10:00"}, "0 10 * * 0,6"),
        ({"monthly_on": "1", "at": "00:00"}, "0 0 1 * *"),
        ({"monthly_on": 31, "at": "5pm"}, "0 17 31 * *"),
    ],
)
def test_words_that_mean_a_cron_expression(said: dict[str, Any], cron: str) -> None:
    found = rule_of({**dict.fromkeys(RULES), "tz": "UTC", **said})
    assert list(found) == ["cron"]
    assert str(found["cron"]) == cron


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"every": "1h30m"}, {"interval": timedelta(minutes=90)}),
        ({"every": timedelta(days=1)}, {"interval": timedelta(days=1)}),
        ({"every": 90}, {"interval": timedelta(seconds=90)}),
        ({"cron": "@reboot"}, {"reboot": True}),
        ({"word": "@Reboot"}, {"reboot": True}),
        ({"reboot": True, "every": None, "on": []}, {"reboot": True}),
    ],
)
def test_the_other_rules(said: dict[str, Any], found: dict[str, Any]) -> None:
    assert rule_of(said) == found


@pytest.mark.parametrize(
    ("said", "message", "help"),
    [
        ({}, "nothing says when it fires", "--every '1h'"),
        ({"tz": "UTC", "reboot": False}, "nothing says when it fires", "--daily-at"),
        ({"at": "14:00"}, "--at alone names no days", "--daily-at 14:00"),
        ({"every": "1h", "cron": "* * * * *"}, "--every and --cron contradict each other", "one of them"),
        ({"daily_at": "9", "weekends_at": "9"}, "--daily-at and --weekends-at contradict", "one of them"),
        ({"on": "MON", "monthly_on": 1, "at": "9"}, "--on and --monthly-on contradict each other", "one of them"),
        ({"on": "MON"}, "--on needs --at", "--on MON,WED --at 14:00"),
        ({"monthly_on": 1}, "--monthly-on needs --at", "--monthly-on 1 --at 14:00"),
        ({"every": "1h", "at": "9"}, "--at does not go with --every", "leave it out"),
        ({"every": "5x"}, "--every: not a duration: '5x'", "numbers with their units"),
        ({"every": "999ms"}, "--every: too short an interval: 999ms", "try 1s"),
        ({"every": timedelta(milliseconds=1)}, "--every: too short an interval", "try 1s"),
        ({"every": "1h", "word": "@daily"}, "--every and @daily contradict each other", "one of them"),
        ({"every": True}, "--every: not a duration: 'True'", "numbers with their units"),
        ({"every_minutes": 7}, "--every-minutes: cron cannot fire every 7 minutes", "--every 7m"),
        ({"every_hours": "x"}, "--every-hours: cron cannot fire every 'x' hours", "--every"),
        ({"daily_at": "24:00"}, "--daily-at: not a time of day: '24:00'", "09:30"),
        ({"daily_at": "13pm"}, "--daily-at: not a time of day: '13pm'", "09:30"),
        ({"daily_at": "noon"}, "--daily-at: not a time of day: 'noon'", "09:30"),
        ({"daily_at": "9" * 5000}, "--daily-at: not a time of day: '999", "09:30"),
        ({"daily_at": time(9, 0, 30)}, "--daily-at: not a time of day: '09:00:30'", "09:30"),
        ({"on": "MON", "at": "25"}, "--at: not a time of day: '25'", "09:30"),
        ({"on": "MON", "at": "tomorrow 9:00"}, "--at: not a time of day: 'tomorrow 9:00'", "a date goes to --start"),
        ({"at": "2026-12-24 18:00"}, "--at: not a time of day: '2026-12-24 18:00'", "bgo enqueue --at"),
        ({"every": "1h", "at": "+2h"}, "--at: not a time of day: '+2h'", "a date goes to --start"),
        ({"on": "MOON", "at": "9"}, "--on: not a day of the week: 'MOON'", "MON"),
        ({"monthly_on": "32", "at": "9"}, "--monthly-on: not a day of the month: 32", "--monthly-on 1"),
        ({"cron": "61 * * * *"}, "--cron: not a cron expression: minute '61'", "30 9 * *"),
        ({"cron": ""}, "--cron: not a cron expression: it is empty", "30 9 * *"),
        ({"on": "mo", "at": "9"}, "--on: not a day of the week: 'mo'", "MON-FRI"),
        ({"word": "@nightly"}, "not a cron expression: '@nightly'", ""),
    ],
)
def test_what_is_no_rule_is_refused_with_the_words_that_were_said(said: Any, message: str, help: str) -> None:
    with pytest.raises(UsageError) as caught:
        rule_of(said)
    assert message in caught.value.message
    assert help in caught.value.hint
    assert caught.value.why


def test_the_carets_of_an_expression_stay_with_its_error() -> None:
    with pytest.raises(UsageError) as caught:
        rule_of({"cron": "61 * * * *"})
    assert caught.value.__notes__ == ["61 * * * *\n^^"]


def test_a_file_spells_the_words_without_dashes() -> None:
    with pytest.raises(UsageError, match=r"^daily-at and monthly-on contradict each other$"):
        rule_of({"daily_at": "9", "monthly_on": 1}, lambda name: name.replace("_", "-"))
