"""What README.md says, by block and by table: the tests run it, and the manual quotes from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a Markdown file."""

    file: Path
    line: int
    language: str
    text: str

    @property
    def where(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Return every README of the repository, the main one first."""
    return [README, *sorted(ROOT.glob("plugins/*/README.md"))]


def blocks(file: Path) -> list[Block]:
    """Return the fenced blocks of a file."""
    found: list[Block] = []
    language: str | None = None
    body: list[str] = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.startswith("```"):
            body.append(line)
        elif language is None:
            language, body = line[3:].strip(), []
        else:
            found.append(Block(file, number - len(body), language, "\n".join(body) + "\n"))
            language = None
    assert language is None, f"{file}: a block is not closed"
    return found


def all_blocks(language: str) -> list[Block]:
    """Return the blocks of a language in every README."""
    return [block for file in pages() for block in blocks(file) if block.language == language]


def commands() -> Iterator[str]:
    """Yield each command line of the README's console blocks."""
    for block in blocks(README):
        if block.language == "console":
            yield from (line[2:] for line in block.text.splitlines() if line.startswith("$ "))


def prose_under(heading: str) -> str:
    """Return what the README says under a heading of the third level, without its blocks."""
    text = README.read_text(encoding="utf-8")
    _, _, below = text.partition(f"\n### {heading}\n")
    assert below, heading
    chapter = re.split(r"\n##+ ", below)[0]
    return re.sub(r"(?ms)^```.*?^```$", "", chapter).strip()


def exit_codes() -> list[tuple[str, str]]:
    """Return (code, meaning) of the README's table, in order."""
    found = []
    for line in README.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 4 and re.match(r"\d", cells[0]):
            found += [(cells[i], cells[i + 1]) for i in (0, 2) if cells[i]]
    return sorted(found, key=lambda row: int(re.split(r"\D", row[0])[0]))
