"""Chains as a program builds them: step by step, then enqueued whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, Unpack

from bgo.errors import UsageError
from bgo.flow import members
from bgo.flow.drafts import Draft, Drafted, Input, Member, draft_of
from bgo.flow.options import EnqueueOptions
from bgo.model import steps as grammar
from bgo.model.flow import FAIL, INPUT, BatchPlan, ChainPlan, ChainSpec, MemberSpec, Merge, Step
from bgo.model.task import Wish
from bgo.policy import chain as policy
from bgo.policy.schema import check_input

if TYPE_CHECKING:
    from bgo.flow.enqueueing import Enqueueing
    from bgo.model.handler import HandlerInfo
    from bgo.model.options import RetryPolicy, TaskConstraints
    from bgo.model.task import Enqueued, TaskSpec
    from bgo.model.views import Explanation

__all__ = ["MERGES", "ChainBuilder", "Member"]

MERGES = ("overwrite", "array")


class ChainBuilder:
    """A chain in the making: `flow.chain("x").then("a").then_all(["b", "c"]).then("d").enqueue(input=…)`."""

    def __init__(self, flow: Enqueueing, name: str) -> None:
        self._flow = flow
        self.name = name
        self._steps: list[Drafted] = []
        self._asides: dict[str, Draft] = {}
        self._options: dict[str, Any] = {}
        self._given: dict[str, Any] = {}

    def then(
        self,
        name: str,
        /,
        *,
        input: Input | None = None,
        on_failure: str = FAIL,
        merge: Merge = "overwrite",
        **options: Unpack[EnqueueOptions],
    ) -> Self:
        """Add a step of one task. Its input is the chain's, with the outputs of the step before over it, and `input`
        over that. `on_failure` is fail (the rest fails), continue, or the name of a `compensation`."""
        draft = draft_of(name, input, options)
        return self._add([draft], draft.name, on_failure, merge)

    def then_all(
        self,
        names: Iterable[str | Member],
        *,
        step: str | None = None,
        on_failure: str = FAIL,
        merge: Merge = "overwrite",
    ) -> Self:
        """Add a step of several tasks that run in parallel; the next step waits for all of them."""
        drafts = [n.draft if isinstance(n, Member) else Draft(n, None, {}, {}) for n in names]
        if not drafts:
            raise UsageError("then_all: no step", why="the list is empty", hint="then_all(['a', 'b'])")
        return self._add(drafts, step, on_failure, merge)

    def then_map(
        self,
        name: str,
        /,
        *,
        over: str,
        input: Input | None = None,
        field: str | None = None,
        on_failure: str = FAIL,
        **options: Unpack[EnqueueOptions],
    ) -> Self:
        """Add a step that runs once for each item of a list in an earlier output: `over="scan.files"`, or `input.x`.

        An item that is an object is the input, another is `{field: item}`. The outputs go on as a list, in order.
        """
        draft = replace(draft_of(name, input, options), over=over, field=field)
        return self._add([draft], draft.name, on_failure, "overwrite")

    def then_batch(
        self,
        name: str,
        /,
        *,
        items: Iterable[Any],
        input: Input | None = None,
        field: str | None = None,
        on_failure: str = FAIL,
        **options: Unpack[EnqueueOptions],
    ) -> Self:
        """Add a step that runs once for each of these items; otherwise as `then_map`."""
        draft = replace(draft_of(name, input, options), items=tuple(items), field=field)
        return self._add([draft], draft.name, on_failure, "overwrite")

    def compensation(self, name: str, /, *, input: Input | None = None, **options: Unpack[EnqueueOptions]) -> Self:
        """Keep a task beside the chain, for steps that name it in `on_failure`: it runs when one of them has failed,
        with `failed_step` and `error` in its input. The chain still ends failed."""
        draft = draft_of(name, input, options)
        return self.draft_aside(draft.name or name, draft)

    def then_words(self, *words: str) -> Self:
        """Add steps as the command line writes them: `a`, `a+b+c`, `thumb=resize+full=resize`, `hash@scan.files`."""
        from bgo.flow.wording import drafts_of

        for word in words:
            self._add(drafts_of(word), None, FAIL, "overwrite")
        return self

    def then_commands(self, *commands: str | Sequence[str], env: Mapping[str, str] | None = None) -> Self:
        """Add a step for each command, a line or a list of words; none of them is read by a shell."""
        from bgo.flow.wording import command_drafts

        for draft in command_drafts(commands, env):
            self._add([draft], None, FAIL, "overwrite")
        return self

    def with_input(self, input: Input) -> Self:
        """Lay this beneath the input that `enqueue` is given."""
        self._given |= input
        return self

    def with_constraints(self, constraints: TaskConstraints) -> Self:
        """Let every step wait for these, unless it asks for others itself."""
        return self.with_options(constraints=constraints)

    def with_retry(self, retry: RetryPolicy | str) -> Self:
        """Let every step be retried so, unless it says otherwise itself."""
        return self.with_options(retry=retry)

    def with_options(self, **options: Unpack[EnqueueOptions]) -> Self:
        """Give every member these options (timeout, retry, constraints, queue, priority, tags …), or the whole its own
        (delay, at, start_before, dedup, unique_id, after)."""
        self._options |= options
        return self

    def draft(
        self, step: str | None, drafts: Sequence[Draft], on_failure: str = FAIL, merge: str = "overwrite"
    ) -> Self:
        """Add a step that was read from words or a file."""
        return self._add(drafts, step, on_failure, merge)

    def draft_aside(self, name: str, draft: Draft) -> Self:
        """Add a compensation that was read from a file."""
        if name in self._asides:
            raise UsageError(f"step {name} appears twice", why="it is a compensation already", hint="give as_=…")
        self._asides[name] = draft
        return self

    def _add(self, drafts: Sequence[Draft], name: str | None, on_failure: str, merge: str) -> Self:
        if merge not in MERGES:
            raise UsageError(
                f"merge: {merge!r:.40} is neither overwrite nor array", why="it says how outputs come together",
                hint="merge='array' collects them",
            )  # fmt: skip
        self._steps.append(Drafted(name, tuple(drafts), on_failure, merge))
        return self

    @property
    def options(self) -> Mapping[str, Any]:
        """What was said of every member, and of the whole, so far."""
        return self._options

    @property
    def handlers(self) -> list[str]:
        """The handlers of its members, in their order."""
        return [draft.handler for drafted in self._steps for draft in drafted.members]

    @property
    def has_windows(self) -> bool:
        """Whether some of its members may start at certain hours only, as far as it says so itself."""
        drafts = [*(draft for drafted in self._steps for draft in drafted.members), *self._asides.values()]
        return any("window" in options for options in (self._options, *(draft.options for draft in drafts)))

    # What becomes of it.

    def enqueue(self, input: Input | None = None, **options: Unpack[EnqueueOptions]) -> str:
        """Queue the chain and return its id; when this returns, all of it is durably kept.

        Raises UsageError for what does not fit, NotFoundError for unknown handlers and queues.
        """
        return self.submit(self.spec(input, **options)).id

    def submit(self, spec: ChainSpec) -> Enqueued:
        """Queue a chain that was built before; return what became of it."""
        from bgo.flow.entering import enter_chain

        return enter_chain(self._flow, spec)

    def plan(self, input: Input | None = None, **options: Unpack[EnqueueOptions]) -> Explanation:
        """Return how the gates of its first step stand now; nothing is written."""
        return self.plan_spec(self.spec(input, **options))

    def plan_spec(self, spec: ChainSpec) -> Explanation:
        """Return how the gates of the first step of this chain would stand now; nothing is written."""
        from bgo.flow.entering import plan_chain

        return plan_chain(self._flow, spec)

    def spec(
        self, input: Input | None = None, *, is_part: bool = False, **options: Unpack[EnqueueOptions]
    ) -> ChainSpec:
        """Return the whole chain with its handlers looked up and its input checked; nothing is written.

        Of a part (what each item of a batch becomes) the input is not complete.
        """
        from bgo.engine.spec import Draw, whole
        from bgo.ids import new_id

        each, said = members.split({**self._options, **options})
        flow, given = self._flow, {**self._given, **(input or {})}
        request = members.whole_request(flow, self.name, given, said)
        node = whole(request, Draw(new_id(flow._rng), 0.0, flow.clock.now_ms()))
        common = {**each, "tags": tuple(request.tags)}
        if request.queue is not None:
            common["queue"] = request.queue
        made: list[MemberSpec] = []
        steps: list[Step] = []
        names: list[str] = []
        for number, drafted in enumerate(self._steps):
            parts = [self._member(draft, common, names) for draft in drafted.members]
            names += [member.spec.name for member, _ in parts]
            steps.append(_step(drafted, tuple(member.spec.name for member, _ in parts)))
            for member, info in parts:
                made.append(replace(member, step=number, spec=_timed(member.spec, node, number)))
                if number == 0 and not is_part:
                    _check_first(member, info, given)
        asides = {name: self._aside(name, draft, common) for name, draft in self._asides.items()}
        _check_windows(made, asides, node, common, flow.clock.now_ms())
        grammar.check_steps(steps, asides)
        return ChainSpec(node, ChainPlan(tuple(steps), asides), tuple(made))

    def _member(
        self, draft: Draft, common: Mapping[str, Any], earlier: Sequence[str]
    ) -> tuple[MemberSpec, HandlerInfo | None]:
        options = dict(draft.options)
        is_batch = draft.over is not None or draft.items is not None
        own = options if is_batch or draft.name is None else {**options, "as_": draft.name}
        spec, info = members.template(self._flow, draft.handler, {} if is_batch else draft.input, own, common)
        if not is_batch:
            return MemberSpec(spec, 0), info
        from bgo.flow.items import as_items, field_of
        from bgo.model import payload

        name = draft.name or spec.name
        field = draft.field or field_of(info)
        over = None if draft.over is None else grammar.over(draft.over, earlier, name)
        items = () if draft.items is None else tuple(as_items(draft.items, field, info))
        if draft.items is not None and not items:
            raise UsageError(f"step {name}: no items", why="a batch of nothing does nothing", hint="give at least one")
        node = replace(spec, handler="", name=name, input=payload.dump(dict(draft.input)), setup=None, wish=_PLAIN)
        return MemberSpec(node, 0, BatchPlan(template=spec, over=over, field_=field), items), info

    def _aside(self, name: str, draft: Draft, common: Mapping[str, Any]) -> TaskSpec:
        own = {**draft.options, "as_": name}
        return members.template(self._flow, draft.handler, draft.input, own, common)[0]


def _step(drafted: Drafted, names: tuple[str, ...]) -> Step:
    merge: Any = drafted.merge
    return Step(drafted.name or "+".join(names), names, drafted.on_failure, merge)


def _timed(spec: TaskSpec, node: TaskSpec, step: int) -> TaskSpec:
    """A chain's start time, and its deadline for that, are those of its first step."""
    if step or (node.due_at is None and node.wish.start_before is None):
        return spec
    return replace(spec, due_at=node.due_at, wish=replace(spec.wish, start_before=node.wish.start_before))


def _check_windows(
    made: Sequence[MemberSpec], asides: Mapping[str, TaskSpec], node: TaskSpec, common: Mapping[str, Any], now: int
) -> None:
    """Refuse a first step whose window opens too late, and a zone that nothing is read by."""
    from bgo.engine import deadlines

    wishes = [_task_of(member).wish for member in made]
    if not any(wish.window for wish in (*wishes, *(aside.wish for aside in asides.values()))):
        members.check_idle_hours(common)
    for member, wish in zip(made, wishes, strict=True):
        if member.step == 0:
            deadlines.check_window(replace(wish, start_before=node.wish.start_before), node.due_at, now)


def _task_of(member: MemberSpec) -> TaskSpec:
    """Return the task that a member is, or that each item of it becomes."""
    template = None if member.batch is None else member.batch.template
    return template or member.spec


def _check_first(member: MemberSpec, info: HandlerInfo | None, given: Input) -> None:
    """What the first step gets is known now: it must fit its handler. What is more may be for later steps."""
    from bgo.model import payload

    if info is not None and member.batch is None:
        check_input(info, {**given, **payload.load(member.spec.input)}, extras="ignore")
    if member.batch is not None and member.batch.over is not None and member.batch.over.member == INPUT:
        _, why = policy.items_at(member.batch.over, given)
        if why:
            raise UsageError(
                f"step {member.spec.name}: {why}", why="it fans out over it", hint="give it with -i or input="
            )


_PLAIN = Wish()
"""A chain or batch is never claimed: only its members wish for something."""
