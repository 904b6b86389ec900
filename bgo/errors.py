"""The error tree: every expected failure, with its exit code and the next step for the user.

An error carries three lines: what failed (`message`), `why`, and `hint` (what to do next). The command line prints
them and exits with `exit_code`; a library caller catches the class. Anything that is not a `BgoError` is a bug.
"""

from __future__ import annotations

from typing import Self


class BgoError(Exception):
    """Something bgo refuses or cannot do, said in three lines."""

    exit_code = 1
    code = "failed"

    def __init__(self, message: str, *, why: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.why = why
        self.hint = hint

    def within(self, where: str) -> Self:
        """Return the same error, its message behind the name of where it came up."""
        made = type(self)(f"{where}: {self.message}", why=self.why, hint=self.hint)
        for note in getattr(self, "__notes__", ()):
            made.add_note(note)
        return made


class UsageError(BgoError):
    """The call itself is wrong: an unknown option value, bad data, a malformed name."""

    exit_code = 2
    code = "usage"


class NotFoundError(BgoError):
    """No task, handler, queue or plugin answers to that id or name."""

    exit_code = 3
    code = "not_found"


class AmbiguousError(NotFoundError):
    """An id prefix fits more than one thing."""

    code = "ambiguous"


class RefusedError(BgoError):
    """The thing exists, but its state forbids what was asked."""

    exit_code = 4
    code = "refused"


class TaskFailedError(BgoError):
    """A task that was waited for failed or was cancelled."""

    exit_code = 1
    code = "task_failed"


class WaitTimeoutError(BgoError):
    """A wait ended before the task did; the task goes on."""

    exit_code = 124
    code = "wait_timeout"


class StoreError(BgoError):
    """The store could not be read or written: full, damaged, or the disk failed."""

    exit_code = 74
    code = "store"


class StoreDamagedError(StoreError):
    """The store file is not a healthy bgo store."""

    code = "store_damaged"


class StoreFullError(StoreError):
    """The disk, a quota or a file-size limit stopped a write; nothing was half-written."""

    code = "store_full"


class UnknownCommitError(StoreError):
    """A commit ended in an I/O error: it may or may not have reached the disk. Look the ids up again."""

    code = "store_unknown_commit"


class StoreBusyError(BgoError):
    """Another process holds the store's write lock longer than we are willing to wait."""

    exit_code = 75
    code = "busy"


class PermissionRefusedError(BgoError):
    """The store or its directory is not safely ours: wrong owner, mode, or a symlink."""

    exit_code = 77
    code = "permission"


class ConfigError(BgoError):
    """The configuration, the schema version, or a required plugin is wrong."""

    exit_code = 78
    code = "config"


class NewerStoreError(ConfigError):
    """The store was written by a newer bgo."""

    code = "newer_store"


class ForkedStoreError(BgoError):
    """A store connection was used in a forked process; SQLite forbids it."""

    exit_code = 70
    code = "forked_store"


class IllegalTransitionError(BgoError):
    """A state × event pair that the state table does not know: a bug in bgo."""

    exit_code = 70
    code = "bug"
