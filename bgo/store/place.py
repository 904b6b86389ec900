"""Where a store may lie: a private directory, a plain file of our own, on a local file system."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

from bgo.errors import BgoError, PermissionRefusedError, StoreDamagedError, StoreError, StoreFullError

NETWORK_FILE_SYSTEMS = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.curlftpfs", "fuse.davfs2", "fuse.gcsfuse",
    "fuse.glusterfs", "fuse.juicefs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "fuse.vmhgfs-fuse", "gpfs", "lustre",
    "ncpfs", "nfs", "nfs4", "orangefs", "prl_fs", "smb3", "smbfs", "vboxsf",
})  # fmt: skip
FORCE = "BGO_ALLOW_NETWORK_STORE"
MOUNTS = Path("/proc/self/mountinfo")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_MARGIN = 64 << 10

Identity = tuple[int, int]
"""Device and inode of a file: what tells it from another one of the same name."""


def lock_path(path: Path) -> Path:
    """Return the turnstile's file of a store."""
    return path.with_name(path.name + ".lock")


def wal_path(path: Path) -> Path:
    """Return the write-ahead log that SQLite keeps beside a store."""
    return path.with_name(path.name + "-wal")


def identity(path: Path) -> Identity | None:
    """Return the file's identity, or None when there is none."""
    try:
        info = path.stat()
    except OSError:
        return None
    return info.st_dev, info.st_ino


def prepare(path: Path) -> Identity:
    """Make the store's directory (0700) and an empty file (0600) if they are missing, and refuse unsafe ones.

    Raises PermissionRefusedError for symlinks, further hard links, foreign owners and group- or world-writable places,
    StoreDamagedError for an emptied store, StoreError when the directory cannot be made or lies on a network file
    system. Returns the file's identity, to be compared once SQLite has opened it.
    """
    try:
        _make_folder(path.parent)
        _check_folder(path.parent)
        _refuse_network(path)
        for beside in (wal_path(path), path.with_name(path.name + "-shm"), lock_path(path)):
            _check_beside(beside)
        # The log is looked at first: a store that is just being born never has one while it is empty.
        log = size(wal_path(path))
        info = _create(path)
        _check_file(path, info)
        if info.st_size == 0 and log > 0:
            raise StoreDamagedError(
                f"the store is empty, but its log is not: {path}",
                why="the file was emptied or replaced; opening it would delete what is left in the log",
                hint=f"restore a backup, or move {path} and {wal_path(path).name} away to start afresh",
            )
        return info.st_dev, info.st_ino
    except OSError as error:
        raise unusable(path, error) from error


def unusable(path: Path, error: OSError) -> BgoError:
    """Return the error for a place that the operating system refused."""
    why = error.strerror or str(error)
    if error.errno in _NO_ROOM:
        return StoreFullError(f"the store cannot grow: {path}", why=why, hint="free some space on that file system")
    refused = isinstance(error, PermissionError) or error.errno in (errno.EROFS, errno.ELOOP)
    kind = PermissionRefusedError if refused else StoreError
    return kind(f"cannot use {path} as a store", why=why, hint="choose another --store or BGO_HOME")


def _make_folder(folder: Path) -> None:
    """Make every missing folder private: `parents=True` would leave those above to the umask."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not folder.is_dir():
            raise


def _check_folder(folder: Path) -> None:
    info, link = folder.stat(), os.lstat(folder)
    for owner in {info.st_uid, link.st_uid} - {0, os.geteuid()}:
        raise PermissionRefusedError(
            f"{folder} belongs to another user",
            why=f"its owner is uid {owner}, who could replace the store and so run your handlers",
            hint="use a folder of your own (--store, BGO_HOME)",
        )
    sticky = info.st_mode & stat.S_ISVTX
    if info.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not sticky:
        raise PermissionRefusedError(
            f"others may write to {folder}",
            why=f"its mode is {stat.S_IMODE(info.st_mode):o}: whoever can replace the store can run your handlers",
            hint=f"chmod go-w {folder}",
        )


def _create(path: Path) -> os.stat_result:
    """Return the file's status without following a link, making an empty private file first if there is none."""
    try:
        return os.lstat(path)
    except FileNotFoundError:
        pass
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except FileExistsError:  # another process was quicker
        return os.lstat(path)
    try:
        return os.fstat(fd)
    finally:
        os.close(fd)


def size(path: Path) -> int:
    """Return the bytes of a file, 0 when there is none."""
    try:
        return os.lstat(path).st_size
    except FileNotFoundError:
        return 0


def _check_beside(path: Path) -> None:
    """Refuse a planted log or lock: SQLite would play a stranger's log into the store."""
    try:
        info = os.lstat(path)
    except FileNotFoundError:
        return
    _check_plain(path, info)


def _check_plain(path: Path, info: os.stat_result) -> None:
    if not stat.S_ISREG(info.st_mode):
        raise PermissionRefusedError(
            f"{path} is not a plain file", why="a symlink or device is never opened as a store", hint="name the file"
        )
    if info.st_uid != os.geteuid():
        raise PermissionRefusedError(
            f"{path} belongs to another user",
            why=f"its owner is uid {info.st_uid}, you are uid {os.geteuid()}",
            hint="use your own store, or run bgo as its owner",
        )


def _check_file(path: Path, info: os.stat_result) -> None:
    _check_plain(path, info)
    if info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionRefusedError(
            f"others may write to {path}", why=f"its mode is {stat.S_IMODE(info.st_mode):o}", hint=f"chmod 600 {path}"
        )
    if info.st_nlink > 1:
        raise PermissionRefusedError(
            f"{path} has a second name",
            why="a store opened under two names (hard links) has two logs, which corrupts it",
            hint=f"remove the other link: find / -xdev -inum {info.st_ino}",
        )


def _refuse_network(path: Path) -> None:
    kind = file_system(path.parent)
    if kind in NETWORK_FILE_SYSTEMS and os.environ.get(FORCE) != "1":
        raise StoreError(
            f"{path} lies on a network file system ({kind})",
            why="SQLite's locks are not reliable there: two machines could corrupt the store",
            hint=f"put the store on a local disk (--store, BGO_HOME), or set {FORCE}=1 at your own risk",
        )


def file_system(folder: Path) -> str:
    """Return the type of the file system that holds `folder`, or '' when the platform does not tell (Linux does)."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    target, best, kind = os.path.realpath(folder), "", ""
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 7 or "-" not in fields:
            continue
        mount = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), fields[4])
        inside = target == mount or target.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, fields[fields.index("-") + 1]
    return kind


def is_writable(path: Path) -> bool:
    """Say whether this user may write the store and beside it."""
    return os.access(path.parent, os.W_OK | os.X_OK) and (not path.exists() or os.access(path, os.R_OK | os.W_OK))


def is_full(path: Path) -> bool:
    """Say whether a refused write was for want of room (disk, quota, file-size limit) and not a failing disk."""
    import resource

    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if limit != resource.RLIM_INFINITY and max(size(path), size(wal_path(path))) + _MARGIN >= limit:
        return True
    probe = path.with_name(f".{path.name}.probe-{os.getpid()}")
    try:
        fd = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            if os.write(fd, b"\1" * _MARGIN) < _MARGIN:
                return True
            os.fsync(fd)
        finally:
            os.close(fd)
            probe.unlink()
    except OSError as error:
        return error.errno in _NO_ROOM
    return False
