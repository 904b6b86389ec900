"""Chains on plain values: what follows a step, how outputs come together, where a list is found."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.model.flow import CONTINUE, FAIL, Merge, Over, Step
from bgo.model.state import State
from bgo.policy.chain import After, after, batch_state, compensation, item_input, items_at, merged

numbers = st.integers(0, 3)
objects = st.dictionaries(st.sampled_from("abc"), st.integers(), max_size=3)
outputs = st.lists(st.tuples(st.sampled_from("xyz"), objects | st.lists(st.integers()) | st.none()), max_size=4)


@given(failed=numbers, cancelled=numbers, succeeded=numbers, policy=st.sampled_from([FAIL, CONTINUE, "undo"]))
def test_a_failure_outweighs_a_cancellation(failed: int, cancelled: int, succeeded: int, policy: str) -> None:
    tally = {State.FAILED: failed, State.CANCELLED: cancelled, State.SUCCEEDED: succeeded}
    found = after(Step("s", ("s",), policy), {state: n for state, n in tally.items() if n})
    if policy == CONTINUE:
        assert found is After.NEXT
    elif failed:
        assert found is After.FAIL
    else:
        assert found is (After.CANCEL if cancelled else After.NEXT)


@pytest.mark.parametrize(("policy", "name"), [(FAIL, None), (CONTINUE, None), ("undo", "undo")])
def test_a_step_may_name_its_compensation(policy: str, name: str | None) -> None:
    assert compensation(Step("s", ("s",), policy)) == name


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        ((0, 0, 0), State.SUCCEEDED),
        ((9, 0, 0), State.SUCCEEDED),
        ((9, 1, 1), State.FAILED),
        ((9, 0, 1), State.CANCELLED),
    ],
)
def test_a_batch_ends_as_its_members_did(counts: tuple[int, int, int], state: State) -> None:
    assert batch_state(*counts) is state


@given(base=objects, outputs=outputs)
def test_a_later_output_wins(base: dict[str, int], outputs: list[tuple[str, Any]]) -> None:
    found = merged(base, outputs, "overwrite")
    wanted: dict[str, Any] = dict(base)
    for name, value in outputs:
        if isinstance(value, dict):
            wanted.update(value)
        elif value is not None:
            wanted[name] = value
    assert found == wanted


@given(base=objects, outputs=outputs)
def test_an_array_loses_nothing_and_keeps_the_order(base: dict[str, int], outputs: list[tuple[str, Any]]) -> None:
    found = merged(base, outputs, "array")
    for key in {*"abcxyz"}:
        values = [v[key] for _, v in outputs if isinstance(v, dict) and key in v]
        values += [v for name, v in outputs if name == key and v is not None and not isinstance(v, dict)]
        if values:
            assert sorted(map(str, found[key])) == sorted(map(str, values))
        else:
            assert found.get(key) == base.get(key)


@pytest.mark.parametrize("merge", ["overwrite", "array"])
def test_nothing_put_out_changes_nothing(merge: Merge) -> None:
    base = {"a": {"deep": 1}}
    assert merged(base, [("x", None), ("y", {})], merge) == base


@pytest.mark.parametrize(
    ("over", "source", "found"),
    [
        (Over("scan", ("files",)), {"files": [1, 2]}, [1, 2]),
        (Over("scan", ("a", "b")), {"a": {"b": []}}, []),
        (Over("batch"), [3], [3]),
        (Over("input", ("x",)), {"x": [None]}, [None]),
    ],
)
def test_a_list_is_found_where_it_is_named(over: Over, source: Any, found: list[Any]) -> None:
    assert items_at(over, source) == (found, "")


@pytest.mark.parametrize(
    ("over", "source", "why"),
    [
        (Over("scan", ("files",)), {"dirs": []}, "the output of scan has no files"),
        (Over("scan", ("a", "b")), {"a": [1]}, "the output of scan has no a.b"),
        (Over("scan", ("files",)), None, "the output of scan has no files"),
        (Over("input", ("x",)), {}, "the chain's input has no x"),
        (Over("scan", ("n",)), {"n": "text"}, "scan.n is str, not a list"),
        (Over("scan"), {"n": 1}, "scan is dict, not a list"),
    ],
)
def test_what_is_no_list_is_told(over: Over, source: Any, why: str) -> None:
    assert items_at(over, source) == (None, why)


def test_an_item_that_is_no_object_becomes_one() -> None:
    assert item_input({"a": 1}) == {"a": 1}
    assert item_input([1]) == {"item": [1]}
    assert item_input(None) == {"item": None}
    assert item_input("x", "path") == {"path": "x"}
