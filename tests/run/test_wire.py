"""The wire: every outcome and start survives it, and nothing foreign does."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgo.model.handler import Source
from bgo.model.outcome import (
    CancelledRun,
    Crashed,
    Failed,
    Lost,
    Rejected,
    Released,
    RetryAsked,
    Snoozed,
    Succeeded,
    TaskError,
    TimedOut,
)
from bgo.model.state import Reason
from bgo.run.channel import decode, encode
from bgo.run.wire import (
    FRAME_LIMIT,
    Channel,
    ChannelClosed,
    StartFrame,
    WireError,
    outcome_from,
    outcome_json,
    start_from,
    start_json,
)

TEXT = st.text(st.characters(exclude_categories=()), max_size=40)
"""Any text a Python program may hold, lone surrogates too."""
STORABLE = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
INTS = st.integers(-(2**63), 2**63)
VALUES = st.recursive(
    st.none() | st.booleans() | INTS | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=5)
ERRORS = st.builds(TaskError, STORABLE, STORABLE, STORABLE, st.lists(STORABLE, max_size=4).map(tuple))
OUTCOMES = st.one_of(
    st.builds(Succeeded, st.none() | OBJECTS),
    st.builds(Failed, ERRORS, st.booleans()),
    st.builds(RetryAsked, st.none() | INTS, st.none() | ERRORS),
    st.builds(Snoozed, INTS),
    st.builds(TimedOut, INTS),
    st.builds(Crashed, st.none() | INTS, st.none() | INTS, STORABLE),
    st.just(CancelledRun()),
    st.builds(Lost, st.booleans(), st.booleans()),
    st.builds(Released, st.sampled_from(Reason), st.booleans()),
    st.builds(Rejected, ERRORS),
)
STARTS = st.builds(
    StartFrame,
    task_id=TEXT,
    run=INTS,
    attempt=INTS,
    name=TEXT,
    handler=TEXT,
    source=st.builds(Source, st.sampled_from(["entry", "plugin", "file", "flow"]), TEXT, TEXT),
    input=OBJECTS,
    argv=st.none() | st.lists(TEXT),
    env=st.none() | st.dictionaries(TEXT, TEXT),
    cwd=TEXT,
    tags=st.lists(TEXT),
    soft_ms=st.none() | INTS,
    hard_ms=st.none() | INTS,
    restored=VALUES,
    chain=OBJECTS,
    workdir=TEXT,
)


def over_the_wire(frame: dict[str, object]) -> dict[str, object]:
    return decode(encode(frame)[4:])


@given(OUTCOMES)
def test_every_outcome_survives_the_wire(outcome: object) -> None:
    assert outcome_from(over_the_wire({"t": "done", "o": outcome_json(outcome)})["o"]) == outcome


@given(STARTS)
def test_every_start_survives_the_wire(start: StartFrame) -> None:
    assert start_from(over_the_wire(start_json(start))) == start


@given(VALUES | OUTCOMES.map(outcome_json))
def test_an_outcome_is_either_read_or_refused(data: object) -> None:
    try:
        outcome_from(data)
    except WireError:
        pass


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"k": "done"},
        {"k": "succeeded", "output": [1]},
        {"k": "succeeded", "output": 3},
        {"k": "snoozed", "after_ms": True},
        {"k": "snoozed", "after_ms": 1.5},
        {"k": "failed", "error": None, "retry": True},
        {"k": "failed", "error": {"type": "E", "message": 1, "trace": "", "kinds": []}, "retry": True},
        {"k": "failed", "error": {"type": "E", "message": "", "trace": "", "kinds": [1]}, "retry": True},
        {"k": "failed", "error": {"type": "E", "message": "\ud800", "trace": "", "kinds": []}, "retry": True},
        {"k": "released", "reason": "bored", "started": True},
        {"k": ["succeeded"]},
        None,
        "succeeded",
    ],
)
def test_a_malformed_outcome_is_refused(data: object) -> None:
    with pytest.raises(WireError):
        outcome_from(data)


@pytest.mark.parametrize("frame", [{"t": "start"}, {"t": "start", "source": 3}, {"t": "start", "task_id": "0"}, {}])
def test_a_malformed_start_is_refused(frame: dict[str, object]) -> None:
    with pytest.raises(WireError):
        start_from(frame)


@pytest.fixture
def pair() -> Iterator[tuple[Channel, Channel]]:
    """A blocking end and a non-blocking one."""
    a, b = socket.socketpair()
    b.setblocking(False)
    ends = Channel(a.detach()), Channel(b.detach())
    yield ends
    for end in ends:
        end.close()


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


def raw(channel: Channel, data: bytes) -> None:
    os.write(channel.fileno(), data)


def test_several_frames_arrive_in_one_read_and_in_order(pair: tuple[Channel, Channel]) -> None:
    ours, theirs = pair
    frames = [{"t": "log", "n": n} for n in range(100)]
    for frame in frames:
        ours.send(frame)
    assert theirs.receive() == frames
    assert theirs.receive() == []  # nothing there, and nobody waits for it


@given(sizes=st.lists(st.integers(0, 200_000), min_size=1, max_size=5), step=st.integers(1, 70_000))
def test_frames_are_whole_however_the_bytes_come(sizes: list[int], step: int) -> None:
    a, b = socket.socketpair()
    reader, frames = Channel(b.detach()), [{"t": "log", "m": "x" * size} for size in sizes]
    data = b"".join(map(encode, frames))
    if len(data) // step > 2000:
        step = len(data) // 2000 + 1
    found = []
    for at in range(0, len(data), step):
        a.sendall(data[at : at + step])
        while len(found) < len(frames):
            a.setblocking(False)
            os.set_blocking(reader.fileno(), False)
            unread = reader.unread
            more = reader.receive()
            found += more
            if not more and reader.unread == unread:
                break
        a.setblocking(True)
    reader.close()
    a.close()
    assert found == frames


def test_what_does_not_fit_the_socket_is_kept_and_sent_later(pair: tuple[Channel, Channel]) -> None:
    reader, writer = pair
    frames = [{"t": "start", "m": "x" * 2_000_000, "n": n} for n in range(3)]
    for frame in frames:
        writer.send(frame)
    assert writer.wants_write
    found = []
    while len(found) < 3:
        writer.flush()
        found += reader.receive()
    assert found == frames
    assert not writer.wants_write


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff",  # 4 GiB are announced
        (FRAME_LIMIT + 1).to_bytes(4, "big"),
        b"GET / HTTP/1.1\r\n\r\n",
        framed(b""),
        framed(b"null"),
        framed(b"[]"),
        framed(b"{}"),
        framed(b'{"t":1}'),
        framed(b'{"t":"a"}}}'),
        framed(b'{"t":"a","x":NaN}'),
        framed(b"\xff\xfe\xfd"),
        framed(b"[" * 40_000),
        framed(b'{"t":"a","n":' + b"9" * 5000 + b"}"),
    ],
)
def test_hostile_bytes_are_refused_after_the_good_frames(pair: tuple[Channel, Channel], data: bytes) -> None:
    ours, theirs = pair
    raw(ours, encode({"t": "done"}) + data + encode({"t": "done"}))
    found = theirs.receive()
    assert found == [{"t": "done"}]
    with pytest.raises(WireError):
        theirs.receive()
    with pytest.raises(WireError):  # and stays refused
        theirs.receive()


def test_a_length_alone_makes_nobody_allocate_more_than_the_limit(pair: tuple[Channel, Channel]) -> None:
    ours, theirs = pair
    raw(ours, FRAME_LIMIT.to_bytes(4, "big"))
    assert theirs.receive() == []
    assert len(theirs._in) <= FRAME_LIMIT + 4


@given(st.binary(max_size=300))
def test_garbage_is_a_frame_or_refused(data: bytes) -> None:
    try:
        frame = decode(data)
    except WireError:
        return
    assert type(frame["t"]) is str
    assert json.loads(data) == frame


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object(), b"x"])
def test_only_json_is_sent(pair: tuple[Channel, Channel], value: object) -> None:
    with pytest.raises(WireError):
        pair[0].send({"t": "log", "value": value})
    assert pair[1].receive() == []


def test_a_frame_beyond_the_limit_is_not_sent(pair: tuple[Channel, Channel]) -> None:
    with pytest.raises(WireError):
        pair[1].send({"t": "start", "input": "x" * FRAME_LIMIT})
    assert not pair[1].wants_write


def test_the_end_of_the_stream_is_told_after_the_last_frame(pair: tuple[Channel, Channel]) -> None:
    ours, theirs = pair
    ours.send({"t": "done"})
    ours.close()
    assert theirs.receive() == [{"t": "done"}]
    with pytest.raises(ChannelClosed):
        theirs.receive()
    with pytest.raises(ChannelClosed):
        theirs.send({"t": "exit"})
    with pytest.raises(ChannelClosed):
        ours.send({"t": "done"})
