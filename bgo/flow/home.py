"""Where a flow was made: the module whose top level should hold it, so that children can import it."""

from __future__ import annotations

import sys
from pathlib import Path

from bgo.model.handler import SCRIPT


class Home:
    """Where a flow was made: the module whose top level should hold it."""

    def __init__(self, module: str, file: str | None) -> None:
        self.module = module
        self.file = file

    @property
    def path(self) -> str:
        """Return the directory to import from; for a script, the script."""
        if self.file is None:
            return ""
        file = Path(self.file).resolve()
        return str(file) if self.module == "__main__" else str(file.parents[self.module.count(".")])

    @property
    def is_copy(self) -> bool:
        """Say whether this is what a child imports of a script: the script itself has told what it brings."""
        return self.module == SCRIPT

    @property
    def origin(self) -> str:
        return self.file or self.module

    def target(self, flow: object) -> str:
        """Return `module:attr`; the attribute is found once the module has assigned it."""
        for name, value in vars(sys.modules.get(self.module, object)).items():
            if value is flow:
                return f"{self.module}:{name}"
        return f"{self.module}:flow"


def caller() -> Home:
    frame = sys._getframe(2)
    return Home(frame.f_globals.get("__name__", "__main__"), frame.f_globals.get("__file__"))
