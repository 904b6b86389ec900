"""Chains and batches come in: small ones in one commit, large ones by the page, unseen until the last one is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from bgo.engine import batch as batches
from bgo.engine import chain as chains
from bgo.engine import resolve
from bgo.errors import StoreBusyError, StoreError, UnknownCommitError, UsageError
from bgo.ids import derived_id, new_id
from bgo.model.flow import BatchPlan, ChainSpec, MemberSpec
from bgo.model.task import Enqueued, TaskSpec
from bgo.run.liveness import WorkerLock, clear_stage, is_coming, stage_lock
from bgo.run.wake import ring

if TYPE_CHECKING:
    from bgo.flow.enqueueing import Enqueueing
    from bgo.flow.opened import Opened
    from bgo.model.views import Explanation
    from bgo.store.port import Session

PAGE = 250
"""Items that one transaction brings in: it is over before anybody who waits for the lock would notice."""
AT_ONCE = 1_000
"""Items of a chain's batches up to which the chain comes in in one commit."""
DROP = 500


class Entry(NamedTuple):
    """A batch that is to come in: itself, what its items become, and whether more may come after them."""

    spec: TaskSpec
    plan: BatchPlan
    is_open: bool = False


def _ready(flow: Enqueueing, specs: Sequence[TaskSpec], *, is_plan: bool = False) -> None:
    flow._check_plugins()
    flow._remember()
    if flow.settings.profile != "host" and not is_plan:
        from bgo.flow.fitting import refuse  # a computer takes all work

        refuse(flow, specs)
    queues = {spec.queue for spec in specs}
    with flow.store.read() as session:
        for queue in sorted(queues):
            resolve.known_queue(session, queue)


def _weighed(flow: Enqueueing, items: Iterable[bytes]) -> Iterable[bytes]:
    if flow.settings.profile == "host":
        return items
    from bgo.flow.fitting import weighed  # a computer takes all work

    return weighed(flow, items)


def _all_specs(members: Iterable[MemberSpec]) -> Iterator[TaskSpec]:
    for member in members:
        yield member.spec
        if member.batch is not None and member.batch.template is not None:
            yield member.batch.template


def enter_chain(flow: Enqueueing, chain: ChainSpec) -> Enqueued:
    """Queue a chain. Raises what `enqueue` raises."""
    _ready(flow, [chain.spec, *_all_specs(chain.members), *chain.plan.asides.values()])
    if sum(len(member.items) for member in chain.members) > AT_ONCE:
        return _enter_large(flow, chain)
    made: Enqueued | None = None
    try:
        with flow.store.write() as session:
            made = chains.enqueue(session, chain, flow.clock.now_ms())
    except UnknownCommitError:
        flow.close()
        if made is None or not flow._has_arrived([made]):
            raise
    ring(flow.settings.run_dir)
    return made


def _enter_large(flow: Enqueueing, chain: ChainSpec) -> Enqueued:
    bare = replace(chain, members=tuple(replace(member, items=()) for member in chain.members))
    with _Coming(flow, chain.spec.id) as coming:
        with flow.store.write() as session:
            batches.open_chain_stage(session, bare, coming.owner, flow.clock.now_ms())
        for number, member in enumerate(chain.members):
            if member.items:
                with flow.store.read() as session:
                    node = session.tasks.find(derived_id(chain.spec.id, number))
                if node is None:
                    raise AssertionError("it was inserted before")
                coming.bring(node.seq, member.items)
        made = coming.seal(chain.spec)
    if made is None:
        raise AssertionError("a chain that is new is always told of")
    return made


def enter_batch(flow: Enqueueing, entry: Entry, items: Iterable[bytes]) -> Enqueued:
    """Queue a batch of any number of items in constant memory: visible whole, or, whatever happens, not at all.

    Raises UsageError when there is no item and none may come later.
    """
    parts = [] if entry.plan.chain is None else [*_all_specs(entry.plan.chain.members)]
    templates = [] if entry.plan.template is None else [entry.plan.template]
    _ready(flow, [entry.spec, *templates, *parts, *entry.plan.callbacks.values()])
    spec = entry.spec
    by_items = spec.wish.dedup is not None
    with _Coming(flow, spec.id, digests=by_items) as coming:
        with flow.store.write() as session:
            now = flow.clock.now_ms()
            seq = batches.open_stage(session, spec, entry.plan, coming.owner, now, is_open=entry.is_open)
        if not coming.bring(seq, _weighed(flow, items)) and not entry.is_open:
            hint = "give at least one item, or --open for a batch that gets its items later"
            raise UsageError("a batch needs items", why="there was none", hint=hint)
        if by_items:
            spec = replace(spec, dedup_key=coming.key(spec))
        made = coming.seal(spec)
    if made is None:
        raise AssertionError("a batch that is new is always told of")
    return made


def enter_more(flow: Enqueueing, batch_id: str, items: Iterable[bytes]) -> int:
    """Bring more items into an open batch, all or none; return how many there were."""
    with _Coming(flow, new_id(flow._rng)) as coming:
        with flow.store.write() as session:
            node = resolve.task(session, batch_id)
            batches.more(session, node, coming.stage, coming.owner, flow.clock.now_ms())
        count = coming.bring(node.seq, _weighed(flow, items))
        coming.seal(None)
    return count


class _Coming:
    """Somebody who brings items in: holds the lock that says so, and takes everything back if it does not end well."""

    def __init__(self, flow: Enqueueing, stage: str, *, digests: bool = False) -> None:
        self._flow = flow
        self.stage = stage
        self.owner = stage
        self._lock: WorkerLock | None = None
        self._is_sealed = False
        self._digest = None
        if digests:
            from hashlib import sha256

            self._digest = sha256()

    def __enter__(self) -> _Coming:
        self._lock = stage_lock(self._flow.settings.run_dir, self.owner)
        return self

    def bring(self, seq: int, items: Iterable[bytes]) -> int:
        """Bring all these items into a batch, some hundred a commit; return how many there were."""
        count, source = 0, iter(items)
        while page := list(islice(source, PAGE)):
            if self._digest is not None:
                for item in page:
                    self._digest.update(item + b"\n")
            with self._flow.store.write() as session:
                batches.add(session, seq, self.stage, page, count, self._flow.clock.now_ms())
            count += len(page)
        return count

    def key(self, spec: TaskSpec) -> str:
        """Return the dedup key of the batch with the items that were brought."""
        if self._digest is None:
            raise AssertionError("items were not digested")
        return batch_key(spec, self._digest.hexdigest())

    def seal(self, spec: TaskSpec | None) -> Enqueued | None:
        """Let everything be seen at once; what another batch stands in for is taken back."""
        made = None
        try:
            with self._flow.store.write() as session:
                made = batches.seal(session, self.stage, spec, self._flow.clock.now_ms())
        except UnknownCommitError:
            self._flow.close()
            with self._flow.store.read() as session:
                if any(row.id == self.stage for row in session.stages.list()):
                    raise
        self._is_sealed = made is None or made.outcome == "new"
        ring(self._flow.settings.run_dir)
        return made

    def __exit__(self, *_: object) -> None:
        try:
            if not self._is_sealed:
                with suppress(StoreError, StoreBusyError):  # a worker removes what we cannot
                    _drop(self._flow, self.stage)
        finally:
            if self._lock is not None:
                self._lock.release()


def batch_key(spec: TaskSpec, digest: str) -> str:
    """Return the dedup key of a batch: its name, its input, and all its items in their order, as one digest."""
    from bgo.model.limits import DedupPolicy
    from bgo.policy.dedup import key_of

    return key_of(spec.name, {"input": spec.input.decode(), "items": digest}, DedupPolicy.by_input())


def _drop(flow: Opened, stage: str) -> None:
    is_left = True
    while is_left:
        with flow.store.write() as session:
            found = [row for row in session.stages.list() if row.id == stage]
            is_left = bool(found) and batches.discard(session, found[0], DROP, flow.clock.now_ms())


def sweep(flow: Opened) -> int:
    """Remove what dead enqueuers have left unsealed; return how many batches that was."""
    with flow.store.read() as session:
        found = session.stages.list()
    dead = [row for row in found if not is_coming(flow.settings.run_dir, row.owner)]
    for row in dead:
        _drop(flow, row.id)
        clear_stage(flow.settings.run_dir, row.owner)
    return len(dead)


class _Undo(Exception):
    """Takes an insert back."""


def plan_chain(flow: Enqueueing, chain: ChainSpec) -> Explanation:
    """Return how the gates of a chain's first step would stand now; nothing is written."""
    from bgo.engine.explain import explain

    ground = flow._ground()
    small = replace(chain, members=tuple(replace(member, items=member.items[:1]) for member in chain.members))
    _ready(flow, [chain.spec, *_all_specs(chain.members)], is_plan=True)
    try:
        with flow.store.write() as session:
            made = chains.enqueue(session, small, ground.now)
            found = explain(session, resolve.task(session, _first(session, made.id)), ground)
            if made.outcome != "new":
                found = replace(found, verdict=f"{made.outcome}: {made.id} stands in for it")
            raise _Undo
    except _Undo:
        return found


def _first(session: Session, node_id: str) -> str:
    """Return the id of a chain's first member, or its own where there is none to show."""
    node = session.tasks.find(node_id)
    if node is None or node.kind != "chain":
        return node_id
    found = session.flows.of_step(node.seq, 0, limit=1)
    return found[0].id if found and found[0].kind == "task" else node_id
