"""One step of a chain file: what it runs, how it is called, and what follows when it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bgo.clock import Clock
from bgo.errors import UsageError
from bgo.flow import chain_words as words
from bgo.flow import wording
from bgo.flow.chaining import MERGES
from bgo.flow.drafts import Draft
from bgo.flow.toml_tables import TableReader, items_of, object_of, spelled
from bgo.model.flow import FAIL, INPUT
from bgo.model.options import check_name
from bgo.toml_text import TomlText, at

if TYPE_CHECKING:
    from bgo.model.window import TimeWindow

STEP = "step"
WHAT = ("run", "parallel", "command")
OF_MEMBER = ("run", "command", "name", "input", "over", "items", "field", *words.EACH)
OF_STEP = (*OF_MEMBER, "parallel", "on_failure", "merge")


@dataclass(frozen=True, slots=True)
class Step:
    name: str | None
    """Its own, where it has several members."""
    members: list[Draft]
    on_failure: str
    table: Mapping[str, Any]
    number: int

    @property
    def names(self) -> set[str]:
        """What a step can be called: by its own name, or by that of its only member."""
        return {n for n in (self.name, *(name_of(m) for m in self.members if len(self.members) == 1)) if n}


def name_of(draft: Draft) -> str:
    return draft.name or draft.handler


class StepReader(TableReader):
    """Reads the steps of one chain file."""

    def __init__(self, text: TomlText, folder: str, clock: Clock, windows: Mapping[str, TimeWindow]) -> None:
        super().__init__(text, folder, clock, windows)
        self._taken = {INPUT}
        """Names that commands have: the next one gets a number behind it."""

    def step(self, table: Mapping[str, Any], number: int) -> Step:
        self.check_keys(table, OF_STEP, "a step", STEP, number)
        members = self._members(table, number)
        with at(self._text.place(STEP, number, "on_failure")):
            on_failure = words.text(table.get("on_failure", FAIL), "fail, continue, or the name of a step")
        with at(self._text.place(STEP, number, "merge")):
            if table.get("merge", MERGES[0]) not in MERGES:
                raise UsageError(
                    f"merge is {' or '.join(MERGES)}", why=f"there is {table['merge']!r:.60}",
                    hint='merge = "array" collects what parallel steps give',
                )  # fmt: skip
        own = table.get("name") if len(members) > 1 else None
        return Step(own, members, on_failure, table, number)

    def _members(self, table: Mapping[str, Any], number: int) -> list[Draft]:
        """Return the members of a step; what the step says of input and options goes to each of them."""
        place = self._text.place(STEP, number)
        what = self._only_one(table, place, WHAT)
        listed = table[what] if what == "parallel" or (what == "run" and isinstance(table[what], list)) else None
        if listed is None:
            return self._drafts(table, {}, number)
        place = self._text.place(STEP, number, what)
        with at(place):
            if not isinstance(listed, list) or not listed or not all(isinstance(m, (str, dict)) for m in listed):
                raise words.wrong(listed, "a list of step words or tables")
        common = {k: v for k, v in table.items() if k in words.EACH or k == INPUT}
        if extra := [key for key in ("over", "items", "field") if key in table]:
            place = self._text.place(STEP, number, extra[0])
            raise UsageError(f"{place}: {extra[0]} beside several members", why="it is for one of them",
                             hint=f'{what} = [{{ run = "…", {extra[0]} = "…" }}]')  # fmt: skip
        found: list[Draft] = []
        for one in listed:
            member = {"run": one} if isinstance(one, str) else spelled(one)
            self.check_keys(member, OF_MEMBER, "a member", STEP, number)
            self._only_one(member, place, ("run", "command"))
            found += self._drafts(member, common, number)
        return found

    def _only_one(self, table: Mapping[str, Any], place: str, among: tuple[str, ...]) -> str:
        said = [key for key in among if key in table]
        if len(said) == 1:
            return said[0]
        what = " and ".join(said) if said else "nothing to run"
        why = "each says what to run" if said else f"none of {', '.join(among)} is there"
        raise UsageError(f"{place}: a step with {what}", why=why, hint='one of them: run = "files.scan"')

    def _drafts(self, table: Mapping[str, Any], common: Mapping[str, Any], number: int) -> list[Draft]:
        text, name = self._text, table.get("name")
        with at(text.place(STEP, number, "name")):
            if name is not None:
                check_name(name, "step")
        options = {**self.keywords(common, STEP, number), **self.keywords(table, STEP, number)}
        with at(text.place(STEP, number, INPUT)):
            given = {**object_of(common.get(INPUT, {})), **object_of(table.get(INPUT, {}))}
        with at(text.place(STEP, number, "command" if "command" in table else "run")):
            made = self._named(table, name)
        with at(text.place(STEP, number, "over" if "over" in table else "items")):
            batch = self._batch(table, len(made))
        found = []
        for draft in made:
            over = batch.get("over") or draft.over
            said = {**draft.options, **options}
            found.append(Draft(draft.handler, draft.name, given, said, over, batch.get("items"), batch.get("field")))
        return found

    def _named(self, table: Mapping[str, Any], name: str | None) -> list[Draft]:
        """Return what is to be run, with the name that stands beside it."""
        if "command" in table:
            command = table["command"]
            argv = wording.argv_of(command) if isinstance(command, str) else words.texts(command)
            name = name or wording.free_name(argv, self._taken)
            self._taken.add(name)
            return [wording.command_draft(argv, name, None)]
        found = wording.drafts_of(words.text(table["run"], "a step word such as 'files.scan'"))
        if name is None or len(found) > 1:
            return found
        if found[0].name is not None and found[0].name != name:
            raise UsageError(
                f"two names for one step: {found[0].name} and {name}", why="run gives it one already",
                hint=f'run = "{found[0].handler}", name = "{name}"',
            )  # fmt: skip
        return [Draft(found[0].handler, name, {}, found[0].options, found[0].over)]

    def _batch(self, table: Mapping[str, Any], members: int) -> dict[str, Any]:
        """Return what makes a member a batch: what it goes over, or its items."""
        found: dict[str, Any] = {key: words.text(table[key]) for key in ("over", "field") if key in table}
        if "items" in table:
            found["items"] = items_of(table["items"], self._folder)
        if len(found.keys() - {"field"}) > 1:
            raise UsageError("over and items contradict each other", why="both say what the items are", hint="give one")
        if found and members > 1:
            raise UsageError("a batch beside others in one step word", why="it is for one of them",
                             hint='parallel = [{ run = "…", over = "…" }, "…"]')  # fmt: skip
        return found
