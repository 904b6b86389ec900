"""The output of a command, in constant memory: progress lines are taken out, the rest passes, the end is kept."""

from __future__ import annotations

import re

PREFIX = b"bgo:progress "
LINE_LIMIT = 4096
"""A longer line is no progress line, whatever it starts with."""
TAIL_BYTES = 4096
_PROGRESS = re.compile(rb"bgo:progress +([0-9]*\.?[0-9]+)(?:[ \t]+(.*))?")


class Sieve:
    """Takes lines `bgo:progress 0.4 text` out of a stream of bytes.

    Nothing is held back but the start of what may still become such a line: a prompt without a newline passes at once.
    """

    def __init__(self) -> None:
        self.progress: list[tuple[float, str]] = []
        self._held = b""
        self._at_line_start = True

    def feed(self, data: bytes) -> bytes:
        """Take more of the stream; return what is to be passed on. New progress is appended to `progress`."""
        data = self._held + data
        self._held = b""
        passed: list[bytes] = []
        start = 0
        search = 0
        while (found := data.find(PREFIX, search)) >= 0:
            if not self._starts_line(data, found):
                search = found + 1
                continue
            end = data.find(b"\n", found)
            if end < 0:
                passed.append(data[start:found])
                return b"".join(passed) + self._hold(data[found:])
            if self._take(data[found:end]):
                passed.append(data[start:found])
                start = end + 1
            search = end + 1
        rest = data[start:]
        keep = self._maybe_prefix(rest, at_start=start > 0 or self._at_line_start)
        passed.append(rest[: len(rest) - keep])
        self._at_line_start = self._ends_line(data, len(data) - keep)
        self._held = rest[len(rest) - keep :]
        return b"".join(passed)

    def finish(self) -> bytes:
        """Return what is left at the end of the stream."""
        held, self._held = self._held, b""
        return b"" if held.startswith(PREFIX) and self._take(held) else held

    def _hold(self, line: bytes) -> bytes:
        """Keep an unfinished progress line, unless it is too long to be one: then it passes."""
        if len(line) <= LINE_LIMIT:
            self._held = line
            self._at_line_start = True
            return b""
        self._at_line_start = False
        return line

    def _starts_line(self, data: bytes, place: int) -> bool:
        return self._at_line_start if place == 0 else data[place - 1] == 0x0A

    def _ends_line(self, data: bytes, place: int) -> bool:
        return self._at_line_start if place == 0 else data[place - 1] == 0x0A

    @staticmethod
    def _maybe_prefix(rest: bytes, *, at_start: bool) -> int:
        """Return the length of the last, unfinished line if it may yet become a progress line, else 0."""
        newline = rest.rfind(b"\n", max(0, len(rest) - len(PREFIX)))
        if newline < 0 and (not at_start or len(rest) >= len(PREFIX)):
            return 0
        tail = rest[newline + 1 :]
        return len(tail) if PREFIX.startswith(tail) else 0

    def _take(self, line: bytes) -> bool:
        match = _PROGRESS.fullmatch(line.rstrip(b"\r")) if len(line) <= LINE_LIMIT else None
        if match is None:
            return False
        self.progress.append((float(match[1]), (match[2] or b"").decode("utf-8", "replace")))
        return True


class Tail:
    """Keeps the last few KiB of a stream."""

    def __init__(self, limit: int = TAIL_BYTES) -> None:
        self._limit = limit
        self._kept = b""

    def feed(self, data: bytes) -> None:
        """Take more of the stream."""
        if data:
            self._kept = (self._kept + data[-self._limit :])[-self._limit :]

    def text(self) -> str:
        """Return the end of the stream; bytes that are not UTF-8 are replaced, half a character in front is dropped."""
        kept = self._kept
        if len(kept) == self._limit:
            cut = 0
            while cut < 3 and kept[cut] & 0xC0 == 0x80:
                cut += 1
            kept = kept[cut:]
        return kept.decode("utf-8", "replace")

    def last_line(self) -> str:
        """Return the last line that says something, cut to 200 characters."""
        lines = [line.strip() for line in self.text().splitlines() if line.strip()]
        return lines[-1][-200:] if lines else ""
