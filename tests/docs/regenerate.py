"""`python -m tests.docs.regenerate`: write `completions/` and `man/` anew from the commands as they are.

To be run after a command, an option, its help, or an example of the README has changed; a test compares.
"""

from __future__ import annotations

from tests.docs.manual import manual
from tests.docs.readme import ROOT
from tests.docs.scripts import scripts


def generated() -> dict[str, str]:
    """Return the text of every generated file by its path."""
    found = {f"completions/{name}": text for name, text in scripts().items()}
    return found | {f"man/{name}": text for name, text in manual().items()}


def committed() -> dict[str, str]:
    """Return the text of every such file as it lies in the repository."""
    files = [file for folder in ("completions", "man") for file in sorted((ROOT / folder).iterdir())]
    return {f"{file.parent.name}/{file.name}": file.read_text(encoding="utf-8") for file in files}


def main() -> None:
    """Write what differs, and remove what is no longer generated."""
    wanted, there = generated(), committed()
    for path in sorted(wanted.keys() | there.keys()):
        if path not in wanted:
            (ROOT / path).unlink()
            print(f"removed {path}")
        elif there.get(path) != wanted[path]:
            (ROOT / path).write_text(wanted[path], encoding="utf-8")
            print(f"wrote {path}")


if __name__ == "__main__":
    main()
