"""When iOS means to give time: as many instants a day as the profile says, the same for the same seed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.policy.ios import draws
from bgo.policy.ios.draws import DAY_MS, Draw

some = st.builds(
    lambda seed, least, more, gap, chance: Draw(seed, "refresh", least, least + more, gap, chance),
    st.integers(1, 5), st.integers(0, 6), st.integers(0, 12), st.sampled_from([0, 900_000, 7_200_000]),
    st.sampled_from([0.0, 0.3, 1.0]),
)  # fmt: skip
days = st.integers(19_990, 20_010)


@given(some, days)
def test_a_day_has_no_more_than_the_most_and_with_a_sure_chance_no_less_than_the_least(draw: Draw, day: int) -> None:
    found = draws.of_day(draw, day)
    assert len(found) <= draw.most
    assert draw.chance < 1 or len(found) >= draw.least
    assert draw.chance > 0 or not found
    assert all(day * DAY_MS <= at < (day + 1) * DAY_MS for at in found)
    assert list(found) == sorted(set(found))
    both = (*found, *draws.of_day(draw, day + 1))
    gap = min(draw.gap_ms, DAY_MS // max(1, draw.most))
    assert all(later - earlier >= gap for earlier, later in pairwise(both))


def test_another_seed_has_other_instants_and_so_has_the_other_kind() -> None:
    seeds = [draws.of_day(Draw(seed, "refresh", 3, 3, 0, 1.0), 20_000) for seed in range(50)]
    assert len(set(seeds)) == 50
    assert draws.of_day(Draw(1, "processing", 3, 3, 0, 1.0), 20_000) != seeds[1]
    assert draws.of_day(Draw(1, "refresh", 3, 3, 0, 1.0), 20_000) == seeds[1]


def test_the_instants_stay_what_they_are() -> None:
    """A play that somebody has kept must come out the same with the next version."""
    found = draws.of_day(Draw(1, "refresh", 2, 24, 900_000, 0.5), 20_000)
    assert [at - 20_000 * DAY_MS for at in found] == STAYS


STAYS = [1421107, 33955096, 37431860, 43008367, 57319241, 68135747]


@given(some, days, st.integers(0, 5 * DAY_MS), st.integers(-DAY_MS, 5 * DAY_MS))
def test_the_first_and_the_last_of_a_time(draw: Draw, day: int, begins: int, length: int) -> None:
    after, until = day * DAY_MS + begins, day * DAY_MS + begins + length
    every = [at for one in range(day - 2, day + 14) for at in draws.of_day(draw, one)]
    inside = [at for at in every if after < at <= until]
    assert draws.first(draw, after, until) == min(inside, default=None)
    assert draws.last(draw, after, until) == max(inside, default=None)


def test_all_numbers_between_the_least_and_the_most_come_up() -> None:
    counts = {len(draws.of_day(Draw(7, "refresh", 1, 4, 0, 1.0), day)) for day in range(300)}
    assert counts == {1, 2, 3, 4}


@pytest.mark.parametrize("chance", [0.1, 0.5, 0.9])
def test_the_chance_is_that_part_of_them(chance: float) -> None:
    every = sum(len(draws.of_day(Draw(3, "refresh", 10, 10, 0, chance), day)) for day in range(500))
    assert every / 5000 == pytest.approx(chance, abs=0.03)


@given(st.integers(0, 1 << 42), st.integers(0, DAY_MS))
def test_a_delay_lies_within_the_spread(ready: int, spread: int) -> None:
    assert 0 <= draws.delay(Draw(1, "refresh", 1, 1, 0, 1.0), ready, spread) <= max(0, spread - 1)
