"""Relaxing: what is asked at each age, and which steps make sense."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.errors import UsageError
from bgo.model import specs
from bgo.model import wish as wishes
from bgo.model.options import NO_CONSTRAINTS, ConstraintLoss, NetworkConstraint, TaskConstraints
from bgo.model.task import Wish
from bgo.model.window import RelaxStep
from bgo.policy import relax
from tests.build import START

N = NetworkConstraint
ALL = TaskConstraints(N.UNMETERED, True, True, True, True, cpu_below=50, unused_for=60, on_network="Home")
NETS = ("Home", "a, b", "c\\,d\\", "=")
SETS = st.builds(
    TaskConstraints, st.sampled_from(N), *(st.booleans() for _ in range(4)), cpu_below=st.sampled_from([None, 20, 50]),
    unused_for=st.sampled_from([None, 1, 5400.5]), on_network=st.sets(st.sampled_from(NETS)),
)  # fmt: skip


@st.composite
def relaxing(draw: st.DrawFn) -> Wish:
    """Return a wish whose steps are those of all drawn that make sense, one after another."""
    base, age, steps = draw(SETS), 0, []
    before = base
    for _ in range(draw(st.integers(0, 5))):
        after = draw(SETS)
        if relax.is_looser(before, after):
            age += draw(st.integers(1, 10**9))
            steps.append(RelaxStep(age, after))
            before = after
    return Wish(constraints=base, relax=relax.checked(base, steps))


@given(relaxing(), st.lists(st.integers(0, 6 * 10**9), min_size=2))
def test_as_time_goes_by_less_is_asked_and_never_more(wish: Wish, ages: list[int]) -> None:
    asked = [relax.asked(wish, START, START + age) for age in sorted(ages)]
    for before, after in pairwise(asked):
        assert before == after or relax.is_looser(before, after)


@given(relaxing())
def test_each_step_counts_from_its_instant_on(wish: Wish) -> None:
    now, seen = START, [wish.constraints]
    while (at := relax.next_at(wish, START, now)) is not None:
        assert at > now
        assert relax.asked(wish, START, at - 1) == seen[-1]
        seen.append(relax.asked(wish, START, at))
        now = at
    assert seen == [wish.constraints, *(step.constraints for step in wish.relax)]


@given(relaxing())
def test_what_is_kept_is_what_was_asked(wish: Wish) -> None:
    assert wishes.load(wishes.dump(wish)) == wish
    for step in wish.relax:
        words = ",".join(specs.constraint_words(step.constraints)) or "none"
        assert specs.relax(f"{step.after_ms}ms:{words}") == step


@given(SETS, SETS)
def test_whatever_meets_the_stricter_set_meets_the_looser(strict: TaskConstraints, loose: TaskConstraints) -> None:
    """By kinds of networks, written down anew: which of them meets which wish."""
    kinds = {
        N.NONE: {"no", "plain", "free", "dear", "roaming"}, N.CONNECTED: {"plain", "free", "dear", "roaming"},
        N.UNMETERED: {"free"}, N.METERED: {"dear", "roaming"}, N.NOT_ROAMING: {"plain", "free", "dear"},
    }  # fmt: skip
    flags = ("battery_not_low", "requires_charging", "device_idle", "storage_not_low")
    implied = kinds[strict.network] <= kinds[loose.network] and all(
        getattr(strict, name) or not getattr(loose, name) for name in flags
    )
    implied = implied and (strict.cpu_below or 999) <= (loose.cpu_below or 999)
    implied = implied and (strict.unused_ms or 0) >= (loose.unused_ms or 0)
    implied = implied and set(strict.networks or (*NETS, "any other")) <= set(loose.networks or (*NETS, "any other"))
    assert relax.is_looser(strict, loose) == (implied and strict != loose)


def test_what_a_loss_means_stays() -> None:
    base = replace(ALL, on_loss=ConstraintLoss.CANCEL)
    step = RelaxStep(5, TaskConstraints(requires_charging=True))
    wish = Wish(constraints=base, relax=relax.checked(base, [step, RelaxStep(9, NO_CONSTRAINTS)]))
    assert relax.asked(wish, 0, 5) == TaskConstraints(requires_charging=True, on_loss=ConstraintLoss.CANCEL)
    assert relax.asked(wish, 0, 9) is NO_CONSTRAINTS


def test_words() -> None:
    assert specs.relax("3d:network=connected") == RelaxStep(3 * 86_400_000, TaskConstraints(N.CONNECTED))
    assert specs.relax("1h: Charging, battery-not-low").constraints == TaskConstraints(
        requires_charging=True, battery_not_low=True
    )
    assert RelaxStep.after(timedelta(hours=1), NO_CONSTRAINTS) == specs.relax("1h:none")
    wish = specs.relax("1h: CPU-below=80%, unused-for=1h30m ,on-network=Home,on-network=Bar\\, 1st").constraints
    assert wish == TaskConstraints(cpu_below=80, unused_for=5400, on_network=["Home", "Bar, 1st"])
    assert specs.constraint_words(wish) == [
        "cpu-below=80%", "unused-for=1h30m", "on-network=Bar\\, 1st", "on-network=Home",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("3d", "not a step of relax"),
        ("3d:", "not a step of relax"),
        (":none", "duration"),
        ("0s:none", "duration|must be|at least|not a"),
        ("soon:none", "duration"),
        ("3d:network=wifi", "'network=wifi' is nothing"),
        ("3d:charging=no", "'charging=no' is nothing"),
        ("3d:none,charging", "'none' is nothing"),
        ("3d:chargin", "'chargin' is nothing"),
        ("3d:cpu-below", "'cpu-below' is nothing"),
        ("3d:cpu-below=0", "from 1 to 100"),
        ("3d:cpu-below=half", "from 1 to 100"),
        ("3d:unused-for=0s", "must lie between"),
        ("3d:unused-for=soon", "duration"),
        ("3d:on-network=", "'on-network=' is nothing"),
        ("3d:on-network=Home,,", "'' is nothing"),
    ],
)
def test_words_that_mean_nothing_are_refused(text: str, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        specs.relax(text)
    assert caught.value.hint
    assert any(word in f"{caught.value.message} {caught.value.why}" for word in what.split("|"))


NONE = RelaxStep(9, NO_CONSTRAINTS)


@pytest.mark.parametrize(
    ("steps", "what"),
    [
        ([RelaxStep(n, NO_CONSTRAINTS) for n in range(1, 10)], "9 steps of relax"),
        ([RelaxStep(9, ALL)], "is no less than"),
        ([NONE, RelaxStep(10, NO_CONSTRAINTS)], "none is no less than none"),
        ([NONE, RelaxStep(10, TaskConstraints(N.CONNECTED))], "is no less than none"),
        ([RelaxStep(9, replace(ALL, network=N.CONNECTED)), RelaxStep(9, NO_CONSTRAINTS)], "comes no later"),
        ([RelaxStep(9, TaskConstraints(N.METERED))], "network=metered is no less than"),
        ([RelaxStep(0, NO_CONSTRAINTS)], "comes no later"),
        ([RelaxStep(1.5, NO_CONSTRAINTS)], "not a step"),  # type: ignore[arg-type]
        ([RelaxStep(1, None)], "not a step"),  # type: ignore[arg-type]
        (["3d:none"], "not a step"),
    ],
)
def test_steps_that_make_no_sense_are_refused(steps: list[Any], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        relax.checked(ALL, steps)
