"""Where a store may lie: a private directory, a plain file of our own, on a local file system."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from bgo.errors import PermissionRefusedError, StoreError

NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph", "fuse.glusterfs", "lustre"}
)
FORCE = "BGO_ALLOW_NETWORK_STORE"


def lock_path(path: Path) -> Path:
    """Return the turnstile's file of a store."""
    return path.with_name(path.name + ".lock")


def prepare(path: Path) -> None:
    """Make the store's directory (0700) and an empty file (0600) if they are missing, and refuse unsafe ones.

    Raises PermissionRefusedError for symlinks, foreign owners and group- or world-writable places, StoreError when
    the directory cannot be made or lies on a network file system.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_directory(path.parent)
        try:
            info = os.lstat(path)
        except FileNotFoundError:
            _refuse_network(path)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
            return
    except OSError as error:
        kind = PermissionRefusedError if isinstance(error, PermissionError) else StoreError
        raise kind(
            f"cannot use {path} as a store", why=error.strerror or str(error), hint="choose another --store or BGO_HOME"
        ) from error
    _check_file(path, info)


def _check_directory(folder: Path) -> None:
    info = folder.stat()
    sticky = info.st_mode & stat.S_ISVTX
    if info.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not sticky:
        raise PermissionRefusedError(
            f"others may write to {folder}",
            why=f"its mode is {stat.S_IMODE(info.st_mode):o}: whoever can replace the store can run your handlers",
            hint=f"chmod go-w {folder}",
        )


def _check_file(path: Path, info: os.stat_result) -> None:
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
    if info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionRefusedError(
            f"others may write to {path}", why=f"its mode is {stat.S_IMODE(info.st_mode):o}", hint=f"chmod 600 {path}"
        )


def _refuse_network(path: Path) -> None:
    kind = file_system(path.parent)
    if kind in NETWORK_FILE_SYSTEMS and os.environ.get(FORCE) != "1":
        raise StoreError(
            f"{path} would lie on a network file system ({kind})",
            why="SQLite's locks are not reliable there: two machines could corrupt the store",
            hint=f"put the store on a local disk (--store, BGO_HOME), or set {FORCE}=1 at your own risk",
        )


def file_system(folder: Path) -> str:
    """Return the type of the file system that holds `folder`, or '' when the platform does not tell (Linux does)."""
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    target, best, kind = os.path.realpath(folder), "", ""
    for line in lines:
        fields = line.split(" ")
        mount = fields[4].replace("\\040", " ")
        inside = target == mount or target.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, fields[fields.index("-") + 1]
    return kind
