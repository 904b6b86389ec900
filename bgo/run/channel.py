"""The channel between a supervisor and a child: JSON frames with a length in front, over one stream socket.

A frame is a JSON object with its kind under "t", sent as a 4-byte big-endian length and that many bytes of JSON.
What arrives is foreign: a length beyond the limit, bytes that are not JSON, or JSON that is not a frame end the
channel, and nothing is allocated on the word of the other side beyond the limit.
"""

from __future__ import annotations

import json
import os
import threading
from typing import Any

Frame = dict[str, Any]

FRAME_LIMIT = 16 << 20
"""Largest frame in bytes of JSON: an input, a checkpoint and a chain's outputs of 1 MiB each fit many times."""
_HEADER = 4
_BUFFER = 64 << 10


class ChannelClosed(Exception):
    """The other side is gone: nothing more will come and nothing can be sent."""


class WireError(Exception):
    """Something that is not a frame was received, or a frame too large for the wire was to be sent."""


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False).encode
_decode = json.JSONDecoder(parse_constant=_no_constant).raw_decode


def encode(frame: Frame) -> bytes:
    """Return a frame as it travels; raises WireError when it is no JSON or larger than the wire takes."""
    try:
        body = _encode(frame).encode("ascii")
    except (ValueError, TypeError, RecursionError) as error:
        raise WireError(f"the frame is not JSON: {error}") from None
    if len(body) > FRAME_LIMIT:
        raise WireError(f"the frame has {len(body):,} bytes; the wire takes {FRAME_LIMIT:,}")
    return len(body).to_bytes(_HEADER, "big") + body


def decode(body: bytes | bytearray | memoryview) -> Frame:
    """Return the frame in `body`; raises WireError when there is none."""
    try:
        text = str(body, "utf-8")
        frame, end = _decode(text)
    except (ValueError, RecursionError) as error:
        raise WireError(f"the frame is not JSON: {error}") from None
    if end != len(text) or type(frame) is not dict or type(frame.get("t")) is not str:
        raise WireError("the frame is not an object with its kind under 't'")
    return frame


class Channel:
    """One end of the wire. It owns `fd` and is as blocking as `fd` is.

    On a blocking end `send` returns when all is sent; any thread may call it. On a non-blocking end what does not go
    out at once is kept: while `wants_write`, call `flush` when the socket takes more. `receive` is for one thread
    at a time.
    """

    def __init__(self, fd: int, unread: bytes = b"") -> None:
        self._fd = fd
        self._blocking = os.get_blocking(fd)
        self._lock = threading.Lock()
        self._out = bytearray()
        self._in = bytearray(max(_BUFFER, len(unread)))
        self._in[: len(unread)] = unread
        self._start, self._end = 0, len(unread)
        self._broken: WireError | None = None

    def fileno(self) -> int:
        """Return the file descriptor, -1 once closed."""
        return self._fd

    @property
    def wants_write(self) -> bool:
        """Say whether something waits to be sent."""
        return bool(self._out)

    @property
    def unread(self) -> bytes:
        """Return what has been read from the socket and not yet been given out as frames."""
        return bytes(self._in[self._start : self._end])

    def send(self, frame: Frame) -> None:
        """Send a frame; raises ChannelClosed when nobody is there to read it."""
        data = encode(frame)
        with self._lock:
            if self._out:
                self._out += data
                return
            sent = self._write(data)
            if sent == len(data):
                return
            if not self._blocking:
                self._out += data[sent:]
                return
            while sent < len(data):
                sent += self._write(memoryview(data)[sent:])

    def flush(self) -> None:
        """Send what waits, as far as the socket takes it."""
        with self._lock:
            while self._out:
                sent = self._write(self._out)
                if sent == 0:
                    return
                del self._out[:sent]

    def _write(self, data: bytes | bytearray | memoryview) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise ChannelClosed(f"cannot send: {error.strerror}") from None

    def receive(self) -> list[Frame]:
        """Read once and return the frames that are complete by then, possibly none.

        Raises ChannelClosed at the end of the stream and WireError for what is not a frame; frames that came before
        it are returned first.
        """
        if self._broken is not None:
            raise self._broken
        with memoryview(self._in) as view:
            try:
                count = os.readv(self._fd, [view[self._end :]])
            except BlockingIOError:
                return []
            except OSError as error:
                raise ChannelClosed(f"cannot receive: {error.strerror}") from None
        if count == 0:
            raise ChannelClosed("the other side has closed the channel")
        self._end += count
        return self._take_frames()

    def take_unread(self) -> list[Frame]:
        """Return the complete frames among `unread` without reading."""
        return self._take_frames()

    def _take_frames(self) -> list[Frame]:
        frames: list[Frame] = []
        need = 0
        with memoryview(self._in) as view:
            while self._end - self._start >= _HEADER:
                body = self._start + _HEADER
                size = int.from_bytes(view[self._start : body], "big")
                try:
                    if size > FRAME_LIMIT:
                        raise WireError(f"a frame of {size:,} bytes was announced; the wire takes {FRAME_LIMIT:,}")
                    if self._end - body < size:
                        need = _HEADER + size
                        break
                    frames.append(decode(view[body : body + size]))
                except WireError as error:
                    self._broken = error
                    if frames:
                        return frames
                    raise
                self._start = body + size
        self._make_room(need)
        return frames

    def _make_room(self, need: int) -> None:
        """Leave space behind what is unread, for a frame of `need` bytes in all."""
        if self._start == self._end:
            self._start = self._end = 0
            if len(self._in) > _BUFFER:
                self._in = bytearray(_BUFFER)
        elif self._end == len(self._in) or self._start + need > len(self._in):
            rest = self._in[self._start : self._end]
            self._in = bytearray(max(_BUFFER, need))
            self._in[: len(rest)] = rest
            self._start, self._end = 0, len(rest)

    def close(self) -> None:
        """Close this end; the other side sees the end of the stream."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
