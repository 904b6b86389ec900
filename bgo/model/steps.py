"""Steps as people write them in one word: `a`, `a+b+c`, `thumb=resize+full=resize`, `files.hash@scan.files`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from bgo.errors import UsageError
from bgo.model.flow import CONTINUE, FAIL, INPUT, Over, Step
from bgo.model.options import NAME, check_name, shown
from bgo.model.words import did_you_mean

STEP_FORMS = "a, a+b+c (in parallel), alias=handler, or handler@step.field (once for each item of an earlier output)"
MEMBERS_LIMIT = 1_000
"""Members that a chain may have at most; a step that is a batch has any number inside."""


class Word(NamedTuple):
    """One member of a step word: its handler, its own name, and what it fans out over."""

    handler: str
    alias: str | None = None
    over: str | None = None


def step(text: str) -> tuple[Word, ...]:
    """Return the members of one step: names joined by `+`, each with an alias before `=` and a list after `@`."""
    return tuple(_word(part.strip(), text) for part in text.split("+"))


def _word(part: str, text: str) -> Word:
    alias, equals, rest = part.partition("=")
    handler, at, over = (rest if equals else part).partition("@")
    parts = (handler, *([alias] if equals else []), *([over] if at else []))
    if not all(parts) or not NAME.fullmatch(handler) or (equals and not NAME.fullmatch(alias)):
        raise UsageError(
            f"not a step: {text!r:.100}",
            why="a name is missing in it" if not all(parts) else f"{part!r:.60} is no name",
            hint=f"write {STEP_FORMS}",
        )
    return Word(handler, alias if equals else None, over if at else None)


def over(text: str, earlier: Iterable[str], asked_by: str) -> Over:
    """Return what `NAME.field` (of a member of an earlier step, or `input`) reaches.

    Names may have dots in them: the longest one that fits counts. Raises UsageError for a step that is not earlier.
    """
    names = [INPUT, *earlier]
    fits = [name for name in names if text == name or text.startswith(name + ".")]
    if not fits:
        first = text.partition(".")[0]
        raise UsageError(
            f"step {asked_by}: no earlier step is called {first!r:.60}",
            why=f"a fan-out goes over an earlier output, of {', '.join(names[1:]) or 'which there is none here'}",
            hint=did_you_mean(first, names) or f"over = '{names[-1]}.items'",
        )
    name = max(fits, key=len)
    rest = text[len(name) + 1 :]
    return Over(name, tuple(rest.split(".")) if rest else ())


def check_steps(steps: Sequence[Step], asides: Collection[str]) -> None:
    """Raise UsageError for a chain that is none: no step, a name twice, an unknown compensation."""
    if not steps:
        raise UsageError("a chain needs a step", why="none was given", hint="bgo chain NAME first second+third")
    seen: set[str] = set()
    for name in [*(member for each in steps for member in each.members), *asides]:
        check_name(name, "step")
        if name in seen:
            raise UsageError(
                f"step {name} appears twice",
                why="outputs are told apart by the names of their steps",
                hint=f"give one of them another name: second={name}",
            )
        if name == INPUT:
            raise UsageError(
                "a step cannot be called input", why="that is the chain's own", hint="give it another name"
            )
        seen.add(name)
    if len(seen) > MEMBERS_LIMIT:
        why = f"a chain has at most {MEMBERS_LIMIT:,}"
        raise UsageError(f"{len(seen):,} members are too many", why=why, hint="make one step of them a batch")
    for each in steps:
        _check_policy(each, asides)


def _check_policy(step: Step, asides: Collection[str]) -> None:
    if step.on_failure in (FAIL, CONTINUE) or step.on_failure in asides:
        return
    raise UsageError(
        f"step {step.name}: on_failure names no step: {shown(step.on_failure)}",
        why="it is fail, continue, or the name of a step that makes good for it",
        hint=did_you_mean(str(step.on_failure), [FAIL, CONTINUE, *asides]) or "on_failure = 'continue'",
    )


def check_compensations(targets: dict[str, str]) -> None:
    """Raise UsageError when compensations (step → the compensation it names) lead in a circle, or on and on."""
    for first, target in targets.items():
        way = [first, target]
        while way[-1] in targets:
            if targets[way[-1]] in way:
                circle = " → ".join([*way, targets[way[-1]]])
                why = f"on_failure goes in a circle: {circle}"
                raise UsageError("the chain never ends", why=why, hint="a compensation has no on_failure of its own")
            way.append(targets[way[-1]])
        if len(way) > 2:
            raise UsageError(
                f"step {way[1]} makes good for {way[0]} and names a compensation itself",
                why="the chain has failed by then; nothing makes good for making good",
                hint=f"leave on_failure of {way[1]} out",
            )
