"""Chain files: a chain as TOML, read into a builder. Nothing is written, and every refusal names FILE:LINE."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bgo.errors import UsageError
from bgo.flow import chain_words as words
from bgo.flow.chain_steps import STEP, Step, StepReader, name_of
from bgo.flow.chaining import ChainBuilder
from bgo.flow.toml_tables import object_of, spelled
from bgo.model import steps as grammar
from bgo.model.flow import CONTINUE, FAIL, INPUT
from bgo.model.options import check_name
from bgo.model.words import did_you_mean
from bgo.policy.schema import check_input
from bgo.toml_text import TomlText, at, read_text

if TYPE_CHECKING:
    from bgo.flow.enqueueing import Enqueueing

TOP = ("name", "input", "options", STEP)
EXAMPLE = 'a step is [[step]], and below it run = "files.scan"'


def load(flow: Enqueueing, path: str | os.PathLike[str], name: str | None = None) -> ChainBuilder:
    """Return the chain that a file describes, ready to be enqueued; `name` wins over the file's own.

    Raises UsageError for what does not fit, NotFoundError for an unknown handler, each with FILE:LINE.
    """
    text, shown = read_text(path, "chain"), os.fspath(path)
    return parse(flow, text, shown, folder=str(Path(path).absolute().parent), name=name)


def parse(
    flow: Enqueueing, text: str, shown: str = "the chain", *, folder: str = ".", name: str | None = None
) -> ChainBuilder:
    """Return the chain that this text describes; its relative paths begin at `folder`."""
    return _Reader(flow, TomlText(text, shown, EXAMPLE), folder).builder(name)


class _Reader:
    """Turns one file into a builder."""

    def __init__(self, flow: Enqueueing, text: TomlText, folder: str) -> None:
        self._flow, self._text = flow, text
        self._steps = StepReader(text, folder, flow.clock, flow.settings.windows)

    def builder(self, name: str | None) -> ChainBuilder:
        data, text = self._text.data, self._text
        self._steps.check_keys(data, TOP, "a chain file", "", 0)
        steps = [self._steps.step(table, number) for number, table in enumerate(self._tables())]
        if not steps:
            raise self._no_steps("there is no [[step]] in it")
        self._check_names(steps)
        asides = self._compensations(steps)
        with at(text.place(key="name")):
            made = ChainBuilder(self._flow, self._called(name or data.get("name")))
        with at(text.place(key=INPUT)):
            made.with_input(object_of(data.get(INPUT, {})))
        made.with_options(**self._options(steps))
        self._fill(made, steps, asides)
        return made

    @staticmethod
    def _called(name: Any) -> str:
        if name is None:
            why = "neither the file nor the command line has one"
            raise UsageError("the chain has no name", why=why, hint='name = "nightly", or bgo chain NAME --file …')
        return check_name(name, "chain")

    def _options(self, steps: Iterable[Step]) -> Any:
        options = self._text.data.get("options", {})
        with at(self._text.place("options")):
            if not isinstance(options, dict):
                raise words.wrong(options, "a table [options]")
        self._steps.check_keys(options, (*words.EACH, *words.WHOLE), "[options]", "options", 0)
        found = self._steps.keywords(options, "options", 0)
        has_window = "window" in found or any("window" in draft.options for step in steps for draft in step.members)
        if not has_window and found.keys() & {"at", "start_before"}:
            found.pop("tz", None)  # these have been read by it, and nothing else is
        return found

    def _fill(self, made: ChainBuilder, steps: list[Step], asides: Mapping[str, Step]) -> None:
        """Put the steps in line, and the compensations beside it."""
        earlier: list[str] = []
        for step in steps:
            self._check_handlers(step)
            if step.names & asides.keys():
                made.draft_aside(name_of(step.members[0]), step.members[0])
                continue
            self._check_over(step, earlier)
            earlier += [name_of(draft) for draft in step.members]
            aside = asides.get(step.on_failure)
            on_failure = step.on_failure if aside is None else name_of(aside.members[0])
            made.draft(step.name, step.members, on_failure, step.table.get("merge", "overwrite"))
        if not earlier:
            raise self._no_steps("every step is a compensation")

    def _no_steps(self, why: str) -> UsageError:
        return UsageError(f"{self._text.place()}: no steps", why=why, hint='[[step]], and below it run = "files.scan"')

    def _tables(self) -> list[Mapping[str, Any]]:
        found = self._text.data.get(STEP, [])
        with at(self._text.place(key=STEP) if isinstance(found, (str, int)) else self._text.place(STEP)):
            if not isinstance(found, list) or not all(isinstance(table, dict) for table in found):
                why = "there is one table, or a value" if found else "it is empty"
                raise UsageError("a step is written [[step]]", why=why, hint="two brackets: [[step]]")
        return [spelled(table) for table in found]

    # All of them together.

    def _check_names(self, steps: Iterable[Step]) -> None:
        seen: dict[str, int] = {}
        for step in steps:
            for draft in step.members:
                name = name_of(draft)
                place = self._text.place(STEP, step.number, "name" if draft.name else "run")
                if name in seen:
                    first = self._text.place(STEP, seen[name])
                    raise UsageError(f"{place}: step {name} appears twice", why=f"the first one is at {first}",
                                     hint='give one of them another name: name = "…"')  # fmt: skip
                seen[name] = step.number

    def _compensations(self, steps: list[Step]) -> dict[str, Step]:
        """Return the steps that others name in `on_failure`, by those names: they stand beside the chain."""
        by_name = {name: step for step in steps for name in step.names}
        targets: dict[str, str] = {}
        for step in steps:
            if step.on_failure in (FAIL, CONTINUE):
                continue
            place = self._text.place(STEP, step.number, "on_failure")
            if step.on_failure not in by_name:
                raise UsageError(
                    f"{place}: on_failure names no step: {step.on_failure!r:.60}",
                    why="it is fail, continue, or the name of a step that makes good for it",
                    hint=did_you_mean(step.on_failure, [FAIL, CONTINUE, *by_name]) or 'on_failure = "continue"',
                )
            targets[step.name or name_of(step.members[0])] = step.on_failure
            with at(place):
                grammar.check_compensations(targets)
        found = {name: by_name[name] for name in targets.values()}
        for name, step in found.items():
            self._check_aside(name, step)
        return found

    def _check_aside(self, name: str, step: Step) -> None:
        draft = step.members[0]
        odd = "is several in parallel" if len(step.members) > 1 else ""
        odd = odd or ("is a batch" if draft.over is not None or draft.items is not None else "")
        odd = odd or next((f"has {key}" for key in ("merge", "on_failure") if key in step.table), "")
        if odd:
            raise UsageError(
                f"{self._text.place(STEP, step.number)}: step {name} makes good for another, and {odd}",
                why="a compensation is one plain task, beside the chain", hint="leave that out",
            )  # fmt: skip

    def _check_handlers(self, step: Step) -> None:
        for draft in step.members:
            with at(self._text.place(STEP, step.number, "run", after=draft.handler)):
                info = self._flow.handler(draft.handler)
            with at(self._text.place(STEP, step.number, INPUT, after=draft.handler)):
                check_input(info, draft.input, is_part=True)

    def _check_over(self, step: Step, earlier: list[str]) -> None:
        """Look up the outputs that a step fans out over."""
        for draft in step.members:
            if draft.over is not None:
                key = "over" if "over" in step.table else "run"
                with at(self._text.place(STEP, step.number, key, after=draft.over)):
                    grammar.over(draft.over, earlier, name_of(draft))
