"""The wish as stored text: it comes back equal, defaults cost nothing, and the text is canonical."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bgo.model import wish as wishes
from bgo.model.limits import ConcurrencyControl, ConcurrencyStrategy
from bgo.model.options import (
    MAX_ATTEMPTS,
    MAX_DURATION_MS,
    ConstraintLoss,
    NetworkConstraint,
    RetryPolicy,
    TaskConstraints,
    TaskTimeout,
)
from bgo.model.task import Wish
from tests.build import a_wish

ms = st.integers(0, MAX_DURATION_MS)
seconds = ms.map(lambda n: n / 1000)
kinds = st.lists(st.sampled_from(["ValueError", "OSError", "TimeoutError", "Crash"]), max_size=3).map(tuple)
attempts = st.integers(1, MAX_ATTEMPTS)
limits = st.integers(1, MAX_DURATION_MS)


@st.composite
def timeouts(draw: st.DrawFn) -> TaskTimeout:
    hard = draw(st.none() | limits)
    soft = draw(st.none() | st.integers(1, hard or MAX_DURATION_MS))
    told = None if soft is None else draw(st.none() | st.sampled_from(["app:warn", "__main__:warn@/home/me/app.py"]))
    return TaskTimeout(None if soft is None else soft / 1000, None if hard is None else hard / 1000, told)


retries = st.one_of(
    st.just(RetryPolicy.NONE),
    st.builds(
        RetryPolicy.exponential, attempts, seconds, seconds, st.floats(1, 1000), st.booleans(),
        retry_on=kinds, give_up_on=kinds,
    ),
    st.builds(
        RetryPolicy.linear, attempts, seconds, st.booleans(), max_delay=seconds, retry_on=kinds, give_up_on=kinds
    ),
    st.builds(RetryPolicy.custom, delays=st.lists(seconds, max_size=6), retry_on=kinds, give_up_on=kinds),
)  # fmt: skip
constraints = st.builds(
    TaskConstraints, st.sampled_from(NetworkConstraint), st.booleans(), st.booleans(), st.booleans(), st.booleans(),
    st.sampled_from(ConstraintLoss), st.none() | st.integers(1, 100), st.none() | limits.map(lambda n: n / 1000),
    st.lists(st.sampled_from(["Home", "Café, 1st floor", "a\\b"])),
)  # fmt: skip
controls = st.none() | st.builds(
    ConcurrencyControl,
    st.integers(1, 1_000_000),
    st.sampled_from(ConcurrencyStrategy),
    st.none() | st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=256),
)
wish_values = st.builds(Wish, timeouts(), retries, constraints, controls, st.booleans())


@given(wish_values)
def test_a_wish_comes_back_equal(wish: Wish) -> None:
    text = wishes.dump(wish)
    assert wishes.load(text) == wish
    assert wishes.dump(wishes.load(text)) == text


@given(wish_values)
def test_the_text_is_canonical_json_of_what_was_asked(wish: Wish) -> None:
    text = wishes.dump(wish)
    found = json.loads(text)
    assert json.dumps(found, sort_keys=True, separators=(",", ":")) == text
    assert set(found) <= {"timeout", "retry", "constraints", "concurrency", "at_most_once"}
    assert ("at_most_once" in found) is wish.at_most_once
    assert ("concurrency" in found) is (wish.concurrency is not None)
    assert ("constraints" in found) is not wish.constraints.is_empty


def test_defaults_cost_nothing() -> None:
    assert wishes.dump(Wish()) == "{}"
    assert wishes.load("{}") == Wish()


def test_what_is_asked_is_readable() -> None:
    wish = a_wish(
        retry=RetryPolicy.exponential(5, 10, jitter=True),
        limit=ConcurrencyControl(2, ConcurrencyStrategy.LIFO, "net"),
        constraints=TaskConstraints(NetworkConstraint.UNMETERED, requires_charging=True),
        timeout=TaskTimeout.NONE,
        at_most_once=True,
    )
    assert wishes.to_json(wish) == {
        "timeout": {"soft_ms": None, "hard_ms": None},
        "retry": {
            "kind": "exponential", "max_attempts": 5, "delay_ms": 10_000, "max_delay_ms": 3_600_000,
            "multiplier": 2.0, "jitter": True,
        },
        "constraints": {"network": "unmetered", "requires_charging": True},
        "concurrency": {"max": 2, "strategy": "lifo", "key": "net"},
        "at_most_once": True,
    }  # fmt: skip
