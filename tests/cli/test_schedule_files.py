"""bgo schedules apply and import: what they print and exit with, and that imported commands run as under cron."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import pytest

from bgo.flow.schedule_files import this_user
from tests.cli.conftest import Bgo

FILE = """
[nightly]
handler = "echo"
input = { message = "hello" }
daily-at = "03:00"
tz = "Europe/Berlin"

[backup]
command = ["true"]
every = "1h"
"""
TABLE = r"""# A user's own table.
MAILTO=ann@example.org
LEVEL = " 3 "
PATH=/usr/local/bin:/usr/bin:/bin
HOME=@HOME@

* * * * *   (pwd; echo "$LEVEL|$PATH|$SHELL|$LOGNAME|$HOME|${BGO_HOME-none}") > plain
*/1 * * * * cat > fed; date +\%Y > year%Dear Joe,%%50\% off%
@reboot     echo started > started
61 * * * *  echo never
SHELL=/bin/bash
* * * * *   echo "$0 ${BASH_VERSION:+bash}" > bash; exit 3
# BEGIN bgo 1234
* * * * * /usr/bin/bgo run --quiet
# END bgo 1234
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "s.toml"
    path.write_text(FILE)
    return str(path)


@pytest.fixture
def table(tmp_path: Path) -> str:
    (tmp_path / "there").mkdir()
    path = tmp_path / "table"
    path.write_text(TABLE.replace("@HOME@", str(tmp_path / "there")))
    return str(path)


def let_them_fire(home: Path) -> None:
    """Let all schedules of the clock be due, as if their minute had come."""
    with sqlite3.connect(home / "bgo.db") as db:
        now = int(time.time()) // 60 * 60_000
        db.execute("UPDATE schedule SET next_at = ?, fire_at = ? WHERE next_at IS NOT NULL", (now, now))
    db.close()


def test_apply_tells_what_became_of_each(bgo: Bgo, file: str) -> None:
    would = bgo("schedules", "apply", file, "--dry-run")
    assert (would.code, [line.split() for line in would.lines]) == (
        0, [["added", "-" * 12, "nightly"], ["added", "-" * 12, "backup"]],
    )  # fmt: skip
    assert would.err.splitlines()[-1] == "nothing was written; it would be: 2 added"
    assert bgo("schedules", "-q").out == ""
    first = bgo("schedules", "apply", file)
    ids = bgo("schedules", "-q").lines
    assert [line.split() for line in first.lines] == [["added", ids[0], "nightly"], ["added", ids[1], "backup"]]
    Path(file).write_text(FILE.replace("03:00", "04:00").replace("[backup]", "[store]"))
    second = bgo("schedules", "apply", file, "--json").json
    assert [(each["outcome"], each["key"]) for each in second] == [
        ("changed", "nightly"), ("added", "store"), ("removed", "backup"),
    ]  # fmt: skip
    assert second[0] == {"schema": 1, "outcome": "changed", "id": ids[0], "key": "nightly", "name": "echo"}
    assert bgo("schedules", "apply", file).err.splitlines()[-1] == "2 unchanged"


def test_apply_refuses_with_the_line(bgo: Bgo, file: str) -> None:
    Path(file).write_text(FILE.replace("daily-at", "dialy-at"))
    done = bgo("schedules", "apply", file)
    assert (done.code, done.error[0]) == (2, f"error: {file}:5: unknown key 'dialy-at'")
    assert done.error[-1].endswith("did you mean 'daily-at'?")
    Path(file).write_text(FILE.replace('"echo"', '"ecko"'))
    done = bgo("schedules", "apply", file)
    assert (done.code, done.error[0]) == (3, f"error: {file}:2: unknown handler: 'ecko'")
    Path(file).write_text(FILE.replace('daily-at = "03:00"', 'cron = "61 3 * * *"'))
    done = bgo("schedules", "apply", file)
    assert done.code == 2
    assert "61 3 * * *\n" in done.err, "the expression is shown with carets"
    assert bgo("schedules", "-q").out == ""


def test_import_reports_line_by_line(bgo: Bgo, table: str) -> None:
    would = bgo("schedules", "import", table, "--dry-run")
    assert would.code == 1, "an entry was left out"
    assert [line.split()[:2] for line in would.lines if not line.startswith("      ")] == [
        ["2", "setting"], ["7", "added"], ["8", "added"], ["9", "added"], ["10", "left"], ["12", "added"],
        ["13", "skipped"], ["14", "skipped"], ["15", "skipped"],
    ]  # fmt: skip
    assert "minute '61'" in would.lines[would.lines.index("  10  left out   61 * * * *  echo never") + 1]
    assert would.err.splitlines()[-1] == "nothing was written; it would be: 4 added, 1 left out"
    assert bgo("schedules", "-q").out == ""
    done = bgo("schedules", "import", table)
    assert done.err.splitlines()[-2] == "4 added, 1 left out"
    assert done.err.splitlines()[-1] == f"both cron and bgo run them now: take them out of {table}"
    again = bgo("schedules", "import", table, "--json")
    assert again.code == 1
    assert [each["line"] for each in again.json] == list(range(1, 16))
    assert [each["schedule"]["outcome"] for each in again.json if each["schedule"]] == ["unchanged"] * 4
    assert [each["became"] for each in again.json][6:10] == ["carried", "carried", "differs", "left out"]
    assert bgo("schedules", "import", table, "-q").lines == bgo("schedules", "-q").lines


def test_imported_commands_run_as_under_cron(shell: Bgo, table: str, tmp_path: Path, home: Path) -> None:
    assert shell("schedules", "import", table, "-q", cwd="/").code == 1
    let_them_fire(home)
    assert shell("run", "--until-empty", cwd="/").code == 0
    there, user = tmp_path / "there", this_user()
    assert (there / "plain").read_text().splitlines() == [
        str(there), f" 3 |/usr/local/bin:/usr/bin:/bin|/bin/sh|{user.name}|{there}|none",
    ]  # fmt: skip
    assert (there / "fed").read_text() == "Dear Joe,\n\n50% off\n"
    assert (there / "year").read_text().startswith("20")
    assert (there / "bash").read_text() == "/bin/bash bash\n"
    assert not (there / "started").exists(), "the computer has not started since"
    states = {(each["name"], each["state"]) for each in shell("tasks", "--json").json}
    assert states == {("cat", "succeeded"), ("echo", "failed"), ("shell", "succeeded")}


def test_import_from_a_pipe_and_of_what_is_no_text(shell: Bgo, tmp_path: Path) -> None:
    done = shell("schedules", "import", "-", "--json", input="0 1 * * * x\n")
    assert [each["became"] for each in done.json] == ["carried"]
    (tmp_path / "bytes").write_bytes(b"0 1 * * * x\n0 2 * * * \xff\n\x1b[31m\n")
    for words in ([], ["--json"]):
        done = shell("schedules", "import", str(tmp_path / "bytes"), *words)
        assert done.code == 1
        assert "it is not UTF-8 text" in done.out
        assert "\x1b" not in done.out


@pytest.mark.parametrize(
    ("script", "code", "message"),
    [
        ("echo '0 1 * * * x'", 0, ""),
        ("echo 'no crontab for ann' >&2; exit 1", 3, "error: you have no crontab"),
        ("echo 'you may not' >&2; exit 1", 1, "error: crontab -l failed"),
        (None, 3, "error: there is no crontab command here"),
    ],
)
def test_import_asks_crontab(bgo: Bgo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None,
                             code: int, message: str) -> None:  # fmt: skip
    monkeypatch.setenv("PATH", str(tmp_path))
    if script is not None:
        (tmp_path / "crontab").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "crontab").chmod(0o700)
    done = bgo("schedules", "import", "crontab", "-n")
    assert done.code == code, done.err
    assert done.err.startswith(message)


def test_import_says_where_the_entries_are_to_be_taken_out(bgo: Bgo, shell: Bgo, tmp_path: Path,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    piped = shell("schedules", "import", "-", input="0 1 * * * x\n").err
    assert piped.endswith("take them out of the crontab that they came from\n")
    (tmp_path / "crontab").write_text("#!/bin/sh\necho '0 2 * * * y'\n")
    (tmp_path / "crontab").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bgo("schedules", "import", "crontab").err.endswith("take them out of your crontab (crontab -e)\n")


def test_import_of_a_systems_crontab(bgo: Bgo, tmp_path: Path) -> None:
    user = this_user().name
    (tmp_path / "system").write_text(f"0 1 * * * {user} x\n0 2 * * * somebody y\n")
    done = bgo("schedules", "import", str(tmp_path / "system"), "--system", "--json")
    assert (done.code, [each["became"] for each in done.json]) == (1, ["carried", "left out"])
    assert "somebody" in done.json[1]["notes"][0]


def test_import_of_no_file(bgo: Bgo) -> None:
    done = bgo("schedules", "import", "/no/such")
    assert (done.code, done.error[0]) == (2, "error: cannot read '/no/such'")
    assert os.environ["BGO_HOME"]
