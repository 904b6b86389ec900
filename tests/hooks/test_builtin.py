"""The built-in handlers, run for real: commands are real processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bgo.clock import VirtualClock
from bgo.hooks.builtin.echo import echo
from bgo.hooks.builtin.shell import environment, shell
from bgo.hooks.builtin.sleep import OVERTIME_MS, nap
from bgo.hooks.handler import build
from bgo.model.handler import Source

Make = Callable[..., Any]
PYTHON = [sys.executable, "-S", "-c"]
PATH = {"PATH": os.environ.get("PATH", os.defpath)}


def test_echo_gives_back_and_prints(make_ctx: Make, capsys: pytest.CaptureFixture[str]) -> None:
    assert echo(make_ctx(input={"message": "hi", "n": 1})) == {"message": "hi", "n": 1}
    assert echo(make_ctx(argv=["a", "b"])) == {"argv": ["a", "b"]}
    assert echo(make_ctx()) == {}
    assert capsys.readouterr().out == "hi\na b\n"


def test_sleep_takes_its_time_in_tenths(make_ctx: Make) -> None:
    clock, ctx = VirtualClock(0), make_ctx()
    result = nap(ctx, 10, clock)
    assert clock.now_ms() == 10_000
    assert [fraction for fraction, _ in ctx.progress] == [n / 10 for n in range(1, 11)]
    assert result.data == {"seconds": 10}


@pytest.mark.parametrize("seconds", [-1, float("nan"), 1e12])
def test_sleep_refuses_what_is_no_time(seconds: float, make_ctx: Make) -> None:
    result = nap(make_ctx(), seconds, VirtualClock(0))
    assert (result.status, result.may_retry) == ("failure", False)


def test_sleep_ends_when_cancelled(make_ctx: Make, cancelled: type[BaseException]) -> None:
    class Clock(VirtualClock):
        def sleep_ms(self, duration_ms: int) -> None:
            super().sleep_ms(duration_ms)
            ctx.cancelled = self.now_ms() >= 300

    clock, ctx = Clock(0), make_ctx()
    with pytest.raises(cancelled):
        nap(ctx, 3600, clock)
    assert clock.now_ms() == 300


def test_sleep_does_not_outlive_a_deadline_that_nobody_enforces(make_ctx: Make) -> None:
    clock = VirtualClock(0)
    result = nap(make_ctx(deadline=0.0), 3600, clock)
    assert result.status == "failure"
    assert clock.now_ms() == OVERTIME_MS


def test_sleep_is_typed() -> None:
    from bgo.hooks.builtin.sleep import sleep

    (param,) = build("sleep", sleep, {}, Source("entry", "m:f")).info.params or ()
    assert (param.name, param.type, param.required, param.default) == ("seconds", "float", False, 1)


def run(make_ctx: Make, *argv: str, **given: Any) -> Any:
    return shell(make_ctx(argv=list(argv), env=PATH, **given))


def test_a_command_that_succeeds(make_ctx: Make, capfd: pytest.CaptureFixture[str]) -> None:
    result = run(make_ctx, "sh", "-c", "echo out; echo err >&2")
    assert result.data == {"exit_code": 0, "tail": "out\nerr\n"}
    assert capfd.readouterr().out == "out\nerr\n", "both streams are one, in order"


def test_words_are_never_read_by_a_shell(make_ctx: Make, tmp_path: Path) -> None:
    hostile = ["; touch pwned", "$(touch pwned)", "-rf", "a\nb", "*", ""]
    code = "import sys, json; print(json.dumps(sys.argv[1:]))"
    result = run(make_ctx, *PYTHON, code, *hostile, cwd=str(tmp_path))
    assert json.loads(result.data["tail"]) == hostile
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("exit 3", "exit code 3"),
        ("echo first; echo 'no disk' >&2; exit 3", "exit code 3: no disk"),
        ("echo last words; kill -KILL $$", "killed by SIGKILL: last words"),
        ("kill -TERM $$", "killed by SIGTERM"),
    ],
)
def test_how_a_command_failed_is_told(script: str, error: str, make_ctx: Make) -> None:
    result = run(make_ctx, "sh", "-c", script)
    assert (result.status, result.error, result.may_retry) == ("failure", error, True)


def test_commands_that_cannot_start(make_ctx: Make, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("echo hi\n")
    (tmp_path / "noshebang").write_text("echo hi\n")
    (tmp_path / "noshebang").chmod(0o755)
    (tmp_path / "orphan").write_text("#!/no/such/interpreter\n")
    (tmp_path / "orphan").chmod(0o755)
    cases = {
        "no-such-command-here": "exit code 127: command not found: no-such-command-here",
        "./gone": "exit code 127: command not found: ./gone",
        "./plain": "exit code 126: ./plain: not executable",
        "./noshebang": "exit code 126: ./noshebang: not executable: neither a program nor a script with a #! line",
        "./orphan": "exit code 127: ./orphan: its interpreter is missing",
        "a\0b": "exit code 126: the command holds a zero byte",
        "/": "exit code 126: /: not executable",
    }
    for command, error in cases.items():
        result = run(make_ctx, command, cwd=str(tmp_path))
        assert (result.error, result.may_retry) == (error, False)
    result = run(make_ctx, "true", "x" * (1 << 22))
    assert result.error == "exit code 126: true: the argument list is too long"
    assert run(make_ctx, "true", cwd=str(tmp_path / "gone")).error.startswith("the working directory is gone")
    assert "give it after --" in run(make_ctx).error


def test_the_environment_is_what_was_kept_and_the_marks(make_ctx: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BGO_RUN", "0task.7")
    monkeypatch.setenv("SECRET", "s3cret")
    monkeypatch.setenv("LANG", "C.UTF-8")
    result = run(make_ctx, *PYTHON, "import os, json; print(json.dumps(dict(os.environ)))")
    seen = json.loads(result.data["tail"])
    seen.pop("LC_CTYPE", None)  # Python's own, in the C locale
    assert seen == {**PATH, "LANG": "C.UTF-8", "BGO_RUN": "0task.7", "BGO_TASK_ID": "0testtask000"}


def test_what_env_named_wins_over_the_worker_s(make_ctx: Make) -> None:
    ctx = make_ctx(env={"LANG": "de_DE", "HOME": "/h"})
    worker = {"PATH": "/bin", "LANG": "C", "HOME": "/root"}
    assert environment(ctx, worker) == {
        "LANG": "de_DE",
        "HOME": "/h",
        "PATH": "/bin",
        "BGO_TASK_ID": "0testtask000",
    }


def test_it_runs_where_it_was_enqueued(make_ctx: Make, tmp_path: Path) -> None:
    assert run(make_ctx, "pwd", "-P", cwd=str(tmp_path)).data["tail"] == f"{tmp_path.resolve()}\n"


def test_the_input_is_stdin(make_ctx: Make) -> None:
    data = {"text": "ü" * 400_000, "n": 1}
    code = "import sys, json; print(len(json.load(sys.stdin)['text']))"
    assert run(make_ctx, *PYTHON, code, input=data).data["tail"] == "400000\n"
    assert run(make_ctx, "true", input=data).data["exit_code"] == 0, "a command need not read it"
    assert run(make_ctx, "wc", "-c").data["tail"].strip() == "0", "without input it is empty"


def test_progress_lines_become_progress_and_are_not_printed(make_ctx: Make, capfd: pytest.CaptureFixture[str]) -> None:
    ctx = make_ctx(argv=["printf", "a\nbgo:progress 0.4 half\nb\nbgo:progress 1"], env=PATH)
    assert shell(ctx).data["tail"] == "a\nb\n"
    assert ctx.progress == [(0.4, "half"), (1.0, "")]
    assert capfd.readouterr().out == "a\nb\n"


def test_a_cancel_is_handed_on_once(make_ctx: Make, cancelled: type[BaseException], tmp_path: Path) -> None:
    class Ctx:
        """Cancelled as soon as the command says that it listens."""

        def __getattr__(self, name: str) -> Any:
            return getattr(inner, name)

        @property
        def cancelled(self) -> bool:
            return bool(inner.progress)

        def check_cancelled(self) -> None:
            raise cancelled

    script = f"trap 'echo stopped >> {tmp_path}/log; exit 0' TERM; echo bgo:progress 0.1; while :; do sleep 0.01; done"
    inner = make_ctx(argv=["sh", "-c", script], env=PATH)
    with pytest.raises(cancelled):
        shell(Ctx())
    assert (tmp_path / "log").read_text() == "stopped\n"


def test_a_command_that_closes_its_output_and_goes_on_is_waited_for(make_ctx: Make, tmp_path: Path) -> None:
    script = f"exec >&- 2>&-; sleep 0.2; touch {tmp_path}/done; exit 4"
    assert run(make_ctx, "sh", "-c", script).error == "exit code 4"
    assert (tmp_path / "done").exists()


@pytest.mark.parametrize("left_behind", ["while :; do echo noise; done", "read line < {fifo}"], ids=["noisy", "silent"])
def test_what_a_command_leaves_behind_does_not_keep_it_open(left_behind: str, make_ctx: Make, tmp_path: Path) -> None:
    """The grandchild holds the pipe for as long as it lives; waiting for it would never end."""
    os.mkfifo(tmp_path / "fifo")
    script = left_behind.format(fifo=tmp_path / "fifo")
    code = f"import os, subprocess; print(subprocess.Popen(['sh', '-c', {script!r}]).pid, file=open('pid', 'w'))\n"
    result = run(make_ctx, *PYTHON, f"{code}os._exit(5)", cwd=str(tmp_path))
    try:
        assert result.error.startswith("exit code 5")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_an_exception_inside_takes_the_command_along(make_ctx: Make, tmp_path: Path) -> None:
    class Stop(BaseException): ...

    def stop(fraction: float, message: str) -> None:
        raise Stop(message)

    ctx = make_ctx(argv=["sh", "-c", "echo bgo:progress 0.1 $$; exec sleep 60"], env=PATH)
    ctx.report_progress = stop
    with pytest.raises(Stop) as caught:
        shell(ctx)
    with pytest.raises(ProcessLookupError):
        os.kill(int(str(caught.value)), 0)


MEMORY = """
import sys
from bgo.hooks.builtin.shell import shell
class Ctx:
    task_id, input, env, cwd, cancelled, schedule = "0t", {}, None, "", False, None
    argv = ["head", "-c", str(1 << 28), "/dev/zero"]
    def report_progress(self, *a): ...
result = shell(Ctx())
assert len(result.data["tail"]) == 4096
rss = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
sys.stderr.write(rss.split()[1])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_output_without_newlines_needs_no_memory() -> None:
    from bgo.hooks.builder import child_environment

    done = subprocess.run(
        [sys.executable, "-P", "-c", MEMORY],
        env=child_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert int(done.stderr) < 60_000, "kilobytes: Python and bgo alone, for 256 MiB of output"


def test_when_nobody_reads_its_own_output_the_command_still_ends(make_ctx: Make) -> None:
    code = (
        "import os, signal, sys\n"
        "from bgo.hooks.builtin.shell import shell\n"
        "class Ctx:\n"
        "    task_id, input, env, cwd, cancelled, schedule = '0t', {}, None, '', False, None\n"
        "    argv = ['seq', '200000']\n"
        "    def report_progress(self, *a): ...\n"
        "read, write = os.pipe(); os.dup2(write, 1); os.close(write); os.close(read)\n"
        "signal.signal(signal.SIGPIPE, signal.SIG_IGN)\n"
        "result = shell(Ctx())\n"
        "os._exit(0 if result.data['tail'].endswith('200000\\n') else 1)\n"
    )
    from bgo.hooks.builder import child_environment

    assert subprocess.run([sys.executable, "-P", "-c", code], env=child_environment()).returncode == 0
