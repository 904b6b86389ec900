"""Faults of cron expressions: where they are, and errors that point there.

The error's note is the expression with carets under what is wrong; whoever shows notes keeps their blanks.
"""

from __future__ import annotations

from typing import NamedTuple, NoReturn

from bgo.errors import UsageError

FORMS = "minute hour day month weekday, as in '30 9 * * mon-fri', or @daily"
DRAWN = 72
"""Columns of a drawing: with the indent of an error's further lines it fits a terminal of 80."""


class Place(NamedTuple):
    """A stretch of an expression, and the field it belongs to."""

    text: str
    start: int
    end: int
    name: str = ""

    @property
    def word(self) -> str:
        """What stands there."""
        return self.text[self.start : self.end]

    def part(self, start: int, word: str) -> Place:
        """Return the place of a word that begins `start` characters after this one's beginning."""
        return self._replace(start=self.start + start, end=self.start + start + len(word))

    def refuse(self, why: str, hint: str = FORMS) -> NoReturn:
        """Raise the error that points here."""
        word = ascii(self.word) if len(self.word) <= 30 else ascii(self.word[:29]) + "…"
        what = " ".join(filter(None, (self.name, word))) if self.word else f"no {self.name}"
        error = UsageError(f"not a cron expression: {what}", why=why, hint=hint)
        error.add_note(drawing(self.text, self.start, self.end))
        raise error


def drawing(text: str, start: int, end: int) -> str:
    """Return two lines: the text, cut to what surrounds the stretch, and carets under the stretch."""
    skipped = 0 if len(text) <= DRAWN else max(0, min(start - DRAWN // 4, len(text) - DRAWN + 1))
    left = "…" if skipped else ""
    cut = text[skipped : skipped + DRAWN - len(left)]
    right = "…" if skipped + len(cut) < len(text) else ""
    shown = "".join(char if " " <= char <= "~" else "?" for char in cut[: len(cut) - len(right)])
    carets = "^" * max(1, min(end - start, DRAWN // 2))
    return f"{left}{shown}{right}\n{' ' * (start - skipped + len(left))}{carets}"
