"""Foreign text on its way to the store: of bounded size, and always encodable."""

from __future__ import annotations


def clip(text: str, limit: int) -> str:
    """Return `text` as at most `limit` bytes of UTF-8: head and tail are kept, and a note says what is missing.

    Lone surrogates, which UTF-8 cannot carry, become backslash escapes.
    """
    if len(text) * 4 <= limit and text.isascii():
        return text
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= limit:
        return data.decode("utf-8")
    note = f"\n… {len(data) - limit:,} bytes left out …\n"
    room = max(0, limit - len(note.encode()) - 8)  # 8: the count may grow a digit, a cut may fall inside a character
    head = data[: room // 2].decode("utf-8", "ignore")
    tail = data[len(data) - (room - room // 2) :].decode("utf-8", "ignore")
    return head + note + tail
