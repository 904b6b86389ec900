"""Ids: twelve characters, a digit first, never a word that is also a name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.ids import (
    ALPHABET,
    LENGTH,
    RUN,
    derived_id,
    derived_ids,
    looks_like_id,
    new_id,
    quick_rng,
    seeded_rng,
    system_rng,
)
from bgo.model.options import NAME
from tests.build import an_id


@given(st.integers(0, 1 << 64))
def test_an_id_is_twelve_characters_and_starts_with_a_digit(seed: int) -> None:
    made = new_id(seeded_rng(seed, "ids"))
    assert len(made) == LENGTH
    assert made[0].isdigit()
    assert set(made) <= set(ALPHABET)
    assert looks_like_id(made)
    assert NAME.fullmatch(made) is None


def test_ids_do_not_repeat() -> None:
    rng = quick_rng()
    assert len({new_id(rng) for _ in range(20_000)}) == 20_000


def test_every_position_uses_its_whole_alphabet() -> None:
    rng = seeded_rng(1, "ids")
    made = [new_id(rng) for _ in range(5_000)]
    assert {i[0] for i in made} == set("0123456789")
    for position in range(1, LENGTH):
        assert {i[position] for i in made} == set(ALPHABET)


def test_a_seed_repeats_and_labels_are_apart() -> None:
    assert new_id(seeded_rng(7, "a")) == new_id(seeded_rng(7, "a"))
    assert new_id(seeded_rng(7, "a")) != new_id(seeded_rng(7, "b"))
    assert new_id(system_rng()) != new_id(system_rng())


@pytest.mark.parametrize("word", ["0", "1abc", "4zzz", "0123456789ab"])
def test_prefixes_look_like_ids(word: str) -> None:
    assert looks_like_id(word)


@pytest.mark.parametrize(
    "word", ["", "echo", "a123", "1il0", "1O00", "1 23", "0123456789abc", "٣abc", "1abc\n", "@last", "1%"]
)
def test_other_words_do_not(word: str) -> None:
    assert not looks_like_id(word)


def test_the_builders_ids_are_ids() -> None:
    assert looks_like_id(an_id())
    assert an_id(5) == an_id(5) != an_id(6)


def test_numbered_ids_are_the_same_page_by_page_and_all_different() -> None:
    whole = list(derived_ids("batch", 7, first=0, count=3 * RUN))
    pages = [list(derived_ids("batch", 7, first=at, count=250)) for at in range(0, 3 * RUN, 250)]
    assert whole == [task_id for page in pages for task_id in page][: 3 * RUN]
    assert len(set(whole)) == 3 * RUN
    assert all(looks_like_id(task_id) and len(task_id) == LENGTH for task_id in whole)
    assert whole[5] == derived_id("batch", 7, 5)
    assert len({task_id[:-2] for task_id in whole[RUN:]}) == 2  # an index of millions grows at few places
    assert not {*whole} & {*derived_ids("other", 7, first=0, count=3 * RUN)}
