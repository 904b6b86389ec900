"""The verbs that change many tasks: cancel, retry, prune, and copies of old requests."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from bgo import compose
from bgo.engine import cancel as cancelling
from bgo.engine import prune as pruning
from bgo.engine import query, resolve, revive, upstream
from bgo.engine.spec import Request
from bgo.errors import RefusedError, UsageError
from bgo.flow.wholes import Wholes
from bgo.model import payload as payloads
from bgo.model.query import CancelEffect, CancelReply, Retention, Selector
from bgo.model.state import ACTIVE, Reason, State
from bgo.model.task import INPUT_LIMIT
from bgo.policy.schema import check_input
from bgo.run.wake import ring

if TYPE_CHECKING:
    from bgo.flow.opened import Opened
    from bgo.store.port import Session

STEP = 500
REVIVABLE = (State.FAILED, State.CANCELLED)


def cancel_where(flow: Opened, selector: Selector, reason: Reason) -> list[CancelReply]:
    """Cancel matching tasks, a few hundred a transaction."""
    from dataclasses import replace

    if not selector.ids and not selector.states:
        selector = replace(selector, states=tuple(sorted(ACTIVE)))
    replies: list[CancelReply] = []
    before = None
    while True:
        with flow.store.write() as session:
            wanted = resolve.selector(session, resolve.checked(selector, "cancel"))
            page = session.tasks.select(wanted, limit=STEP, before=before)
            wholes = Wholes(session, wanted)  # a chain that goes takes its members along: one answer for all of it
            alone = [task for task in page if wholes.stands(task)]
            replies += cancelling.cancel(session, alone, reason, flow.clock.now_ms())
        if len(page) < STEP:
            break
        before = page[-1].seq
    _finish(flow)
    ring(flow.settings.run_dir)
    with flow.store.read() as session:
        return [_by_now(session, reply) for reply in replies]


def _by_now(session: Session, reply: CancelReply) -> CancelReply:
    """A large chain or batch of which nothing ran has ended by now."""
    if reply.effect is not CancelEffect.STOPPING:
        return reply
    found = session.tasks.find(reply.id)
    if found is None or found.kind == "task" or found.state is not State.CANCELLED:
        return reply
    return CancelReply(reply.id, CancelEffect.PREVENTED, found.state)


def _finish(flow: Opened) -> None:
    """Go on with what chains and batches need more than one transaction for; a worker would do it as well."""
    with flow.store.read() as session:
        is_left = session.links.is_pending()
    while is_left:
        with flow.store.write() as session:
            is_left = upstream.work_off(session, flow.clock.now_ms())


def retry_where(flow: Opened, selector: Selector, input: Mapping[str, Any] | None) -> list[str]:
    """Revive matching tasks, all in one transaction; those that other work bars are passed over unless named by id."""
    from dataclasses import replace

    if not selector.ids and not selector.states:
        selector = replace(selector, states=REVIVABLE)
    resolve.checked(selector, "retry")
    data = None
    if input is not None:
        selector, data = _new_input(flow, selector, input)
    with flow.store.write() as session:
        wholes = Wholes(session, resolve.selector(session, selector))
        found = [task for task in query.all_tasks(session, selector) if wholes.stands(task)]
        revived = []
        passed_over = () if selector.ids else (revive.BarredError,)
        for seen in found:
            task = seen if seen.parent is None else session.tasks.find_seq(seen.seq)
            if task is None or (task.state != seen.state and not selector.ids):
                continue  # its chain has brought it back
            ref = None if data is None else session.payloads.put(data)
            with suppress(*passed_over):
                revive.revive(session, task, flow.clock.now_ms(), ref)
                revived.append(task.id)
    _finish(flow)
    ring(flow.settings.run_dir)
    return revived


def _new_input(flow: Opened, selector: Selector, input: Mapping[str, Any]) -> tuple[Selector, bytes]:
    """Return the one task that is selected, by its id, and an input that fits it.

    Outside the write, which must be short: to look its handler up, the catalogue may have to be built.
    """
    with flow.store.read() as session:
        found = list(islice(query.all_tasks(session, selector), 2))
    if len(found) != 1:
        many = "several" if found else "none"
        raise UsageError("a new input is for one task", why=f"this selects {many}", hint="bgo retry ID --input '{…}'")
    if found[0].kind != "task":
        raise UsageError(
            f"{found[0].id} is a {found[0].kind}: it keeps its input",
            why="what has succeeded in it stands on the old one",
            hint="bgo retry ID -i key=value is for one of its members",
        )
    check_input(flow.handler(found[0].handler), input)
    return Selector(ids=(found[0].id,)), payloads.dump_object(dict(input), "the input", INPUT_LIMIT)


def prune(flow: Opened, retention: Retention, *, dry_run: bool) -> int:
    """Remove ended tasks beyond retention, with their logs and work directories."""
    if dry_run:
        return pruning.would_prune(flow.store, retention, flow.clock.now_ms())
    return compose.prune(flow.settings, flow.store, retention, flow.clock.now_ms())


def request_like(flow: Opened, task_id: str) -> Request:
    """Return the request that would enqueue a copy of a task: another one, so that neither its dedup key nor its
    unique id, deadlines and upstreams are copied."""
    with flow.store.read() as session:
        task = resolve.task(session, task_id)
        if task.kind != "task":
            why = f"it is a {task.kind}, and a copy is one of a task"
            raise RefusedError(f"{task.id} cannot be copied", why=why, hint=f"bgo retry {task.id}, or enqueue it anew")
        view = query.view_of(session, task)
        setup = None if task.setup_ref is None else payloads.load(session.payloads.get(task.setup_ref))
    return Request(
        handler=task.handler,
        input=view.input,
        name=task.name,
        queue=task.queue,
        priority=task.priority,
        tags=task.tags,
        timeout=task.wish.timeout,
        retry=task.wish.retry,
        constraints=task.wish.constraints,
        on_loss=None if task.wish.constraints.is_empty else task.wish.constraints.on_loss,
        concurrency=task.wish.concurrency,
        rate=task.wish.rate,
        at_most_once=task.wish.at_most_once,
        window=task.wish.window,
        window_strict=task.wish.window_strict or None,
        relax=task.wish.relax,
        expedited=task.wish.expedited,
        foreground=task.wish.foreground,
        argv=None if setup is None else tuple(setup["argv"]),
        env=None if setup is None else setup["env"],
        cwd=task.cwd,
    )
