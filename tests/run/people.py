"""Processes of the tests with real workers: `python -m tests.run.people worker|enqueuer|batcher JSON [PLANT]`.

A worker is what `bgo run` is, with `RunOptions` from the JSON; it prints its report. With `ahead_ms` its wall clock is
so much ahead of the others'. An enqueuer queues tasks without
end and appends `A id` to the ledger of acknowledgements after each; a batcher brings in one batch. A PLANT is a bug to
be planted first.
"""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from typing import Any

from bgo.clock import SystemClock


def set_ahead(ms: int) -> None:
    """Let this process's wall clock be so much ahead."""
    now_ms = SystemClock.now_ms
    SystemClock.now_ms = lambda clock: now_ms(clock) + ms  # type: ignore[method-assign]


def work(options: dict[str, Any]) -> int:
    import bgo
    from bgo.errors import BgoError
    from bgo.run.bench import RunOptions

    events = os.open(os.environ["BGO_TEST_EVENTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def listen(event: Any) -> None:
        os.write(events, json.dumps(event.to_json()).encode() + b"\n")

    set_ahead(options.pop("ahead_ms", 0))
    for key in ("only", "queues"):
        if key in options:
            options[key] = frozenset(options[key])
    try:
        with bgo.TaskFlow() as flow:
            report = flow.run(RunOptions(**options), listener=listen)
    except BgoError as error:
        print(json.dumps({"error": type(error).__name__, "message": error.message, "why": error.why}), flush=True)
        return error.exit_code
    print(json.dumps(report.to_json()), flush=True)
    return 0


def enqueue(options: dict[str, Any]) -> int:
    import bgo

    fd = os.open(Path(os.environ["BGO_TEST_PLACE"]) / "acks", os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    rng = random.Random(options["seed"])
    flow = bgo.TaskFlow()
    while True:
        task_id = flow.enqueue("work", {"ms": rng.randrange(*options["ms"])})
        os.write(fd, f"A {task_id}\n".encode())
        flow.clock.sleep_ms(options["every_ms"])


def batch(options: dict[str, Any]) -> int:
    import bgo

    fd = os.open(Path(os.environ["BGO_TEST_PLACE"]) / "acks", os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    with bgo.TaskFlow() as flow:
        os.write(fd, b"B begins\n")
        made = flow.batch("work", items=({"ms": n} for n in range(options["items"])))
        os.write(fd, f"A {made.id}\n".encode())
    return 0


def main() -> int:
    role, options = sys.argv[1], json.loads(sys.argv[2])
    if len(sys.argv) > 3:
        from tests.run import planting

        planting.plant(sys.argv[3])
    return {"worker": work, "enqueuer": enqueue, "batcher": batch}[role](options)


if __name__ == "__main__":
    sys.exit(main())
