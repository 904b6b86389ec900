"""A child process: what it makes of handlers, good and bad, and what it leaves behind: nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bgo.model.handler import Source
from bgo.model.outcome import CancelledRun, Failed, Outcome, Rejected, RetryAsked, Snoozed, Succeeded, TaskError
from bgo.run.channel import encode
from bgo.run.wire import ChannelClosed, start_json
from tests.run.kit import Driver, carriers, driving, is_alive, wait_gone, wait_until

PLUGIN = Path(__file__).with_name("handlers_for_tests.py")


@pytest.fixture(scope="module")
def warm() -> Iterator[Driver]:
    """One child for many tests, as in life: what one task does must not hurt the next."""
    with driving(PLUGIN) as driver:
        yield driver


@pytest.fixture
def fresh() -> Iterator[Driver]:
    """A child for a test that ends it."""
    with driving(PLUGIN) as driver:
        yield driver


def error_of(outcome: Outcome) -> TaskError:
    assert isinstance(outcome, (Failed, Rejected))
    return outcome.error


# --- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("None", Succeeded()),
        ("{}", Succeeded({})),
        (
            "{'a': [1, 2.5, None, True, 'ü'], 'b': {'c': ()}}",
            Succeeded({"a": [1, 2.5, None, True, "ü"], "b": {"c": []}}),
        ),
        ("TaskResult.success()", Succeeded()),
        ("TaskResult.success({'a': 1})", Succeeded({"a": 1})),
        ("TaskResult.retry()", RetryAsked()),
        ("TaskResult.retry(after=1.5)", RetryAsked(1500)),
        ("TaskResult.snooze(60)", Snoozed(60_000)),
        ("TaskResult.failure('no')", Failed(TaskError("TaskFailure", "no", "", ("TaskFailure",)))),
        ("TaskResult.failure('no', retry=False)", Failed(TaskError("TaskFailure", "no", "", ("TaskFailure",)), False)),
        ("ctx.input | {'code': ''}", Succeeded({"code": ""})),
        ("os.getcwd() == ctx.cwd and {'in': 'cwd'}", Succeeded({"in": "cwd"})),
        ("{'task': [ctx.attempt, ctx.name, list(ctx.tags), ctx.chain]}", Succeeded({"task": [1, "evaluate", [], {}]})),
    ],
)
def test_an_answer_becomes_an_outcome(warm: Driver, code: str, expected: Outcome) -> None:
    assert warm.run("evaluate", {"code": code}) == expected


@pytest.mark.parametrize(
    "code",
    [
        "3",
        "'text'",
        "[1]",
        "True",
        "object()",
        "{'a': object()}",
        "{'a': {1, 2}}",
        "{'a': b'x'}",
        "{1: 'a'}",
        "{'a': float('nan')}",
        "{'a': float('inf')}",
        "{'a': '\\ud800'}",
        "{'a': 10**5000}",
        "(lambda d: d.update(d=d) or d)({})",
        "__import__('functools').reduce(lambda a, _: {'a': a}, range(150), {})",
        "(n for n in [1])",
        "TaskResult.success({'a': object()})",
        "TaskResult.success('text')",
        "__import__('os').environ",
    ],
)
def test_an_answer_that_is_no_json_object_fails_for_good(warm: Driver, code: str) -> None:
    outcome = warm.run("evaluate", {"code": code})
    if "environ" in code:  # any mapping will do
        assert isinstance(outcome, Succeeded)
    else:
        assert isinstance(outcome, Failed)
        assert (outcome.error.type, outcome.retry) == ("UndecodableResult", False)
        assert "object at 0x" not in outcome.error.message  # what it returned is not ours to show


def test_an_output_of_exactly_the_limit_passes_and_one_byte_more_does_not(warm: Driver) -> None:
    room = (1 << 20) - len('{"a":""}')
    assert isinstance(warm.run("evaluate", {"code": f"{{'a': 'x' * {room}}}"}), Succeeded)
    outcome = warm.run("evaluate", {"code": f"{{'a': 'x' * {room + 1}}}"})
    assert isinstance(outcome, Failed)
    assert (outcome.error.type, outcome.retry) == ("OutputTooLarge", False)


@pytest.mark.parametrize(
    ("code", "kind", "base"),
    [
        ("1 / 0", "ZeroDivisionError", "ArithmeticError"),
        ("exit(3)", "SystemExit", "BaseException"),
        ("sys.exit()", "SystemExit", "BaseException"),
        ("exec('raise KeyboardInterrupt')", "KeyboardInterrupt", "BaseException"),
        ("exec('raise Unshowable')", "Unshowable", "Exception"),
        ("exec('raise ExceptionGroup(\"g\", [ValueError(1)])')", "ExceptionGroup", "BaseExceptionGroup"),
        ("(lambda f: f(f))(lambda f: f(f))", "RecursionError", "RuntimeError"),
        ("int('\\ud800')", "ValueError", "Exception"),
        ("open('/nonexistent/x')", "FileNotFoundError", "OSError"),
        ("exec('raise bgo.run.context.CancelRequested')", "CancelRequested", "BaseException"),
        ("bytearray(1 << 60)", "MemoryError", "Exception"),
    ],
)
def test_what_a_handler_raises_becomes_an_error(warm: Driver, code: str, kind: str, base: str) -> None:
    error = error_of(warm.run("evaluate", {"code": code}))
    assert error.type == error.kinds[0] == kind
    assert base in error.kinds
    assert "object" not in error.kinds
    assert kind in error.trace
    assert "bgo/run/" not in error.trace.replace("tests/run", "")


def test_an_error_is_capped_and_keeps_its_ends_and_no_local_values(warm: Driver) -> None:
    code = "secret = 'hun' + 'ter2'\nraise ValueError('head' + 'é' * 200_000 + 'tail')"
    error = error_of(warm.run("execute", {"code": code}))
    assert len(error.message.encode()) + len(error.trace.encode()) + len(str(error.kinds)) <= 16 << 10
    assert error.message.startswith("head")
    assert error.message.endswith("tail")
    assert "hunter2" not in error.trace


def test_typed_handlers_get_their_fields_as_keywords(warm: Driver) -> None:
    assert warm.run("typed", {"user_id": "u"}) == Succeeded({"user_id": "u", "force": False})
    assert warm.run("typed", {"user_id": "u", "force": True}) == Succeeded({"user_id": "u", "force": True})
    assert warm.run("typed", {"user_id": "u", "extra": 1}) == Succeeded({"user_id": "u", "force": False})
    assert warm.run("open", {"user_id": "u", "extra": 1}) == Succeeded({"user_id": "u", "rest": {"extra": 1}})


@pytest.mark.parametrize("data", [{}, {"user_id": 3}, {"user_id": None}, {"user_id": "u", "force": "yes"}])
def test_an_input_that_does_not_fit_is_rejected_before_the_handler_runs(warm: Driver, data: dict[str, Any]) -> None:
    outcome = warm.run("typed", data)
    assert isinstance(outcome, Rejected)
    assert outcome.error.type == "UsageError"
    assert outcome.error.trace == ""


def test_a_handler_that_is_not_there_is_rejected(warm: Driver) -> None:
    outcome = warm.run("no.such")
    assert isinstance(outcome, Rejected)
    assert "no.such" in outcome.error.message


@pytest.mark.parametrize("text", ["syntax error here", "raise RuntimeError('broken')", "import sys; sys.exit(3)"])
def test_a_plugin_that_does_not_load_rejects_its_tasks_and_no_others(warm: Driver, tmp_path: Path, text: str) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text(text)
    outcome = warm.run("anything", source=Source("file", str(broken)))
    assert isinstance(outcome, Rejected)
    assert isinstance(warm.run("noop"), Succeeded)


def test_a_working_directory_that_is_gone_rejects_the_task_before_it_starts(warm: Driver, tmp_path: Path) -> None:
    before = len(warm.seen)
    outcome = warm.run("noop", cwd=str(tmp_path / "gone"))
    assert error_of(outcome).type == "WorkingDirectoryGone"
    assert str(tmp_path) in error_of(outcome).message
    assert isinstance(outcome, Rejected)
    assert [frame["t"] for frame in warm.seen[before:]] == ["done"]


def test_started_is_sent_before_user_code_and_names_the_run(warm: Driver) -> None:
    warm.start("evaluate", {"code": "ctx.log('here')"})
    started = warm.next_frame()
    assert (started["t"], started["task"], started["run"]) == ("started", warm.task_id, 1)
    assert warm.next_frame()["message"] == "here"
    warm.outcome()


# --- async -----------------------------------------------------------------------------------------------------------


def test_coroutines_run_on_one_loop_per_child(fresh: Driver) -> None:
    assert fresh.run("evaluate", {"code": "{'asyncio': 'asyncio' in sys.modules}"}) == Succeeded({"asyncio": False})
    outputs = [fresh.run("later", {"value": n}) for n in range(3)]
    assert [o.output["value"] for o in outputs if isinstance(o, Succeeded) and o.output] == [0, 1, 2]
    assert len({o.output["loop"] for o in outputs if isinstance(o, Succeeded) and o.output}) == 1


def test_a_coroutine_that_raises_fails(warm: Driver) -> None:
    error = error_of(warm.run("later.fails"))
    assert (error.type, error.message) == ("LookupError", "nothing there")
    assert "later_fails" in error.trace


def test_what_a_coroutine_forgot_ends_with_its_run(warm: Driver) -> None:
    warm.start("later.forgets")
    assert warm.until("log")["message"] == "tidied"
    assert isinstance(warm.outcome(), Succeeded)


def test_a_cancel_arrives_in_a_coroutine_as_cancellation(warm: Driver) -> None:
    warm.start("later.waits")
    warm.until("log")
    warm.send({"t": "cancel"})
    assert warm.outcome() == CancelledRun()
    assert isinstance(warm.run("later", {"value": 1}), Succeeded)


# --- talking while it runs -------------------------------------------------------------------------------------------


def test_a_handler_that_obeys_a_cancel_ends_as_cancelled(warm: Driver) -> None:
    warm.start("obeys")
    warm.until("log")
    warm.send({"t": "cancel"})
    assert warm.outcome() == CancelledRun()


@pytest.mark.parametrize("kind", ["cancel", "soft_timeout"])
def test_the_handler_sees_what_the_supervisor_says(warm: Driver, kind: str) -> None:
    warm.start("watches")
    warm.until("log")
    warm.send({"t": kind})
    assert warm.outcome() == Succeeded({"cancelled": kind == "cancel", "soft": kind == "soft_timeout"})


def test_a_cancel_right_behind_the_start_is_not_lost(warm: Driver) -> None:
    warm.start("obeys")
    warm.send({"t": "cancel"})
    assert warm.outcome() == CancelledRun()


def test_a_cancel_that_comes_too_late_hits_nobody(warm: Driver) -> None:
    assert isinstance(warm.run("noop"), Succeeded)
    warm.send({"t": "cancel"})
    warm.send({"t": "soft_timeout"})
    assert warm.run("evaluate", {"code": "{'c': ctx.cancelled, 's': ctx.soft_timed_out}"}) == Succeeded(
        {"c": False, "s": False}
    )


def test_a_progress_that_was_held_back_is_sent_while_the_handler_goes_on(warm: Driver) -> None:
    warm.start("reports")
    about = {"t": "progress", "task": warm.task_id, "run": 1}
    assert warm.until("progress") == {**about, "fraction": 0.1, "message": "first"}
    assert warm.until("progress") == {**about, "fraction": 0.2, "message": "second"}
    warm.send({"t": "cancel"})
    assert isinstance(warm.outcome(), Succeeded)


def test_a_thread_left_behind_speaks_for_its_own_run_alone(warm: Driver) -> None:
    warm.run("execute", {"code": "import bgo; bgo.left = ctx"})
    first = warm.task_id
    warm.start("execute", {"code": "bgo.left.checkpoint({'of': 'the first'}); ctx.checkpoint({'of': 'the second'})"})
    spoken = [warm.until("checkpoint"), warm.until("checkpoint")]
    assert [(frame["task"], frame["data"]["of"]) for frame in spoken] == [
        (first, "the first"), (warm.task_id, "the second"),
    ]  # fmt: skip
    warm.outcome()


def test_the_last_progress_comes_before_done(warm: Driver) -> None:
    before = len(warm.seen)
    warm.run("execute", {"code": "for n in range(1001): ctx.report_progress(n / 1000, str(n))"})
    kinds = [frame["t"] for frame in warm.seen[before:]]
    assert kinds[0] == "started"
    assert kinds[-2:] == ["progress", "done"]
    assert warm.seen[-2]["fraction"] == 1.0
    assert kinds.count("progress") < 500


def test_a_checkpoint_is_sent_and_restored(warm: Driver) -> None:
    warm.start("execute", {"code": "ctx.checkpoint({'at': [1, 2]})"})
    assert warm.until("checkpoint")["data"] == {"at": [1, 2]}
    warm.outcome()
    assert warm.run("evaluate", {"code": "{'r': ctx.restored}"}, restored={"at": 3}) == Succeeded({"r": {"at": 3}})


@pytest.mark.parametrize("code", ["ctx.checkpoint('x' * (1 << 20))", "ctx.checkpoint({1, 2})"])
def test_a_checkpoint_that_cannot_be_kept_is_refused(warm: Driver, code: str) -> None:
    assert error_of(warm.run("execute", {"code": code})).type == "UsageError"


def test_logs_from_many_threads_arrive_whole(warm: Driver) -> None:
    before = len(warm.seen)
    assert isinstance(warm.run("threads"), Succeeded)
    lines = [frame["message"] for frame in warm.seen[before:] if frame["t"] == "log"]
    assert sorted(lines) == sorted(str(n) * 2000 for n in range(4) for _ in range(200))


# --- output ----------------------------------------------------------------------------------------------------------


def test_all_that_a_run_has_printed_is_there_when_done_arrives(warm: Driver) -> None:
    expected = b"from python\non stderr\nfrom a shell\nits stderr\nno newline"
    for handler, printed in [("prints", expected), ("noop", b"")] * 10:
        warm.output = b""
        warm.run(handler)
        assert warm.output == printed


def test_a_megabyte_without_a_newline_does_not_stop_anybody(warm: Driver) -> None:
    warm.output = b""
    assert isinstance(warm.run("floods", {"bytes": 1 << 20}), Succeeded)
    assert warm.output == b"x" * (1 << 20)


@pytest.mark.parametrize("code", ["sys.stdout.close()", "sys.stdout = sys.stderr = None", "os.close(1); os.close(2)"])
def test_a_handler_may_ruin_its_own_output_and_no_more(fresh: Driver, code: str) -> None:
    assert isinstance(fresh.run("execute", {"code": code}), Succeeded)
    assert isinstance(fresh.run("noop"), Succeeded)


# --- what a child is -------------------------------------------------------------------------------------------------


def test_a_child_has_its_channel_and_nothing_else(tmp_path: Path) -> None:
    leak = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(leak, True)
    try:
        with driving(PLUGIN) as driver:
            code = "{'fds': sorted(os.listdir('/proc/self/fd')), 'in': os.readlink('/proc/self/fd/0')}"
            outcome = driver.run("evaluate", {"code": code})
    finally:
        os.close(leak)
    # One more is the listing's own.
    assert outcome == Succeeded({"fds": ["0", "1", "2", "3", "4"], "in": "/dev/null"})


def test_what_a_handler_starts_has_no_channel_and_takes_ctrl_c_again(warm: Driver) -> None:
    code = """
text = subprocess.run(["sh", "-c", "ls /proc/self/fd; grep SigIgn /proc/self/status"], capture_output=True, text=True)
result = {"fds": text.stdout.split()[:-2], "ignored": int(text.stdout.split()[-1], 16) & 1 << (signal.SIGINT - 1)}
"""
    assert warm.run("execute", {"code": code}) == Succeeded({"fds": ["0", "1", "2", "3"], "ignored": 0})


def test_a_child_leads_its_session_and_falls_before_its_supervisor(warm: Driver) -> None:
    code = "{'own': os.getsid(0) == os.getpid() == os.getpgrp(), 'oom': int(open('/proc/self/oom_score_adj').read())}"
    outcome = warm.run("evaluate", {"code": code})
    assert isinstance(outcome, Succeeded)
    assert outcome.output is not None
    assert outcome.output["own"]
    assert outcome.output["oom"] > int(Path("/proc/self/oom_score_adj").read_text())


def test_a_child_imports_nothing_heavy(tmp_path: Path) -> None:
    plugin = tmp_path / "bare.py"
    plugin.write_text(
        "import sys\nfrom bgo.hooks.task import task\n@task\ndef bare(ctx): return {'m': list(sys.modules)}\n"
    )
    with driving(plugin) as driver:
        outcome = driver.run("bare")
    assert isinstance(outcome, Succeeded)
    assert outcome.output is not None
    loaded = set(outcome.output["m"])
    assert not loaded & {"asyncio", "multiprocessing", "pluggy", "pydantic", "rich", "socket", "sqlalchemy", "sqlite3"}
    assert not loaded & {"sqlmodel", "subprocess", "traceback", "typer"}
    assert not [name for name in loaded if name.startswith(("bgo.store", "bgo.engine", "bgo.cli"))]


def test_the_mark_is_on_everything_a_run_starts_and_gone_afterwards(warm: Driver) -> None:
    code = """
read, write = os.pipe()
pid = os.fork()
if pid == 0:
    os.write(write, open("/proc/self/environ", "rb").read())
    os._exit(0)
os.waitpid(pid, 0)
block = os.read(read, 1 << 16).split(b"\\0")
os.close(read), os.close(write)
run = lambda **more: subprocess.run(["printenv", "BGO_RUN"], capture_output=True, text=True, **more).stdout.strip()
result = {
    "own": os.environ["BGO_RUN"],
    "forked": [e.decode() for e in block if e.startswith(b"BGO_RUN=")],
    "inherited": run(),
    "copied": run(env=dict(os.environ)),
}
"""
    for tamper in ("", "\nos.environ.update([(k, os.environ.pop(k)) for k in list(os.environ)])", ""):
        outcome = warm.run("execute", {"code": code + tamper})
        assert isinstance(outcome, Succeeded)
        assert outcome.output is not None
        mark = warm.mark
        assert {k: outcome.output[k] for k in ("own", "inherited", "copied")} == dict.fromkeys(
            ("own", "inherited", "copied"), mark
        )
        assert outcome.output["forked"] == [f"BGO_RUN={mark}"]
        assert carriers(mark) == []
    assert b"BGO_RUN=\0" in Path(f"/proc/{warm.child.pid}/environ").read_bytes()


# --- what a run leaves behind ----------------------------------------------------------------------------------------


def test_nothing_of_a_run_lives_when_done_arrives(warm: Driver) -> None:
    outcome = warm.run("hides")
    assert isinstance(outcome, Succeeded)
    assert outcome.output is not None
    assert len(outcome.output["pids"]) >= 5
    assert not any(map(is_alive, outcome.output["pids"]))
    assert carriers(warm.mark) == []
    assert isinstance(warm.run("noop"), Succeeded)


@pytest.mark.parametrize("handler", ["lingers", "forks.waits"])
def test_the_end_of_the_channel_ends_the_child_and_all_below_it(fresh: Driver, handler: str) -> None:
    fresh.start(handler)
    pids = [int(pid) for pid in fresh.until("log")["message"].split()]
    assert all(map(is_alive, pids))
    fresh.child.channel.close()
    wait_gone(*pids, fresh.child.pid)
    assert fresh.child.wait() == -signal.SIGKILL


def test_an_idle_child_ends_with_its_channel(fresh: Driver) -> None:
    fresh.child.channel.close()
    wait_until(lambda: fresh.child.poll() is not None, "the child is gone")


def test_a_child_told_to_exit_ends_in_order(fresh: Driver, tmp_path: Path) -> None:
    note = tmp_path / "note"
    fresh.run("execute", {"code": f"import atexit; atexit.register(lambda: open({str(note)!r}, 'w').close())"})
    fresh.send({"t": "exit"})
    assert fresh.end() == 0
    assert note.exists()


def test_a_child_does_not_talk_to_strangers(fresh: Driver) -> None:
    os.write(fresh.child.channel.fileno(), b"GET / HTTP/1.1\r\n\r\n")
    assert fresh.end() == -signal.SIGKILL


@pytest.mark.parametrize(
    ("code", "ends"),
    [
        ("os.kill(os.getpid(), 9)", -9),
        ("os.abort()", -6),
        ("os._exit(7)", 7),
        ("os.kill(os.getpid(), 15)", -15),
        ("import ctypes; ctypes.string_at(0)", -11),
        ("os.closerange(0, 100); time.sleep(60)", -9),
    ],
)
def test_a_handler_that_ends_its_process_leaves_no_answer(fresh: Driver, code: str, ends: int) -> None:
    fresh.start("execute", {"code": code})
    assert fresh.end() == ends
    assert all(frame["t"] != "done" for frame in fresh.seen)


def test_a_fork_that_comes_back_answers_nobody(warm: Driver) -> None:
    assert warm.run("forks") == Succeeded({"pid": warm.child.pid, "status": 0})
    assert isinstance(warm.run("noop"), Succeeded)
    assert warm.pending == []


# --- signals ---------------------------------------------------------------------------------------------------------


def test_ctrl_c_is_nothing_to_a_child(warm: Driver) -> None:
    os.kill(warm.child.pid, signal.SIGINT)
    code = "os.kill(os.getpid(), signal.SIGINT), time.sleep(0)"
    assert isinstance(warm.run("execute", {"code": code}), Succeeded)


def test_sigterm_lets_a_handler_clean_up_and_then_ends_the_child(fresh: Driver, tmp_path: Path) -> None:
    fresh.start("tidies", {"file": str(tmp_path / "note")})
    fresh.until("log")
    os.kill(fresh.child.pid, signal.SIGTERM)
    assert fresh.end() == -signal.SIGTERM
    assert (tmp_path / "note").read_text() == "tidy"
    assert fresh.seen[-1]["t"] != "done"


def test_a_handler_that_finishes_on_sigterm_keeps_its_answer(fresh: Driver) -> None:
    fresh.start("finishes")
    fresh.until("log")
    os.kill(fresh.child.pid, signal.SIGTERM)
    assert fresh.outcome() == Succeeded({"told": "Terminated"})
    assert fresh.end() == -signal.SIGTERM


def test_sigterm_ends_an_idle_child(fresh: Driver) -> None:
    os.kill(fresh.child.pid, signal.SIGTERM)
    assert fresh.end() == -signal.SIGTERM


def test_a_forked_worker_ends_by_sigterm_as_any_process(warm: Driver) -> None:
    code = """
pid = os.fork()
if pid == 0:
    signal.pause()
os.kill(pid, signal.SIGTERM)
result = {"status": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}
"""
    assert warm.run("execute", {"code": code}) == Succeeded({"status": -signal.SIGTERM})


# --- fresh code ------------------------------------------------------------------------------------------------------


def write_plugin(path: Path, value: int) -> None:
    path.write_text(
        "import os\nfrom bgo.hooks.task import task\n"
        f"@task('version')\ndef version(ctx):\n    return {{'value': {value}, 'pid': os.getpid()}}\n"
    )
    os.utime(path, ns=(value, value))  # however coarse the file system's clock is


def test_a_changed_plugin_file_is_run_as_it_is_now_in_the_same_process(tmp_path: Path) -> None:
    plugin = tmp_path / "changing.py"
    write_plugin(plugin, 1)
    with driving(plugin) as driver:
        for value in (1, 1, 2, 2, 3):
            write_plugin(plugin, value)
            assert driver.run("version") == Succeeded({"value": value, "pid": driver.child.pid})
        assert sum(frame["t"] == "hello" for frame in driver.seen) == 1
        driver.send({"t": "exit"})
        assert driver.end() == 0


def test_what_had_come_in_survives_the_restart(tmp_path: Path) -> None:
    plugin = tmp_path / "changing.py"
    write_plugin(plugin, 1)
    big = "x" * 900_000
    with driving(plugin) as driver:
        driver.run("version")
        plugin.write_text(PLUGIN.read_text())
        driver.start("obeys", {"big": big})
        driver.send({"t": "cancel"})
        assert driver.outcome() == CancelledRun()
        assert driver.run("evaluate", {"code": "{'n': len(ctx.input['big'])}", "big": big}) == Succeeded({"n": 900_000})


def test_half_a_frame_survives_the_restart(tmp_path: Path) -> None:
    plugin = tmp_path / "changing.py"
    write_plugin(plugin, 1)
    with driving(plugin) as driver:
        driver.run("version")
        write_plugin(plugin, 2)
        first, second = driver.frame("version"), driver.frame("version")
        data = encode(start_json(second))
        os.write(driver.child.channel.fileno(), encode(start_json(first)) + data[:10])
        assert driver.until("done")["task"] == first.task_id
        os.write(driver.child.channel.fileno(), data[10:])
        assert driver.outcome() == Succeeded({"value": 2, "pid": driver.child.pid})


def test_a_restarted_child_marks_its_runs_and_has_forgotten_the_environment_of_the_last(tmp_path: Path) -> None:
    plugin = tmp_path / "changing.py"
    plugin.write_text(PLUGIN.read_text())
    code = "os.environ.update(LEAK='1') or {'block': open('/proc/self/environ').read().split('\\0')}"
    with driving(plugin) as driver:
        for _ in range(2):
            outcome = driver.run("evaluate", {"code": code})
            assert isinstance(outcome, Succeeded)
            assert outcome.output is not None
            assert f"BGO_RUN={driver.mark}" in outcome.output["block"]
            assert "LEAK=1" not in outcome.output["block"]
            plugin.write_text(PLUGIN.read_text() + "\n# changed\n")


def test_a_plugin_that_was_mended_is_loaded_again(tmp_path: Path) -> None:
    plugin = tmp_path / "changing.py"
    plugin.write_text("syntax error")
    with driving(plugin) as driver:
        assert isinstance(driver.run("version"), Rejected)
        write_plugin(plugin, 1)
        assert isinstance(driver.run("version"), Succeeded)


def test_two_programs_never_meet_in_one_process(tmp_path: Path) -> None:
    """Both call their module `app`; a child that has imported one of them starts over for the other."""
    with driving(PLUGIN) as driver:
        for name in ("one", "two", "one"):
            place = tmp_path / name
            place.mkdir(exist_ok=True)
            (place / "app.py").write_text(
                "from bgo.hooks.task import task\n"
                "@task('who')\ndef who(ctx):\n    return {'file': __file__}\n"
                "class Flow:\n    handlers = {'who': who.handler}\nflow = Flow()\n"
            )
            outcome = driver.run("who", source=Source("flow", "app:flow", str(place)))
            assert outcome == Succeeded({"file": str(place / "app.py")})


def test_closed_means_closed(fresh: Driver) -> None:
    fresh.send({"t": "exit"})
    fresh.end()
    with pytest.raises(ChannelClosed):
        fresh.next_frame()
