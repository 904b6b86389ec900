"""`python -m tests`: everything that must hold. Format, lint, types and floors run beside pytest; a failing one is
shown whole, and pytest's own closing line is the last. Words after it go to pytest: `python -m tests -k parse`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
TESTS_FAILED = 1
"""pytest's exit code when it ran, and some tests failed."""
FAILED_ONLY = [PYTHON, "-m", "pytest", "--last-failed", "--last-failed-no-failures=none"]
IMPORT_LINTER = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def static_checks() -> dict[str, list[str]]:
    """Return the checks that only read the sources, by name."""
    own = [PYTHON, "-m"]
    plugins = [str(path) for path in sorted(ROOT.glob("plugins/*/src/*")) if path.suffix != ".egg-info"]
    checks = {
        "ruff format": [*own, "ruff", "format", "--check", "--diff", "."],
        "ruff check": [*own, "ruff", "check", "."],
        # without its cache, which keeps verdicts on modules that did not exist yet
        "import-linter": [PYTHON, "-c", IMPORT_LINTER, "--no-cache", "--no-logo"],
        "mypy": [*own, "mypy"],
    }
    for path in plugins:
        checks[f"mypy {Path(path).name}"] = [*own, "mypy", "--strict", path]
    return checks


def pytest_command(words: list[str]) -> list[str]:
    """Return how pytest runs: every test directory, one process a core."""
    folders = ["tests", *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("plugins/*/tests")))]
    workers = str(min(8, os.cpu_count() or 2))
    return [PYTHON, "-m", "pytest", "-n", workers, "--dist", "worksteal", "--durations=10", *(words or folders)]


class Step:
    """A check under way; its output goes to a file, so that no pipe fills."""

    def __init__(self, name: str, command: list[str], env: dict[str, str]) -> None:
        self.name = name
        self._output = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 - lives as long as the step
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=self._output, stderr=subprocess.STDOUT
        )

    def finish(self) -> bool:
        """Wait, say how it went, show the output of a failure, and return whether it passed."""
        passed = self._process.wait() == 0
        print(f"{'ok    ' if passed else 'FAILED'} {self.name} ({time.monotonic() - self._started:.0f} s)", flush=True)
        if not passed:
            self._output.seek(0)
            print(self._output.read(), flush=True)
        return passed


def run_pytest(command: list[str], env: dict[str, str]) -> tuple[int, str]:
    """Show pytest's output as it comes, all but its closing line; return its exit code and that line."""
    held = ""
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip():
                print(held, end="", flush=True)
                held = line
    return process.returncode, held


def main(words: list[str]) -> int:
    """Run all checks and return 0 when every one of them passed."""
    env = {**os.environ, "PYTHONUTF8": "1", "NO_COLOR": "1"}
    steps = [Step(name, command, env) for name, command in static_checks().items()]
    code, closing = run_pytest(pytest_command(words), env)
    if code == TESTS_FAILED:
        # Tests with real processes meet machines that stand still for seconds. What fails alone as well has failed.
        print(f"{closing}those that failed, once more and by themselves:", flush=True)
        code, again = run_pytest(FAILED_ONLY, env)
        closing = closing if code else f"FLAKY: see above for what passed only the second time\n{again}"
    passed = [step.finish() for step in steps]
    if code:
        print("FAILED pytest", flush=True)
    print(closing, end="", flush=True)
    return 0 if code == 0 and all(passed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
