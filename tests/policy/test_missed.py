"""What becomes of occurrences that have piled up, and of a clock that was set back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.errors import UsageError
from bgo.model.schedule import CATCH_UP, GRACE_MS, Missed, MissedPolicy
from bgo.policy.clock_step import SET_BACK_MS, is_set_back
from bgo.policy.missed import Share, share

POLICIES = st.builds(MissedPolicy, st.sampled_from(Missed), st.integers(0, 10**9), st.integers(1, 1000))


@pytest.mark.parametrize(
    ("text", "due", "late", "wanted"),
    [
        ("one", 1, 0, Share(0, 0, 1)),
        ("one", 500, 10**9, Share(0, 499, 1)),
        ("skip", 1, GRACE_MS, Share(0, 0, 1)),
        ("skip", 1, GRACE_MS + 1, Share(1, 0, 0)),
        ("skip", 9, 0, Share(8, 0, 1)),
        ("skip:15m", 9, 900_000, Share(8, 0, 1)),
        ("skip:0s", 3, 1, Share(3, 0, 0)),
        ("all", CATCH_UP, 10**9, Share(0, 0, CATCH_UP)),
        ("all", CATCH_UP + 7, 10**9, Share(7, 0, CATCH_UP)),
        ("all:2", 5, 0, Share(3, 0, 2)),
    ],
)
def test_what_becomes_of_what_was_missed(text: str, due: int, late: int, wanted: Share) -> None:
    assert share(MissedPolicy.of(text), due, late) == wanted


@given(POLICIES, st.integers(1, 10**7), st.integers(0, 10**12))
def test_every_occurrence_is_accounted_for(policy: MissedPolicy, due: int, late: int) -> None:
    found = share(policy, due, late)
    assert sum(found) == due
    assert min(found) >= 0


@given(POLICIES)
def test_a_policy_is_read_back_from_its_text(policy: MissedPolicy) -> None:
    shown = MissedPolicy.of(str(policy))
    assert str(shown) == str(policy)
    assert shown.kind is policy.kind


@pytest.mark.parametrize(
    "text", ["", "never", "one:3", "all:0", "all:-1", "all:1001", "all:x", "skip:", "skip:-1m", "al"]
)
def test_other_words_are_refused_with_the_forms(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        MissedPolicy.of(text)
    assert caught.value.hint


def test_a_clock_that_goes_back_by_hours_was_wrong_before() -> None:
    assert not is_set_back(1_000, 1_000)
    assert not is_set_back(SET_BACK_MS, 0)
    assert is_set_back(SET_BACK_MS + 1, 0)
