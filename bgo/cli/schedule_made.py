"""What a schedule makes, in labelled lines: its steps or items, and what each of its tasks asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bgo.cli.facts import Fact
    from bgo.model.schedule_makes import Makes, Spec


def facts_of(made: Makes) -> list[Fact]:
    """Return the lines that tell what a schedule makes, its name and handler left out."""
    import shlex

    from bgo.cli import render

    items, given = made.items, made.spec["input"]
    return [
        ("command", None if made.argv is None else shlex.join(made.argv)),
        ("input", render.dumps(given) if given else None),
        *_steps(made),
        ("items", None if items is None else f"{items:,}"),
        *(made.callbacks or {}).items(),
        *_each(made),
        ("tags", ", ".join(made.tags)),
        ("runs in", made.common("cwd")),
    ]


def _steps(made: Makes) -> list[Fact]:
    names = {each["name"] or each["handler"]: _named(each) for each in made.tasks}
    rows = enumerate(made.steps or (), 1)
    return [(f"step {number}", " + ".join(names.get(each, each) for each in step)) for number, step in rows]


def _named(spec: Spec) -> str:
    """Return a member: its name, and what runs where that is something else."""
    import shlex

    what = spec["handler"] if spec["setup"] is None else shlex.join(spec["setup"]["argv"] or [spec["handler"]])
    return what if spec["name"] in (None, "", what) else f"{spec['name']}: {what}"


def _each(made: Makes) -> list[Fact]:
    """Return what the tasks ask for: once where they agree, else member by member."""
    from bgo.cli.planned_chain import options_of
    from bgo.model.flow import spec_from

    asked = [(each["name"] or each["handler"], options_of(spec_from(each))) for each in made.tasks]
    if len({options for _, options in asked}) == 1:
        return [("options" if made.kind == "task" else "each", asked[0][1])]
    return [("" if number else "each", f"{name}: {options}") for number, (name, options) in enumerate(asked)]
