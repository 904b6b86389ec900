"""Ids as people type them: whole, any unique prefix of at least four characters, or @last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bgo.errors import AmbiguousError, NotFoundError, RefusedError, UsageError
from bgo.ids import LENGTH, MIN_PREFIX, looks_like_id
from bgo.model.task import Task

if TYPE_CHECKING:
    from bgo.model.query import Selector
    from bgo.model.schedule import Schedule
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
        schedules = session.schedules.find_prefix(word, 1)
        if schedules:
            raise RefusedError(
                f"{schedules[0]} is a schedule",
                why="this is about what it has made, or about other tasks",
                hint=f"bgo schedules show {schedules[0]}; bgo tasks --schedule {schedules[0]}",
            )
        raise NotFoundError(f"no task {word}", why="no id starts with that", hint="bgo tasks lists the ids")
    if len(found) > 1:
        raise _ambiguous(word, found, "tasks", "give more characters of the id")
    return found[0]


def _ambiguous(word: str, found: Sequence[str], what: str, hint: str) -> AmbiguousError:
    more = " …" if len(found) > _CANDIDATES else ""
    return AmbiguousError(
        f"{word} could be {min(len(found), _CANDIDATES + 1)}{'+' if more else ''} {what}",
        why=", ".join(found[:_CANDIDATES]) + more,
        hint=hint,
    )


def schedules(session: Session, word: str) -> list[Schedule]:
    """Return the schedules that a word means: the one with this id (or unique beginning of one) or this key, else all
    that make tasks of this name, or of this handler. Raises NotFoundError, and AmbiguousError for an id."""
    if looks_like_id(word):
        ids = session.schedules.find_prefix(word, _CANDIDATES + 1) if len(word) >= MIN_PREFIX else []
        if len(ids) > 1:
            raise _ambiguous(word, ids, "schedules", "give more characters of the id")
        found = [each for each in (session.schedules.find(i) for i in ids) if each is not None]
    elif (keyed := session.schedules.find_key(word)) is not None:
        return [keyed]
    else:
        every = session.schedules.all()
        found = [s for s in every if s.name == word] or [s for s in every if s.handler == word]
    if not found:
        known = [name for s in session.schedules.all() for name in (s.key, s.name) if name]
        hint = _near(word, known) or "bgo schedules lists what there is"
        raise NotFoundError(f"no schedule {word:.60}", why="no id, key or name is that", hint=hint)
    return found


def schedule(session: Session, word: str) -> Schedule:
    """Return the one schedule that a word means. Raises AmbiguousError when several make tasks of this name."""
    found = schedules(session, word)
    if len(found) > 1:
        raise _ambiguous(word, [s.id for s in found], "schedules", "give an id or a key: bgo schedules")
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
    made_by = tuple(made for word in wanted.schedules for made in _makers(session, word))
    return replace(wanted, ids=ids, under=under, schedules=made_by)


def _makers(session: Session, word: str) -> list[str]:
    """Return the ids of the schedules that a word means; a whole id also of one that is gone."""
    if len(word) == LENGTH and looks_like_id(word) and session.schedules.find(word) is None:
        from bgo.model.query import Selector

        if session.tasks.select(Selector(schedules=(word,), kinds=()), limit=1):
            return [word]
    return [each.id for each in schedules(session, word)]


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
