"""Debian's own cron drives bgo: four minutes, as root, and only when BGO_TEST_CROND=1 asks for it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.install.crond import ROOT, why_not

ASKED = os.environ.get("BGO_TEST_CROND") == "1"


@pytest.mark.slow
@pytest.mark.skipif(not ASKED, reason="BGO_TEST_CROND=1 asks for it: it takes four minutes and needs root")
def test_a_real_cron_runs_each_task_once_at_its_minute() -> None:
    if reason := why_not():
        pytest.skip(reason)
    done = subprocess.run([sys.executable, "-m", "tests.install.crond"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
