"""`shell`: runs a command given after `--`, as an argv list and never through a shell.

The command sees PATH, LANG, what `--env` named, `BGO_RUN` and `BGO_TASK_ID`, and nothing else: a program that needs
HOME is enqueued with `--env HOME`. One that a schedule made also sees `BGO_SCHEDULE`, its id, and
`BGO_SCHEDULED_FOR`, the occurrence in UTC. Its stdin is the task's input as JSON, or empty. Whoever wants pipes and
globs writes `bgo enqueue shell -- sh -c '…'`.
"""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from typing import IO, Any, cast

from bgo.clock import Clock, SystemClock
from bgo.hooks.builtin.output import Sieve, Tail
from bgo.hooks.commandline import KEPT_VARIABLES
from bgo.hooks.specs import Register, hookimpl
from bgo.model.options import TaskTimeout
from bgo.model.result import TaskResult

CHUNK = 1 << 16
LOOK_MS = 100
"""How often a cancel and the command's end are looked for while it is silent."""
DRAIN_MS = 1000
"""How long output is still read after the command has ended, if something it left behind keeps writing."""
MARKS = ("BGO_RUN",)
NOT_FOUND, NOT_RUNNABLE = 127, 126


def shell(ctx: Any) -> TaskResult:
    """Run the command in ARGV; the output is its exit code and the end of what it printed.

    Lines `bgo:progress 0.4 text` that it prints become the task's progress. Exit code 0 is success.
    """
    argv = list(ctx.argv or ())
    if not argv:
        return TaskResult.failure("no command: give it after --, as in 'bgo enqueue shell -- ls -l'", retry=False)
    with _stdin(ctx.input) as stdin:
        try:
            process = subprocess.Popen(
                argv,
                cwd=ctx.cwd or None,
                env=environment(ctx, os.environ),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
            )
        except (OSError, ValueError) as error:
            return _not_started(argv, ctx.cwd, error)
    return _Command(process, ctx, SystemClock()).run()


def environment(ctx: Any, worker: Mapping[str, str]) -> dict[str, str]:
    """Return the command's whole environment: what was kept at enqueue, and the marks of its run."""
    kept = dict(ctx.env) if ctx.env is not None else {}
    for name in KEPT_VARIABLES:
        if name not in kept and name in worker:
            kept[name] = worker[name]
    marks = {name: worker[name] for name in MARKS if name in worker}
    if ctx.schedule is not None:
        marks["BGO_SCHEDULE"] = ctx.schedule
        marks["BGO_SCHEDULED_FOR"] = ctx.scheduled_for.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**kept, **marks, "BGO_TASK_ID": str(ctx.task_id)}


def _stdin(data: Mapping[str, Any]) -> IO[bytes]:
    """Return the input as a file that can be read to its end, in memory where the system allows."""
    if not data:
        return open(os.devnull, "rb")
    text = json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
    stream = _scratch()
    stream.write(text)
    stream.seek(0)
    return stream


def _scratch() -> IO[bytes]:
    return os.fdopen(os.memfd_create("bgo-input"), "w+b") if hasattr(os, "memfd_create") else tempfile.TemporaryFile()


def _not_started(argv: list[str], cwd: str, error: OSError | ValueError) -> TaskResult:
    """Say why a command could not be started, with the exit code a shell would give."""
    command = argv[0]
    if isinstance(error, FileNotFoundError) and cwd and not os.path.isdir(cwd):
        return TaskResult.failure(f"the working directory is gone: {cwd}", retry=False)
    if isinstance(error, FileNotFoundError) and os.path.isfile(os.path.join(cwd or ".", command)):
        return TaskResult.failure(f"exit code {NOT_FOUND}: {command}: its interpreter is missing", retry=False)
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return TaskResult.failure(f"exit code {NOT_FOUND}: command not found: {command}", retry=False)
    if isinstance(error, ValueError):
        return TaskResult.failure(f"exit code {NOT_RUNNABLE}: the command holds a zero byte", retry=False)
    why = {
        errno.EACCES: "not executable",
        errno.ENOEXEC: "not executable: neither a program nor a script with a #! line",
        errno.E2BIG: "the argument list is too long",
    }.get(error.errno or 0, error.strerror or str(error))
    may_pass = error.errno in (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY)
    return TaskResult.failure(f"exit code {NOT_RUNNABLE}: {command}: {why}", retry=may_pass)


class _Command:
    """One running command: its output is passed on as it comes, until it has ended."""

    def __init__(self, process: subprocess.Popen[bytes], ctx: Any, clock: Clock) -> None:
        self._process = process
        self._pipe = cast(IO[bytes], process.stdout)
        self._ctx = ctx
        self._clock = clock
        self._sieve = Sieve()
        self._tail = Tail()
        self._print = _printer()
        self._was_stopped = False

    def run(self) -> TaskResult:
        """Follow the command to its end and judge it."""
        with self._process:
            os.set_blocking(self._pipe.fileno(), False)
            try:
                self._follow(self._pipe.fileno())
            except Exception:
                self._process.kill()
                raise
            except BaseException:  # SIGTERM, which the command has got too: it may take its time over that
                self._process.terminate()
                raise
            finally:
                self._pass(self._sieve.finish())
        if self._was_stopped:
            self._ctx.check_cancelled()
        return self._judge(self._process.returncode)

    def _follow(self, fd: int) -> None:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        is_open = True
        while is_open and self._process.poll() is None:
            if poll.poll(LOOK_MS):
                is_open = self._read(fd)
            self._obey()
        while self._process.poll() is None:  # it closed its output and goes on
            self._obey()
            try:
                self._process.wait(LOOK_MS / 1000)
            except subprocess.TimeoutExpired:
                continue
        limit = self._clock.awake_ms() + DRAIN_MS
        while is_open and poll.poll(0) and self._clock.awake_ms() < limit:
            is_open = self._read(fd)

    def _read(self, fd: int) -> bool:
        """Pass on what is there; return False at the end of the output."""
        try:
            data = os.read(fd, CHUNK)
        except BlockingIOError:
            return True
        if not data:
            return False
        self._pass(self._sieve.feed(data))
        return True

    def _pass(self, data: bytes) -> None:
        for fraction, message in self._sieve.progress:
            self._ctx.report_progress(fraction, message)
        self._sieve.progress.clear()
        if data:
            self._tail.feed(data)
            self._print(data)

    def _obey(self) -> None:
        """Hand a cancel on to the command, once; who does not listen is killed by the supervisor."""
        if self._ctx.cancelled and not self._was_stopped:
            self._was_stopped = True
            self._process.terminate()

    def _judge(self, code: int) -> TaskResult:
        last = self._tail.last_line()
        after = f": {last}" if last else ""
        if code < 0:
            return TaskResult.failure(f"killed by {_signal_name(-code)}{after}")
        if code > 0:
            return TaskResult.failure(f"exit code {code}{after}")
        return TaskResult.success({"exit_code": 0, "tail": self._tail.text()})


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _printer() -> Callable[[bytes], None]:
    """Return how bytes reach this process's own stdout; once nobody reads it, they go nowhere."""
    sys.stdout.flush()
    stream = sys.stdout.buffer
    is_open = True

    def write(data: bytes) -> None:
        nonlocal is_open
        if is_open:
            try:
                stream.write(data)
                stream.flush()
            except (BrokenPipeError, ValueError):
                is_open = False

    return write


@hookimpl
def bgo_register_handlers(register: Register) -> None:
    """Bring `shell`. It has no timeout of its own: a kill after five minutes of somebody's rsync is unforgivable."""
    register("shell", shell, timeout=TaskTimeout.NONE, takes_argv=True)
