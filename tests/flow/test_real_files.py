"""A chain over real files (scan → hash and compress in parallel → report), its worker killed again and again."""

from __future__ import annotations

import gzip
import hashlib
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bgo import Member, RunOptions, TaskFlow
from bgo.config import Flags, load

FILES = 24
KILLS = 6


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return a directory of files that take a moment each."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:02}.raw").write_bytes(random.Random(number).randbytes(400_000 + number))
    return folder


def test_a_killed_chain_goes_on_and_ends_as_if_nothing_had_been(tmp_path: Path, photos: Path) -> None:
    env = {**os.environ, "BGO_HOME": str(tmp_path / "home")}
    flow = TaskFlow(settings=load(Flags(), env))
    chain = flow.chain("archive").then("files.scan", input={"path": str(photos)})
    chain.then_all([Member(f"files.{verb}", over="files.scan.files", as_=verb) for verb in ("hash", "compress")])
    chain_id = chain.then("files.report", input={"to": str(tmp_path / "report.tsv")}).enqueue()
    dice, ended = random.Random(1), 0
    for _ in range(KILLS):
        before = ended
        worker = subprocess.Popen([sys.executable, "-m", "bgo", "run", "--quiet"], env=env)
        wanted = before + dice.randint(1, 5)
        while worker.poll() is None and ended < wanted:
            ended = flow.store.connection.execute("SELECT count(*) FROM history WHERE event = 'succeed'").fetchone()[0]
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    report = flow.run(RunOptions(until_empty=True))
    assert flow.wait(chain_id) == {"to": str(tmp_path / "report.tsv"), "files": FILES}
    lines = (tmp_path / "report.tsv").read_text().splitlines()[1:]
    for number, line in enumerate(lines):
        path, size, digest, to, _ = line.split("\t")
        data = (photos / f"{number:02}.raw").read_bytes()
        assert (path, int(size)) == (str(photos / f"{number:02}.raw"), len(data))
        assert (digest, gzip.decompress(Path(to).read_bytes())) == (hashlib.sha256(data).hexdigest(), data)
    entries = flow.store.connection.execute(
        "SELECT count(*) FROM history WHERE task = ? AND event IN ('succeed', 'exhaust', 'cancel')", (chain_id,)
    )
    assert entries.fetchone() == (1,)
    assert report.counts.get("exhaust") is None
    assert not list(photos.glob(".bgo-*"))
