"""Payloads: immutable bytes behind a codec. Codec 0 keeps them as they are."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from bgo.errors import StoreDamagedError
from bgo.store.faults import reads

if TYPE_CHECKING:
    from bgo.model.outcome import TaskError

IDENTITY = 0

NEXT = "SELECT coalesce(max(id), 0) + 1 FROM payload"
PUT = "INSERT INTO payload (id, codec, bytes) VALUES (?, 0, ?)"
PUT_ONE = "INSERT INTO payload (codec, bytes) VALUES (0, ?) RETURNING id"
GET = "SELECT codec, bytes FROM payload WHERE id = ?"
DROP = "DELETE FROM payload WHERE id = ?"


class SqlPayloads:
    """See `port.Payloads`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def put(self, data: bytes) -> int:
        (number,) = self._db.execute(PUT_ONE, (data,)).fetchone()
        return int(number)

    def put_many(self, items: Sequence[bytes]) -> range:
        first = self._next()
        numbers = range(first, first + len(items))
        self._db.executemany(PUT, zip(numbers, items, strict=True))
        return numbers

    def _next(self) -> int:
        return int(self._db.execute(NEXT).fetchone()[0])

    def get(self, payload: int) -> bytes:
        row = self._db.execute(GET, (payload,)).fetchone()
        if row is None or row[0] != IDENTITY:
            raise StoreDamagedError(
                f"payload {payload} cannot be read",
                why="it is missing" if row is None else f"this bgo does not know codec {row[0]}",
                hint="bgo store check",
            )
        return bytes(row[1])

    @reads("an error")
    def error(self, payload: int | None) -> TaskError | None:
        if payload is None:
            return None
        from bgo.model.outcome import TaskError  # enqueue reads no errors

        data = json.loads(self.get(payload))
        return TaskError(data["type"], data["message"], data.get("trace", ""), tuple(data.get("kinds", ())))

    def drop(self, payloads: Collection[int]) -> None:
        self._db.executemany(DROP, [(p,) for p in payloads])
