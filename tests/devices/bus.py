"""A service on a private D-Bus: just enough of the protocol to answer GetAll, in plain Python.

https://dbus.freedesktop.org/doc/dbus-specification.html: little-endian, one connection, method calls and replies only.
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

Values = dict[str, tuple[str, Any]]
"""Property → signature and value; signatures are those of `_put`."""
CALL, REPLY, ERROR = 1, 2, 3
PATH, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE = 1, 3, 4, 5, 6, 7, 8


def _pad(data: bytearray, to: int) -> None:
    data += b"\0" * (-len(data) % to)


def _put(data: bytearray, kind: str, value: Any) -> None:
    if kind in "uitxbd":
        size = 8 if kind in "txd" else 4
        _pad(data, size)
        data += struct.pack({"u": "<I", "i": "<i", "b": "<I", "t": "<Q", "x": "<q", "d": "<d"}[kind], value)
    elif kind in "so":
        _pad(data, 4)
        data += struct.pack("<I", len(value.encode())) + value.encode() + b"\0"
    elif kind == "g":
        data += bytes([len(value)]) + value.encode() + b"\0"
    elif kind == "ay":
        _pad(data, 4)
        data += struct.pack("<I", len(value)) + value
    else:
        raise AssertionError(kind)


def _array(items: list[bytearray]) -> bytearray:
    """Return an array of structs or dict entries: each starts at a multiple of 8."""
    body = bytearray()
    for item in items:
        _pad(body, 8)
        body += item
    return body


def _properties(values: Values) -> bytes:
    """Return an a{sv}. Its entries begin at offset 8, so what is aligned in an entry is aligned in the message."""
    body = bytearray()
    for name, (kind, value) in values.items():
        _pad(body, 8)
        _put(body, "s", name)
        _put(body, "g", kind)
        _put(body, kind, value)
    return struct.pack("<I", len(body)) + b"\0" * 4 + bytes(body)


def _message(kind: int, serial: int, fields: list[tuple[int, str, Any]], body: bytes = b"") -> bytes:
    items = []
    for code, signature, value in fields:
        item = bytearray([code])
        _put(item, "g", signature)
        _put(item, signature, value)
        items.append(item)
    head = _array(items)
    data = bytearray(struct.pack("<cBBBIII", b"l", kind, 0, 1, len(body), serial, len(head))) + head
    _pad(data, 8)
    return bytes(data) + body


class Peer:
    """One connection to the bus."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(address)
        self._file = self._socket.makefile("rb")
        self._serial = 0
        self._socket.sendall(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
        assert self._file.readline().startswith(b"OK")
        self._socket.sendall(b"BEGIN\r\n")
        self._call("Hello", "", b"")

    def own(self, name: str) -> None:
        body = bytearray()
        _put(body, "s", name)
        _put(body, "u", 0)
        self._call("RequestName", "su", bytes(body))

    def _call(self, member: str, signature: str, body: bytes) -> None:
        bus = "org.freedesktop.DBus"
        fields = [(PATH, "o", "/org/freedesktop/DBus"), (MEMBER, "s", member), (DESTINATION, "s", bus), (2, "s", bus)]
        fields += [(SIGNATURE, "g", signature)] if signature else []
        self._serial += 1
        self._socket.sendall(_message(CALL, self._serial, fields, body))
        while (found := self.read()) is not None and found[0] != REPLY:
            assert found[0] != ERROR, found
        assert found is not None

    def read(self) -> tuple[int, int, dict[int, Any], bytes] | None:
        """Return kind, serial, the header's texts by code, and the body; None once the bus has gone."""
        start = self._file.read(16)
        if len(start) < 16:
            return None
        _, kind, _, _, size, serial, length = struct.unpack("<cBBBIII", start)
        head = self._file.read(length + -length % 8)
        fields: dict[int, Any] = {}
        at = 0
        while at < length:
            at += -at % 8
            code, signature = head[at], chr(head[at + 2])
            at += 4
            if signature == "u":
                at += 4
                continue
            length_of = head[at] if signature == "g" else struct.unpack_from("<I", head, at)[0]
            at += 1 if signature == "g" else 4
            fields[code] = head[at : at + length_of].decode()
            at += length_of + 1
        return kind, serial, fields, self._file.read(size)

    def serve(self, objects: dict[tuple[str, str], Values]) -> None:
        """Answer GetAll until the bus goes."""
        try:
            while (found := self.read()) is not None:
                kind, serial, fields, body = found
                if kind != CALL:
                    continue
                interface = body[4:-1].decode()
                values = objects.get((fields[PATH], interface))
                to = [(REPLY_SERIAL, "u", serial), (DESTINATION, "s", fields[SENDER])]
                self._serial += 1
                if values is None:
                    name = [(ERROR_NAME, "s", "org.freedesktop.DBus.Error.UnknownObject")]
                    self._socket.sendall(_message(ERROR, self._serial, to + name))
                else:
                    answer = _message(REPLY, self._serial, [*to, (SIGNATURE, "g", "a{sv}")], _properties(values))
                    self._socket.sendall(answer)
        except OSError:
            pass

    def close(self) -> None:
        self._socket.close()
        self._file.close()


class Bus:
    """A private bus, which plays the system's; services are added to it."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._peers: list[Peer] = []

    def serve(self, name: str, objects: dict[tuple[str, str], Values]) -> None:
        peer = Peer(self._address)
        peer.own(name)
        self._peers.append(peer)
        threading.Thread(target=peer.serve, args=(objects,), daemon=True).start()

    def own_silently(self, name: str) -> None:
        """Take a name and never answer."""
        peer = Peer(self._address)
        peer.own(name)
        self._peers.append(peer)

    def close(self) -> None:
        for peer in self._peers:
            peer.close()


@contextmanager
def private_bus(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    """Start dbus-daemon and make it the system bus of whoever asks; skip where there is none."""
    for program in ("dbus-daemon", "busctl"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    address = folder / "bus"
    words = ["dbus-daemon", "--session", f"--address=unix:path={address}", "--nofork", "--print-address"]
    daemon = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        with daemon.stdout as out:  # type: ignore[union-attr]
            assert out.readline()  # it prints its address once it listens
            monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={address}")
            bus = Bus(str(address))
            try:
                yield bus
            finally:
                daemon.kill()
                daemon.wait()
                bus.close()
    finally:
        daemon.kill()
        daemon.wait()
