"""`bgo` and `python -m bgo`: answer at once what needs no command line, else hand over to it."""

from __future__ import annotations

import atexit
import gc
import sys

GARBAGE = 50_000
"""Objects made before the first collection: what one short command makes is not worth looking through (4 ms)."""


def main() -> int:
    """Run the command line of this process and return its exit code."""
    gc.set_threshold(GARBAGE, 10, 10)
    atexit.register(gc.freeze)  # the interpreter's last look for garbage would walk all that was imported (10 ms)
    if sys.argv[1:] in (["-V"], ["--version"]):
        from bgo.version import VERSION

        try:
            print(f"bgo {VERSION}", flush=True)
        except (OSError, ValueError):
            pass  # the whole command line knows how to say so
        else:
            return 0
    if sys.argv[1:2] == ["__complete"]:
        from bgo.cli.candidates import main as complete

        return complete(sys.argv[2:])
    from bgo.cli.app import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
