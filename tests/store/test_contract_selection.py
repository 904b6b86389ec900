"""The contract of every store: finding tasks by what people type; every word is only a word."""

from __future__ import annotations

from bgo.model.query import Selector
from bgo.model.state import State
from bgo.store.port import Store
from tests.build import START, a_spec
from tests.store import drive

HOUR = 3_600_000


def test_prefixes_find_what_starts_with_them(store: Store) -> None:
    ids = ["1abc00000000", "1abd00000000", "2abc00000000"]
    drive.enqueue(store, *(a_spec(id=i) for i in ids))
    with store.read() as session:
        assert session.tasks.find_prefix("1ab", 9) == ids[:2]
        assert session.tasks.find_prefix("1ab", 1) == ids[:1]
        assert session.tasks.find_prefix("1abd", 9) == [ids[1]]
        assert session.tasks.find_prefix("3", 9) == []


def select(store: Store, **fields: object) -> list[int]:
    with store.read() as session:
        return [t.seq for t in session.tasks.select(Selector(**fields), limit=99)]  # type: ignore[arg-type]


def test_every_field_of_a_selector_narrows(store: Store) -> None:
    a, b, c = (
        a_spec("work", tags=("x", "y"), id="1aaaaaaaaaaa"),
        a_spec("work", tags=("x",), queue="low", id="2aaaaaaaaaaa"),
        a_spec("play", tags=("y",), id="2bbbbbbbbbbb"),
    )
    drive.enqueue(store, a)
    drive.enqueue(store, b, c, now=START + HOUR)
    drive.cancel(store, [c.id])
    assert select(store) == [3, 2, 1]
    assert select(store, names=("work",)) == [2, 1]
    assert select(store, names=("play", "nothing")) == [3]
    assert select(store, tags=("x",)) == [2, 1]
    assert select(store, tags=("x", "y")) == [1]
    assert select(store, queues=("low",)) == [2]
    assert select(store, states=(State.CANCELLED, State.RUNNING)) == [3]
    assert select(store, since=START + 1) == [3, 2]
    assert select(store, until=START + 1) == [1]
    assert select(store, ids=("2", "1aaaaaaaaaaa")) == [3, 2, 1]
    assert select(store, ids=("2b",), names=("work",)) == []


def test_a_selection_pages_by_seq(store: Store) -> None:
    drive.enqueue(store, *(a_spec() for _ in range(5)))
    with store.read() as session:
        first = session.tasks.select(Selector(), limit=2)
        second = session.tasks.select(Selector(), limit=2, before=first[-1].seq)
    assert [t.seq for t in first + second] == [5, 4, 3, 2]


HOSTILE = [
    quote + body
    for quote in ("", "'", '"', "`", "')", "%", "_", "\\", "\0", "x' ")
    for body in (
        "", "OR 1=1 --", "; DROP TABLE task; --", "UNION SELECT 1,2,3", "' AND sleep(5)#", "%' OR '1'='1", "?1", ":a",
        "@a", "$a", "/*", "*/", "0x31", "char(49)", "{{7*7}}", "..", "NULL", "\u202e", "é́", "𝟙", "]]>", "\x1b[0m",
        "~", "{", "[", "a" * 10_000, "randomblob(1e9)", "load_extension('x')", "sqlite_version()",
    )
]  # fmt: skip


def test_hostile_words_are_only_words(store: Store) -> None:
    (kept,) = drive.enqueue(store, a_spec(tags=("x",)))
    with store.read() as session:
        for word in HOSTILE:
            for field in ("ids", "names", "tags", "queues"):
                if word or field != "ids":
                    assert session.tasks.select(Selector(**{field: (word,)}), limit=9) == [], (field, word)
                    found = session.records.select(Selector(**{field: (word,)}), runs_only=False, limit=9)
                    assert found == [], (field, word)
            assert session.tasks.find(word) is None
            assert not word or session.tasks.find_prefix(word, 9) == []
    assert drive.ids(store) == {kept}
