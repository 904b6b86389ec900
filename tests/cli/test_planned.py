"""What a dry run says of rates, upstreams and deadlines, and the words for how they end work."""

from __future__ import annotations

from pathlib import Path

from bgo.api import TaskFlow
from tests.cli.conftest import Bgo, Lived

HOUR = 3_600_000


def test_a_dry_run_shows_rate_upstream_and_deadline(bgo: Bgo, lived: Lived) -> None:
    words = ["--rate", "2/1h", "--unique", "u", "--after", lived.delayed, "--start-before", "3h", "--dry-run"]
    told = " ".join(bgo("enqueue", "echo", *words, "--rate-key", "net").out.split())
    for part in ("at most 2 starts in 1 h under net", "u; if taken: keep", f"after {lived.delayed}"):
        assert part in told
    plan = bgo("enqueue", "echo", *words, "--json").json
    assert [plan["lane"][key] for key in ("rate_key", "rate_max", "rate_window_ms")] == ["echo", 2, HOUR]
    assert plan["after"] == [lived.delayed]
    assert plan["expires_at"].endswith("Z")
    assert [gate["gate"] for gate in plan["gates"] if not gate["open"]] == ["upstream"]
    assert bgo("tasks", "--json", "--state", "blocked").json == []


def test_a_dry_run_judges_by_the_config_even_without_a_store(bgo: Bgo, home: Path) -> None:
    (home / "config.toml").write_text('[limits.echo]\nconcurrency = 7\nrate = "9/1h"\n', encoding="utf-8")
    plan = bgo("enqueue", "echo", "--concurrency", "2", "--rate", "1/1m", "--dry-run", "--json").json
    needed = {gate["gate"]: gate["needed"] for gate in plan["gates"]}
    assert (needed["concurrency"], needed["rate"]) == (
        "fewer than 7 under echo",
        "fewer than 9 starts in 1h under echo",
    )
    assert not (home / "bgo.db").exists()


def test_the_rate_of_a_handler_is_shown_and_kept(bgo: Bgo, tmp_path: Path) -> None:
    plugin = tmp_path / "own.py"
    plugin.write_text('import bgo\n\n@bgo.task("call", rate="10/1m")\ndef call(ctx): ...\n', encoding="utf-8")
    assert "at most 10 starts in 1 min" in bgo("--plugin", str(plugin), "handlers", "show", "call").out
    assert bgo("--plugin", str(plugin), "handlers", "show", "call", "--json").json["defaults"]["rate"]["max"] == 10
    task_id = bgo("--plugin", str(plugin), "enqueue", "call").out.strip()
    with TaskFlow() as flow:
        rate = flow.get(task_id).task.wish.rate
    assert rate is not None
    assert rate.max_executions == 10


def test_why_something_was_called_off_is_said_in_words(bgo: Bgo, lived: Lived) -> None:
    late = bgo("enqueue", "echo", "--start-before", "200ms", "--wait", "--wait-timeout", "9s")
    assert (late.code, late.err.splitlines()[-2]) == (1, "  why: its time to start was over")
    for upstream, word in ((lived.failed, "failed"), (lived.cancelled, "was cancelled")):
        done = bgo("enqueue", "echo", "--after", upstream, "--wait")
        assert (done.code, done.err.splitlines()[-2]) == (1, f"  why: a task that it waited for {word}")
    old = bgo("enqueue", "echo", "--unique", "u").out.strip()
    bgo("enqueue", "echo", "--unique", "u", "--unique-policy", "replace")
    assert "  why: another took its place" in bgo("wait", old).err
