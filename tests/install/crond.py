"""A real cron drives bgo for some three minutes: `python -m tests.install.crond`, as root, with Debian's cron.

It runs in a mount namespace of its own, with an empty crontab directory and no system crontab: the cron of this
computer, if there is one, and its crontabs see nothing of it. cron's log goes to a socket of ours, its mail to a file.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

CRON, SPOOL, LOG, SENDMAIL = "/usr/sbin/cron", "/var/spool/cron/crontabs", Path("/dev/log"), Path("/usr/sbin/sendmail")
ROOT = Path(__file__).parents[2]
MINE = "# my own crontab\n17 4 1 1 * /bin/true 100\\%\n"
LIMIT = 360


def why_not() -> str:
    """Return why this cannot be shown here, or ''."""
    if os.geteuid() != 0:
        return "it needs root, for a mount namespace"
    if not os.path.exists(CRON):
        return f"no {CRON} here"
    if LOG.exists():
        return f"{LOG} is in use: what cron says would go there"
    probe = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return "" if probe.returncode == 0 else "no mount namespaces here"


def separate(folder: Path) -> None:
    """Hide this computer's cron from ours, inside the new mount namespace."""
    empty, outbox = folder / "empty", folder / "sendmail"
    empty.touch()
    outbox.write_text(f"#!/bin/sh\ncat >> {folder}/mail\n")
    outbox.chmod(0o755)
    group = shutil.which("crontab") and os.stat("/usr/bin/crontab").st_gid
    mounts = [
        ["-t", "tmpfs", "-o", f"mode=1730,gid={group}", "tmpfs", SPOOL],
        ["-t", "tmpfs", "tmpfs", "/etc/cron.d"],
        ["-t", "tmpfs", "tmpfs", "/run"],
        ["--bind", str(empty), "/etc/crontab"],
        *([["--bind", str(outbox), str(SENDMAIL)]] if SENDMAIL.exists() else []),
    ]
    for words in mounts:
        subprocess.run(["mount", *words], check=True)


@contextlib.contextmanager
def listening(said: list[str]) -> Iterator[None]:
    """Be this computer's syslog for as long as it takes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(LOG))
        try:
            ear.settimeout(0.2)
            over = threading.Event()

            def listen() -> None:
                while not over.is_set():
                    with contextlib.suppress(TimeoutError):
                        text = re.sub(r"^<\d+>\w+ +\d+ [\d:]+ ", "", ear.recv(8192).decode(errors="replace"))
                        said.append(f"{time.strftime('%H:%M:%S')} {text.strip()}")

            thread = threading.Thread(target=listen)
            thread.start()
            try:
                yield
            finally:
                over.set()
                thread.join()
        finally:
            LOG.unlink()


class Show:
    """The demonstration, inside the namespace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {**os.environ, "BGO_HOME": str(folder / "50% of $HOME"), "PYTHONPATH": str(ROOT)}
        self.marks = folder / "marks"
        self.marks.touch()
        self.ticks = folder / "ticks"

    def bgo(self, *words: str) -> str:
        call = [sys.executable, "-m", "bgo", *words]
        return subprocess.run(call, env=self.env, check=True, capture_output=True, text=True).stdout.strip()

    def say(self, text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} -- {text}", flush=True)

    def queue(self, name: str, *options: str, sleep: int = 0) -> str:
        script = f"echo {name} >> {self.marks}; sleep {sleep}"
        task_id = self.bgo("enqueue", "shell", "-q", "--as", name, *options, "--", "sh", "-c", script)
        self.say(f"queued {name} {' '.join(options)}".strip())
        return task_id

    def task(self, task_id: str) -> dict[str, Any]:
        return dict(json.loads(self.bgo("status", task_id, "--json")))

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + LIMIT
        while not holds():
            assert time.monotonic() < end, f"waited in vain until {what}"
            time.sleep(0.5)
        self.say(what)

    def is_in(self, task_id: str, state: str) -> Callable[[], bool]:
        return lambda: bool(self.task(task_id)["state"] == state)

    def play(self) -> list[str]:
        """Show it; return the ids of the tasks."""
        self.schedule()
        first = self.queue("first")
        self.until("first has run", self.is_in(first, "succeeded"))
        second = self.queue("second", "--delay", "20s")
        self.until("second has run", self.is_in(second, "succeeded"))
        long = self.queue("long", sleep=75)
        self.until("long runs", self.is_in(long, "running"))
        beside = self.queue("beside")
        meanwhile = self.queue("meanwhile", "--delay", "10s")
        self.until("beside has run", self.is_in(beside, "succeeded"))
        self.until("meanwhile has run", self.is_in(meanwhile, "succeeded"))
        self.until("long has run", self.is_in(long, "succeeded"))
        return [first, second, long, beside, meanwhile]

    def schedule(self) -> None:
        """Let a command note for which minute it runs, each minute."""
        script = f"echo $BGO_SCHEDULED_FOR >> {self.ticks}"
        words = ("--key", "tick", "--as", "tick", "--cron", "* * * * *", "--", "sh", "-c", script)
        self.bgo("schedule", "shell", "-q", *words)
        self.say("scheduled tick, each minute")

    def judge_ticks(self) -> None:
        """Each minute fired once, and none was left out."""
        minutes = [datetime.fromisoformat(line).timestamp() / 60 for line in self.ticks.read_text().split()]
        print(f"  tick ran for {self.ticks.read_text().split()}")
        assert minutes == [minutes[0] + number for number in range(len(minutes))]
        assert len(minutes) >= 3
        counts = json.loads(self.bgo("schedules", "show", "tick", "--json"))["counts"]
        assert counts == {"fired": len(minutes), "skipped": 0, "missed": 0, "coalesced": 0}, counts

    def judge(self, ids: list[str], said: list[str]) -> None:
        tasks = [self.task(task_id) for task_id in ids]
        for task in tasks:
            times = f"due {_when(task, 'due_at')}  started {_when(task, 'started_at')}"
            print(f"  {task['name']:10} {times}  run {task['run']}")
        assert sorted(self.marks.read_text().split()) == sorted(task["name"] for task in tasks), "each ran once"
        assert all(task["run"] == 1 for task in tasks)
        for task in tasks[:3]:  # nothing else ran then: cron's next minute was theirs
            seconds = [datetime.fromisoformat(task[key]).timestamp() for key in ("due_at", "started_at")]
            assert int(seconds[1] // 60) == -int(-seconds[0] // 60), task
        assert sum("CMD" in line for line in said) >= 4
        assert not (self.folder / "mail").exists(), "cron had nothing to mail"
        assert not any("discarding output" in line for line in said)


def _when(task: dict[str, Any], key: str) -> str:
    return f"{datetime.fromisoformat(task[key]).astimezone():%H:%M:%S}"


def about(folder: Path, said: list[str]) -> list[str]:
    """Return what cron said of our runs: another cron of this computer may speak to the same log."""
    pids = {line.split()[1] for line in said if str(folder) in line}
    return [line for line in said if line.split()[1] in pids and "pam_" not in line]


def inside(folder: Path) -> None:
    """Everything that happens in the namespace."""
    separate(folder)
    show, said = Show(folder), []
    subprocess.run(["crontab", "-"], input=MINE, text=True, check=True)
    print(show.bgo("install", "--cron"))
    print(subprocess.check_output(["crontab", "-l"], text=True))
    with listening(said):
        cron = subprocess.Popen([CRON, "-f", "-L", "15"], env={"PATH": "/usr/bin:/bin"})
        try:
            ids = show.play()
        finally:
            cron.terminate()
            cron.wait()
    ours = about(folder, said)
    print(*ours, sep="\n")
    show.judge(ids, ours)
    show.judge_ticks()
    print(show.bgo("install", "--cron", "--uninstall"))
    assert subprocess.check_output(["crontab", "-l"], text=True) == MINE
    print("The crontab is as it was; cron mailed nothing.")


def main() -> int:
    """Show it in a namespace of its own and return the exit code."""
    if reason := why_not():
        print(f"cannot be shown: {reason}", file=sys.stderr)
        return 77
    with tempfile.TemporaryDirectory() as folder:
        call = ["unshare", "--mount", "--propagation", "private", sys.executable, "-m", "tests.install.crond", folder]
        return subprocess.run(call, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    if sys.argv[1:]:
        inside(Path(sys.argv[1]))
    else:
        sys.exit(main())
