"""The verbs that change what is queued: cancel, retry, pause, prune, new queues, and requests for copies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from bgo.flow.listing import select
from bgo.flow.opened import Opened
from bgo.ids import looks_like_id
from bgo.model.state import Reason

if TYPE_CHECKING:
    from datetime import datetime

    from bgo.engine.spec import Request
    from bgo.model.options import Duration
    from bgo.model.query import CancelReply, Retention, Selector


class Changing(Opened):
    """The verbs that change what is queued. Each takes a commit's time, for many tasks one for every few hundred."""

    def cancel(self, name: str) -> list[CancelReply]:
        """Cancel every task of this name that has not ended; an id, which starts with a digit, is that of one."""
        if looks_like_id(name):
            return [self.cancel_execution(name)]
        return self.cancel_where(select(names=(name,), kinds=()), Reason.USER)

    def cancel_execution(self, task_id: str) -> CancelReply:
        """Cancel one task."""
        return self.cancel_where(select(ids=(task_id,)), Reason.USER)[0]

    def cancel_chain(self, chain_id: str) -> CancelReply:
        """Cancel a chain: what waits never starts, what runs is stopped, no compensation runs."""
        return self.cancel_where(select(ids=(chain_id,)), Reason.CHAIN)[0]

    def cancel_by_tag(self, tag: str) -> list[CancelReply]:
        """Cancel every task with this tag that has not ended."""
        return self.cancel_where(select(tags=(tag,), kinds=()), Reason.TAG)

    def cancel_all(self) -> list[CancelReply]:
        """Cancel everything that has not ended."""
        return self.cancel_where(select(match_all=True, kinds=()), Reason.ALL)

    def cancel_where(self, selector: Selector, reason: Reason) -> list[CancelReply]:
        """Cancel matching tasks, in steps of some hundred; ended ones are named only when asked for by id."""
        from bgo.flow.many import cancel_where

        return cancel_where(self, selector, reason)

    def retry_where(self, selector: Selector, input: Mapping[str, Any] | None = None) -> list[str]:
        """Revive failed and cancelled tasks, due now, with their attempts counted afresh; return their ids.

        Raises RefusedError when a task named by id is in no state to be retried, or barred by other work (dedup,
        unique); then none is.
        """
        from bgo.flow.many import retry_where

        return retry_where(self, selector, input)

    def pause(
        self, *, name: str | None = None, queue: str | None = None, tag: str | None = None, running: bool = False
    ) -> int:
        """Start no more tasks of a name, a queue or a tag, present and future; running ones go on.

        With `running` they are stopped where they stand, their timeouts too, until a resume. Returns how many lanes
        were paused, 0 for a tag.
        """
        from bgo.flow.steering import pause

        return pause(self, {"name": name, "queue": queue, "tag": tag}, running=running)

    def resume(
        self, *, name: str | None = None, queue: str | None = None, tag: str | None = None, running: bool = False
    ) -> int:
        """Undo a pause; with `running`, only let go on what it has stopped, and still start no more."""
        from bgo.flow.steering import resume

        return resume(self, {"name": name, "queue": queue, "tag": tag}, running=running)

    def edit(
        self,
        task_id: str,
        *,
        priority: int | str | None = None,
        queue: str | None = None,
        at: datetime | int | None = None,
        delay: Duration | None = None,
        input: Mapping[str, Any] | None = None,
    ) -> tuple[str, ...]:
        """Change a waiting task; return the names of what is different now.

        Raises UsageError when nothing is asked for, NotFoundError for an unknown queue, RefusedError when the task does
        not wait.
        """
        from bgo.flow.steering import edit

        return edit(self, task_id, priority=priority, queue=queue, at=at, delay=delay, input=input)

    def bump(self, *task_ids: str) -> list[str]:
        """Make waiting tasks due and put them before all others; return their ids.

        Raises RefusedError when one of them does not wait; then none is moved.
        """
        from bgo.flow.steering import bump

        return bump(self, task_ids)

    def prune(self, retention: Retention | None = None, *, dry_run: bool = False) -> int:
        """Remove ended tasks beyond retention with their logs; return how many went (or would go)."""
        from bgo.flow.many import prune

        return prune(self, retention or self.settings.retention, dry_run=dry_run)

    def request_like(self, task_id: str) -> Request:
        """Return the request that would enqueue a copy of a task."""
        from bgo.flow.many import request_like

        return request_like(self, task_id)

    def add_queue(self, name: str, *, weight: float = 1.0, reserve: int = 0, slots: int | None = None) -> None:
        """Make a queue: `weight` is its share of the starts, `reserve` the slots that each worker keeps free for it,
        `slots` how many of its tasks may run at once over all workers (None: any number)."""
        from bgo.flow.queues import Share, add_queue

        add_queue(self, name, Share(weight, reserve, slots))

    def set_queue(
        self,
        name: str,
        *,
        weight: float | None = None,
        reserve: int | None = None,
        slots: int | Literal["none"] | None = None,
    ) -> None:
        """Change what is given of a queue, at once and for all workers; `slots="none"` lifts its own limit."""
        from bgo.flow.queues import Share, set_queue

        set_queue(self, name, Share(weight, reserve, slots))
