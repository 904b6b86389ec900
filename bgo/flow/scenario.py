"""A scenario on a stage: its work in a store of its own, in memory, as if it had been queued at the start.

It says everything itself: handlers of this computer are not asked, so that it plays the same on every other one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bgo import compose
from bgo.clock import VirtualClock
from bgo.flow.scheduling import Scheduling
from bgo.ids import new_id, seeded_rng
from bgo.model.handler import HandlerInfo, Source
from bgo.store.sqlite import SqliteStore
from bgo.toml_text import at

if TYPE_CHECKING:
    from bgo.config import Settings
    from bgo.flow.scenario_file import Scenario
    from bgo.flow.scenario_tables import Work
    from bgo.ids import Rng
    from bgo.model.task import TaskSpec

PAGE = 1_000
SEED = 1
"""Ids do not hang on the seed of a play: so they are those of the same tasks in all of them."""
BESIDE = "scenario.db"
"""No such store is ever made; its name keeps workers of the real one from being woken."""


class _Stage(Scheduling):
    """A flow on a store in memory, whose time stands still. Any handler exists, and takes any input.

    Work is let in as a computer lets it in: what a profile refuses is held in the play under that profile, and runs in
    the one beside it.
    """

    def __init__(self, settings: Settings, start_ms: int) -> None:
        nowhere = settings.cache_dir / "no" / BESIDE
        super().__init__(settings=replace(settings, store_path=nowhere, profile="host"), clock=VirtualClock(start_ms))
        self._open = SqliteStore(None)
        with self._open.write() as session:
            compose.configure(session, settings)

    @cached_property
    def _rng(self) -> Rng:
        return seeded_rng(SEED, "scenario")

    def handler(self, name: str) -> HandlerInfo:
        return HandlerInfo(name, Source("file", ""), takes_argv=True)

    def _check_plugins(self) -> None:
        """Nothing is executed."""

    def _remember(self) -> None:
        """It brings no handlers."""


def stage(scenario: Scenario, settings: Settings) -> SqliteStore:
    """Return a store that has the work of a scenario. Raises UsageError for what cannot be queued, with FILE:LINE."""
    flow = _Stage(settings, scenario.start_ms)
    try:
        for work in scenario.tasks:
            with at(work.place):
                _enter_tasks(flow, work)
        for work in scenario.chains:
            with at(work.place):
                _enter_chains(flow, work, scenario.folder)
        _enter_schedules(flow, scenario)
        return flow.store
    except BaseException:
        flow.close()
        raise


def _enter_tasks(flow: _Stage, work: Work) -> None:
    options: Any = {**work.keywords, "as_": work.name}
    like = flow._spec(work.handler, work.input, options)
    page: list[TaskSpec] = []
    for spec in _alike(flow, work, like):
        page.append(spec)
        if len(page) == PAGE:
            flow._insert(page)
            page = []
    flow._insert(page)


def _alike(flow: _Stage, work: Work, like: TaskSpec) -> Iterator[TaskSpec]:
    first = flow.clock.now_ms() if like.due_at is None else like.due_at
    for number in range(work.count):
        due = like.due_at if not number else first + work.later_ms(number)
        yield replace(like, id=new_id(flow._rng), random_order=flow._rng.random(), due_at=due)


def _enter_chains(flow: _Stage, work: Work, folder: str) -> None:
    path = os.path.join(folder, os.path.expanduser(work.file))
    for number in range(work.count):
        chain = flow.chain_file(path, work.name) if work.file else flow.chain(work.name).then_words(*work.steps)
        options: Any = dict(work.keywords)
        if number and work.spread_ms:
            first = flow.clock.now_ms() if (due := _due(flow, work)) is None else due
            options = {key: value for key, value in options.items() if key != "delay"}
            options["at"] = first + work.later_ms(number)
        chain.with_options(**options).enqueue(work.input)


def _due(flow: _Stage, work: Work) -> int | None:
    """Return when the first of some chains is due."""
    from bgo.flow.options import to_request

    said: Any = {key: value for key, value in work.keywords.items() if key in ("delay", "at")}
    return to_request("", {}, said, flow.clock).due_at


def _enter_schedules(flow: _Stage, scenario: Scenario) -> None:
    from bgo.flow.schedule_files import draft_of

    drafts = []
    for each in scenario.schedules:
        with at(f"{scenario.name}:{each.line}"):
            drafts.append(draft_of(flow, each, scenario.name))
    if drafts:
        flow.place_all(drafts)
