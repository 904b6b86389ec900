"""TaskFlow: the library's door. One thin method per verb; everything the command line does goes through here.

A program keeps its flow at the top level of a module, so that the children that run its tasks can import it:

    flow = bgo.TaskFlow()

    @flow.task
    def sync_data(ctx, user_id: str): ...

    sync_data.enqueue(user_id="123")
"""

from __future__ import annotations

from bgo.flow.changing import Changing
from bgo.flow.hooking import Hooking
from bgo.flow.running import Running
from bgo.flow.scheduling import Scheduling


class TaskFlow(Scheduling, Changing, Running, Hooking):
    """A store, the handlers a program brings, and every verb on them.

    Making one opens nothing; the store is opened at first use. Safe to use from several threads; after a fork, make
    a new one.

    On an event loop, verbs that read or change what is queued may be called as they are: they take the time of a read
    or of a commit, milliseconds on a disk of today, and `await asyncio.to_thread(flow.enqueue, …)` takes none of it
    from the loop. Verbs that wait or execute refuse to stop it (UsageError) and name the way out: `wait_async`,
    `async for` over a monitor, or a thread.
    """
