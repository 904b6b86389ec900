"""Ids as people type them: whole, any unique prefix of at least four characters, or @last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from bgo.errors import AmbiguousError, NotFoundError, UsageError
from bgo.ids import LENGTH, MIN_PREFIX, looks_like_id
from bgo.model.task import Task

if TYPE_CHECKING:
    from bgo.model.query import Selector
    from bgo.store.port import Session

LAST = "@last"
_CANDIDATES = 5


def task_id(session: Session, word: str) -> str:
    """Return the one id that `word` means.

    Raises NotFoundError when nothing fits, AmbiguousError (with up to five candidates) when several do.
    """
    word = str(word).lower()  # a program may hand over None
    if word == LAST:
        newest = session.tasks.newest(1)
        if not newest:
            raise NotFoundError(
                "@last: there is no task yet", why="it is the newest task", hint="bgo enqueue echo message=hello"
            )
        return newest[0]
    if not looks_like_id(word) or len(word) < MIN_PREFIX:
        raise UsageError(
            f"not an id: {word[:40]!r}",
            why=f"an id starts with a digit; at least {MIN_PREFIX} of its {LENGTH} characters are needed",
            hint="bgo tasks lists the ids; @last is the newest",
        )
    found = session.tasks.find_prefix(word, _CANDIDATES + 1)
    if not found:
        raise NotFoundError(f"no task {word}", why="no id starts with that", hint="bgo tasks lists the ids")
    if len(found) > 1:
        more = " …" if len(found) > _CANDIDATES else ""
        raise AmbiguousError(
            f"{word} could be {len(found)}{'+' if more else ''} tasks",
            why=", ".join(found[:_CANDIDATES]) + more,
            hint="give more characters of the id",
        )
    return found[0]


def task(session: Session, word: str) -> Task:
    """Return the task that `word` means."""
    found = session.tasks.find(task_id(session, word))
    if found is None:
        raise NotFoundError(f"no task {word}", hint="bgo tasks lists the ids")
    return found


def selector(session: Session, wanted: Selector) -> Selector:
    """Return the selector with its ids made whole; every id and every queue must exist."""
    for queue in wanted.queues:
        known_queue(session, queue)
    ids, under = (tuple(task_id(session, word) for word in words) for words in (wanted.ids, wanted.under))
    return replace(wanted, ids=ids, under=under)


def checked(wanted: Selector, verb: str) -> Selector:
    """Return the selector, or raise UsageError when it narrows nothing and `match_all` is not set."""
    if wanted.is_empty and not wanted.match_all:
        raise UsageError(
            f"{verb} what?",
            why="no id, --name, --tag, --queue or --state was given",
            hint=f"bgo {verb} ID, or --all for everything",
        )
    return wanted


def known_queue(session: Session, name: str) -> str:
    """Return a queue's name, or raise NotFoundError: a typo must not create a queue."""
    names = session.queues.names()
    if name not in names:
        raise NotFoundError(
            f"no queue {name!r}",
            why=f"the queues are {', '.join(names)}",
            hint=_near(name, names) or f"bgo queues add {name} makes it",
        )
    return name


def _near(word: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches  # only on the error path: enqueue stays fast

    near = get_close_matches(word, list(names), 1)
    return f"did you mean {near[0]}?" if near else ""
