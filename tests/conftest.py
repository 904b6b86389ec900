"""What every test gets: no settings of the person who runs it, and Hypothesis without a stopwatch."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("bgo", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("bgo")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a background job of a shell; what we start would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tests off the user's store and configuration; children inherit it."""
    for name in list(os.environ):
        if name.startswith(("BGO_", "XDG_")) or name in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("BGO_HOME", str(tmp_path_factory.mktemp("home", numbered=True)))


@pytest.fixture
def home() -> Path:
    """Return this test's BGO_HOME."""
    return Path(os.environ["BGO_HOME"])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the figures that tests have measured and do not judge, such as how long a rescue took."""
    for report in [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]:
        for name, value in report.user_properties:
            if name == "figures":
                terminalreporter.write_line(str(value))
