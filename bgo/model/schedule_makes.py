"""What a schedule makes, opened for those who look: the tasks of it, what they have in common, its steps or items.

A schedule keeps a template as JSON (`model.flow.template_json`); here it is read without building it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Spec = Mapping[str, Any]
"""A template of a task, as `model.flow.spec_json` tells it."""


@dataclass(frozen=True, slots=True)
class Makes:
    """A stored template: of one task, of a chain, or of a batch."""

    kind: str
    made: Any

    @classmethod
    def of(cls, template: Mapping[str, Any]) -> Makes:
        """Return it of an object with one key, its kind."""
        ((kind, made),) = template.items()
        return cls(kind, made)

    @property
    def spec(self) -> Spec:
        """Return the template of the task, or what the chain or the batch is asked for as a whole."""
        found: Spec = self.made if self.kind == "task" else self.made["spec"] if self.kind == "chain" else self.made[0]
        return found

    @property
    def argv(self) -> list[str] | None:
        """Return the command line of a task, if it has one."""
        setup = self.spec["setup"]
        return None if setup is None else setup["argv"]

    @property
    def tasks(self) -> list[Spec]:
        """Return the templates of the tasks that come of it, callbacks and compensations left out."""
        if self.kind == "task":
            return [self.spec]
        return list(_of_chain(self.made) if self.kind == "chain" else _of_batch(self.made[1]))

    @property
    def steps(self) -> list[list[str]] | None:
        """Return the names of a chain's members, step by step; of a batch those of the chain of each item."""
        chain = self.made if self.kind == "chain" else self.made[1]["chain"] if self.kind == "batch" else None
        return None if chain is None else [list(members) for _, members, *_ in chain["plan"]["steps"]]

    @property
    def items(self) -> int | None:
        """Return how many items a batch has."""
        return len(self.made[2]) if self.kind == "batch" else None

    @property
    def callbacks(self) -> dict[str, str] | None:
        """Return the handlers that are told of a batch's end: then, catch, finally."""
        if self.kind != "batch":
            return None
        return {kind: spec["handler"] for kind, spec in self.made[1]["callbacks"].items()}

    @property
    def tags(self) -> list[str]:
        """Return the tags of the whole and of its tasks, each once."""
        found = [tag for spec in (self.spec, *self.tasks) for tag in spec["tags"]]
        return list(dict.fromkeys(found))

    def common(self, name: str) -> Any:
        """Return what all of its tasks have: `queue`, `priority`, `cwd`; None where they differ."""
        found = [spec[name] for spec in self.tasks]
        return found[0] if all(each == found[0] for each in found) else None

    def to_json(self) -> dict[str, Any]:
        """Return what `schedules show --json` says of it. `options` is what all of its tasks ask for; what only some of
        a chain's do is in `members`."""
        members = None
        if self.steps is not None:
            members = [
                {**{name: spec[name] for name in ("name", "handler", "queue", "priority", "tags", "cwd")},
                 "options": json.loads(spec["wish"])}
                for spec in self.tasks
            ]  # fmt: skip
        return {
            "input": self.spec["input"],
            "argv": self.argv,
            "queue": self.common("queue"),
            "priority": self.common("priority"),
            "tags": self.tags,
            "cwd": self.common("cwd"),
            "options": self.options,
            "steps": self.steps,
            "members": members,
            "items": self.items,
            "callbacks": self.callbacks,
        }

    @property
    def options(self) -> dict[str, Any]:
        """Return what all of its tasks ask for, as `TaskView` tells it."""
        first, *others = (json.loads(spec["wish"]) for spec in self.tasks)
        return {name: value for name, value in first.items() if all(o.get(name) == value for o in others)}


def _of_chain(chain: Mapping[str, Any]) -> Iterator[Spec]:
    members: Sequence[Sequence[Any]] = chain["members"]
    for spec, _, batch, _ in members:
        if batch is None:
            yield spec
        else:
            yield from _of_batch(batch)


def _of_batch(plan: Mapping[str, Any]) -> Iterator[Spec]:
    if plan["chain"] is not None:
        yield from _of_chain(plan["chain"])
    else:
        yield plan["template"]
